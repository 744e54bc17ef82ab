"""What keeps a task single: its unique key in the CRM or, where an org has none, a mark in its body that is looked for.

A task that a person deleted is not made again in either way, as far as the CRM's recycle bin still tells of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.crm.base import Marker, Write, WriteResult
from connector.job import Job
from connector.store import outbox
from connector.store.outbox import OutboxRow


def settled_at(job: Job, row: OutboxRow, now: datetime) -> datetime | None:
    """Tell from when on a marked task that was sent can be found for certain; null for what has a key or an id."""
    target = job.mapping.write.task
    if target is None or not row.payload.get("marker"):
        return None
    return now + timedelta(seconds=target.settle_s)


def hold_marked(job: Job, rows: Sequence[OutboxRow], now: datetime) -> None:
    """Keep marked tasks from being sent again before they can be found, whatever becomes of this process."""
    held = [(row.id, until) for row in rows if (until := settled_at(job, row, now)) is not None]
    outbox.hold(job.state, held)


def write_of(row: OutboxRow) -> Write:
    """Read the write that a row asks for."""
    if row.key is None:
        return Write(row.object, row.payload["fields"], id=row.record_id)
    links = tuple((name, target) for name, target in row.payload["links"])
    marker = row.payload.get("marker")
    if marker:
        return Write(row.object, row.payload["fields"], links=links, marker=Marker(*marker))
    key = (row.payload["key_field"], row.key)
    return Write(row.object, row.payload["fields"], key=key, links=links, again=row.attempts > 1)


def send_tasks(job: Job, writes: Sequence[Write]) -> list[WriteResult]:
    """Make the tasks that are not there yet; results in input order.

    Raises what the adapter raises, as long as nothing was acknowledged.
    """
    marked = [place for place, write in enumerate(writes) if write.marker is not None]
    keyed = [place for place, write in enumerate(writes) if write.marker is None]
    results = _made_before(job, writes, marked, keyed)
    for places, send in ((keyed, job.crm.write), (marked, job.crm.create)):
        left = [place for place in places if place not in results]
        if left:
            results |= zip(left, send([writes[place] for place in left]), strict=True)
    return [results[place] for place in range(len(writes))]


def _made_before(
    job: Job, writes: Sequence[Write], marked: Sequence[int], keyed: Sequence[int]
) -> dict[int, WriteResult]:
    """Find marked tasks that are there, and keyed ones that a person deleted: those acknowledged and left alone.

    The CRM itself tells of a living task with the same key.
    """
    found: dict[int, WriteResult] = {}
    if marked:
        there = job.crm.find_marked(writes[marked[0]].object, [m for p in marked if (m := writes[p].marker)])
        found |= {p: WriteResult(id=there[m.text]) for p in marked if (m := writes[p].marker) and m.text in there}
    by_field: dict[str, dict[str, int]] = {}
    for place in keyed:
        field, value = writes[place].key or ("", "")
        by_field.setdefault(field, {})[value] = place
    for field, places in by_field.items():
        gone = job.crm.find(writes[keyed[0]].object, field, list(places), [], deleted_only=True)
        found |= {places[value]: WriteResult(id=one.id) for value, one in gone.items() if one.deleted}
    return found


def weaker_promise(settle_s: int) -> str:
    """Say what a mark in the body promises, and what not."""
    return (
        "at most one task, unless an answer is lost and the CRM shows the task it made later than "
        f"{settle_s} s after; a task that a person deletes in between may be made again"
    )
