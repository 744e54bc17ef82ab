"""Gives whatever holds the canonical tables their canonical names and types, as views."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from connector.errors import ConfigError
from scoring.schema import TABLES, ColumnType, Table

PHYSICAL: Mapping[ColumnType, str] = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "list": "VARCHAR[]",
    "map": "MAP(VARCHAR, VARCHAR)",
}


@dataclass(frozen=True)
class Relation:
    """A canonical table behind a SQL relation: its columns with the expression and type of each."""

    table: Table
    source: str
    expressions: Mapping[str, str]
    types: Mapping[str, ColumnType]

    def view(self, only: Mapping[str, str | None] | None = None) -> str:
        """Write the view's SELECT; `only` keeps the rows whose columns have these texts (null keeps none)."""
        selected = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in self.expressions.items())
        kept = [f"{self.expressions[name]} = {literal(text)}" for name, text in (only or {}).items()]
        where = f" WHERE {' AND '.join(kept)}" if kept else ""
        return f"SELECT {selected} FROM {self.source}{where}"  # noqa: S608 - names and values are quoted

    def within(self, ids: Mapping[str, str]) -> "Relation":
        """Keep the rows of which any of these columns is among the subject_ids of its relation.

        Columns that the table lacks decide nothing; without any of them every row is kept. Materialised, so that
        nothing else is asked of the rows of others.
        """
        tests = [
            f"{self.expressions[column]} IN (SELECT subject_id FROM {those})"  # noqa: S608 - names are quoted
            for column, those in ids.items()
            if column in self.expressions
        ]
        kept = f"(WITH kept AS MATERIALIZED (SELECT * FROM {self.source} WHERE {' OR '.join(tests)}) FROM kept)"  # noqa: S608 - as above
        return replace(self, source=kept) if tests else self


def relation(connection: duckdb.DuckDBPyConnection, name: str, source: str | None) -> Relation:
    """Describe a source as the canonical table `name`; without one, an empty table; raises ConfigError.

    Canonical columns are cast to their types (what cannot be cast is unknown), other columns keep theirs.
    """
    table = TABLES[name]
    if source is None:
        empty = {key: f"CAST(NULL AS {PHYSICAL[table.columns[key]]})" for key in table.key}
        types = {key: table.columns[key] for key in table.key}
        return Relation(table, "(SELECT 1 WHERE FALSE) AS nothing", empty, types)
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - our own relation
    stored = {str(row[0]): str(row[1]) for row in described}
    missing = [key for key in table.key if key not in stored]
    if missing:
        raise ConfigError([f"{name}: the column '{key}' is missing" for key in missing])
    types = {column: table.columns.get(column) or column_type(kind) for column, kind in stored.items()}
    expressions = {column: canonical(quoted(column), kind, types[column]) for column, kind in stored.items()}
    return Relation(table, source, expressions, types)


def column_type(stored: str) -> ColumnType:
    """Give the canonical type of a DuckDB type; whatever is none of them is text."""
    if stored.endswith("[]"):
        return "list"
    if stored.startswith(("TIMESTAMP", "DATE")):
        return "datetime"
    if stored == "BOOLEAN":
        return "boolean"
    numbers = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
    is_number = stored in (*numbers, "UHUGEINT", "FLOAT", "DOUBLE") or stored.startswith("DECIMAL")
    return "number" if is_number else "text"


def canonical(column: str, stored: str, wanted: ColumnType) -> str:
    """Write the cast of a stored column; a column that has its type already stays bare, so that filters reach it."""
    physical = PHYSICAL[wanted]
    if stored == physical:
        return column
    if wanted == "list" and stored == "VARCHAR":
        return f"CASE WHEN TRIM({column}) <> '' THEN STRING_SPLIT({column}, ';') END"
    if wanted == "datetime" and stored == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')"
    # A cast of a time with zone straight to one without gives null for some of DuckDB's types (TIMESTAMPTZ_NS).
    if wanted == "datetime" and (stored == "VARCHAR" or "TZ" in stored or "ZONE" in stored):
        return f"(TRY_CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    if wanted == "map":
        as_json = f"TRY_CAST({column} AS JSON)" if stored in ("VARCHAR", "JSON") else f"TO_JSON({column})"
        return f"TRY_CAST({as_json} AS {physical})"
    return f"TRY_CAST({column} AS {physical})"


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """Quote a text, or write null."""
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"
