"""Write delta files: pages in, Parquet with large row groups out, in flat memory."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connector.errors import StoreError
from connector.store.durable import make_durable
from connector.store.files import DELETED, ROW_GROUP_ROWS, Delta, new_file
from connector.store.state import store_errors


class DeltaWriter:
    """Buffer pages into row groups; pages may differ in their columns, an all-null column of no type is left out."""

    def __init__(self, folder: Path, table: str, key: str, created: Callable[[Path], None]) -> None:
        self._folder, self._table, self._key, self._created = folder, table, key, created
        self._buffer: list[pa.Table] = []
        self._buffered = 0
        self._schema = pa.schema([])
        self._open: _OpenFile | None = None
        self._files: list[tuple[Path, int]] = []

    def __enter__(self) -> "DeltaWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.abandon()

    def add(self, page: pa.Table | pa.RecordBatch) -> None:
        """Take a page; a row replaces any earlier one of its key, in this writer too. Raises StoreError (disk)."""
        table = _typed(pa.Table.from_batches([page]) if isinstance(page, pa.RecordBatch) else page)
        if table.num_rows == 0:
            return
        if self._key not in table.column_names:
            raise ValueError(f"a page for {self._table} lacks its key {self._key}")
        joint = _joint(self._schema, table.schema)
        if joint is None:  # text here, a number there: a file of its own, DuckDB finds the common type
            self._flush()
            joint = table.schema
        self._schema = joint
        self._buffer.append(table)
        self._buffered += table.num_rows
        if self._buffered >= ROW_GROUP_ROWS:
            self._write_groups()

    def delete(self, keys: Iterable[str]) -> None:
        """Take keys whose rows are gone; a later page may bring one back."""
        column = pa.array(keys, pa.string())
        self.add(pa.table({self._key: column, DELETED: pa.repeat(True, len(column))}))

    def close(self) -> Delta:
        """Make everything durable and say what to commit."""
        self._flush()
        self._finish_file()
        if self._files:
            with store_errors(self._folder):
                make_durable(self._folder)
        return Delta(self._table, self._key, tuple(self._files))

    def _write_groups(self) -> None:
        rows = pa.concat_tables(self._buffer, promote_options="permissive")
        whole = rows.num_rows - rows.num_rows % ROW_GROUP_ROWS
        self._write(rows.slice(0, whole))
        self._buffer, self._buffered = [rows.slice(whole)], rows.num_rows - whole

    def _flush(self) -> None:
        if self._buffered:
            self._write(pa.concat_tables(self._buffer, promote_options="permissive"))
        self._buffer, self._buffered, self._schema = [], 0, pa.schema([])

    def _write(self, rows: pa.Table) -> None:
        with store_errors(self._folder):
            if self._open is not None and not self._open.fits(rows.schema):
                self._finish_file()
            if self._open is None:
                self._open = _OpenFile(new_file(self._folder), rows.schema)
                self._created(self._open.path)
            self._open.write(rows)

    def _finish_file(self) -> None:
        if self._open is not None:
            with store_errors(self._open.path):
                self._files.append((self._open.path, self._open.close()))
            self._open = None


class _OpenFile:
    """A Parquet file that is being written."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema
        self._rows = 0
        self._file = path.open("wb")
        self._writer: Any = pq.ParquetWriter(self._file, schema, compression="zstd")

    def fits(self, schema: pa.Schema) -> bool:
        """Tell whether rows of this schema can go into the file: no column it lacks, none of another type."""
        return all(
            field.name in self._schema.names and self._schema.field(field.name).type == field.type for field in schema
        )

    def write(self, rows: pa.Table) -> None:
        """Write rows as row groups of the usual size."""
        columns = [
            rows.column(field.name) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=ROW_GROUP_ROWS)
        self._rows += rows.num_rows

    def close(self) -> int:
        """Make the file durable; returns its rows."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._rows

    def abandon(self) -> None:
        """Let go of the file; what is on the disk is an orphan."""
        with suppress(OSError):  # closing writes what is buffered, and the disk may be full
            self._file.close()


def row_count(path: Path) -> int:
    """Count a file's rows; raises StoreError where it is no Parquet."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except pa.ArrowInvalid:
        raise StoreError(f"{path}: no Parquet file, or a damaged one") from None


def _typed(page: pa.Table) -> pa.Table:
    return page.select([field.name for field in page.schema if not pa.types.is_null(field.type)])


def _joint(left: pa.Schema, right: pa.Schema) -> pa.Schema | None:
    try:
        return pa.unify_schemas([left, right], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None
