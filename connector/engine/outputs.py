"""Writes what a statement selects as Parquet, one part of the subjects after the other into the same files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connector.engine.relations import literal, quoted
from connector.store.state import store_errors

_ROW_GROUP_ROWS = 122_880  # 60 of DuckDB's vectors; smaller groups cost its readers time
_SEARCHED: Any = ["subject_id"]  # statistics of other columns would help no reader
_OF_MANY_VALUES = (
    *("subject_id", "reasons", "fit", "engagement", "total", "probability", "priority", "model_total"),
    *("points", "events", "first_at", "last_at"),
)


class OutputFile:
    """A zstd Parquet file that appears whole or not at all.

    Columns of few known words are written from their dictionary: to find a dictionary again takes longer than all the
    rest of the writing.
    """

    def __init__(self, path: Path, words: Mapping[str, Sequence[str]]) -> None:
        self._path, self._words = path, words
        self._unfinished = path.with_name(f"{path.name}.tmp")
        self._writer: Any = None

    def add(self, connection: duckdb.DuckDBPyConnection, select: str) -> None:
        """Append the rows of a query; every query gives the same columns. Raises StoreError (disk)."""
        casts = ", ".join(
            f"CAST({quoted(name)} AS ENUM({', '.join(map(literal, words))})) AS {quoted(name)}"
            for name, words in self._words.items()
        )
        replaced = f"SELECT * REPLACE ({casts}) FROM ({select})" if casts else select  # noqa: S608 - quoted
        with connection.sql(replaced).to_arrow_reader(_ROW_GROUP_ROWS) as batches, store_errors(self._path):
            writer = self._opened(batches.schema)
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]).cast(writer.schema))

    def _opened(self, schema: pa.Schema) -> Any:  # noqa: ANN401 - PyArrow's writer has no types
        if self._writer is None:
            few: Any = [name for name in schema.names if name not in _OF_MANY_VALUES]
            # Without the schema of Arrow, readers find plain texts where dictionaries were written.
            self._writer = pq.ParquetWriter(
                self._unfinished,
                schema,
                compression="zstd",
                use_dictionary=few,
                store_schema=False,
                write_statistics=_SEARCHED,
            )
        return self._writer

    def close(self) -> None:
        """Write what is left; raises StoreError (disk)."""
        with store_errors(self._path):
            self._writer.close()

    def publish(self) -> None:
        """Give the closed file its name."""
        with store_errors(self._path):
            self._unfinished.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind; without effect on a published file."""
        with suppress(OSError):  # closing writes what is buffered, and the disk may be full
            if self._writer is not None:
                self._writer.close()
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)


@contextmanager
def appending(*outputs: tuple[OutputFile, str]) -> Iterator[Callable[[duckdb.DuckDBPyConnection], None]]:
    """Give a function that appends each query's rows to its file; the files appear at the end, or not at all."""

    def append(connection: duckdb.DuckDBPyConnection) -> None:
        for file, select in outputs:
            file.add(connection, select)

    try:
        yield append
        for file, _ in outputs:
            file.close()
        for file, _ in outputs:
            file.publish()
    finally:
        for file, _ in outputs:
            file.abandon()
