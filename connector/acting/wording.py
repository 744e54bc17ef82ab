"""The words that templates of tasks and notices may use: who it is about, and why."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from connector.job import Job
from connector.matching.linked import has_accounts, linked_people
from connector.plan import NoticeChange, TaskChange
from connector.tables import MIRROR

HUBSPOT_TYPES: Final = {"contacts": "0-1", "companies": "0-2"}
Told = TypeVar("Told", TaskChange, NoticeChange)
_MODEL = re.compile(r"(?P<model>.+?):(?:band|rule):")


def trigger_model(job: Job, trigger: str) -> str:
    """Name the model whose band or rule a trigger is; one without a name is the primary one of people."""
    found = _MODEL.match(trigger)
    return found["model"] if found else job.models.people.id


def words_about(job: Job, changes: Sequence[Told]) -> Iterator[tuple[Told, dict[str, str]]]:
    """Walk tasks or notices with the words of their templates; what was deleted or converted meanwhile is left out."""
    persons = {change: person for change in changes if (person := _person(change)) is not None}
    people = people_words(job, {record_id for _, record_id in persons.values()})
    accounts = account_words(job, {change.record_id for change in changes if change.subject == "account"})
    for change in changes:
        person, account = persons.get(change), accounts.get(change.record_id, "")
        if person is not None and person[1] in people:
            company = {"company": account} if change.subject == "account" else {}
            yield change, _words(job, change, people[person[1]] | company)
        elif person is None and change.record_id in accounts:
            yield change, _words(job, change, {"name": account, "title": "", "company": account})


def _person(change: TaskChange | NoticeChange) -> tuple[str, str] | None:
    if isinstance(change, TaskChange):
        return change.person
    return (change.object, change.record_id) if change.subject == "person" else None


def _words(job: Job, change: TaskChange | NoticeChange, subject: Mapping[str, str]) -> dict[str, str]:
    """Give everything a template may name, about one task or notice."""
    names = {owner.id: owner.name for owner in job.owners}
    model = next(line.model for line in job.models.lines if line.model.id == trigger_model(job, change.trigger))
    return {
        **subject,
        "band": change.band or "",
        "score": "" if change.total is None else f"{change.total:.0f}",
        "reasons": change.reasons or "",
        "owner": names.get(change.owner_id or "", ""),
        "model": model.spec.model.label or model.id,
        "role": (change.role or "").replace("_", " ") if isinstance(change, TaskChange) else "",
        "url": record_url(job, change.object, change.record_id),
    }


def people_words(job: Job, record_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Look up who people are, by record id: name, title, company."""
    wanted = list(record_ids)
    if not wanted:
        return {}
    columns = job.lake.columns("people")
    mirror, people, accounts = job.lake.relation(MIRROR), linked_people(job.lake), job.lake.relation("accounts")
    company = "p.company" if "company" in columns else "NULL"
    title = "p.title" if "title" in columns else "NULL"
    linked = has_accounts(job.lake)
    account = "a.name" if linked else "NULL"
    join = f"LEFT JOIN {accounts} a ON a.account_id = p.account_id" if linked else ""
    with job.engine() as engine:
        engine.execute("CREATE TEMP TABLE wanted AS SELECT DISTINCT unnest(?) AS id", [wanted])
        rows = engine.execute(
            f"""SELECT p.person_id, coalesce(m.name, 'this person'), coalesce({title}, ''),
                       coalesce({account}, {company}, '')
                FROM wanted JOIN {people} p ON p.person_id = wanted.id
                JOIN {mirror} m ON m.role = 'person' AND m.record_id = p.person_id {join}"""  # noqa: S608 - file lists of our own making
        ).fetchall()
    return {key: {"name": name, "title": title, "company": company} for key, name, title, company in rows}


def account_words(job: Job, record_ids: Iterable[str]) -> dict[str, str]:
    """Look up the names of accounts, by record id."""
    mirror, wanted = job.lake.relation(MIRROR), list(record_ids)
    if mirror is None or not wanted:
        return {}
    with job.engine() as engine:
        rows = engine.execute(
            f"""SELECT record_id, coalesce(name, 'this account') FROM {mirror}
                WHERE role = 'account' AND list_contains(?::VARCHAR[], record_id)""",  # noqa: S608 - a file list of our own making
            [wanted],
        ).fetchall()
    return dict(rows)


def record_url(job: Job, object: str, record_id: str) -> str:  # noqa: A002 - the vendors' own word
    """Say where a person opens a record; HubSpot's pages go by the account's and the type's id."""
    if job.settings.crm.kind == "salesforce":
        instance, kind = job.settings.crm.instance_url.rstrip("/"), object
    else:
        instance, kind = job.connection.org_id, HUBSPOT_TYPES.get(object, object)
    return job.crm.capabilities.url_of.format(instance=instance, object=kind, id=record_id)
