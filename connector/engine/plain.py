"""Reads a folder of plain files (`--data DIR`) as canonical tables: Parquet as it is, CSV typed by name or values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connector.engine.relations import canonical, literal, quoted
from connector.errors import ConfigError
from scoring.expressions import MACROS, column, filled
from scoring.schema import TABLES, ColumnType, Table

_NUMBER = r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_DATE = r"^\d{4}-\d{2}-\d{2}"
# A longer run of digits is an identifier: float64 could not hold it.
_MOST_DIGITS = 15
_PROBED_ROWS = 100_000
_CSV_OPTIONS = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', skip = 0"
_NOUNS: Mapping[ColumnType, str] = {
    "number": "a number",
    "boolean": "true or false",
    "datetime": "an ISO 8601 time",
    "map": "a JSON object",
}


@dataclass(frozen=True)
class _File:
    """One data file: how DuckDB reads it, the types as stored and the canonical types."""

    path: Path
    table: Table
    reader: str
    stored: Mapping[str, str]
    types: Mapping[str, ColumnType]

    @property
    def relation(self) -> str:
        """Write the relation: Parquet bare, so that filters reach it, CSV with its columns typed."""
        if self.path.suffix == ".parquet":
            return self.reader
        typed = ", ".join(f"{self.typed(name)} AS {quoted(name)}" for name in self.stored)
        return f"(SELECT {typed} FROM {self.reader})"  # noqa: S608 - names are quoted

    def typed(self, name: str) -> str:
        """Write a column cast to its type."""
        return canonical(quoted(name), self.stored[name], self.types[name])


def open_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> Mapping[str, str]:
    """Give a SQL relation for every canonical table that has a file in the folder.

    An empty cell is null. Equal event ids count once. Raises ConfigError with every problem of every file: unreadable
    files, missing or empty keys, values that are not of their column's type, duplicate people or accounts.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder")
    for macro in MACROS:
        connection.execute(macro)
    paths, problems = _paths(folder)
    files: list[_File] = []
    for table, path in paths.items():
        try:
            files.append(_described(connection, TABLES[table], path))
            problems += _problems(connection, files[-1])
        except duckdb.Error as error:
            problems.append(f"{path}: {_unreadable(path, str(error))}")
    if problems:
        raise ConfigError(problems)
    return {file.table.name: _once(connection, file) for file in files}


def _paths(folder: Path) -> tuple[dict[str, Path], list[str]]:
    paths: dict[str, Path] = {}
    problems = []
    for table in TABLES:
        found = [path for suffix in ("parquet", "csv") if (path := folder / f"{table}.{suffix}").is_file()]
        if len(found) > 1:
            problems.append(f"{folder}: has {found[0].name} and {found[1].name}, keep one")
        elif found:
            paths[table] = found[0]
    if not paths and not problems:
        problems.append(f"{folder}: has no data file (people, accounts, events, … each as .parquet or .csv)")
    return paths, problems


def _unreadable(path: Path, message: str) -> str:
    """Say what is wrong with a file without repeating its content, which may name people."""
    if path.suffix == ".parquet":
        return "is not a readable Parquet file"
    line = re.search(r"Line: (\d+)", message)
    return f"is not UTF-8 CSV with a header and equal rows{f', see line {line[1]}' if line else ''}"


