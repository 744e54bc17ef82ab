"""The outbox: what is to be sent, committed before it is sent, and what became of it.

A row goes planned -> inflight -> done | retry | quarantined; a newer row of the same (kind, object, record_id)
supersedes one that was not sent yet. A row with a `key` (a task) is unique by that key for ever: the same key never
becomes a second row, and one that is done, under way or given up is left alone. A quarantined row waits until
`not_before`, by the CRM's clock (connector.store.quarantine).
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from connector.store.state import from_text, now_text, store_errors, to_text, transaction

Kind = Literal["fields", "owner", "task", "notice", "join", "create"]
State = Literal["planned", "inflight", "done", "retry", "quarantined", "superseded"]
UNSETTLED: tuple[State, ...] = ("planned", "inflight", "retry")
OPEN: tuple[State, ...] = (*UNSETTLED, "quarantined")
_COLUMNS = (
    "id, run_id, seq, kind, object, record_id, payload, key, state, attempts, reason, result_id, updated_at, not_before"
)
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_OPEN = "state IN ('planned', 'inflight', 'retry', 'quarantined')"  # word for word the index's condition
_INSERT = """
INSERT INTO outbox (run_id, seq, kind, object, record_id, payload, key, state, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, 'planned', ?)
ON CONFLICT (key) WHERE key IS NOT NULL DO UPDATE
SET run_id = excluded.run_id, seq = excluded.seq, payload = excluded.payload,
  state = 'planned', reason = NULL, updated_at = excluded.updated_at, not_before = NULL
WHERE state NOT IN ('done', 'inflight', 'superseded')
"""
_SUPERSEDE = """
UPDATE outbox SET state = 'superseded', reason = 'a newer change of the record: ' || ?1, updated_at = ?2
WHERE id IN (
  SELECT id FROM (
    SELECT id, lead(id) OVER (PARTITION BY kind, object, record_id ORDER BY id) AS newer_id FROM outbox
    WHERE state IN ('planned', 'retry') AND key IS NULL)
  WHERE newer_id IS NOT NULL)
"""
_RELEASE = f"""
UPDATE outbox INDEXED BY outbox_open SET state = 'retry', reason = 'the process ended before the answer', updated_at = ?
WHERE {_OPEN} AND state = 'inflight'
"""  # noqa: S608 - constant


class Entry(NamedTuple):
    """Ask for one change; payload is plain JSON (no NaN), key only where the effect may happen once."""

    kind: Kind
    object: str
    record_id: str
    payload: Mapping[str, Any]
    key: str | None = None


class Settlement(NamedTuple):
    """Say what became of a row: reason for people where it was not done, result_id is the record's id in the CRM.

    not_before is when a refused row may be tried again, by the CRM's clock.
    """

    id: int
    state: State
    reason: str | None = None
    result_id: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class OutboxRow:
    """Carry one row as it is stored; seq is its place in the plan of its run."""

    id: int
    run_id: str
    seq: int
    kind: Kind
    object: str
    record_id: str
    payload: Mapping[str, Any]
    key: str | None
    state: State
    attempts: int
    reason: str | None
    result_id: str | None
    updated_at: datetime
    not_before: datetime | None = None


def enqueue(connection: sqlite3.Connection, run_id: str, rows: Iterable[Entry]) -> None:
    """Add a run's changes in plan order, superseding unsent ones of the same kind and record; one transaction."""
    at = now_text()
    with transaction(connection):
        query = "SELECT 1 + coalesce(max(seq), 0) FROM outbox WHERE run_id = ?"
        first = connection.execute(query, (run_id,)).fetchone()[0]
        values = (
            (run_id, seq, row.kind, row.object, row.record_id, _JSON.encode(row.payload), row.key, at)
            for seq, row in enumerate(rows, start=first)
        )
        connection.executemany(_INSERT, values)
        connection.execute(_SUPERSEDE, (run_id, at))


