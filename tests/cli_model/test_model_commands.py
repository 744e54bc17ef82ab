"""`leadlight model`: lint, test and diff, by their JSON and exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.errors import ConfigError

MODEL = """
[model]
id = "m"
scale = { min = 0, max = 100 }
[suppress]
when = { field = "country", not_in = ["US"] }
[group.web]
cap = 5
[[fit]]
id = "vp"
when = { field = "seniority", is = "vp" }
points = 20
[[fit]]
id = "nobody"
when = { all = [ { field = "country", is = "US" }, { field = "country", in = ["DE", "FR"] } ] }
points = 5
[[engagement]]
id = "demo"
event = "demo_request"
points = 10
[[engagement]]
id = "open"
event = "email_open"
group = "web"
points = 9
[[engagement]]
id = "surge"
event = "intent_surge"
points = 30
third_party = true
[[band]]
id = "all"
at_least = 0
[[band]]
id = "hot"
at_least = 20
[[test]]
name = "right"
person = { seniority = "vp", country = "US" }
expect = { total = 20, band = "all" }
[[test]]
name = "wrong"
person = { seniority = "vp", country = "US" }
expect = { total = 21, band = "hot", points = { vp = 19 } }
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "m.toml"
    file.write_text(MODEL, encoding="utf-8")
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "people.csv").write_text("person_id,seniority,country\na,vp,US\nb,,US\nc,vp,FR\n", encoding="utf-8")
    (folder / "events.csv").write_text(
        "event_id,type,occurred_at,person_id\n1,demo_request,2026-06-01T00:00:00Z,b\n", encoding="utf-8"
    )
    return folder


def run(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["model", *map(str, arguments), "--json"])
    if isinstance(result.exception, ConfigError):
        raise result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, found


def test_lint_tells_what_is_probably_not_meant(model: Path) -> None:
    code, found = run("lint", model)
    assert code == 2
    assert not found["ok"]
    assert len(found["errors"]) == 2
    assert all("third-party rules alone can reach it" in error for error in found["errors"])
    told = {(one["check"], one["where"]) for one in found["warnings"]}
    assert told == {
        ("nullable", "suppress.when"),
        ("unreachable", "band.hot"),
        ("never_fires", "fit.nobody"),
        ("never_matters", "engagement.open"),
        ("no_negative", "file"),
        ("no_decay", "file"),
        ("passive", "engagement.open"),
        ("unbounded", "engagement.demo"),
        ("unbounded", "engagement.surge"),
    }


def test_lint_tells_every_error_of_a_file_and_its_data(model: Path, data: Path) -> None:
    text = MODEL.replace('"seniority", is', '"senioritee", is').replace('"demo_request"', '"demo_reqest"')
    model.write_text(text, encoding="utf-8")
    code, found = run("lint", model, "--data", data)
    unheard = [one["message"] for one in run("lint", model)[1]["warnings"] if one["check"] == "unknown_name"]
    assert len(unheard) == 2
    assert code == 2
    assert "there is no field 'senioritee', did you mean 'seniority'?" in "".join(found["errors"])
    assert "there is no event type 'demo_reqest', did you mean 'demo_request'?" in "".join(found["errors"])
    model.write_text(MODEL.replace("points = 20", "points = nan").replace("cap = 5", "kap = 5"), encoding="utf-8")
    assert len(run("lint", model)[1]["errors"]) == 2


def test_lint_counts_the_top_band(model: Path, data: Path) -> None:
    crowded = [one for one in run("lint", model, "--data", data)[1]["warnings"] if one["check"] == "crowded"]
    assert [(one["where"], one["message"][:6]) for one in crowded] == [("band.all", "2 of 3")]


def test_lint_tells_which_events_the_data_lack(model: Path, data: Path) -> None:
    lacking = [one for one in run("lint", model, "--data", data)[1]["warnings"] if "the data have no" in one["message"]]
    assert [(one["where"], one["message"].split()[-1]) for one in lacking] == [
        ("engagement.open", "email_open"),
        ("engagement.surge", "intent_surge"),
    ]


def test_examples_pass_or_say_why_not(model: Path) -> None:
    code, found = run("test", model)
    assert (code, found["passed"], found["failed"]) == (1, 1, 1)
    assert found["tests"][1]["differences"] == [
        "total: expected 21, got 20",
        "band: expected hot, got all",
        "points.vp: expected 19, got 20",
    ]
    model.write_text(MODEL.split("[[test]]")[0], encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no \[\[test\]\]"):
        run("test", model)
    beside = "[[test]]\nname = 'beside'\nperson = { country = 'US' }\nexpect = { total = 0 }\n"
    model.with_suffix(".test.toml").write_text(beside, encoding="utf-8")
    assert run("test", model)[1]["passed"] == 1
    model.with_suffix(".test.toml").write_text(beside.replace("total", "totl"), encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'totl', did you mean 'total'"):
        run("test", model)


def test_a_wrong_fact_is_named(model: Path) -> None:
    model.write_text(MODEL.replace("events", "") + "events = [ { type = 'call', agee = '2d' } ]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="events have no column 'agee'"):
        run("test", model)


def test_diff_says_who_moves_and_why(model: Path, data: Path) -> None:
    after = model.with_name("after.toml")
    changed = MODEL.replace("at_least = 0", "at_least = 15").replace("points = 10", "points = 16")
    after.write_text(changed, encoding="utf-8")
    code, found = run("diff", model, after, "--data", data)
    assert (code, found["compared"], found["changed"], found["as_of"]) == (0, 3, 0, "2026-06-01T00:00:00Z")
    after.write_text(changed.replace("points = 20", "points = 3"), encoding="utf-8")
    _, found = run("diff", model, after, "--data", data)
    assert found["moved"] == [{"from": "all", "to": "none", "n": 1}]
    assert [(one["subject_id"], one["change"], one["why"]) for one in found["subjects"]] == [("a", -17, "-17 vp")]
