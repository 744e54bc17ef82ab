"""A last look before owners are written: whoever a person has chosen since the pull stays.

No batch endpoint of either vendor writes on a condition, so we look and then write: what is left of the window is one
batch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from connector.acting.single import write_of
from connector.crm.base import Write, WriteResult
from connector.job import Job
from connector.store.outbox import OutboxRow

CHOSEN: Final = "a person chose another owner meanwhile"


def send_fields(job: Job, rows: Sequence[OutboxRow]) -> list[WriteResult]:
    """Send records' fields in one batch, without the owners that are no longer ours to change; results in input order.

    Raises what the adapter raises.
    """
    owner = job.mapping.write.owner
    chosen = _chosen_since(job, rows, owner.field) if owner else frozenset()
    writes = [_without(write_of(row), owner.field) if owner and row.id in chosen else write_of(row) for row in rows]
    wanted = [place for place, write in enumerate(writes) if write.fields]
    results = dict(zip(wanted, job.crm.write([writes[place] for place in wanted]), strict=True)) if wanted else {}
    answers = [results.get(place) or WriteResult(id=row.record_id) for place, row in enumerate(rows)]
    return [
        replace(answer, fields=(*answer.fields, owner.field), message=CHOSEN)
        if owner and row.id in chosen and answer.ok
        else answer
        for row, answer in zip(rows, answers, strict=True)
    ]


def _chosen_since(job: Job, rows: Sequence[OutboxRow], field: str) -> frozenset[int]:
    """Find the rows whose record belongs to somebody else than the plan saw, and than it asks for; reads by id."""
    giving = [row for row in rows if field in row.payload["fields"] and field in row.payload.get("before", {})]
    if not giving:
        return frozenset()
    key = job.mapping.key_of(giving[0].object)
    found = job.crm.read(giving[0].object, (key, field), [row.record_id for row in giving]).to_pylist()
    held = {str(one[key]): one[field] or None for one in found}
    return frozenset(
        row.id
        for row in giving
        if row.record_id in held
        and held[row.record_id] not in (row.payload["before"][field] or None, row.payload["fields"][field] or None)
    )


def _without(write: Write, field: str) -> Write:
    return replace(write, fields={name: value for name, value in write.fields.items() if name != field})
