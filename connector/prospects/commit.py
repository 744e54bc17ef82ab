"""The creations of a plan as outbox rows: what is known of each person is filled in when the plan is committed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from connector.crm.base import JsonScalar
from connector.job import Job
from connector.plan import Plan
from connector.prospects.find import Prospect, fields_of, known_addresses, prospect_key, prospects, terms_of
from connector.prospects.ledger import KEY_PREFIX
from connector.store import erased, outbox
from connector.store.outbox import Entry, OutboxRow, Settlement
from mappings.create import CreateTarget

THERE: Final = "the CRM has somebody with this address by now"


def create_entries(job: Job, plan: Plan) -> Iterator[Entry]:
    """Make the rows of a plan's creations; whoever the CRM has since, or is not to be created any more, is left out."""
    target = job.mapping.creates
    terms = terms_of(job.settings, target, erased.load(job.state))
    asked = {change.key for change in plan.creates}
    if target is None or terms is None or not asked:
        return
    with job.engine() as engine:
        for found in prospects(engine, job.lake, terms):
            key = prospect_key(job.crm.capabilities.crm, found.email)
            if found.problem is None and key in asked:
                yield Entry("create", target.object, key, payload(job, target, found), key)


def payload(job: Job, target: CreateTarget, found: Prospect) -> dict[str, Any]:
    """Give what an outbox row holds of a creation."""
    sent = new_record(job, target, found)
    return {"fields": sent, "key_field": target.key_field, "links": [], "email": found.email, "feed": found.feed}


def new_record(job: Job, target: CreateTarget, found: Prospect) -> dict[str, JsonScalar]:
    """Give the fields of a new record."""
    return fields_of(target, found.attributes, job.describes[target.object].fields)


def withdraw(job: Job, plan: Plan) -> None:
    """Take creations that are not wanted any more out of the outbox; call it once the plan's are in.

    One that was sent, whose person the CRM has by now, stays: the look before it is sent again tells whose it is. One
    that was refused is given up where somebody else brought the person in.
    """
    asked = {change.key for change in plan.creates}
    rows = [row for row in outbox.with_prefix(job.state, KEY_PREFIX) if row.key not in asked]
    unsent = [row for row in rows if row.state in outbox.UNSETTLED]
    refused = [row for row in rows if row.state == "quarantined"]
    if not unsent and not refused:
        return
    with job.engine() as engine:
        known = known_addresses(engine, job.lake, [row.payload["email"] for row in (*unsent, *refused)])
    left = _unwanted(job, refused)
    outbox.settle(job.state, [Settlement(row.id, "superseded", THERE) for row in left if row.payload["email"] in known])
    gone = [row for row in left if row.payload["email"] not in known]
    gone += [row for row in unsent if not (row.attempts and row.payload["email"] in known)]
    outbox.withdraw(job.state, [row.id for row in gone])


def _unwanted(job: Job, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Pick the rows whose person no feed brings any more, or nobody may create."""
    terms = terms_of(job.settings, job.mapping.creates, erased.load(job.state))
    if terms is None or not rows:
        return []
    crm = job.crm.capabilities.crm
    with job.engine() as engine:
        able = {prospect_key(crm, one.email) for one in prospects(engine, job.lake, terms) if one.problem is None}
    return [row for row in rows if row.key not in able]
