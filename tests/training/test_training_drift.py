"""What became of a trained model, from facts: rows, scores and lift against a plain reading of the same world."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.training.drift import WINDOW_S, Measured, measure
from connector.training.facts import open_facts
from scoring.predict.artefact import TableModel, versioned
from scoring.predict.evaluate_intervals import sigmoid
from tests.training.crm_world import World, made

DAY_S = 86_400
HORIZON_DAYS = 30
TRAINED = datetime(2025, 2, 1, tzinfo=UTC)
NOW = datetime(2025, 6, 10, tzinfo=UTC)
SENIOR, VISITS = (1.0, 0.5), (-1.0, 0.0, 1.0)
CUTS = (-2.5, -1.5, -0.5)
AGE_DAYS = (1, 31, 61)


def table(**card: object) -> TableModel:
    """Make a model of seniority and of visits by hand, whose reference knows four ages and four kinds of scores."""
    reference = {
        "subjects": 800, "age_days": AGE_DAYS, "cuts": CUTS, "converted": [40, 20, 8, 1],
        "rows": [[10, 60, 80, 50], [40, 120, 30, 10], [90, 90, 15, 5], [150, 45, 5, 0]],
        "features": {"seniority": [120, 250, 230], "visits": [0, 300, 200, 100]},
    }  # fmt: skip
    features: list[dict[str, Any]] = [
        {"id": "seniority", "label": "seniority", "kind": "attribute", "role": "categorical", "field": "seniority"},
        {"id": "visits", "label": "visits", "kind": "count", "event": ["page_view"], "within_days": 30},
    ]
    terms = [
        {
            "feature": features[0],
            "levels": ["vp"],
            "bins": [{"log_odds": -0.5}, *({"log_odds": one} for one in SENIOR)],
        },
        {"feature": features[1], "cuts": [0.5, 2.5], "bins": [{"log_odds": 0.0}, *({"log_odds": v} for v in VISITS)]},
    ]
    raw = {
        "schema": 1, "version": "0" * 12, "target": "opportunity_created", "horizon_days": HORIZON_DAYS,
        "trained_at": "x", "as_of": TRAINED.isoformat(), "n_rows": 800, "n_conversions": 69, "intercept": -1.5,
        "terms": terms, "lo": -4.0, "hi": 1.0,
        "card": {"reference": reference, "holdout": {"lift_20": 2.0, "conversions": 60}} | card,
    }  # fmt: skip
    return versioned(TableModel.model_validate_json(json.dumps(raw)))


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def rows(world: World, after_s: int, until_s: int) -> list[tuple[str, int, float, int]]:
    """Say in plain Python who is looked at in a time: person, age in steps, log-odds, and whether they converted."""
    won = {row["person_id"]: seconds(row["occurred_at"]) for row in world.outcomes}
    views = [(row["person_id"], seconds(row["occurred_at"])) for row in world.events if row["type"] == "page_view"]
    found = []
    for person in world.people:
        name, first_s = person["person_id"], seconds(person["created_at"]) + DAY_S
        months = [int(datetime(2025, month, 1, tzinfo=UTC).timestamp()) for month in range(1, 7)]
        for at_s in [first_s, *(one for one in months if one > first_s)]:
            if after_s < at_s <= until_s and won.get(name, at_s) >= at_s:
                seen = sum(who == name and at_s - 30 * DAY_S < s < at_s for who, s in views)
                level = {"": -0.5, "vp": SENIOR[0]}.get(person["seniority"], SENIOR[1])
                log_odds = -1.5 + level + VISITS[(seen >= 1) + (seen >= 3)]
                age = sum((at_s - first_s) / DAY_S >= step for step in AGE_DAYS)
                found.append((name, age, log_odds, int(at_s <= won.get(name, -1) < at_s + HORIZON_DAYS * DAY_S)))
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    made_up = made(700, seed=11)
    return made_up, made_up.write(tmp_path_factory.mktemp("drift"))


def measured(folder: Path, model: TableModel, now: datetime = NOW) -> Measured:
    with open_engine() as engine:
        return measure(engine, open_facts(engine, open_tables(engine, folder), now), model)


def test_the_newest_matured_month_is_what_a_plain_reading_sees(world: tuple[World, Path]) -> None:
    found = measured(world[1], table())
    mature_s = int(NOW.timestamp()) - (HORIZON_DAYS + 1) * DAY_S
    assert (found.matured.until_s, found.matured.since_s) == (mature_s, mature_s - WINDOW_S)
    month = rows(world[0], mature_s - WINDOW_S, mature_s)
    came = found.drift.realised
    assert came is not None
    assert (came.n, came.people) == (len(month), len({row[0] for row in month}))
    assert came.conversions == sum(row[3] for row in month)
    assert came.foretold == pytest.approx(sum(sigmoid(row[2]) for row in month), abs=1e-9)
    assert came.lift_20 == pytest.approx(plain_lift([(row[2], row[3]) for row in month]), abs=1e-9)
    assert found.read_as_now == ("seniority",)


def plain_lift(scored: list[tuple[float, int]]) -> float:
    """Give the share of conversions in the best fifth against a fifth; people of one score stand for each other."""
    left, found = 0.2 * len(scored), 0.0
    for level in sorted({score for score, _ in scored}, reverse=True):
        same = [won for score, won in scored if score == level]
        found += sum(same) * min(1.0, max(0.0, left) / len(same))
        left -= len(same)
    return found / sum(won for _, won in scored) / 0.2


def test_scores_of_the_last_month_are_counted_by_age(world: tuple[World, Path]) -> None:
    model = table()
    found = measured(world[1], model)
    month = rows(world[0], int(NOW.timestamp()) - WINDOW_S, int(NOW.timestamp()))
    assert found.people_now == len({row[0] for row in month})
    reference = json.loads(model.as_json())["card"]["reference"]
    sizes = [sum(one) for one in reference["rows"][:-1]]
    before, now = [0.0] * 4, [0.0] * 4
    for age, size in enumerate(sizes):
        ours = [sum(row[2] >= cut for cut in CUTS) for row in month if row[1] == age]
        for place in range(4):
            before[place] += size / sum(sizes) * reference["rows"][age][place] / size
            now[place] += size / sum(sizes) * ours.count(place) / len(ours)
    assert found.drift.scores is not None
    assert found.drift.scores.before == pytest.approx(before)
    assert found.drift.scores.now == pytest.approx(now)


def test_after_a_training_it_says_when_enough_will_have_matured(world: tuple[World, Path]) -> None:
    soon = TRAINED + timedelta(days=2)
    found = measured(world[1], table(), soon)
    assert found.drift.realised is None
    assert found.matured.people < found.matured.needed
    ready = found.matured.ready_at
    assert ready is not None
    assert measured(world[1], table(), ready - timedelta(days=1)).drift.realised is None
    assert measured(world[1], table(), ready + timedelta(days=1)).drift.realised is not None


def test_the_command_tells_words_keys_and_exit_code(world: tuple[World, Path], tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    asked = ["drift", "--data", str(world[1]), "--model", str(file), "--as-of", NOW.isoformat()]
    file.write_text(table(holdout={"lift_20": 3.0, "conversions": 90}).as_json(), encoding="utf-8")
    told = CliRunner().invoke(app, [*asked, "--json"])
    assert told.exit_code == 1, told.output
    found = json.loads(told.stdout)
    assert found["ok"] is False
    (one,) = found["models"]
    assert one["state"] == "alarm"
    assert {"scores", "base_rate", "lift_20", "calibration", "matured", "features", "alarms", "missing"} <= one.keys()
    assert one["lift_20"]["promised"] == 3.0
    said = CliRunner().invoke(app, asked).stdout
    assert "conversions were foretold" in said
    assert "next: leadlight train" in said
    file.write_text(table(reference=None).as_json(), encoding="utf-8")
    (one,) = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["models"]
    assert one["scores"] is None
    assert one["base_rate"]["expected"] is None
    assert "trained before" in one["missing"][0]


def test_what_cannot_be_measured_is_one_clear_error(world: tuple[World, Path], tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["drift", "--data", str(world[1])])
    assert "--model FILE" in str(refused.exception)
    (tmp_path / "rules.toml").write_text('[model]\nid = "a"\n[[band]]\nid = "cold"\n', encoding="utf-8")
    refused = CliRunner().invoke(app, ["drift", "--data", str(world[1]), "--model", str(tmp_path / "rules.toml")])
    assert "names no trained model" in str(refused.exception)
