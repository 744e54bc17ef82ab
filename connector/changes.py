"""Who must be scored anew since the last scores: those that facts touched, or everybody where anything else differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import duckdb

from connector.credits import CREDITS
from connector.engine.changed import Changed
from connector.engine.duckdb import made_by
from connector.engine.relations import literal
from connector.facts import fingerprint
from connector.job import Job
from connector.matching.linked import linked_people
from connector.models import Line
from connector.store import coverage, runs
from connector.store.coverage import Coverage
from connector.successors import resolved
from connector.touched import KEYS, TOUCHED
from mappings.targets import Role

MOST_TOUCHED_SHARE: Final = 0.3  # above it, the short path saves little
MOST_RUNS: Final = 300  # a day of syncs every five minutes; contributions are read from the files of all of them
LEDGER: Final = "adjustments"
ATTRIBUTES: Final = "attributes"
_IDS: Final = {"person": "changed_people", "account": "changed_accounts"}
_HOLDERS: Final[Mapping[Role, str]] = {"person": "person_id", "account": "account_id"}
# A fact counts from then on.
_TIMES: Final = {
    "people": "created_at",
    "events": "occurred_at",
    LEDGER: "effective_at",
    ATTRIBUTES: "observed_at",
    CREDITS: "created_at",
}
Sources = Mapping[str, str]


@dataclass(frozen=True)
class Changes:
    """Hold whom a run scores anew; the ids are in temporary tables of the engine's session.

    covered is what the earlier scores cover, and so where all other rows are taken from.
    """

    covered: Coverage

    def of(self, line: Line) -> Changed:
        """Say what to score with one model."""
        return Changed(_IDS[line.role])

    def save(self, engine: duckdb.DuckDBPyConnection, path: str) -> None:
        """Write who was scored anew (role, subject_id), for readers of the contributions."""
        rows = " UNION ALL ".join(f"SELECT '{role}' AS role, subject_id FROM {table}" for role, table in _IDS.items())  # noqa: S608 - our own names
        engine.execute(f"COPY ({rows}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")


def present(
    engine: duckdb.DuckDBPyConnection, job: Job, run_id: str, sources: Mapping[str, Sources], bands: str | None
) -> Coverage:
    """Say what scores of everybody would cover now; sources are those of each model, by its id."""
    steps = fingerprint(job.settings)
    statements = {
        line.model.id: f"{made_by(engine, line.model, line.rolled, sources[line.model.id])}+{steps}"
        for line in job.models.lines
    }
    return Coverage((run_id,), statements, bands, tuple(file.seq for file in job.lake.files(LEDGER)))


def find_changes(
    engine: duckdb.DuckDBPyConnection, job: Job, as_of: datetime, now: Coverage, tables: Sequence[str]
) -> Changes | None:
    """Find whom to score anew, null where that is everybody.

    tables are those of the models' scores. The bands seen before must be those that the earlier scores read, or their
    own: a band that was chosen once is chosen again by the rules of hysteresis.
    """
    held = coverage.get(job.state)
    before = runs.get(job.state, held.newest) if held else None
    if held is None or before is None or before.as_of > as_of or len(held.runs) >= MOST_RUNS:
        return None
    if (held.statements, held.ledger) != (now.statements, now.ledger) or now.bands not in (held.bands, held.newest):
        return None
    if any(job.lake.relation(table, run_id=held.newest) is None for table in tables):
        return None
    _collect(engine, job, before.as_of, as_of)
    return None if _share(engine, job) > MOST_TOUCHED_SHARE else Changes(held)


def count_subjects(engine: duckdb.DuckDBPyConnection, relations: Sequence[str], role: str | None) -> tuple[int, int]:
    """Count the subjects of several relations of scores, each once, and those that were not scored anew.

    role says whose, null where everybody was scored.
    """
    kept = f"subject_id NOT IN (SELECT subject_id FROM {_IDS[role]})" if role else "false"  # noqa: S608 - our own names
    every = " UNION ".join(f"SELECT subject_id FROM {relation}" for relation in relations)  # noqa: S608 - file lists of our own making
    select = f"SELECT count(*), count(*) FILTER (WHERE {kept}) FROM ({every})"  # noqa: S608 - as above
    total, unchanged = engine.execute(select).fetchall()[0]
    return int(total), int(unchanged)


def clear(job: Job, noted: Mapping[str, Sequence[int]]) -> None:
    """Forget those that were noted in these files; call it in the transaction that commits the scores."""
    for table, numbers in noted.items():
        job.lake.drop(table, numbers)


def noted(job: Job) -> dict[str, list[int]]:
    """List the files in which the touched are noted now."""
    return {table: [file.seq for file in job.lake.files(table)] for table in KEYS}


def _collect(engine: duckdb.DuckDBPyConnection, job: Job, before: datetime, as_of: datetime) -> None:
    """Put the ids of those to score anew into two temporary tables."""
    facts = {table: relation for table in _TIMES if (relation := job.lake.relation(table))}
    facts["people"] = str(linked_people(job.lake))
    come = [
        (table, f"SELECT * FROM {relation} WHERE {between}")  # noqa: S608 - file lists of our own making
        for table, relation in facts.items()
        if (between := _between(engine, relation, _TIMES[table], before, as_of))
    ]
    for role in _HOLDERS:
        selects = [*_selects(engine, job, role, facts, come)] if job.models.of(role) else []
        every = " UNION ".join(select for select in (*selects, "SELECT NULL::VARCHAR") if select)
        found = f"SELECT id AS subject_id FROM ({every}) AS every(id) WHERE id IS NOT NULL"  # noqa: S608 - as above
        if ends := resolved(job.lake, role):  # what comes to a record that moved counts for the one it goes on as
            found = f"{found} UNION SELECT new_id FROM {ends} AS s JOIN ({found}) AS f ON f.subject_id = s.old_id"  # noqa: S608 - as above
        engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_IDS[role]} AS {found}")


def _selects(
    engine: duckdb.DuckDBPyConnection, job: Job, role: Role, facts: Mapping[str, str], come: Sequence[tuple[str, str]]
) -> Iterator[str | None]:
    """Select the ids of whose facts have come, of those noted, and, for accounts, of those that these people are in."""
    holder = _HOLDERS[role]
    for table, select in come:
        if table == ATTRIBUTES:
            yield from _of_attributes(engine, role, facts, select)
        else:
            yield _ids(engine, f"({select})", "subject_id" if table == LEDGER else holder)
    if noted_in := job.lake.relation(TOUCHED["people" if role == "person" else "accounts"]):
        yield _ids(engine, noted_in, holder)
    if role == "account":
        changed = f"person_id IN (SELECT subject_id FROM {_IDS['person']})"  # noqa: S608 - our own names
        yield _ids(engine, f"(SELECT * FROM {facts['people']} WHERE {changed})", holder)  # noqa: S608 - as above


def _of_attributes(
    engine: duckdb.DuckDBPyConnection, role: Role, facts: Mapping[str, str], select: str
) -> Iterator[str | None]:
    """Select the ids of those whose attributes have come; an account's touch its people too."""
    yield f"SELECT subject_id::VARCHAR FROM ({select}) WHERE role = '{role}'"  # noqa: S608 - as above
    if role == "person":
        accounts = f"SELECT subject_id FROM ({select}) WHERE role = 'account'"  # noqa: S608 - as above
        if "account_id" in engine.sql(f"SELECT * FROM {facts['people']}").columns:  # noqa: S608 - as above
            yield f"SELECT person_id::VARCHAR FROM {facts['people']} WHERE account_id IN ({accounts})"  # noqa: S608 - as above


