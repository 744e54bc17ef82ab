"""Who got which record from us, when and why, and how far the pools have gone.

A row is made when a plan is committed. One that never reached the CRM is superseded by the next plan, which chooses the
same owner again where it can; it then counts neither for caps nor for shares.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from connector.store.state import from_text, store_errors, to_text, transaction

Kind = Literal["record", "task", "held"]
_COLUMNS = "run_id, kind, object, record_id, assigned_at, rule, pool, before_id, owner_id, reason, passed"
# The newest row of a record that gives it an owner, where that is not what was written last.
_UNSENT = """
SELECT a.n, a.object, a.record_id, a.owner_id FROM assignments a
LEFT JOIN written w ON w.object = a.object AND w.record_id = a.record_id
WHERE a.kind = 'record' AND a.state = 'made' AND json_extract(w.fields, ?) IS NOT a.owner_id
  AND a.n = (SELECT max(b.n) FROM assignments b
             WHERE b.object = a.object AND b.record_id = a.record_id AND b.kind = 'record' AND b.state = 'made')
"""


@dataclass(frozen=True)
class Assignment:
    """State one decision about an owner: owner_id is null where the record waits; passed is by pool, owner and why."""

    run_id: str
    kind: Kind
    object: str
    record_id: str
    assigned_at: datetime
    rule: str | None
    pool: str | None
    before_id: str | None
    owner_id: str | None
    reason: str
    passed: Mapping[str, Mapping[str, str]]


class Hits(NamedTuple):
    """Count the records that went by one rule, null for none, to one owner, null for nobody."""

    rule: str | None
    owner_id: str | None
    records: int


def record(connection: sqlite3.Connection, rows: Iterable[Assignment]) -> None:
    """Add decisions; a record that waits is told once for the same reason, however often it is planned."""
    values = [
        (r.run_id, r.kind, r.object, r.record_id, to_text(r.assigned_at), r.rule, r.pool, r.before_id, r.owner_id,
         r.reason, json.dumps(r.passed, ensure_ascii=False, sort_keys=True))
        for r in rows
    ]  # fmt: skip
    with transaction(connection):
        connection.executemany(
            f"""INSERT INTO assignments ({_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
                WHERE ?2 <> 'held' OR NOT EXISTS (
                  SELECT 1 FROM assignments WHERE object = ?3 AND record_id = ?4 AND kind = 'held' AND reason = ?10
                  AND n = (SELECT max(n) FROM assignments WHERE object = ?3 AND record_id = ?4))""",  # noqa: S608 - constant
            values,
        )


def unsent(connection: sqlite3.Connection, owner_field: str) -> dict[tuple[str, str], str]:
    """Give the owners that were chosen and have not reached the CRM, by object and record."""
    return {(name, record_id): owner for _, name, record_id, owner in _unsent(connection, owner_field)}


def supersede_unsent(connection: sqlite3.Connection, owner_field: str) -> None:
    """Mark them; the plan that is committed next chooses anew."""
    with transaction(connection):
        numbers = [(row[0],) for row in _unsent(connection, owner_field)]
        connection.executemany("UPDATE assignments SET state = 'superseded' WHERE n = ?", numbers)


def take_back(connection: sqlite3.Connection, run_id: str, records: Iterable[tuple[str, str]]) -> None:
    """Mark what a run decided about records that were given back, (object, record_id)."""
    with transaction(connection):
        connection.executemany(
            "UPDATE assignments SET state = 'superseded' WHERE run_id = ? AND object = ? AND record_id = ?",
            [(run_id, *record) for record in records],
        )


def given_since(connection: sqlite3.Connection, since: datetime) -> dict[str, list[datetime]]:
    """List when each owner got a record from us since then, in the order of time."""
    query = """SELECT owner_id, assigned_at FROM assignments
               WHERE kind = 'record' AND state = 'made' AND assigned_at >= ? ORDER BY assigned_at"""
    found: dict[str, list[datetime]] = {}
    with store_errors():
        for owner, at in connection.execute(query, (to_text(since),)):
            found.setdefault(owner, []).append(from_text(at))
    return found


def hits_since(connection: sqlite3.Connection, since: datetime) -> list[Hits]:
    """Count the records by rule and owner since then, each once by its newest decision, held ones included."""
    query = """SELECT rule, owner_id, count(*) FROM assignments a
               WHERE kind <> 'task' AND state = 'made' AND assigned_at >= ? AND n = (
                 SELECT max(n) FROM assignments b WHERE b.object = a.object AND b.record_id = a.record_id
                 AND b.kind <> 'task' AND b.state = 'made')
               GROUP BY rule, owner_id ORDER BY rule, owner_id"""
    with store_errors():
        return [Hits(*row) for row in connection.execute(query, (to_text(since),))]


def of_record(connection: sqlite3.Connection, record_id: str) -> list[Assignment]:
    """List a record's decisions, newest first."""
    query = f"SELECT {_COLUMNS} FROM assignments WHERE record_id = ? AND state = 'made' ORDER BY n DESC"  # noqa: S608 - constant
    with store_errors():
        return [_assignment(row) for row in connection.execute(query, (record_id,))]


def pointers(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Give how far each pool has gone, by pool and owner."""
    found: dict[str, dict[str, str]] = {}
    with store_errors():
        for pool, owner, pointer in connection.execute("SELECT pool, owner_id, pointer FROM pool_pointers"):
            found.setdefault(pool, {})[owner] = pointer
    return found


def put_pointers(connection: sqlite3.Connection, found: Mapping[str, Mapping[str, str]]) -> None:
    """Keep how far pools have gone; who is not named stays as they were."""
    values = [(pool, owner, pointer) for pool, owners in found.items() for owner, pointer in owners.items()]
    with transaction(connection):
        connection.executemany(
            "INSERT INTO pool_pointers VALUES (?, ?, ?) ON CONFLICT (pool, owner_id) "
            "DO UPDATE SET pointer = excluded.pointer",
            values,
        )


def _unsent(connection: sqlite3.Connection, owner_field: str) -> Iterator[tuple[int, str, str, str]]:
    with store_errors():
        yield from connection.execute(_UNSENT, (f'$."{owner_field}"',)).fetchall()


def _assignment(row: tuple[Any, ...]) -> Assignment:
    run_id, kind, name, record_id, at, rule, pool, before, owner, reason, passed = row
    return Assignment(
        run_id, kind, name, record_id, from_text(at), rule, pool, before, owner, reason, json.loads(passed)
    )
