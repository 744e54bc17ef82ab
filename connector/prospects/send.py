"""Creating people: a look for their addresses first, then those whom nobody has, each under a unique key.

Whoever is there is linked, and nothing of theirs is written; whoever people deleted is not created. Between the look
and the creation a second may pass in which a person types the same one in: HubSpot keeps addresses unique and tells
whose it is, in Salesforce a duplicate rule of the org can refuse the second one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from connector.crash import crash_point
from connector.crm.base import Found, Write, WriteResult
from connector.errors import BatchRefused
from connector.job import Job
from connector.store.outbox import OutboxRow
from mappings.create import CreateTarget

LINKED: Final = "linked, not created: the CRM has somebody with this address"
DELETED: Final = "not created: people deleted the record of this address"


def send_creates(job: Job, rows: Sequence[OutboxRow]) -> list[WriteResult]:
    """Create those who are not there; results in input order, `created` where the record is ours.

    Raises what the adapter raises, as long as nothing was acknowledged.
    """
    target = job.mapping.creates
    if target is None:
        return [WriteResult(code="SWITCHED_OFF", message="the mapping creates nobody", retry=True)] * len(rows)
    try:
        there = _there(job, target, [str(row.payload["email"]) for row in rows])
    except BatchRefused as refused:
        told = f"addresses cannot be looked for: {refused.message}"
        return [WriteResult(code=refused.code, message=told)] * len(rows)
    results = {at: _known(target, row, one) for at, row in enumerate(rows) if (one := there.get(row.payload["email"]))}
    left = [at for at in range(len(rows)) if at not in results]
    made = job.crm.write([_write(target, rows[at]) for at in left]) if left else []
    crash_point("send: people created")
    results |= {at: _made(target, result) for at, result in zip(left, made, strict=True)}
    return [results[at] for at in range(len(rows))]


def _there(job: Job, target: CreateTarget, emails: Sequence[str]) -> Mapping[str, Found]:
    """Look for addresses on every object of people; a living record goes before a deleted one, a contact first."""
    found: dict[str, Found] = {}
    for name, field in job.mapping.address_fields().items():
        asked = [target.key_field] if name == target.object else []
        for email, one in job.crm.find(name, field, emails, asked).items():
            if email not in found or (found[email].deleted and not one.deleted):
                found[email] = one
    return found


def _write(target: CreateTarget, row: OutboxRow) -> Write:
    key = row.payload["email"] if target.key_is_email else row.key
    return Write(row.object, row.payload["fields"], key=(target.key_field, str(key)), again=row.attempts > 1)


def _known(target: CreateTarget, row: OutboxRow, found: Found) -> WriteResult:
    """Acknowledge somebody who is there; a record that bears our key is one that an earlier attempt made.

    HubSpot's bears none: found at a second attempt, it counts as made by the first.
    """
    ours = row.attempts > 1 if target.key_is_email else found.fields.get(target.key_field) == row.key
    if found.deleted:
        return WriteResult(id=found.id, message=DELETED)
    return WriteResult(id=found.id, created=ours, message=None if ours else LINKED)


def _made(target: CreateTarget, result: WriteResult) -> WriteResult:
    """Tell a record of ours from one that came in between: the key of ours is nobody else's, an address may be."""
    if not result.ok:
        return result
    ours = result.created or not target.key_is_email
    return replace(result, created=ours, message=result.message if ours else LINKED)
