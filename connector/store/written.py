"""What this program last wrote to each record: a value in the CRM that differs from it is somebody else's."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from connector.store.state import from_text, store_errors, to_text, transaction

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
_BATCH = 50_000
_SCHEMA = pa.schema(
    [("object", pa.string()), ("record_id", pa.string()), ("fields_json", pa.string()),
     ("written_at", pa.timestamp("us", "UTC"))]
)  # fmt: skip


class Written(NamedTuple):
    """Carry the last written value of every field ever written to one record; null means that null was written."""

    object: str
    record_id: str
    fields: Mapping[str, Any]
    written_at: datetime


def remember(
    connection: sqlite3.Connection,
    rows: Iterable[tuple[str, str, Mapping[str, Any], datetime]],
    *,
    run_id: str | None = None,
) -> None:
    """Merge (object, record_id, fields, written_at) into what is known; fields that a row does not name stay."""
    # json_patch() would drop a field that was written as null
    connection.create_function("merge_fields", 2, _merge, deterministic=True)
    values = ((object_, id_, _JSON.encode(fields), to_text(at), run_id) for object_, id_, fields, at in rows)
    with transaction(connection):
        connection.executemany(
            "INSERT INTO written VALUES (?, ?, ?, ?, ?) ON CONFLICT (object, record_id) DO UPDATE SET "
            "fields = merge_fields(fields, excluded.fields), written_at = excluded.written_at, "
            "run_id = excluded.run_id",
            values,
        )


def last_written(connection: sqlite3.Connection, object: str) -> Iterator[Written]:  # noqa: A002 - the vendors' own word
    """Iterate over what was written to an object's records, by record_id."""
    query = "SELECT object, record_id, fields, written_at FROM written WHERE object = ? ORDER BY record_id"
    with store_errors():
        for object_, record_id, fields, written_at in connection.execute(query, (object,)):
            yield Written(object_, record_id, json.loads(fields), from_text(written_at))


def last_run(connection: sqlite3.Connection, object: str, record_id: str) -> str | None:  # noqa: A002 - as above
    """Name the run that wrote to a record last, null where none did."""
    query = "SELECT run_id FROM written WHERE object = ? AND record_id = ?"
    with store_errors():
        found = connection.execute(query, (object, record_id)).fetchone()
    return found[0] if found else None


def as_arrow(connection: sqlite3.Connection) -> pa.Table:
    """Return everything as a table: object, record_id, fields_json (text), written_at (UTC)."""
    with store_errors():
        found = connection.execute("SELECT object, record_id, fields, written_at FROM written")
        batches = [_batch(rows) for rows in iter(lambda: found.fetchmany(_BATCH), [])]
    return pa.Table.from_batches(batches, schema=_SCHEMA)


def forget(connection: sqlite3.Connection, object: str, record_ids: Iterable[str]) -> None:  # noqa: A002 - as above
    """Drop what is known of records that no longer exist."""
    with transaction(connection):
        pairs = ((object, record_id) for record_id in record_ids)
        connection.executemany("DELETE FROM written WHERE object = ? AND record_id = ?", pairs)


def _batch(rows: list[tuple[str, str, str, str]]) -> pa.RecordBatch:
    objects, ids, fields, times = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays([objects, ids, fields, [from_text(text) for text in times]], schema=_SCHEMA)


def _merge(old: str, new: str) -> str:
    return _JSON.encode({**json.loads(old), **json.loads(new)})
