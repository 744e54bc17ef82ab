"""Opens DuckDB and makes there what a compiled model works on. https://duckdb.org/docs/stable/"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from connector.engine.relations import Relation, relation
from connector.engine.statements import statement_for, statement_key
from scoring.model import Model
from scoring.statement import Statement

_TABLES = ("people", "accounts", "events")
LEDGER = "adjustments"
_UTC = "SET TimeZone = 'UTC'"  # a setting of each session, not of the database
_ONCE = "SET GLOBAL parquet_metadata_cache = true"  # what a file holds is asked by every statement that reads it


def open_engine(
    memory_limit_mb: int | None = None, temp_dir: Path | None = None, threads: int = 1
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that takes and gives times as UTC; `temp_dir` is where it spills.

    One thread by default: a second one saves little time and takes a third more CPU and memory, which are not ours
    alone; see docs/adr/0007.
    """
    config: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": False, "threads": threads}
    if memory_limit_mb is not None:
        config["memory_limit"] = f"{memory_limit_mb}MiB"
    if temp_dir is not None:
        config["temp_directory"] = str(temp_dir)
    connection = duckdb.connect(config=config)
    connection.execute(_UTC)
    connection.execute(_ONCE)
    return connection


def new_session(database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Open another session of a database, as `open_engine` does one of its own."""
    session = database.cursor()
    session.execute(_UTC)
    return session


def made_by(
    connection: duckdb.DuckDBPyConnection, model: Model, people: Model | None, sources: Mapping[str, str]
) -> str:
    """Name what scores depend on besides the facts: models, lists, compiler, and the columns of the facts.

    Bands seen before are no fact. Raises ConfigError as `score` does.
    """
    relations = relations_of(connection, sources)
    columns = {
        name: {column: kind for column, kind in found.types.items() if column not in found.table.reserved}
        for name, found in relations.items()
    }
    return statement_key(model, people, columns)


def relations_of(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, str]) -> dict[str, Relation]:
    """Describe the tables that are always there, and the ledger where it is; raises ConfigError (no key column)."""
    wanted = (*_TABLES, LEDGER) if LEDGER in sources else _TABLES
    return {name: relation(connection, name, sources.get(name)) for name in wanted}


def compiled(
    model: Model, people: Model | None, as_of: datetime, relations: Mapping[str, Relation], kept_in: Path | None = None
) -> Statement:
    """Compile a model against the tables as they are; `kept_in` holds the statements that were compiled before."""
    columns = {name: found.types for name, found in relations.items()}
    return statement_for(model, people, as_of=as_of, columns=columns, kept_in=kept_in)


@contextmanager
def prepared(connection: duckdb.DuckDBPyConnection, views: Mapping[str, str], statement: Statement) -> Iterator[None]:
    """Make the views and temporary tables of a statement, and drop them again."""
    try:
        for name, select in views.items():
            connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {select}")
        for text in statement.prepare:
            connection.execute(text)
        yield
    finally:
        for table in ("scored", "people_scores", "clock"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for name in views:
            connection.execute(f"DROP VIEW IF EXISTS {name}")
