"""Adjustments from a file: what they change, what is refused, how they are told; accounts from the command line."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.engine.duckdb import open_engine
from connector.engine.explaining import explain
from connector.engine.plain import open_tables
from connector.errors import ConfigError
from scoring.model import load_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HEADER = "adjustment_id,subject_id,model_id,op,points,effective_at,half_life_days\n"


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "people.csv").write_text("person_id,account_id,buying_role\np,a,champion\nq,a,\n", encoding="utf-8")
    (folder / "accounts.csv").write_text("account_id,industry,employees\na,Software,400\n", encoding="utf-8")
    (folder / "events.csv").write_text(
        "event_id,type,occurred_at,person_id,account_id\n"
        "1,demo_request,2026-07-01T12:00:00Z,p,a\n2,intent_surge,2026-07-01T12:00:00Z, ,a\n",
        encoding="utf-8",
    )
    return folder


def test_a_ledger_is_a_row_of_the_explanation(engine: duckdb.DuckDBPyConnection, data: Path) -> None:
    (data / "adjustments.csv").write_text(
        HEADER + "1,q,simple,modify,8,2026-06-29T12:00:00Z,2\n2,q,simple,modify,2,2026-07-01T12:00:00Z,\n"
        "3,q,other,modify,50,2026-06-29T12:00:00Z,\n4,q,simple,modify,50,2026-07-01T12:00:01Z,\n",
        encoding="utf-8",
    )
    told = explain(engine, load_model("preset:simple"), as_of=NOW, sources=open_tables(engine, data), subject_id="q")
    assert [(row.kind, row.rule_id, row.points, row.events) for row in told.contributions] == [
        ("fit", "company_size", 20, 0),
        ("adjustment", "adjustments", 6, 0),
    ]
    assert (told.engagement, told.total, told.state) == (6, 26, "never_active")
    assert told.reasons == "+20 50 employees or more; +6 recorded correction (last 1 Jul)"


def test_a_ledger_that_cannot_be_read_is_refused(engine: duckdb.DuckDBPyConnection, data: Path) -> None:
    (data / "adjustments.csv").write_text(
        HEADER + "1,q,simple,add,8,2026-06-29T12:00:00Z,0\n1,q,simple,modify,x,2026-07-01T12:00:00Z,\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        open_tables(engine, data)
    told = [problem.split("adjustments.csv: ")[1] for problem in caught.value.problems]
    assert told == [
        "1 row(s) have an 'op' that is neither set_to nor modify",
        "1 row(s) have 'half_life_days' that is not above 0",
        "1 value(s) of 'points' are not a number",
        "'adjustment_id' must be unique: '1' (2 times)",
    ]


def test_accounts_are_scored_from_the_command_line(data: Path, tmp_path: Path) -> None:
    out, parts = tmp_path / "s.parquet", tmp_path / "c.parquet"
    given = ["--model", "preset:account_based", "--data", str(data), "--as-of", "2026-07-01T12:00:00Z", "-o", str(out)]
    result = CliRunner().invoke(app, ["score", *given, "--contributions", str(parts), "--json"])
    assert result.exit_code == 0, result.output
    assert {name: json.loads(result.stdout)[name] for name in ("people", "accounts", "events")} == {
        "people": 2,
        "accounts": 1,
        "events": 2,
    }
    (row,) = pq.read_table(out).to_pylist()
    assert (row["subject_id"], row["total"], row["band"]) == ("a", 79, "engage")
    assert (row["pillar_firmographic"], row["pillar_technographic"]) == (30, 0)
    assert sum(part["points"] for part in pq.read_table(parts).to_pylist()) == pytest.approx(79, rel=0, abs=1e-9)
