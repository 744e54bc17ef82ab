"""Refused rows: they wait, ever longer, are tried again by later runs, and can be retried and dropped by hand."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from connector.store.outbox import Entry, OutboxRow, Settlement, rows, settle
from connector.store.state import now_text, to_text, transaction

FIRST_WAIT: Final = timedelta(hours=1)  # somebody has to correct a record or a rule of the CRM first
LONGEST_WAIT: Final = timedelta(days=1)
DROPPED: Final = "dropped by a person"
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def try_again_at(now: datetime, attempts: int) -> datetime:
    """Say when a row that was refused `attempts` times is tried again: after 1, 2, 4, ... hours, at most a day."""
    doublings = min(max(attempts - 1, 0), 10)
    return now + min(FIRST_WAIT * float(2**doublings), LONGEST_WAIT)


def release_due(connection: sqlite3.Connection, run_id: str, now: datetime) -> int:
    """Let a run try keyed rows whose wait is over; returns how many.

    A record's fields are the plan's to ask again, and so is a person to be created.
    """
    with transaction(connection):
        changed = connection.execute(
            "UPDATE outbox INDEXED BY outbox_open SET state = 'retry', run_id = ?, not_before = NULL, updated_at = ? "
            "WHERE state IN ('planned', 'inflight', 'retry', 'quarantined') AND state = 'quarantined' "
            "AND key IS NOT NULL AND kind <> 'create' AND (not_before IS NULL OR not_before <= ?)",
            (run_id, now_text(), to_text(now)),
        )
    return changed.rowcount


def ask_again(connection: sqlite3.Connection, run_id: str, entries: Iterable[Entry], now: datetime) -> Iterator[Entry]:
    """Join a plan's field changes with the refused ones of the same records; yields what is to be enqueued anew.

    One whose wait is over is sent with what the plan asks; one that must wait learns it and waits on. A refused change
    that the plan no longer asks for is superseded. Call it in the transaction of `enqueue`.
    """
    waiting = {(row.object, row.record_id): row for row in refused(connection) if row.key is None}
    for entry in entries:
        row = waiting.pop((entry.object, entry.record_id), None) if entry.key is None else None
        if row is None:
            yield entry
        else:
            _replace(connection, run_id, row, entry, send=row.not_before is None or row.not_before <= now)
    settle(connection, [Settlement(row.id, "superseded", f"a newer plan: {run_id}") for row in waiting.values()])


def refused(connection: sqlite3.Connection) -> Iterator[OutboxRow]:
    """Walk the rows that the CRM refused, in plan order."""
    return rows(connection, ("quarantined",))


def retry(connection: sqlite3.Connection, ids: Sequence[int] | None = None) -> list[int]:
    """Let the next run try refused rows at once, all of them where ids is null; returns the ids it found."""
    return _settled(connection, ids, lambda row: Settlement(row.id, "quarantined", row.reason))


def drop(connection: sqlite3.Connection, ids: Sequence[int]) -> list[int]:
    """Give refused rows up; returns the ids it found.

    A task is then never made. A record's fields are asked for anew by the next plan, if they still differ.
    """
    return _settled(connection, ids, lambda row: Settlement(row.id, "superseded", f"{DROPPED}; was {row.reason}"))


def _settled(
    connection: sqlite3.Connection, ids: Sequence[int] | None, settled: Callable[[OutboxRow], Settlement]
) -> list[int]:
    with transaction(connection):
        found = [row for row in refused(connection) if ids is None or row.id in ids]
        settle(connection, [settled(row) for row in found])
    return [row.id for row in found]


def _replace(connection: sqlite3.Connection, run_id: str, row: OutboxRow, entry: Entry, *, send: bool) -> None:
    """Give a refused row the newest wish; one that is sent now belongs to this run."""
    connection.execute(
        "UPDATE outbox SET payload = ?, state = ?, run_id = ?, updated_at = ? WHERE id = ?",
        (
            _JSON.encode(entry.payload),
            "planned" if send else "quarantined",
            run_id if send else row.run_id,
            now_text(),
            row.id,
        ),
    )