def take(
    connection: sqlite3.Connection,
    limit: int,
    object: str,  # noqa: A002 - the vendors' own word
    kind: Kind,
    *,
    after_id: int = 0,
    now: datetime | None = None,
) -> list[OutboxRow]:
    """Mark up to `limit` unsent rows as inflight and return them in plan order; commit before sending.

    Rows that are to wait until later than `now` (the CRM's clock) are passed over.

    Give the last taken id as `after_id` to pass over the outbox once: a row settled as `retry` meanwhile stays for
    the next pass.
    """
    clause = (
        f"WHERE {_OPEN} AND state IN ('planned', 'retry') AND object = ? AND kind = ? AND id > ? "
        "AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT ?"
    )
    with transaction(connection):
        found = list(_select(connection, clause, (object, kind, after_id, "9" if now is None else to_text(now), limit)))
        at = now_text()
        connection.executemany(
            "UPDATE outbox SET state = 'inflight', attempts = attempts + 1, updated_at = ? WHERE id = ?",
            [(at, row.id) for row in found],
        )
    return [replace(row, state="inflight", attempts=row.attempts + 1, updated_at=from_text(at)) for row in found]


def hold(connection: sqlite3.Connection, waits: Iterable[tuple[int, datetime]]) -> None:
    """Keep rows from being taken again before a time (the CRM's clock), whatever becomes of them now."""
    with transaction(connection):
        connection.executemany(
            "UPDATE outbox SET not_before = ? WHERE id = ?", [(to_text(until), row_id) for row_id, until in waits]
        )


def settle(connection: sqlite3.Connection, results: Sequence[Settlement]) -> None:
    """Record the answers of rows, in one transaction; also puts rows back ("planned") or drops them ("superseded")."""
    at = now_text()
    with transaction(connection):
        connection.executemany(
            "UPDATE outbox SET state = ?, reason = ?, result_id = coalesce(?, result_id), not_before = ?, "
            "updated_at = ? WHERE id = ?",
            [
                (row.state, row.reason, row.result_id, row.not_before and to_text(row.not_before), at, row.id)
                for row in results
            ],
        )


def follow(connection: sqlite3.Connection, moves: Iterable[tuple[str, str, str]]) -> None:
    """Let tasks that were not sent yet belong to the record, (id, object, id there), that theirs goes on as."""
    values = [(new, f'"{old}"', f'"{new}"', old) for old, _, new in moves]
    with transaction(connection):
        connection.executemany(
            f"UPDATE outbox SET record_id = ?, payload = replace(payload, ?, ?) "  # noqa: S608 - constant
            f"WHERE {_OPEN} AND key IS NOT NULL AND record_id = ?",
            values,
        )


def drop(connection: sqlite3.Connection, record_ids: Iterable[str], reason: str) -> None:
    """Supersede what waits for records that are gone."""
    values = [(reason, now_text(), record_id) for record_id in record_ids]
    with transaction(connection):
        connection.executemany(
            f"UPDATE outbox SET state = 'superseded', reason = ?, updated_at = ? WHERE {_OPEN} AND record_id = ?",  # noqa: S608 - constant
            values,
        )


def counts(connection: sqlite3.Connection, run_id: str) -> dict[State, int]:
    """Count a run's writes to the CRM by state, notices left out; states without rows are absent."""
    query = "SELECT state, count(*) FROM outbox WHERE run_id = ? AND kind <> 'notice' GROUP BY state ORDER BY state"
    with store_errors():
        return dict(connection.execute(query, (run_id,)).fetchall())


def unsent(connection: sqlite3.Connection, object: str, kind: Kind) -> int:  # noqa: A002 - the vendors' own word
    """Count an object's rows of a kind that wait to be sent."""
    query = f"SELECT count(*) FROM outbox WHERE {_OPEN} AND state IN ('planned', 'retry') AND object = ? AND kind = ?"  # noqa: S608 - constant
    with store_errors():
        return int(connection.execute(query, (object, kind)).fetchone()[0])