def _ids(engine: duckdb.DuckDBPyConnection, relation: str, column: str) -> str | None:
    """Select the ids in a column of a relation, null where it has none such."""
    there = engine.sql(f"SELECT * FROM {relation}").columns  # noqa: S608 - as above
    return f"SELECT {column}::VARCHAR FROM {relation}" if column in there else None  # noqa: S608 - as above


def _between(
    engine: duckdb.DuckDBPyConnection, relation: str, time: str, before: datetime, as_of: datetime
) -> str | None:
    """Write the condition of facts that lay in the future of the earlier scores and do so no more; null where none can.

    A record is often pulled in the second after the run's as_of, and counts from the next run on. Scores compare whole
    seconds.
    """
    found = engine.sql(f"SELECT * FROM {relation}")  # noqa: S608 - as above
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    if time not in kinds or int(before.timestamp()) == int(as_of.timestamp()):
        return None
    zone = "+00:00" if "ZONE" in kinds[time] else ""
    first, end = (
        f"CAST('{datetime.fromtimestamp(int(at.timestamp()) + 1, UTC):%Y-%m-%d %H:%M:%S}{zone}' AS {kinds[time]})"
        for at in (before, as_of)
    )
    return f"{time} >= {first} AND {time} < {end}"


def _share(engine: duckdb.DuckDBPyConnection, job: Job) -> float:
    """Tell which part of the people is to be scored anew, by the rows of their files."""
    rows = sum(file.rows for file in job.lake.files("people"))
    found = engine.execute(f"SELECT count(*) FROM {_IDS['person']}").fetchall()  # noqa: S608 - our own names
    return float(found[0][0]) / max(rows, 1)
