"""A number that is none is unknown, wherever it is stored."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from scoring.model import load_model
from tests.scoring.running import scored

MODEL = """
[model]
id = "m"
[[fit]]
id = "size"
field = "employees"
brackets = [ { below = 100, points = 1 }, { points = 20 } ]
[[fit]]
id = "known"
when = { field = "nps", present = true }
points = 5
"""


def test_not_a_number_beside_statistics_that_leave_it_out(tmp_path: Path) -> None:
    """Parquet files carry the bounds of a column, and NaN lies outside them."""
    numbers = pa.array([5.0, math.nan, math.inf, None])
    people = pa.table({"person_id": ["few", "nan", "inf", "null"], "employees": numbers, "nps": numbers})
    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(people, data / "people.parquet")
    (tmp_path / "m.toml").write_text(MODEL, encoding="utf-8")
    with open_engine() as engine:
        at = datetime(2026, 7, 1, tzinfo=UTC)
        rows = scored(engine, load_model(tmp_path / "m.toml"), tmp_path, as_of=at, sources=open_tables(engine, data))
    assert {name: row["total"] for name, row in rows.items()} == {"few": 6, "nan": 0, "inf": 25, "null": 0}
