"""Taking a run back: what it wrote gives way to what stood there before, where nobody has changed it since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.crm.base import JsonScalar
from connector.errors import ConfigError
from connector.job import Job
from connector.prospects.ledger import made
from connector.store import outbox, runs, written
from connector.store.outbox import Entry, OutboxRow
from mappings.model import WriteField
from mappings.write import differs

CREATED = (
    "created, not deleted: people may work with it by now; delete it in the CRM where it should go, "
    "and it is not created again"
)
OLD_RUN = "its rows were pruned, or it wrote nothing"


@dataclass(frozen=True)
class Left:
    """Name a value that an undo would not touch, and why; field is null for a task or a whole record."""

    object: str
    record_id: str
    field: str | None
    why: str


@dataclass(frozen=True)
class Undo:
    """Hold what restores the state before a run, and what is left as it is."""

    run_id: str
    entries: tuple[Entry, ...]
    left: tuple[Left, ...]

    @property
    def fields(self) -> int:
        """Count the values that would be restored."""
        return sum(len(entry.payload["fields"]) for entry in self.entries)


def plan_undo(job: Job, run_id: str) -> Undo:
    """Compare what a run wrote with what the CRM holds now; sends reads only.

    Raises ConfigError for a run that is unknown or wrote nothing that is still known.
    """
    if runs.get(job.state, run_id) is None:
        raise ConfigError(f"runs undo: no run {run_id}; see `leadlight runs list`")
    rows = [row for row in outbox.of_run(job.state, run_id) if row.state == "done"]
    changes = [row for row in rows if row.kind == "fields" and "before" in row.payload]
    if not changes and not any(row.kind == "create" for row in rows):
        raise ConfigError(f"runs undo: nothing to restore of {run_id}: {OLD_RUN}")
    left = [_kept(row) for row in rows if row.kind != "fields"]
    entries: list[Entry] = []
    for name in dict.fromkeys(row.object for row in changes):
        for row, held in _beside(job, name, [row for row in changes if row.object == name]):
            entry, why = _restored(job, row, held)
            left += why
            entries += [entry] if entry else []
    return Undo(run_id, tuple(entries), tuple(left))


def _kept(row: OutboxRow) -> Left:
    """Say why what a run made stays."""
    if row.kind != "create":
        return Left(row.object, row.record_id, None, f"a {row.kind} stays with those who have it")
    why = CREATED if made(row) else row.reason or ""
    return Left(row.object, row.result_id or row.record_id, None, why)


def _beside(job: Job, name: str, rows: Sequence[OutboxRow]) -> Iterator[tuple[OutboxRow, Mapping[str, Any] | None]]:
    """Put what the CRM holds now beside what was written, null for a record that is gone."""
    newest = {row.record_id: row for row in rows}
    key = job.mapping.key_of(name)
    asked = dict.fromkeys([key, *(field for row in newest.values() for field in row.payload["fields"])])
    known = job.describes[name].fields
    present = tuple(field for field in asked if field in known or field == key)
    now = {str(one[key]): one for one in job.crm.read(name, present, list(newest)).to_pylist()}
    for record_id, row in newest.items():
        yield row, now.get(record_id)


def _restored(job: Job, row: OutboxRow, held: Mapping[str, Any] | None) -> tuple[Entry | None, list[Left]]:
    """Say what to write to one record, and what to leave; null where there is nothing to write."""
    if held is None:
        return None, [Left(row.object, row.record_id, None, "the record is gone")]
    before = row.payload["before"]
    wanted = [
        name for name in row.payload["fields"] if name not in held or _differs(job, name, held[name], before[name])
    ]
    last = written.last_run(job.state, row.object, row.record_id)
    if wanted and last != row.run_id:
        return None, [Left(row.object, row.record_id, None, f"a later run wrote to it again ({last})")]
    reasons = {name: _reason_to_leave(job, row, name, held) for name in wanted}
    left = [Left(row.object, row.record_id, name, why) for name, why in reasons.items() if why]
    fields: dict[str, JsonScalar] = {name: before[name] for name, why in reasons.items() if why is None}
    if not fields:
        return None, left
    owner = job.mapping.write.owner
    given_back = {owner.field: None} if owner and owner.field in fields else {}
    wrote = {name: row.payload["fields"][name] for name in fields}
    return Entry(
        "fields", row.object, row.record_id, {"fields": fields, "before": wrote, "ours": fields | given_back}
    ), left


def _reason_to_leave(job: Job, row: OutboxRow, name: str, held: Mapping[str, Any]) -> str | None:
    """Say why a value cannot be restored, null where it can."""
    if name not in held:
        return "the field is gone or hidden"
    if _differs(job, name, held[name], row.payload["fields"][name]):
        return "somebody changed it since"
    owner, before = job.mapping.write.owner, row.payload["before"][name]
    if owner is None or name != owner.field:
        return None
    if before is None and job.crm.capabilities.crm == "salesforce":
        return "the record had no owner, and the CRM asks for one"
    able = {one.id for one in job.owners if one.active}
    return None if before is None or before in able else "the earlier owner is not active any more"


def _differs(job: Job, name: str, held: Any, value: JsonScalar) -> bool:  # noqa: ANN401 - whatever the CRM's field holds
    spec = _spec(job, name)
    return differs(spec, held, value) if spec else (held or None) != (value or None)


def _spec(job: Job, name: str) -> WriteField | None:
    """Find how a field is written; null for the owner."""
    every = (spec for target in job.mapping.write.targets for spec in target.specs.values())
    return next((spec for spec in every if spec.field == name), None)
