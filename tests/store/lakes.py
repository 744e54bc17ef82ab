"""A lake to try things on: pages of people with one number each."""

from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import duckdb
import pyarrow as pa

from connector.store.lake import Lake

Store = tuple[Lake, Connection]


def page(rows: dict[str, int | None], column: str = "n") -> pa.Table:
    return pa.table({"person_id": list(rows), column: pa.array(rows.values(), pa.int64())})


def put(store: Store, rows: dict[str, int | None], deleted: Sequence[str] = ()) -> None:
    lake, _ = store
    lake.commit(lake.merge("people", "person_id", [page(rows)], deleted))


def read(lake: Lake, table: str = "people", columns: str = "person_id, n") -> list[tuple[Any, ...]]:
    relation = lake.relation(table)
    return duckdb.connect().sql(f"SELECT {columns} FROM {relation} ORDER BY ALL").fetchall() if relation else []  # noqa: S608 - our own


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "lake" / "people").iterdir()}
