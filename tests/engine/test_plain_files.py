"""A folder of plain files as canonical tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.errors import ConfigError


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def rows(engine: duckdb.DuckDBPyConnection, relation: str, columns: str = "*") -> list[tuple[Any, ...]]:
    return engine.execute(f"SELECT {columns} FROM {relation} ORDER BY 1").fetchall()  # noqa: S608 - ours


def types(engine: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in engine.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}  # noqa: S608 - ours


def test_canonical_columns_are_typed_by_name(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(
        tmp_path,
        "people.csv",
        "person_id,employees,opted_out,created_at,technologies,phone",
        "001,12,true,2024-01-01T02:00:00+02:00,AWS;Slack,0123",
        "002,,,,,",
    )
    tables = open_tables(engine, tmp_path)
    assert tables.keys() == {"people"}
    selected = "person_id, employees, opted_out, created_at::VARCHAR, technologies, phone"
    assert rows(engine, tables["people"], selected) == [
        ("001", 12.0, True, "2024-01-01 00:00:00", ["AWS", "Slack"], "0123"),
        ("002", None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.5", ""], "DOUBLE"),
        (["1", "007"], "VARCHAR"),
        (["1234567890123456"], "VARCHAR"),
        (["true", "FALSE", " "], "BOOLEAN"),
        (["true", "1"], "VARCHAR"),
        (["2024-01-01", "2024-01-01T10:00:00Z"], "TIMESTAMP"),
        (["2024-01-01", "2024-13-01"], "VARCHAR"),
        (["a;b", "c"], "VARCHAR[]"),
        (["", ""], "VARCHAR"),
    ],
)
def test_custom_columns_are_typed_by_all_their_values(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[str], kind: str
) -> None:
    write(tmp_path, "people.csv", "person_id,extra", *(f"p{number},{value}" for number, value in enumerate(values)))
    assert types(engine, open_tables(engine, tmp_path)["people"])["extra"] == kind


def test_all_problems_of_all_files_at_once(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path, "people.csv", "person_id,employees,opted_out", "p1,many,perhaps", "p1,,", ",,")
    write(tmp_path, "accounts.csv", "name", "Acme")
    write(tmp_path, "events.csv", "event_id,type,occurred_at,props", "e1,page_view,yesterday,[1]")
    write(tmp_path, "outcomes.csv", "kind,occurred_at", "closed_won,2024-01-01,surplus")
    with pytest.raises(ConfigError) as caught:
        open_tables(engine, tmp_path)
    assert [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == [
        "people.csv: 1 row(s) have no 'person_id'",
        "people.csv: 1 value(s) of 'employees' are not a number",
        "people.csv: 1 value(s) of 'opted_out' are not true or false",
        "people.csv: 'person_id' must be unique: 'p1' (2 times)",
        "accounts.csv: the column 'account_id' is missing",
        "events.csv: 1 value(s) of 'occurred_at' are not an ISO 8601 time",
        "events.csv: 1 value(s) of 'props' are not a JSON object",
        "outcomes.csv: is not UTF-8 CSV with a header and equal rows",
    ]


def test_folders_that_cannot_be_used(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        open_tables(engine, tmp_path / "absent")
    with pytest.raises(ConfigError, match="has no data file"):
        open_tables(engine, tmp_path)
    write(tmp_path, "people.csv", "person_id")
    (tmp_path / "people.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"has people\.parquet and people\.csv, keep one"):
        open_tables(engine, tmp_path)


def test_unreadable_parquet(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "people.parquet").write_bytes(b"nothing like it")
    with pytest.raises(ConfigError, match="is not a readable Parquet file"):
        open_tables(engine, tmp_path)


def test_equal_event_ids_count_once(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(
        tmp_path,
        "events.csv",
        "event_id,type,occurred_at,person_id,props",
        'e1,page_view,2024-01-01T00:00:00Z,p1,"{""seats"": 5}"',
        'e1,page_view,2024-01-01T00:00:00Z,p1,"{""seats"": 5}"',
        "e2,page_view,2024-01-01T00:00:00Z,p1,",
    )
    table = open_tables(engine, tmp_path)["events"]
    assert rows(engine, table, "event_id, props['seats']") == [("e1", "5"), ("e2", None)]


def test_parquet_is_read_as_it_is(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"person_id": ["p1"], "nps": [7], "tags": [["a"]]}), tmp_path / "people.parquet")
    table = open_tables(engine, tmp_path)["people"]
    assert table.startswith("read_parquet(")
    assert rows(engine, table) == [("p1", 7, ["a"])]


def test_a_file_of_nothing_but_a_header(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path, "people.csv", "person_id,email")
    assert rows(engine, open_tables(engine, tmp_path)["people"]) == []
