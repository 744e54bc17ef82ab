"""Runs a query of the compiler over rows of Python dicts."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from connector.engine.relations import relation
from scoring.compile import MACROS
from scoring.dialects import rendered
from scoring.schema import ColumnType
from tests.scoring.running import as_table

Row = dict[str, Any]


def given(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, list[Row]]
) -> Mapping[str, Mapping[str, ColumnType]]:
    """Make the views `people`, `accounts` and `events`; gives their columns."""
    columns = {}
    for name in ("people", "accounts", "events"):
        connection.register(f"given_{name}", as_table(name, tables[name]))
        found = relation(connection, name, f"given_{name}")
        connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {found.view()}")
        columns[name] = found.types
    return columns


def snapshots(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, int]]) -> None:
    """Register the relation `snapshots`."""
    ids, times = [row[0] for row in rows], [row[1] for row in rows]
    connection.register("snapshots", pa.table({"subject_id": pa.array(ids, pa.string()), "as_of_s": times}))


def selected(connection: duckdb.DuckDBPyConnection, query: exp.Query) -> list[Row]:
    """Run a query; gives its rows."""
    for macro in MACROS:
        connection.execute(macro)
    rows: list[Row] = connection.sql(rendered(query, "duckdb")).to_arrow_table().to_pylist()
    return rows
