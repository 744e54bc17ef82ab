"""The runs of the program: what was started, as of when, and how it ended."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from connector.store.state import from_text, now_text, store_errors, to_text, transaction, utc_text

Status = Literal["running", "ok", "completed_with_errors", "stopped", "failed"]
_COLUMNS = "run_id, command, status, as_of, config_hash, model_hash, started_at, finished_at, counts"


@dataclass(frozen=True)
class Run:
    """Describe one run; as_of is the run's frozen instant, started_at and finished_at the machine's clock (UTC)."""

    run_id: str
    command: str
    status: Status
    as_of: datetime
    config_hash: str
    model_hash: str
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command line's JSON has it."""
        return {
            "run_id": self.run_id,
            "command": self.command,
            "status": self.status,
            "as_of": utc_text(self.as_of),
            "started_at": utc_text(self.started_at),
            "finished_at": utc_text(self.finished_at) if self.finished_at else None,
            "counts": dict(self.counts),
        }


def start(connection: sqlite3.Connection, *, command: str, as_of: datetime, config_hash: str, model_hash: str) -> str:
    """Record a new run and return its id; ids sort in the order of starting, whatever the clock does."""
    with transaction(connection):
        highest = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone()
        run_id = f"r{(highest[0] if highest else 0) + 1:08d}"
        connection.execute(
            f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, 'running', ?, ?, ?, ?, NULL, '{{}}')",  # noqa: S608 - constant
            (run_id, command, to_text(as_of), config_hash, model_hash, now_text()),
        )
    return run_id


def finish(connection: sqlite3.Connection, run_id: str, status: Status, counts: Mapping[str, Any]) -> None:
    """Record how a run ended; raises KeyError for an unknown run."""
    with transaction(connection):
        changed = connection.execute(
            "UPDATE runs SET status = ?, counts = ?, finished_at = ? WHERE run_id = ?",
            (status, json.dumps(counts, sort_keys=True), now_text(), run_id),
        )
        if changed.rowcount == 0:
            raise KeyError(run_id)


def get(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """Return a run, null where there is none of that id."""
    return next(_select(connection, "WHERE run_id = ?", (run_id,)), None)


def list_runs(connection: sqlite3.Connection, *, limit: int = 50) -> list[Run]:
    """List the newest runs, newest first."""
    return list(_select(connection, "ORDER BY n DESC LIMIT ?", (limit,)))


def unfinished(connection: sqlite3.Connection) -> list[Run]:
    """List runs that have no recorded end, oldest first: running now, or killed."""
    return list(_select(connection, "WHERE status = 'running' ORDER BY n", ()))


def baseline_made(connection: sqlite3.Connection, line: str | None = None) -> bool:
    """Tell whether the first plan of this store was applied (it opens episodes without tasks).

    line: the same of a further model, which may come to a store that has its baseline long since.
    """
    with store_errors():
        found = connection.execute("SELECT 1 FROM facts WHERE name = ?", (_baseline(line),)).fetchone()
    return found is not None


def baseline_at(connection: sqlite3.Connection) -> datetime | None:
    """Tell as of when the baseline was made; null without one."""
    with store_errors():
        found = connection.execute("SELECT value FROM facts WHERE name = ?", (_baseline(None),)).fetchone()
    run = get(connection, found[0]) if found else None
    return run.as_of if run else None


def mark_baseline(connection: sqlite3.Connection, run_id: str, line: str | None = None) -> None:
    """Record the run that made the baseline; the first one stays."""
    with transaction(connection):
        connection.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (_baseline(line), run_id))


def accepted_model(connection: sqlite3.Connection, model_id: str) -> str | None:
    """Give the hash of the model of this id whose plan was applied last, null without any."""
    with store_errors():
        found = connection.execute("SELECT value FROM facts WHERE name = ?", (f"accepted_model@{model_id}",)).fetchone()
    return str(found[0]) if found else None


def accept_model(connection: sqlite3.Connection, model_id: str, model_hash: str) -> None:
    """Record the model by which a plan was made that is applied now."""
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (f"accepted_model@{model_id}", model_hash))


def _baseline(line: str | None) -> str:
    return "baseline_run" if line is None else f"baseline_run@{line}"


def _select(connection: sqlite3.Connection, clause: str, values: Sequence[object]) -> Iterator[Run]:
    with store_errors():
        found = connection.execute(f"SELECT {_COLUMNS} FROM runs {clause}", values).fetchall()  # noqa: S608 - constant
    return map(_run, found)


def _run(row: tuple[Any, ...]) -> Run:
    run_id, command, status, as_of, config_hash, model_hash, started_at, finished_at, counts = row
    ended = None if finished_at is None else from_text(finished_at)
    return Run(
        run_id, command, status, from_text(as_of), config_hash, model_hash, from_text(started_at), ended,
        json.loads(counts),
    )  # fmt: skip
