"""Running a model: files that appear whole, explanations that equal the scores, data of many shapes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.engine.duckdb import open_engine
from connector.engine.explaining import explain
from connector.engine.plain import open_tables
from connector.engine.scoring import ScoreCounts, score
from connector.errors import ConfigError
from scoring.model import Model, load_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SCORE_COLUMNS = ["subject_id", "model_id", "model_hash", "as_of", "state", "fit", "engagement", "total", "band"]
SCORE_COLUMNS += ["fit_grade", "engagement_grade", "reasons"]
CONTRIBUTION_COLUMNS = ["subject_id", "rule_id", "kind", "events", "first_at", "last_at", "points", "label"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine(memory_limit_mb=500, temp_dir=tmp_path) as connection:
        yield connection


@pytest.fixture
def model() -> Model:
    return load_model("preset:b2b_saas")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "people.csv").write_text(
        "person_id,account_id,email,seniority,department,country,source,opted_out,previous_band,created_at\n"
        "p1,a1,ada@veladyne.example,vp,sales,US,Partner Referral,,warm,2025-01-01\n"
        "p2,a1,bo@gmail.com,staff,,,,,,2025-01-01\n"
        "p3,a1,cy@veladyne.example,,,,,true,,2025-01-01\n"
        "p4,,dee@rival-crm.example,director,,,,,,2027-01-01\n",
        encoding="utf-8",
    )
    (folder / "accounts.csv").write_text("account_id,industry,employees\na1,Software,200\n", encoding="utf-8")
    (folder / "events.csv").write_text(
        "event_id,type,occurred_at,person_id,account_id,url,is_bot\n"
        "e1,demo_request,2026-06-30T12:00:00Z,p1,,,\n"
        "e2,page_view,2026-06-29T12:00:00Z,p1,,https://acme.example/Pricing,\n"
        "e3,page_view,2026-06-28T12:00:00Z,p1,,https://acme.example/pricing,true\n"
        "e4,page_view,2026-07-02T12:00:00Z,p1,,https://acme.example/pricing,\n"
        "e5,intent_surge,2026-06-28T12:00:00Z,,a1,,\n"
        "e6,email_open,2026-06-28T12:00:00Z,p2,,,\n",
        encoding="utf-8",
    )
    return folder


def scored(engine: duckdb.DuckDBPyConnection, model: Model, data: Path, out: Path) -> dict[str, dict[str, Any]]:
    score(
        engine,
        model,
        as_of=NOW,
        sources=open_tables(engine, data),
        scores_path=out / "s.parquet",
        contributions_path=out / "c.parquet",
    )
    return {row["subject_id"]: row for row in pq.read_table(out / "s.parquet").to_pylist()}


def test_files_have_the_columns_of_the_contract(
    engine: duckdb.DuckDBPyConnection, model: Model, data: Path, tmp_path: Path
) -> None:
    rows = scored(engine, model, data, tmp_path)
    assert pq.read_schema(tmp_path / "s.parquet").names == SCORE_COLUMNS
    assert pq.read_schema(tmp_path / "c.parquet").names == CONTRIBUTION_COLUMNS
    assert pq.read_metadata(tmp_path / "s.parquet").row_group(0).column(0).compression == "ZSTD"
    assert not list(tmp_path.glob("*.tmp"))
    assert rows.keys() == {"p1", "p2", "p3"}
    assert (rows["p1"]["as_of"], rows["p1"]["model_id"], rows["p1"]["model_hash"]) == (NOW, "b2b_saas", model.hash)
    assert (rows["p1"]["state"], rows["p1"]["band"]) == ("active", "hot")
    assert (rows["p3"]["state"], rows["p3"]["total"], rows["p3"]["band"]) == ("suppressed", 0, None)
    assert rows["p1"]["reasons"].startswith("+29 asked for a demo (last 30 Jun); +15 VP or C-level; ")


def test_explanations_equal_the_scores(
    engine: duckdb.DuckDBPyConnection, model: Model, data: Path, tmp_path: Path
) -> None:
    rows = scored(engine, model, data, tmp_path)
    for subject_id, row in rows.items():
        told = explain(engine, model, as_of=NOW, sources=open_tables(engine, data), subject_id=subject_id)
        shown = told.as_json()
        assert {name: shown[name] for name in SCORE_COLUMNS[4:]} == {name: row[name] for name in SCORE_COLUMNS[4:]}
        assert sum(part.points for part in told.contributions) == pytest.approx(told.total, rel=0, abs=1e-9)
        assert (shown["model"], shown["as_of"]) == ({"id": "b2b_saas", "hash": model.hash}, "2026-07-01T12:00:00Z")
    demo = next(part for part in told_of(engine, model, data, "p1") if part["rule_id"] == "demo_request")
    assert (demo["events"], demo["first_at"], demo["last_at"]) == (1, "2026-06-30T12:00:00Z", "2026-06-30T12:00:00Z")
    assert told.previous_band is None


def told_of(engine: duckdb.DuckDBPyConnection, model: Model, data: Path, subject_id: str) -> list[dict[str, Any]]:
    told = explain(engine, model, as_of=NOW, sources=open_tables(engine, data), subject_id=subject_id)
    assert told.previous_band == "warm"
    rows = told.as_json()["contributions"]
    assert isinstance(rows, list)
    return rows


@pytest.mark.parametrize("subject_id", ["nobody", "p4", "x' OR 1 = 1 --"])
def test_nobody_to_explain(engine: duckdb.DuckDBPyConnection, model: Model, data: Path, subject_id: str) -> None:
    with pytest.raises(ConfigError, match="has no score in the model 'b2b_saas' at 2026-07-01T12:00:00Z"):
        explain(engine, model, as_of=NOW, sources=open_tables(engine, data), subject_id=subject_id)


def test_no_tables_at_all(engine: duckdb.DuckDBPyConnection, model: Model, tmp_path: Path) -> None:
    counts = score(
        engine,
        model,
        as_of=NOW,
        sources={},
        scores_path=tmp_path / "s.parquet",
        contributions_path=tmp_path / "c.parquet",
    )
    assert counts == ScoreCounts(0, 0, 0)
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 0
    assert pq.read_schema(tmp_path / "c.parquet").names == CONTRIBUTION_COLUMNS


def test_runs_leave_nothing_behind(engine: duckdb.DuckDBPyConnection, model: Model, data: Path, tmp_path: Path) -> None:
    first, second = (scored(engine, model, data, tmp_path) for _ in range(2))
    assert first == second
    assert engine.execute("SHOW TABLES").fetchall() == []


def test_missing_keys_and_fields_are_told(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(
        "[model]\nid = 'm'\n[[fit]]\nid = 'a'\npoints = 1\nwhen = { field = 'npss', gt = 1 }\n", encoding="utf-8"
    )
    nps = "(SELECT 'p1' AS person_id, 3 AS nps)"
    untyped = "(SELECT 'e' AS event_id, now() AS occurred_at)"
    for sources, problem in (
        ({"people": nps}, "there is no field 'npss', did you mean 'nps'"),
        ({"events": untyped}, "events: the column 'type' is missing"),
    ):
        with pytest.raises(ConfigError, match=problem):
            score(
                engine,
                load_model(file),
                as_of=NOW,
                sources=sources,
                scores_path=tmp_path / "s.parquet",
                contributions_path=None,
            )
    assert not (tmp_path / "s.parquet").exists()


def test_times_with_and_without_zone_and_odd_types(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    text = "[model]\nid = 'm'\n[[engagement]]\nid = 'a'\nevent = 'call'\npoints = 1\nwithin = '2h'\n"
    file.write_text(text + "where = { field = 'props.seats', gte = 5 }\n", encoding="utf-8")
    at = NOW - timedelta(hours=1)
    events = {
        "event_id": [1, 2],
        "type": ["call"] * 2,
        "person_id": [7, 8],
        "props": ['{"seats": 5}', '{"seats": 4.5}'],
    }
    naive = pa.table({**events, "occurred_at": pa.array([at.replace(tzinfo=None)] * 2, pa.timestamp("ms"))})
    aware = pa.table({**events, "occurred_at": pa.array([at] * 2, pa.timestamp("ns", tz="America/New_York"))})
    for number, table in enumerate((naive, aware)):
        engine.register("given_events", table)
        out = tmp_path / f"{number}.parquet"
        sources = {"people": "(SELECT unnest([7, 8]) AS person_id)", "events": "given_events"}
        score(engine, load_model(file), as_of=NOW, sources=sources, scores_path=out, contributions_path=None)
        totals = {row["subject_id"]: row["total"] for row in pq.read_table(out).to_pylist()}
        assert totals == {"7": 1, "8": 0}
