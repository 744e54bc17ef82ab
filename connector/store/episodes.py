"""Episodes: the times during which a trigger held for a record. One task per episode, ever.

An episode opens when its condition becomes true and closes when it no longer holds; `number` counts the episodes of a
record and trigger from 1, so that a record that becomes hot again gets its second task and never the first one twice.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from connector.store.state import from_text, store_errors, to_text, transaction

EpisodeKey = tuple[str, str, str]
_COLUMNS = "object, record_id, trigger_id, number, opened_at, closed_at, task_key"


@dataclass(frozen=True)
class Episode:
    """State one episode; closed_at is null while it is open, task_key while it has no task."""

    object: str
    record_id: str
    trigger: str
    number: int
    opened_at: datetime
    closed_at: datetime | None = None
    task_key: str | None = None

    @property
    def key(self) -> EpisodeKey:
        """Return (object, record_id, trigger)."""
        return self.object, self.record_id, self.trigger


_OF = "FROM episodes WHERE object = ? AND record_id = ?"
_FOLLOW = """
UPDATE episodes SET closed_at = coalesce(closed_at, ?), object = ?, record_id = ?, number = ?
WHERE object = ? AND record_id = ? AND trigger_id = ? AND number = ?
"""
_CLOCKS_FOLLOW = """
UPDATE sla_clocks SET object = ?, record_id = ?, number = ?
WHERE object = ? AND record_id = ? AND trigger_id = ? AND number = ?
"""


class Opening(NamedTuple):
    """Ask for an episode to be open; opened_at is the run's as_of."""

    object: str
    record_id: str
    trigger: str
    opened_at: datetime
    task_key: str | None = None


def current(connection: sqlite3.Connection) -> dict[EpisodeKey, Episode]:
    """Return the newest episode, open or closed, of every (object, record_id, trigger)."""
    return _by_key(connection, "1")  # rows come in key order, so that the newest number of a key wins


def first(connection: sqlite3.Connection) -> dict[EpisodeKey, Episode]:
    """Return the first episode of every (object, record_id, trigger)."""
    return _by_key(connection, "number = 1")


def task_keys(connection: sqlite3.Connection, triggers: Iterable[str]) -> frozenset[str]:
    """Return the keys of all tasks that these triggers ever made."""
    query = "SELECT task_key FROM episodes WHERE trigger_id = ? AND task_key IS NOT NULL"
    with store_errors():
        return frozenset(str(row[0]) for name in triggers for row in connection.execute(query, (name,)))


def open_many(connection: sqlite3.Connection, openings: Iterable[Opening]) -> int:
    """Open episodes, numbered on from the last of their key; one that is open stays. Returns how many were opened."""
    values = [(o.object, o.record_id, o.trigger, to_text(o.opened_at), o.task_key) for o in openings]
    with transaction(connection):
        changed = connection.executemany(
            "INSERT INTO episodes SELECT ?1, ?2, ?3, 1 + coalesce(max(number), 0), ?4, NULL, ?5 FROM episodes "
            "WHERE object = ?1 AND record_id = ?2 AND trigger_id = ?3 HAVING coalesce(sum(closed_at IS NULL), 0) = 0",
            values,
        )
    return changed.rowcount


def close_many(connection: sqlite3.Connection, keys: Iterable[EpisodeKey], closed_at: datetime) -> int:
    """Close the open episodes of these keys; returns how many were open."""
    values = [(to_text(closed_at), *key) for key in keys]
    with transaction(connection):
        changed = connection.executemany(
            "UPDATE episodes SET closed_at = ? WHERE object = ? AND record_id = ? AND trigger_id = ? "
            "AND closed_at IS NULL",
            values,
        )
    return changed.rowcount


def resume_many(connection: sqlite3.Connection, keys: Iterable[EpisodeKey]) -> int:
    """Let the newest episodes of these keys go on as if they had never closed; returns how many were closed."""
    with transaction(connection):
        changed = connection.executemany(
            "UPDATE episodes SET closed_at = NULL WHERE (object, record_id, trigger_id) = (?1, ?2, ?3) "
            "AND closed_at IS NOT NULL AND number = (SELECT max(number) FROM episodes "
            "WHERE (object, record_id, trigger_id) = (?1, ?2, ?3))",
            list(keys),
        )
    return changed.rowcount


def follow(
    connection: sqlite3.Connection,
    object: str,  # noqa: A002 - the vendors' own word
    moves: Iterable[tuple[str, str, str]],
    closed_at: datetime,
) -> int:
    """Give the episodes of records to those that they go on as, (id, object, id there); returns how many there were.

    Numbers go on from the survivor's last, but an open episode stays the newest: where the survivor has one, the
    other's are numbered below it, and end. No key of a task comes of these any more.
    """
    moved = 0
    with transaction(connection):
        for old, into, new in moves:
            rows = connection.execute(
                f"SELECT trigger_id, number, closed_at {_OF} ORDER BY 1, 2", (object, old)
            ).fetchall()
            places = _places(
                rows, connection.execute(f"SELECT trigger_id, number, closed_at {_OF}", (into, new)).fetchall()
            )
            ends = {trigger: to_text(closed_at) for trigger, (_, shared) in places.items() if shared}
            went = [(into, new, n + places[t][0], object, old, t, n) for t, n, _ in rows]
            connection.executemany(_FOLLOW, [(ends.get(row[5]), *row) for row in went])
            connection.executemany(_CLOCKS_FOLLOW, went)
            moved += len(rows)
    return moved


def _places(
    rows: Sequence[tuple[str, int, str | None]], held: Sequence[tuple[str, int, str | None]]
) -> dict[str, tuple[int, bool]]:
    """Say for each trigger by how much the numbers of rows move beside those held, and whether both are open."""
    found = {}
    for trigger in {trigger for trigger, _, _ in rows}:
        own, theirs = ([(n, end is None) for t, n, end in side if t == trigger] for side in (held, rows))
        goes_on = any(is_open for _, is_open in own)
        shared = goes_on and any(is_open for _, is_open in theirs)
        numbers = [n for n, _ in own]
        below = min(numbers, default=0) - 1 - max(n for n, _ in theirs)
        found[trigger] = (below if goes_on else max(numbers, default=0), shared)
    return found


def close_of(connection: sqlite3.Connection, object: str, record_ids: Iterable[str], closed_at: datetime) -> int:  # noqa: A002 - as above
    """Close whatever is open for records that are gone; returns how many were."""
    values = [(to_text(closed_at), object, record_id) for record_id in record_ids]
    with transaction(connection):
        changed = connection.executemany(
            "UPDATE episodes SET closed_at = ? WHERE object = ? AND record_id = ? AND closed_at IS NULL", values
        )
    return changed.rowcount


def _by_key(connection: sqlite3.Connection, where: str) -> dict[EpisodeKey, Episode]:
    query = f"SELECT {_COLUMNS} FROM episodes WHERE {where} ORDER BY object, record_id, trigger_id, number"  # noqa: S608 - constant
    with store_errors():
        return {episode.key: episode for episode in map(_episode, connection.execute(query))}


def _episode(row: tuple[Any, ...]) -> Episode:
    object_, record_id, trigger, number, opened_at, closed_at, task_key = row
    ended = None if closed_at is None else from_text(closed_at)
    return Episode(object_, record_id, trigger, number, from_text(opened_at), ended, task_key)
