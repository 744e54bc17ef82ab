"""Accounts: what their people do, and the explanation of every point."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from connector.engine.duckdb import open_engine
from connector.engine.explaining import explain_account
from connector.engine.plain import open_tables
from connector.engine.scoring import score, score_accounts
from connector.errors import ConfigError
from scoring.model import Model, ModelError, load_model, load_people_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = """
[model]
id = "person"
[[engagement]]
id = "web_visit"
event = "page_view"
where = { not = { field = "url", contains = "/pricing" } }
points = 4
[[engagement]]
id = "webinar"
event = "webinar_attended"
points = 10
[[engagement]]
id = "pricing"
event = "page_view"
where = { field = "url", contains = "/pricing" }
points = 8
[[band]]
id = "personal"
at_least = 15
"""
ACCOUNT = """
[model]
id = "account"
subject = "account"
[[engagement]]
id = "surge"
event = "intent_surge"
points = 30
third_party = true
[rollup]
model = "person"
breadth = { engaged_at_least = 5, points_each = 5, cap = 20 }
[[band]]
id = "outreach"
at_least = 40
needs = { engagement_at_least = 10 }
"""


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "people.csv").write_text(
        "person_id,account_id,seniority\nvp,a1,vp\ncto,a1,c_level\ncfo,a1,c_level\nother,a2,\n", encoding="utf-8"
    )
    (folder / "accounts.csv").write_text("account_id\na1\na2\na3\n", encoding="utf-8")
    at = (NOW - timedelta(hours=2)).isoformat()
    (folder / "events.csv").write_text(
        "event_id,type,occurred_at,person_id,account_id,url\n"
        f"1,page_view,{at},vp,,/\n2,page_view,{at},vp,,/\n3,page_view,{at},vp,,/\n"
        f"4,webinar_attended,{at},cto,,\n5,page_view,{at},cfo,,/pricing\n"
        f"6,intent_surge,{at},,a3,\n7,intent_surge,{at},,a3,\n",
        encoding="utf-8",
    )
    return folder


def models(folder: Path, account: str = ACCOUNT) -> tuple[Model, Model]:
    (folder / "person.toml").write_text(PERSON, encoding="utf-8")
    (folder / "account.toml").write_text(account, encoding="utf-8")
    model = load_model(folder / "account.toml")
    people = load_people_model(model)
    assert people is not None
    return model, people


def scored(engine: duckdb.DuckDBPyConnection, folder: Path, data: Path, *both: Model) -> dict[str, dict[str, Any]]:
    files: dict[str, Any] = {"as_of": NOW, "sources": open_tables(engine, data), "contributions_path": None}
    score_accounts(engine, both[0], people=both[1], scores_path=folder / "a.parquet", **files)
    return {row["subject_id"]: row for row in pq.read_table(folder / "a.parquet").to_pylist()}


def test_three_people_under_their_band_carry_the_account_over_its_own(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, data: Path
) -> None:
    model, people = models(tmp_path)
    files: dict[str, Any] = {"as_of": NOW, "sources": open_tables(engine, data), "contributions_path": None}
    score(engine, people, scores_path=tmp_path / "p.parquet", **files)
    by_person = {row["subject_id"]: row for row in pq.read_table(tmp_path / "p.parquet").to_pylist()}
    assert {name: by_person[name]["total"] for name in ("vp", "cto", "cfo")} == {"vp": 12, "cto": 10, "cfo": 8}
    assert {row["band"] for row in by_person.values()} == {None}
    rows = scored(engine, tmp_path, data, model, people)
    assert (rows["a1"]["total"], rows["a1"]["band"], rows["a1"]["state"]) == (45, "outreach", "active")
    assert (rows["a2"]["total"], rows["a2"]["state"]) == (0, "never_active")


def test_bought_intent_alone_reaches_no_band(engine: duckdb.DuckDBPyConnection, tmp_path: Path, data: Path) -> None:
    rows = scored(engine, tmp_path, data, *models(tmp_path))
    assert (rows["a3"]["total"], rows["a3"]["band"]) == (60, None)
    trusting = ACCOUNT + "third_party = true\n"
    assert scored(engine, tmp_path, data, *models(tmp_path, trusting))["a3"]["band"] == "outreach"


def test_an_account_is_explained_from_its_people(engine: duckdb.DuckDBPyConnection, tmp_path: Path, data: Path) -> None:
    model, people = models(tmp_path)
    tables = open_tables(engine, data)
    told = explain_account(engine, model, people=people, as_of=NOW, sources=tables, subject_id="a1")
    assert {(row.kind, row.rule_id): row.points for row in told.contributions} == {
        ("rollup", "rollup"): 30,
        ("breadth", "breadth"): 15,
    }
    assert (told.total, told.band) == (45, "outreach")
    with pytest.raises(ConfigError, match="'nobody' has no score in the model 'account'"):
        explain_account(engine, model, people=people, as_of=NOW, sources=tables, subject_id="nobody")


def test_the_wrong_people_are_refused(engine: duckdb.DuckDBPyConnection, tmp_path: Path, data: Path) -> None:
    model, people = models(tmp_path)
    files: dict[str, Any] = {"as_of": NOW, "sources": {}, "scores_path": tmp_path / "x", "contributions_path": None}
    with pytest.raises(ConfigError, match="'account' scores accounts, people are scored here"):
        score(engine, model, **files)
    with pytest.raises(ConfigError, match="the people of 'None' are needed, 'person' was given"):
        score_accounts(engine, people, people=people, **files)
    (tmp_path / "person.toml").unlink()
    with pytest.raises(
        ModelError, match=r"account.toml: rollup.model: there is no person.toml beside it and no preset 'person'"
    ):
        load_people_model(model)