def by_id(connection: sqlite3.Connection, ids: Sequence[int]) -> list[OutboxRow]:
    """Give rows as they are now, in plan order."""
    wanted = json.dumps(list(ids))
    return list(_select(connection, "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (wanted,)))


def of_run(connection: sqlite3.Connection, run_id: str) -> list[OutboxRow]:
    """List the rows of a run, in plan order."""
    return list(_select(connection, "WHERE run_id = ? ORDER BY id", (run_id,)))


def objects(connection: sqlite3.Connection, kind: Kind) -> list[str]:
    """List the objects that have unsent rows of a kind, in plan order."""
    query = f"SELECT object FROM outbox WHERE {_OPEN} AND state IN ('planned', 'retry') AND kind = ? GROUP BY object ORDER BY min(id)"  # noqa: S608, E501 - constant
    with store_errors():
        return [str(row[0]) for row in connection.execute(query, (kind,))]


def unsettled(connection: sqlite3.Connection) -> list[OutboxRow]:
    """List rows that are planned, inflight or waiting for another try, in plan order."""
    return list(rows(connection, UNSETTLED))


def rows(connection: sqlite3.Connection, states: Sequence[State]) -> Iterator[OutboxRow]:
    """Iterate over the rows in these states, in plan order."""
    listed = f"state IN ({', '.join('?' for _ in states)})"
    if {"done", "superseded"}.intersection(states):
        return _select(connection, f"WHERE {listed} ORDER BY id", states)
    return _select(connection, f"INDEXED BY outbox_open WHERE {_OPEN} AND {listed} ORDER BY id", states)


def by_keys(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, OutboxRow]:
    """Return the rows of these keys, whatever became of them."""
    wanted = json.dumps(list(keys))
    found = _select(connection, "WHERE key IN (SELECT value FROM json_each(?)) ORDER BY id", (wanted,))
    return {row.key: row for row in found if row.key is not None}


def with_prefix(connection: sqlite3.Connection, prefix: str) -> Iterator[OutboxRow]:
    """Iterate over the rows whose keys begin so, whatever became of them."""
    return _select(connection, "WHERE key >= ? AND key < ? ORDER BY id", (prefix, f"{prefix}\x7f"))


def withdraw(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete rows that nobody asks for any more; their keys may come again."""
    with transaction(connection):
        connection.executemany("DELETE FROM outbox WHERE id = ?", [(row_id,) for row_id in ids])


def release_inflight(connection: sqlite3.Connection) -> int:
    """Turn rows whose answer was lost with their process into `retry`; returns how many. Needs the writer lock."""
    with transaction(connection):
        changed = connection.execute(_RELEASE, (now_text(),))
    return changed.rowcount


def prune(connection: sqlite3.Connection, *, settled_before: datetime) -> int:
    """Delete old rows that are done or superseded and have no key; keyed ones stay, so that none is sent twice."""
    with transaction(connection):
        changed = connection.execute(
            "DELETE FROM outbox WHERE state IN ('done', 'superseded') AND key IS NULL AND updated_at < ?",
            (to_text(settled_before),),
        )
    return changed.rowcount


def _select(connection: sqlite3.Connection, clause: str, values: Sequence[object]) -> Iterator[OutboxRow]:
    with store_errors():
        for row in connection.execute(f"SELECT {_COLUMNS} FROM outbox {clause}", values):  # noqa: S608 - constant
            yield _row(row)


def _row(row: tuple[Any, ...]) -> OutboxRow:
    (
        row_id,
        run_id,
        seq,
        kind,
        object_,
        record_id,
        payload,
        key,
        state,
        attempts,
        reason,
        result_id,
        updated_at,
        until,
    ) = row
    return OutboxRow(
        row_id, run_id, seq, kind, object_, record_id, json.loads(payload), key, state, attempts, reason, result_id,
        from_text(updated_at), from_text(until) if until else None,
    )  # fmt: skip
