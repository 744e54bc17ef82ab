"""Every worked example passes: those beside these tests, and those inside the presets."""

from pathlib import Path

import pytest

from connector.engine.duckdb import open_engine
from connector.engine.examples import Check, Outcome, run_examples
from scoring.model import load_model, load_people_model

FILES = sorted(Path(__file__).with_name("examples").glob("*.toml"))
PRESETS = sorted(Path(__file__).resolve().parents[2].joinpath("scoring", "presets").glob("*.toml"))


@pytest.mark.parametrize("source", [*map(str, FILES), *(f"preset:{file.stem}" for file in PRESETS)])
def test_examples_come_out(source: str) -> None:
    model = load_model(source)
    assert model.spec.test, "a model file without an example"
    with open_engine() as engine:
        outcomes = run_examples(engine, model, load_people_model(model), model.spec.test)
    assert {outcome.name: outcome.differences for outcome in outcomes if not outcome.passed} == {}


def test_an_outcome_says_what_was_expected_and_what_came() -> None:
    checks = (Check("total", "19.5", "19.5", True), Check("band", "mql", "nurture", False))
    outcome = Outcome("a director", checks)
    assert (outcome.expected, outcome.got) == ("total 19.5, band mql", "total 19.5, band nurture")
    assert (outcome.passed, outcome.differences) == (False, ("band: expected mql, got nurture",))
    nobody = Outcome("a customer", (Check("scored", "no score", "no score", True),))
    assert (nobody.expected, nobody.got, nobody.passed) == ("no score", "no score", True)
