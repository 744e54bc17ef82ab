"""Outbox rows that are messages to people: sent after everything else, at most once each, and never for long.

A channel answers no question about what it has got. So a row whose answer was lost is not sent again: it is
quarantined, as it may have arrived, and so is one that is stale, until a person asks for it (`queue retry`). One that
was refused waits until `not_before`, by the CRM's clock.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connector.store.outbox import State
from connector.store.state import from_text, now_text, store_errors, to_text, transaction

KIND: Final = "notice"
MAYBE: Final = "no answer: it may have arrived, so it is not sent again by itself"
STALE: Final = "stale: it could not be sent in time"
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class WaitingNotice:
    """Carry one message that was not sent; payload holds channel, text (a template), words and opened_at."""

    id: int
    attempts: int
    payload: Mapping[str, Any]
    asked_for: bool  # by a person, after it had been given up

    @property
    def opened_at(self) -> datetime:
        """Tell when its episode began."""
        return from_text(self.payload["opened_at"])


def doubt_inflight(connection: sqlite3.Connection) -> None:
    """Settle the messages that were under way when a process ended; needs the writer lock."""
    with transaction(connection):
        connection.execute(
            "UPDATE outbox SET state = 'quarantined', reason = ?, not_before = ?, updated_at = ? "
            "WHERE state = 'inflight' AND kind = ?",
            (MAYBE, to_text(NEVER), now_text(), KIND),
        )


def due(connection: sqlite3.Connection, now_at: datetime) -> list[WaitingNotice]:
    """List the messages that may be sent now, in plan order; now_at is the CRM's time."""
    query = (
        "SELECT id, attempts, payload, reason FROM outbox WHERE state IN ('planned', 'retry') AND kind = ? "
        "AND (not_before IS NULL OR not_before <= ?) ORDER BY id"
    )
    with store_errors():
        rows = connection.execute(query, (KIND, to_text(now_at))).fetchall()
    return [
        WaitingNotice(row_id, attempts, json.loads(payload), (reason or "").startswith((MAYBE, STALE)))
        for row_id, attempts, payload, reason in rows
    ]


def begin(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Mark messages as under way; commit before sending."""
    with transaction(connection):
        connection.executemany(
            "UPDATE outbox SET state = 'inflight', attempts = attempts + 1, updated_at = ? WHERE id = ?",
            [(now_text(), row_id) for row_id in ids],
        )


def settle(
    connection: sqlite3.Connection,
    ids: Iterable[int],
    state: State,
    reason: str | None,
    not_before: datetime | None = None,
) -> None:
    """Record what became of messages; not_before is when a refused one is tried again, null where it never is."""
    again = to_text(not_before or NEVER) if state in ("retry", "quarantined") else None
    with transaction(connection):
        connection.executemany(
            "UPDATE outbox SET state = ?, reason = ?, not_before = ?, updated_at = ? WHERE id = ?",
            [(state, reason, again, now_text(), row_id) for row_id in ids],
        )
