"""The canary: of a large plan a few records are written first and read back, and only then the rest.

What a describe cannot tell shows here: an automation of the CRM that overwrites our field or moves the owner, a field
that rounds or cuts what it is given.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connector.errors import UnsafePlan
from connector.job import Job
from connector.store import written
from connector.store.outbox import OutboxRow
from connector.tables import MIRROR
from mappings.model import WriteField
from mappings.write import differs

NAME: Final = "canary"
LARGE: Final = 5  # a plan of more than so many canaries flies one
TOLERATED_SHARE: Final = 0.05  # a person may edit a record in the same second
SHOWN: Final = 5


def is_due(job: Job, waiting: int, allowed: Sequence[str]) -> bool:
    """Tell whether so many unsent records of one object ask for a canary."""
    size = job.settings.limits.canary_records
    return size > 0 and waiting > LARGE * size and NAME not in allowed


def refuse_unheld(job: Job, object: str, rows: Sequence[OutboxRow]) -> None:  # noqa: A002 - the vendors' word
    """Read written records back; raises UnsafePlan where too many do not hold what was sent, or changed hands.

    What they were sent counts as never written then, so that a later plan asks for it again.
    """
    if not rows:
        return
    problems = dict(_problems(job, object, rows))
    if len(problems) <= TOLERATED_SHARE * len(rows):
        return
    written.forget(job.state, object, problems)
    shown = "; ".join(list(problems.values())[:SHOWN])
    raise UnsafePlan(
        f"guard {NAME}: {len(problems)} of the first {len(rows)} records of {object} do not hold what was written,"
        f" nothing more was sent: {shown}; look for a workflow, trigger or rule that answers to our fields,"
        f" then pass --allow {NAME} or change [limits] canary_records"
    )


def _problems(job: Job, object: str, rows: Sequence[OutboxRow]) -> Iterator[tuple[str, str]]:  # noqa: A002 - as above
    """Name the records that hold something else, by id, with what is wrong first."""
    key = job.mapping.key_of(object)
    owner = job.mapping.write.owner
    specs = {spec.field: spec for target in job.mapping.write.targets for spec in target.specs.values()}
    names = dict.fromkeys(name for row in rows for name in row.payload["fields"])
    held_by = _owners_before(job, object, [row.record_id for row in rows]) if owner else {}
    asked = dict.fromkeys((key, *names, *((owner.field,) if owner and held_by else ())))
    now = {str(one[key]): one for one in job.crm.read(object, tuple(asked), [r.record_id for r in rows]).to_pylist()}
    for row in rows:
        wanted = dict(row.payload["fields"])
        if owner and row.record_id in held_by:
            wanted.setdefault(owner.field, held_by[row.record_id])
        if wrong := _wrong(specs, now.get(row.record_id), wanted):
            yield row.record_id, f"{row.record_id} {wrong}"


def _wrong(specs: Mapping[str, WriteField], held: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> str | None:
    """Say what a record should hold and does not; null where all is well."""
    if held is None:
        return "is gone"
    for name, value in wanted.items():
        spec = specs.get(name)
        other = differs(spec, held.get(name), value) if spec else (held.get(name) or None) != (value or None)
        if other:
            return f"{name} should be {value!r} and is {held.get(name)!r}"
    return None


def _owners_before(job: Job, object: str, ids: Sequence[str]) -> dict[str, str | None]:  # noqa: A002 - as above
    """Look up who owned records at the last pull."""
    with job.engine() as engine:
        found = engine.execute(
            f"""SELECT record_id, owner_id FROM {job.lake.relation(MIRROR)}
                WHERE object = ? AND record_id IN (SELECT unnest(?::VARCHAR[]))""",  # noqa: S608 - a file list of our own
            [object, list(ids)],
        ).fetchall()
    return dict(found)
