"""What the lake asks of DuckDB: the SQL that reads a table's present rows, and the sort into one file."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from connector.errors import StoreError
from connector.store.durable import make_durable
from connector.store.files import ROW_GROUP_ROWS

SPILL = ".spill"
_DISK_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InvalidInputException)


def read(paths: Sequence[Path]) -> str:
    """Return the table function that reads files."""
    return (
        f"read_parquet([{_list(paths)}], union_by_name = true)" if len(paths) > 1 else f"read_parquet({_list(paths)})"
    )


def newest(bases: Sequence[Path], deltas: Sequence[Path], key: str, deleted: str) -> str:
    """Return FROM-clause text for the newest row per key, deletions left out.

    The window runs over the deltas alone; of the base, whose keys are unique, those in no delta are taken.
    """
    if not deltas:
        return read(bases)
    name = _quote(key)
    numbered = f"read_parquet([{_list(deltas)}], union_by_name = true, filename = true, file_row_number = true)"
    changes = (
        f"SELECT * EXCLUDE (filename, file_row_number) FROM {numbered} "  # noqa: S608 - quoted
        f"QUALIFY row_number() OVER (PARTITION BY {name} ORDER BY filename DESC, file_row_number DESC) = 1"
    )
    flag, union = _quote(deleted), changes
    if bases:
        untouched = f"SELECT * FROM {read(bases)} AS base ANTI JOIN {read(deltas)} AS delta USING ({name})"  # noqa: S608 - quoted
        union = f"({untouched}) UNION ALL BY NAME ({changes})"
    # a column that no file has is an error in SQL, so the flag is put beside the rows before it is asked for
    flagged = f"({union}) UNION ALL BY NAME (SELECT NULL::BOOLEAN AS {flag} WHERE false)"
    return f"(SELECT * EXCLUDE ({flag}) FROM ({flagged}) WHERE {flag} IS NOT TRUE)"  # noqa: S608 - quoted


def write(relation: str, target: Path, order_by: Sequence[str], memory_limit_mb: int) -> None:
    """Write a relation to one durable file, sorted by those of the columns that it has; spills beside the target."""
    with _session(memory_limit_mb, target.parent.parent / SPILL) as session:
        present = columns(session, relation)
        order = ", ".join(_quote(name) for name in order_by if name in present)
        query = f"SELECT * FROM {relation}" + (f" ORDER BY {order}" if order else "")  # noqa: S608 - quoted
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
        try:
            session.execute(f"COPY ({query}) TO {_literal(str(target))} ({options})")
        except _DISK_ERRORS as error:
            raise _store_error(target, error) from None
    target.chmod(0o600)
    make_durable(target)


def columns(session: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the columns of a relation and the names that DuckDB has for their types; raises StoreError."""
    try:
        rows = session.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - quoted
    except _DISK_ERRORS as error:
        raise _store_error("lake", error) from None
    return {str(row[0]): str(row[1]) for row in rows}


def _session(memory_limit_mb: int, spill: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"memory_limit": f"{memory_limit_mb}MB", "temp_directory": str(spill)})


def _store_error(where: Path | str, error: duckdb.Error) -> StoreError:
    first_line = str(error).partition("\n")[0]
    return StoreError(f"{where}: {first_line}; check the disk, then run again")


def _list(paths: Sequence[Path]) -> str:
    return ", ".join(_literal(_verbatim(path)) for path in paths)


def _verbatim(path: Path) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
