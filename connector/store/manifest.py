"""The lake's manifest: which files make up which table, one row each in the state database."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from connector.store.state import now_text, store_errors, to_text, transaction

FileKind = Literal["base", "delta", "snapshot"]
_COLUMNS = "table_name, seq, file, kind, key, rows, bytes, run_id"


@dataclass(frozen=True)
class LakeFile:
    """Describe one file; seq orders a table's files by age, key is null for snapshots."""

    table: str
    seq: int
    name: str
    kind: FileKind
    key: str | None
    rows: int
    bytes: int
    run_id: str | None


def live(connection: sqlite3.Connection, table: str | None = None) -> list[LakeFile]:
    """List the files that make up a table (or all tables), oldest first."""
    clause = "retired_at IS NULL AND table_name = coalesce(?, table_name) ORDER BY table_name, seq"
    return _select(connection, clause, (table,))


def retired(connection: sqlite3.Connection, before: datetime | None = None) -> list[LakeFile]:
    """List files that were replaced (before a time)."""
    if before is None:
        return _select(connection, "retired_at IS NOT NULL", ())
    return _select(connection, "retired_at < ?", (to_text(before),))


def add(
    connection: sqlite3.Connection,
    table: str,
    path: Path,
    kind: FileKind,
    rows: int,
    *,
    key: str | None = None,
    run_id: str | None = None,
) -> None:
    """Enter a file; its seq is the number that is its name."""
    with transaction(connection):
        connection.execute(
            f"INSERT INTO lake_files ({_COLUMNS}, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant
            (table, int(path.stem), path.name, kind, key, rows, path.stat().st_size, run_id, now_text()),
        )


def retire(connection: sqlite3.Connection, table: str, numbers: Sequence[int]) -> None:
    """Take files out of a table; they stay on the disk until they are swept."""
    at = now_text()
    with transaction(connection):
        connection.executemany(
            "UPDATE lake_files SET retired_at = ? WHERE table_name = ? AND seq = ?",
            [(at, table, number) for number in numbers],
        )


def strike(connection: sqlite3.Connection, files: Iterable[LakeFile]) -> None:
    """Forget files that were deleted."""
    with transaction(connection):
        connection.executemany(
            "DELETE FROM lake_files WHERE table_name = ? AND seq = ?", [(file.table, file.seq) for file in files]
        )


def _select(connection: sqlite3.Connection, clause: str, values: Sequence[object]) -> list[LakeFile]:
    with store_errors():
        found = connection.execute(f"SELECT {_COLUMNS} FROM lake_files WHERE {clause}", values).fetchall()  # noqa: S608 - constant
    return [LakeFile(*row) for row in found]
