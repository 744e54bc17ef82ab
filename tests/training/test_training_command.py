"""`leadlight train` over folders: what is published, what is refused and why, and that no leak gets in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("interpret", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

from benchmarks.leaky_world import LEAKS, leaky_world
from connector.cli import app
from scoring.lint import lint
from scoring.model import load_model
from scoring.predict.artefact import read_table
from tests.training.crm_world import made

KEYS = {
    "schema", "published", "refused_because", "rows", "conversions", "holdout", "challenger", "blocked_features",
    "cpu_seconds",
}  # fmt: skip
HOLDOUT = {"auc", "log_loss", "base_log_loss", "lift_10", "lift_20", "ece", "n", "conversions"}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    def train(*options: str) -> tuple[int, dict[str, Any]]:
        asked = ["train", "--data", str(tmp_path), "-o", str(tmp_path / "model.json"), "--json", *options]
        result = CliRunner().invoke(app, asked)
        return result.exit_code, json.loads(result.stdout) if result.stdout else {}

    return train


def test_a_world_with_a_truth_gives_a_model(tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    made(1000, seed=1).write(tmp_path)
    more = ("--segments", "seniority", "--increasing", "page_view_30d", "--decreasing", "quiet_days")
    code, told = run("--suggest", str(tmp_path / "points.toml"), *more)
    assert code == 0
    assert {(one["segment"], one["own_tables"]) for one in told["segments"]["each"]} == {
        (name, False) for name in ("staff", "manager", "vp", "c_level")
    }
    assert all("300 are needed" in one["why"][0] for one in told["segments"]["each"])
    assert told.keys() >= KEYS
    assert told["holdout"].keys() >= HOLDOUT
    assert told["published"] is True
    assert told["target"] == "opportunity_created"
    assert told["holdout"]["auc_same_age"] > 0.65
    model = read_table((tmp_path / "model.json").read_bytes())
    assert model.version == told["version"]
    assert model.horizon_days == told["horizon_days"]
    tables = {term.feature.id: term for term in model.terms}
    levels = dict(zip(tables["seniority"].levels, (one.log_odds for one in tables["seniority"].bins[1:]), strict=False))
    for name, sign in (("page_view_30d", 1), ("quiet_days", -1)):
        values = [sign * one.log_odds for one in tables[name].bins[1:]]
        assert values == sorted(values)
        assert (model.card["monotone"] or {})[name] == sign  # type: ignore[index,call-overload] # it is a table
    assert min(levels["vp"], levels["c_level"]) > max(levels["staff"], levels["manager"]) + 0.5
    assert sum(one.n for one in tables["seniority"].bins) == model.n_rows
    points = load_model(str(tmp_path / "points.toml"), lists={})
    assert 0 < told["suggested"]["criteria"] == len(points.spec.fit) + len(points.spec.engagement) <= 15
    senior = {value for rule in points.spec.fit if rule.points > 0 and rule.when and rule.when.field == "seniority"
              for value in rule.when.in_ or ()}  # fmt: skip
    assert senior >= {"vp", "c_level"}
    assert told["suggested"]["lift_20"] > 1
    assert "product_usage_30d" not in {term.feature.id for term in model.terms if term.bins[-1].log_odds > 2}


def test_noise_is_refused_and_nothing_is_written(
    tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    made(900, seed=2, signal=0.0).write(tmp_path)
    code, told = run()
    assert code == 4
    assert told.keys() >= KEYS
    assert told["published"] is False
    assert told["refused_because"]
    assert not (tmp_path / "model.json").exists()


def test_every_planted_leak_is_left_out_and_the_honest_figure_told_beside(tmp_path: Path) -> None:
    leaky_world(900, seed=3).write(tmp_path)
    told = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "-o", str(tmp_path / "model.json")])
    assert told.exit_code == 0, told.output
    model = read_table((tmp_path / "model.json").read_bytes())
    refused = model.card["refused_features"]
    assert isinstance(refused, list)
    left_out = {str(one["name"]): one["action"] for one in refused if isinstance(one, dict)}
    assert left_out.keys() == LEAKS.keys()
    assert {name for name, action in left_out.items() if action == "ask"} <= {"paid_upfront", "rating", "talks_logged"}
    read = {term.feature.field for term in model.terms}
    assert read.isdisjoint(left_out)
    assert read >= {"seniority", "segment", "account.industry"}
    honest, leaky = model.card["auc_without_refused"], model.card["auc_with_refused"]
    assert isinstance(honest, float)
    assert isinstance(leaky, float)
    assert leaky > 0.95 > 0.85 > honest
    assert f"honest AUC {honest:.3f} without them; with them it would look like {leaky:.3f}" in told.stdout


RULES = """
[model]
id = "by_hand"
subject = "person"
scale = { min = 0, max = 100 }
[combine]
kind = "blend"
model = "model.json"
[[fit]]
id = "senior"
when = { field = "seniority", in = ["vp", "c_level"] }
points = 20
[[engagement]]
id = "visits"
event = "page_view"
points = 5
cap = 30
[[band]]
id = "hot"
at_least = 30
[[band]]
id = "cold"
"""


def test_rules_are_judged_on_the_same_rows_and_linked_to_log_odds(
    tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    made(1000, seed=7).write(tmp_path)
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")  # they name a model that is yet to be trained
    code, told = run("--rules", str(tmp_path / "rules.toml"), "--horizon", "60d", "--holdout", "0.5")
    assert 0 < told["rules"]["n"] < told["holdout"]["n"]
    assert 0.4 < told["rules"]["auc_same_age"] < 1
    assert code == 0
    link = read_table((tmp_path / "model.json").read_bytes()).rules
    assert link is not None
    assert link.beta > 0
    assert link.model_id == "by_hand"
    said = "alpha and beta are of the points that these rules gave before they were changed"
    assert not [one for one in lint(load_model(rules)) if said in one.message]
    words = RULES.replace("at_least = 30", "at_least = 35").replace("points = 20", 'points = 20\nlabel = "decides"')
    rules.write_text(words, encoding="utf-8")
    assert not [one for one in lint(load_model(rules)) if said in one.message]
    rules.write_text(RULES.replace("points = 5", "points = 6"), encoding="utf-8")
    assert [one for one in lint(load_model(rules)) if said in one.message]


def test_too_little_says_what_is_missing(tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    made(150, seed=4).write(tmp_path)
    code, told = run()
    assert code == 4
    assert "300 are needed" in told["refused_because"][0]
    assert told["holdout"] == {}


def test_no_outcomes_at_all_is_a_refusal_and_not_a_fault(
    tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    world = made(400, seed=5)
    world.outcomes = []
    world.write(tmp_path)
    code, told = run()
    assert code == 4
    assert any("no person has an outcome" in why for why in told["refused_because"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--target", "closed_wan"), "closed_won"),
        (("--horizon", "soon"), "--horizon"),
        (("--horizon", "12h"), "whole days"),
        (("--increasing", "country"), "'country' is no number"),
        (("--increasing", "quiet_days", "--decreasing", "quiet_days"), "'quiet_days' is increasing and decreasing"),
        (("--segments", "contry"), "'contry' is no field of texts that can be learned from, did you mean 'country'"),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_way_out(
    tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]], options: tuple[str, ...], told: str
) -> None:
    made(20, seed=6).write(tmp_path)
    asked = ["train", "--data", str(tmp_path), *options]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code != 0
    assert told in str(result.exception)


def test_discovery_finds_what_won_deals_share_before_the_first_call(tmp_path: Path) -> None:
    world = made(400, seed=8)
    won = {row["person_id"] for row in world.outcomes}
    for row in world.outcomes:
        row["kind"] = "closed_won"
    world.outcomes += [
        {"kind": "closed_lost", "occurred_at": "2025-12-01T00:00:00Z", "person_id": person["person_id"]}
        for person in world.people
        if person["person_id"] not in won
    ]
    # A visit after the call is no touch that led to it.
    late = [
        row | {"event_id": f"{row['event_id']}-c", "type": "call"} for row in world.events if "-u0" in row["event_id"]
    ]
    world.events += late
    world.write(tmp_path)
    result = CliRunner().invoke(app, ["discover", "--data", str(tmp_path), "--newest", "80", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["lost"] == 80
    assert told["won"] == min(80, len(won))
    clear = {(one["name"], one["value"]) for one in told["shared"] if one["clear"]}
    assert clear & {("seniority", "vp"), ("seniority", "c_level")}
    assert not any(name.startswith("product usage") for name, _ in clear)


def test_discovery_without_lost_deals_says_so(tmp_path: Path) -> None:
    made(50, seed=9).write(tmp_path)
    result = CliRunner().invoke(app, ["discover", "--data", str(tmp_path), "--json"])
    assert result.exit_code == 0
    assert "closed_won" in json.loads(result.stdout)["why"]


def test_a_wide_crm_with_names_that_we_use_ourselves_trains(
    tmp_path: Path, run: Callable[..., tuple[int, dict[str, Any]]]
) -> None:
    world = made(500, seed=10)
    world.events = []
    won = {row["person_id"] for row in world.outcomes}
    for place, row in enumerate(world.people):
        row |= {"converted": row["person_id"] in won, "tenure_days": place % 7, "a b": place % 3, "a_b": place % 5}
        row |= {f"custom {n}": (place * (n + 3)) % 11 for n in range(110)}
    world.write(tmp_path)
    _, told = run()
    assert {one["name"]: one["action"] for one in told["blocked_features"]}["converted"] == "block"
    assert told["holdout"]["n"] > 0
