"""What fields held before they changed, as we saw it ourselves: training reads a field as it was, from this day on.

A CRM that keeps no history of a field tells its present value alone, which knows how everything ended. So whenever a
pull brings another value, the one before is noted with the time of the pull; a field that did not change costs nothing.
From when on a field is noted is kept per object and column: a column that came anew, or is read from another field,
begins anew.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import duckdb

from connector.engine.relations import literal, quoted
from connector.job import Job
from connector.store import facts as kept
from connector.store.files import DELETED, Delta
from connector.store.state import from_text, to_text, transaction
from connector.touched import compared
from connector.training.learnable import is_learnable
from mappings.model import Mapping as CrmMapping
from mappings.model import ReadTable

CHANGES: Final = "field_changes"
CHANGE_KEY: Final = "change_id"
PREFIX: Final[Mapping[str, str]] = {"people": "people.", "accounts": "account."}
MOST_LETTERS: Final = 200  # longer texts are nobody's category
_ROLES: Final = {"people": "person", "accounts": "account"}
CLUSTERED: Final = ("subject_id", "changed_at")
_FACT: Final = "noted@"
_FIELDS: Final = "noted_fields"
_LEARNED: Final = ("VARCHAR", "DOUBLE", "BOOLEAN", "BIGINT", "INTEGER")


def note_changes(job: Job, name: str, facts: Delta) -> tuple[Delta, ...]:
    """Write what fields held before uncommitted rows of people or accounts; commit it together with them.

    The time is that of the run, as of which it scores what it pulled.
    """
    read = job.mapping.read[name]
    since = _unchanged(job.state, name, read) if job.settings.train.note_changes else {}
    return _changes(job, facts, read.table, since) if facts.rows and since else ()


def begin_noting(job: Job, name: str) -> None:
    """Note which columns are noted from now on; call it in the transaction of the rows."""
    read, at = job.mapping.read[name], job.connection.server_time_at
    if read.table not in PREFIX:
        return
    held, columns = _held(job.state, name), _columns(read) if job.settings.train.note_changes else []
    since = {column: row for column, row in _unchanged(job.state, name, read).items() if column in columns}
    since |= {column: {"at": to_text(at), "how": _how(read, column)} for column in columns if column not in since}
    if since != held:
        kept.put(job.state, f"{_FACT}{name}", json.dumps(since))


def _unchanged(state: sqlite3.Connection, name: str, read: ReadTable) -> dict[str, Any]:
    """Give the columns of an object that are read as they were by the pull before."""
    held = _held(state, name) if read.table in PREFIX else {}
    return {column: row for column, row in held.items() if _how(read, column) == row["how"]}


def _columns(read: ReadTable) -> list[str]:
    return [column for column in read.columns() if is_learnable(column)]


def _how(read: ReadTable, column: str) -> str | None:
    """Name where a column comes from; null where it is not read."""
    source = read.columns().get(column)
    return None if source is None else sha256(repr(source).encode()).hexdigest()[:12]


def _held(state: sqlite3.Connection, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kept.get(state, f"{_FACT}{name}") or "{}")
    return found


def _changes(job: Job, facts: Delta, table: str, columns: Iterable[str]) -> tuple[Delta, ...]:
    with job.engine() as engine:
        compared(engine, job, facts)
        kinds = [_kinds(engine, side) for side in ("came", "went")]
        both = [name for name in columns if all(kind.get(name) in _LEARNED for kind in kinds)]
        if not both:
            return ()
        rows = engine.sql(
            _select(facts.key, both, table, job.connection.server_time_at, deletes=DELETED in kinds[0])
        ).to_arrow_table()
    return (job.lake.merge(CHANGES, CHANGE_KEY, [rows]),) if rows.num_rows else ()


def _kinds(engine: duckdb.DuckDBPyConnection, side: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in engine.execute(f"DESCRIBE SELECT * FROM {side}").fetchall()}  # noqa: S608 - our own names


def _select(key: str, columns: Sequence[str], table: str, at: datetime, *, deletes: bool) -> str:
    """Select a row per changed value: change_id, role, subject_id, field, old, new, changed_at."""
    own, role = quoted(key), _ROLES[table]
    lives = f"AND c.{quoted(DELETED)} IS NOT TRUE" if deletes else ""
    sides = ", ".join(
        f"left(({side}.{quoted(name)})::VARCHAR, {MOST_LETTERS}) AS {quoted(f'{side} {name}')}"
        for name in columns
        for side in ("w", "c")
    )
    named = {name: literal(PREFIX[table] + name) for name in columns}
    fields = " UNION ALL ".join(
        f"SELECT id, {named[name]} AS field, {quoted(f'w {name}')} AS old, {quoted(f'c {name}')} AS new FROM beside"  # noqa: S608 - names are quoted
        for name in columns
    )
    second = int(at.timestamp())
    return f"""
        WITH beside AS MATERIALIZED (
            SELECT c.{own}::VARCHAR AS id, {sides} FROM came c JOIN went w ON w.{own} = c.{own}
            WHERE c.{own} IN (SELECT {own} FROM differing) {lives})
        SELECT concat_ws(':', '{role}', id, field, '{second}') AS {CHANGE_KEY}, '{role}' AS role, id AS subject_id,
            field, old, new, to_timestamp({second}) AS changed_at
        FROM ({fields}) WHERE old IS DISTINCT FROM new"""  # noqa: S608 - names are quoted


def noted_since(state: sqlite3.Connection, mapping: CrmMapping) -> dict[str, datetime]:
    """Tell from when on the changes of each field (people.X, account.X) are known, whatever object it is of."""
    found: dict[str, list[datetime | None]] = {}
    for name, read in mapping.read.items():
        held = _held(state, name) if read.table in PREFIX else {}
        for column in _columns(read) if held else ():
            at = from_text(held[column]["at"]) if column in held else None
            found.setdefault(PREFIX[read.table] + column, []).append(at)
    return {field: max(at for at in times if at) for field, times in found.items() if all(times)}


def forget_unread(job: Job) -> int:
    """Take out of the store what was noted of fields that are read no more; returns the notes that went."""
    tables = [read for read in job.mapping.read.values() if read.table in PREFIX and job.settings.train.note_changes]
    reads = {PREFIX[read.table] + column for read in tables for column in _columns(read)}
    before = set(json.loads(kept.get(job.state, _FIELDS) or "[]"))
    if before == reads:
        return 0
    relation, gone = job.lake.relation(CHANGES), sorted(before - reads)
    keys: list[str] = []
    if relation is not None and gone:
        with job.engine() as engine:
            named = f"field IN ({', '.join(map(literal, gone))})"
            rows = engine.execute(f"SELECT {CHANGE_KEY} FROM {relation} WHERE {named}").fetchall()  # noqa: S608 - values are quoted
        keys = [row[0] for row in rows]
    with transaction(job.state):
        if keys:
            job.lake.commit(job.lake.merge(CHANGES, CHANGE_KEY, (), keys))
        kept.put(job.state, _FIELDS, json.dumps(sorted(reads)))
    if keys:
        job.lake.compact(CHANGES, CHANGE_KEY, CLUSTERED, force=True)
    return len(keys)
