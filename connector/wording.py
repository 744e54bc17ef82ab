"""The words that templates of tasks and notices may use: who it is about, and why."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from connector.job import Job
from connector.mirror import MIRROR
from connector.plan import NoticeChange, TaskChange

HUBSPOT_TYPES: Final = {"contacts": "0-1", "companies": "0-2"}
_MODEL = re.compile(r"(?P<model>.+?):(?:band|rule):")


def trigger_model(job: Job, trigger: str) -> str:
    """Name the model whose band or rule a trigger is; one without a name is the primary one of people."""
    found = _MODEL.match(trigger)
    return found["model"] if found else job.models.people.id


def words_of(job: Job, change: TaskChange | NoticeChange, subject: Mapping[str, str]) -> dict[str, str]:
    """Give everything a template may name, about one task or notice; subject is what `people_words` found."""
    names = {owner.id: owner.name for owner in job.owners}
    model = next(line.model for line in job.models.lines if line.model.id == trigger_model(job, change.trigger))
    return {
        **subject,
        "band": change.band or "",
        "score": "" if change.total is None else f"{change.total:.0f}",
        "reasons": change.reasons or "",
        "owner": names.get(change.owner_id or "", ""),
        "model": model.spec.model.label or model.id,
        "url": record_url(job, change.object, change.record_id),
    }


def people_words(job: Job, record_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Look up who people are, by record id: name, title, company."""
    columns = job.lake.columns("people")
    mirror, people, accounts = (job.lake.relation(name) for name in (MIRROR, "people", "accounts"))
    company = "p.company" if "company" in columns else "NULL"
    title = "p.title" if "title" in columns else "NULL"
    linked = accounts and "account_id" in columns
    account = "a.name" if linked else "NULL"
    join = f"LEFT JOIN {accounts} a ON a.account_id = p.account_id" if linked else ""
    with job.engine() as engine:
        engine.execute("CREATE TEMP TABLE wanted AS SELECT DISTINCT unnest(?) AS id", [list(record_ids)])
        rows = engine.execute(
            f"""SELECT p.person_id, coalesce(m.name, 'this person'), coalesce({title}, ''),
                       coalesce({account}, {company}, '')
                FROM wanted JOIN {people} p ON p.person_id = wanted.id
                JOIN {mirror} m ON m.role = 'person' AND m.record_id = p.person_id {join}"""  # noqa: S608 - file lists of our own making
        ).fetchall()
    return {key: {"name": name, "title": title, "company": company} for key, name, title, company in rows}


def record_url(job: Job, object: str, record_id: str) -> str:  # noqa: A002 - the vendors' own word
    """Say where a person opens a record; HubSpot's pages go by the account's and the type's id."""
    if job.settings.crm.kind == "salesforce":
        instance, kind = job.settings.crm.instance_url.rstrip("/"), object
    else:
        instance, kind = job.connection.org_id, HUBSPOT_TYPES.get(object, object)
    return job.crm.capabilities.url_of.format(instance=instance, object=kind, id=record_id)
