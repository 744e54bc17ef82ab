"""Spark on this machine, in one process, and statements run on it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.compile import Statement

Row = dict[str, Any]
SETTINGS: Mapping[str, str] = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.session.timeZone": "America/New_York",
    # Compiling each plan to Java takes far longer than these few rows do.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class Spark:
    """A running Spark session."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - pyspark is not there to type against
        self._session = session

    def run(self, statement: Statement, tables: Mapping[str, pa.Table]) -> tuple[list[Row], list[Row]]:
        """Load tables as views, run a statement; gives its scores and contributions."""
        with TemporaryDirectory() as folder:
            for name, table in tables.items():
                pq.write_table(table, Path(folder) / f"{name}.parquet")
                self._session.read.parquet(f"{folder}/{name}.parquet").createOrReplaceTempView(name)
            try:
                for text in statement.prepare:
                    self._session.sql(text)
                return self._rows(statement.scores), self._rows(statement.contributions)
            finally:
                for name in ("scored", "people_scores", "clock", *tables):
                    self._session.catalog.dropTempView(name)
                self._session.catalog.clearCache()

    def _rows(self, query: str) -> list[Row]:
        rows = self._session.sql(query).collect()
        return [{name: _utc(value) for name, value in row.asDict().items()} for row in rows]


def _utc(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@contextmanager
def spark() -> Iterator[Spark]:
    """Start Spark, and stop it at the end; skips where it cannot run."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed (`make dialects` does it)")
    builder = sql.SparkSession.builder.master("local[2]").appName("dialects")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield Spark(session)
    finally:
        session.stop()
