"""Commands about earlier runs: list them, show what one wrote, take one back."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connector import log, pipeline
from connector.compose import open_job
from connector.errors import ConfigError
from connector.output import Output, table
from connector.reading import open_reading
from connector.settings.file import load_settings
from connector.store import outbox, runs
from connector.store.outbox import OutboxRow
from connector.undo import CREATED, Undo, plan_undo

SHOWN = 12
REJECTED_ROWS = 1


def runs_list(out: Output, config: Path) -> None:
    """List the newest runs."""
    with open_reading(config) as reading:
        rows = [run.as_dict() for run in runs.list_runs(reading.state)]
    cells = [[row["run_id"], row["command"], row["status"], row["as_of"], row["started_at"]] for row in rows]
    out.result({"runs": rows}, [table(None, ("run", "command", "status", "as of", "started"), cells)])


def runs_show(out: Output, config: Path, run_id: str) -> None:
    """Show one run and every row that it sent or tried to send; raises ConfigError for an unknown run."""
    with open_reading(config) as reading:
        run = runs.get(reading.state, run_id)
        if run is None:
            raise ConfigError(f"runs show: no run {run_id}; see `leadlight runs list`")
        rows = [_row(row) for row in outbox.of_run(reading.state, run_id)]
    about = run.as_dict()
    states = Counter(row["state"] for row in rows)
    lines = [
        f"{run_id} {run.command} {run.status}, as of {about['as_of']}, model {run.model_hash}",
        "rows: " + (", ".join(f"{n:,} {state}" for state, n in states.items()) or "none"),
        *(_row_line(row) for row in rows[:SHOWN]),
        *([f"  ... and {len(rows) - SHOWN:,} more; --json gives all"] if len(rows) > SHOWN else []),
    ]
    out.result(about | {"rows": rows}, lines)


def runs_undo(out: Output, config: Path, run_id: str, *, yes: bool) -> int:
    """Show what undoing a run would restore and what it would leave; do it where that was confirmed."""
    settings = load_settings(config)
    log.configure(settings.log.level, settings.log.format, settings.crm.secrets())
    with out.steps() as progress, open_job(config, writer=True, writes_crm=True, progress=progress) as job:
        found = plan_undo(job, run_id)
        outcome = pipeline.undo(job, found) if yes and found.entries else None
    applied = outcome.applied.as_dict() if outcome and outcome.applied else {}
    data = {
        "undone": run_id,
        "run_id": outcome.run_id if outcome else None,
        "records": len(found.entries),
        "fields": found.fields,
        "left": [asdict(left) for left in found.left],
        "applied": applied,
    }
    out.result(data, [*_undo_lines(found), *_ending(found, applied, yes=yes)])
    return REJECTED_ROWS if applied.get("rejected") else 0


def _undo_lines(found: Undo) -> Iterator[str]:
    yield f"{found.run_id}: values to restore: {found.fields:,}, in records: {len(found.entries):,}"
    for entry in found.entries[:SHOWN]:
        before = entry.payload["before"]
        parts = [f"{name}: {told(before[name])} -> {told(value)}" for name, value in entry.payload["fields"].items()]
        yield f"  {entry.object} {entry.record_id}: " + "; ".join(parts)
    if len(found.entries) > SHOWN:
        yield f"  ... and {len(found.entries) - SHOWN:,} more"
    made = [left for left in found.left if left.why == CREATED]
    yield from (f"  {left.object} {left.record_id}: stays, see below" for left in made[:SHOWN])
    if len(made) > SHOWN:
        yield f"  ... and {len(made) - SHOWN:,} more that stay"
    for (why, name), n in Counter((left.why, left.field) for left in found.left).most_common():
        yield f"  left as it is: {n:,} x {name or 'record'}: {why}"


def told(value: object) -> str:
    """Show a value of a field: nothing as a dash, a whole number without its decimals."""
    return "-" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


def _ending(found: Undo, applied: dict[str, int], *, yes: bool) -> list[str]:
    if applied:
        return ["restored " + ", ".join(f"{n:,} {name}" for name, n in applied.items())]
    if not found.entries:
        return ["Nothing to restore."]
    return [] if yes else [f"Nothing was written. Next: leadlight runs undo {found.run_id} --yes"]


def _row(row: OutboxRow) -> dict[str, Any]:
    fields = row.payload.get("fields", {})
    before = row.payload.get("before", {})
    named = {key: getattr(row, key) for key in ("id", "kind", "object", "record_id", "state", "attempts", "reason")}
    return named | {"fields": {name: [before.get(name), after] for name, after in fields.items()}, "key": row.key}


def _row_line(row: dict[str, Any]) -> str:
    parts = [f"{name}: {told(before)} -> {told(after)}" for name, (before, after) in row["fields"].items()]
    what = "; ".join(parts) if row["kind"] == "fields" else row["kind"]
    why = f" ({row['reason']})" if row["reason"] else ""
    return f"  {row['state']} {row['object']} {row['record_id']}: {what}{why}"