def _described(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> _File:
    is_csv = path.suffix == ".csv"
    where = literal(str(path))
    reader = f"read_csv({where}, {_CSV_OPTIONS})" if is_csv else f"read_parquet({where})"
    rows = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608 - the path is quoted
    stored = {str(row[0]): str(row[1]) for row in rows}
    known: dict[str, ColumnType] = {name: table.columns[name] for name in stored if name in table.columns}
    custom = [name for name in stored if name not in known]
    if is_csv and table.name in ("people", "accounts"):
        known |= _types_of_values(connection, reader, custom)
    return _File(path, table, reader, {name: stored[name] for name in stored if name in known}, known)


def _types_of_values(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[str]
) -> dict[str, ColumnType]:
    return {name: _type_of_values(connection, reader, name) for name in columns}


def _type_of_values(connection: duckdb.DuckDBPyConnection, reader: str, name: str) -> ColumnType:
    """Type a custom column by all its values; a leading zero or too many digits keep text."""
    cell = _cell(name)
    tests = {
        "list": f"CONTAINS({cell}, ';')",
        "number": f"REGEXP_FULL_MATCH({cell}, '{_NUMBER}') AND LENGTH(REGEXP_REPLACE({cell}, '[^0-9]', '', 'g'))"
        f" <= {_MOST_DIGITS}",
        "boolean": f"LOWER({cell}) IN ('true', 'false')",
        "datetime": f"REGEXP_MATCHES({cell}, '{_DATE}') AND TRY_CAST({cell} AS TIMESTAMPTZ) IS NOT NULL",
    }
    counts = ", ".join(f"COUNT(*) FILTER ({test})" for test in tests.values())
    found = connection.execute(f"SELECT COUNT({cell}), {counts} FROM {reader}").fetchall()  # noqa: S608 - quoted
    filled, lists, numbers, booleans, times = found[0]
    if filled == 0:
        return "text"
    kinds: tuple[tuple[ColumnType, bool], ...] = (
        ("list", lists > 0),
        ("number", numbers == filled),
        ("boolean", booleans == filled),
        ("datetime", times == filled),
    )
    return next((kind for kind, fits in kinds if fits), "text")


def _cell(name: str) -> str:
    """Write a text cell trimmed, blank as null."""
    return filled(column(name)).sql("duckdb")


def _problems(connection: duckdb.DuckDBPyConnection, file: _File) -> Iterator[str]:
    missing = [key for key in file.table.key if key not in file.stored]
    yield from (f"{file.path}: the column '{key}' is missing" for key in missing)
    checks = dict(_checks(file))
    # As a filter, the statistics in Parquet files answer it without a look at the rows.
    wrong = " OR ".join(f"({condition})" for condition in checks.values()) or "FALSE"
    if connection.execute(f"SELECT 1 FROM {file.reader} WHERE {wrong} LIMIT 1").fetchall():  # noqa: S608 - quoted
        counts = ", ".join(f"COUNT(*) FILTER ({condition})" for condition in checks.values())
        found = connection.execute(f"SELECT {counts} FROM {file.reader}").fetchall()[0]  # noqa: S608 - quoted
        yield from (f"{file.path}: {count} {told}" for told, count in zip(checks, found, strict=True) if count)
    if not missing and file.table.name in ("people", "accounts", "adjustments"):
        yield from _duplicates(connection, file)


def _checks(file: _File) -> Iterator[tuple[str, str]]:
    """Give what is wrong with a row, and the condition that finds it."""
    for key in file.table.key:
        if key in file.stored:
            # Only a text that sorts before the first visible character can be blank, and hardly any is looked at twice.
            name = quoted(key)
            blank = f" OR ({name} < '!' AND TRIM({name}) = '')" if file.stored[key] == "VARCHAR" else ""
            yield f"row(s) have no '{key}'", f"{quoted(key)} IS NULL{blank}"
    if file.table.name == "adjustments" and "op" in file.stored:
        op = _cell("op")
        yield "row(s) have an 'op' that is neither set_to nor modify", f"LOWER({op}) NOT IN ('set_to', 'modify')"
    if file.table.name == "adjustments" and "half_life_days" in file.stored:
        yield "row(s) have 'half_life_days' that is not above 0", f"{file.typed('half_life_days')} <= 0"
    for name, kind in file.types.items():
        if file.stored[name] == "VARCHAR" and kind in _NOUNS:
            cell = _cell(name)
            wrong = f"{file.typed(name)} IS NULL"
            if kind == "map":
                wrong = f"NOT (JSON_VALID({cell}) AND STARTS_WITH({cell}, '{{'))"
            yield f"value(s) of '{name}' are not {_NOUNS[kind]}", f"{cell} IS NOT NULL AND {wrong}"


def _duplicates(connection: duckdb.DuckDBPyConnection, file: _File) -> Iterator[str]:
    key = file.table.key[0]
    name = quoted(key)
    repeated = f"SELECT {name}, COUNT(*) FROM {file.reader} GROUP BY 1 HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 4"  # noqa: S608 - quoted
    rows = connection.execute(repeated).fetchall()
    if rows:
        names = ", ".join(f"'{row[0]}' ({row[1]} times)" for row in rows[:3])
        yield f"{file.path}: '{key}' must be unique: {names}{', …' if len(rows) > 3 else ''}"


def _once(connection: duckdb.DuckDBPyConnection, file: _File) -> str:
    """Keep one of the events that share an id; a file without such events is read as it is."""
    if file.table.name != "events" or not _repeats(connection, file.reader):
        return file.relation
    order = ", ".join(file.typed(name) for name, kind in file.types.items() if kind != "map")
    ranked = f"ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY {order}) = 1"
    return f"(SELECT * FROM {file.relation} AS every QUALIFY {ranked})"  # noqa: S608 - quoted


def _repeats(connection: duckdb.DuckDBPyConnection, events: str) -> bool:
    """Tell whether event ids may repeat: ids that rise from row to row do not, others are hashed and sorted.

    Sorting costs two thirds of counting distinct hashes, and rising ids a quarter.
    """
    ids = "SELECT CAST(event_id AS VARCHAR) AS id, STRLEN(id) AS size, LAG(id) OVER () AS before"
    falls = "size < STRLEN(before) OR (size = STRLEN(before) AND id <= before)"
    for rows in (f"(FROM {events} LIMIT {_PROBED_ROWS})", events):
        if _any(connection, f"SELECT {falls} AS found FROM ({ids} FROM {rows})"):  # noqa: S608 - quoted
            break
    else:
        return False
    hashed = f"SELECT HASH(event_id) AS id FROM {events}"  # noqa: S608 - quoted
    return _any(connection, f"SELECT id = LAG(id) OVER (ORDER BY id) AS found FROM ({hashed})")  # noqa: S608 - quoted


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return bool(connection.execute(f"SELECT COALESCE(BOOL_OR(found), FALSE) FROM ({query})").fetchall()[0][0])  # noqa: S608 - our own
