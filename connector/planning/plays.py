"""Account plays: who of an account's people stands for each role that a play wants to reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from connector.acting.configured import role_name
from connector.job import Job
from connector.matching.linked import has_accounts, linked_people
from connector.models import Line
from connector.settings.acting import Action
from connector.tables import MIRROR, tables_of

Cast = Mapping[str, Mapping[str, "RolePlayer"]]  # by account, then by role in lower case


@dataclass(frozen=True)
class RolePlayer:
    """Name the contact who stands for a role."""

    role: str
    object: str
    record_id: str


def cast_of(engine: duckdb.DuckDBPyConnection, job: Job, line: Line, actions: Sequence[Action]) -> Cast:
    """Find the best-scored contact of each role that the plays of an account model name, by account and role.

    A role is what the CRM says (buying_role, several divided by ;), else the seniority. Scores are those of the model
    that the accounts roll up, else of the primary one of people; ties go by id. Who is suppressed, disqualified or
    gated does not count,
    nor is a task about somebody who wants none.
    """
    wanted = sorted({role_name(role) for action in actions for role in action.roles or ()})
    columns = job.lake.columns("people")
    relations = (linked_people(job.lake), job.lake.relation(MIRROR), _scores(job, line))
    if not wanted or not has_accounts(job.lake) or None in relations:
        return {}
    people, mirror, scores = relations
    asked = job.settings.consent
    silent = [name for name, deeds in asked.model_dump().items() if "tasks" in deeds and name in columns]
    willing = "".join(f" AND TRY_CAST(p.{name} AS BOOLEAN) IS NOT TRUE" for name in silent)
    held = [f"nullif(trim(p.{name}), '')" for name in ("buying_role", "seniority") if name in columns]
    rows = engine.execute(
        f"""SELECT account_id, role, object, record_id FROM (
            SELECT *, replace(trim(spelled), ' ', '_') AS role FROM (
              SELECT p.account_id, unnest(string_split(lower(coalesce({", ".join(held)}, '')), ';')) AS spelled,
                     m.object, m.record_id, s.total
              FROM {scores} s JOIN {people} p ON p.person_id = s.subject_id
              JOIN {mirror} m ON m.role = 'person' AND m.record_id = s.subject_id
              WHERE s.state NOT IN ('suppressed', 'disqualified', 'gated') AND p.account_id IS NOT NULL{willing}))
            WHERE list_contains(?::VARCHAR[], role)
            QUALIFY row_number() OVER (PARTITION BY account_id, role ORDER BY total DESC, record_id) = 1""",  # noqa: S608 - file lists of our own making
        [wanted],
    ).fetchall()
    found: dict[str, dict[str, RolePlayer]] = {}
    for account_id, role, name, record_id in rows:
        found.setdefault(account_id, {})[role] = RolePlayer(role, name, record_id)
    return found


def _scores(job: Job, line: Line) -> str | None:
    rolled = line.rolled.id if line.rolled else None
    people = job.models.of("person")
    told = next((one for one in people if one.model.id == rolled), people[0])
    return job.lake.relation(tables_of(told)[0])
