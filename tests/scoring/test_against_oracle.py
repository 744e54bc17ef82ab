"""The engine and an independent reading of the same model agree, on random models and random worlds."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.engine.duckdb import open_engine
from scoring.explain import Contribution, short_reasons
from scoring.model import load_model, load_people_model
from tests.scoring.oracle import Oracle, second
from tests.scoring.running import run
from tests.scoring.worlds import AS_OF, LISTS, random_account_model, random_ledger, random_model, random_world

Row = dict[str, Any]
FIGURES = ("fit", "engagement", "total")
WORDS = ("state", "band", "fit_grade", "engagement_grade")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), people=st.integers(0, 25), rules=st.integers(0, 7))
def test_engine_and_oracle_agree(seed: int, people: int, rules: int) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    text, world = random_model(random, rules), random_world(random, people)
    ledger = random_ledger(random, people)
    expected = Oracle(text, as_of=AS_OF, lists=LISTS).score(*world, ledger)
    with TemporaryDirectory() as folder, open_engine() as engine:
        file = Path(folder) / "model.toml"
        file.write_text(text, encoding="utf-8")
        model = load_model(file, {name: frozenset(entries) for name, entries in LISTS.items()})
        given: dict[str, Any] = dict(
            zip(("people", "accounts", "events", "adjustments"), (*world, ledger), strict=True)
        )
        actual = run(engine, model, Path(folder), as_of=AS_OF, **given)
    assert actual.keys() == expected.keys()
    for subject_id, row in actual.items():
        assert_same(row, expected[subject_id], text)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), people=st.integers(0, 25), rules=st.integers(0, 5))
def test_accounts_agree(seed: int, people: int, rules: int) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    text, of_people, world = (
        random_account_model(random, rules),
        random_model(random, rules),
        random_world(random, people),
    )
    ledger = random_ledger(random, people, "a")
    of_model = Oracle(of_people, as_of=AS_OF, lists=LISTS)
    expected = Oracle(text, as_of=AS_OF, lists=LISTS).score_accounts(of_model, *world, ledger)
    with TemporaryDirectory() as folder, open_engine() as engine:
        for name, content in (("accounts", text), ("random", of_people)):
            (Path(folder) / f"{name}.toml").write_text(content, encoding="utf-8")
        lists = {name: frozenset(entries) for name, entries in LISTS.items()}
        model = load_model(Path(folder) / "accounts.toml", lists)
        given: dict[str, Any] = dict(
            zip(("people", "accounts", "events", "adjustments"), (*world, ledger), strict=True)
        )
        people_model = load_people_model(model, lists)
        actual = run(engine, model, Path(folder), as_of=AS_OF, people_model=people_model, **given)
    assert actual.keys() == expected.keys()
    for subject_id, row in actual.items():
        assert_same(row, expected[subject_id], text)


def assert_same(actual: Row, expected: Row, text: str) -> None:
    assert {name: actual[name] for name in WORDS} == {name: expected[name] for name in WORDS}, text
    for name in FIGURES:
        assert actual[name] == pytest.approx(expected[name], rel=0, abs=1.1e-9), text
    assert sum(row.points for row in actual["rows"]) == pytest.approx(actual["total"], rel=0, abs=1e-9)
    found = {(row.kind, row.rule_id): row for row in actual["rows"]}
    assert len(found) == len(actual["rows"])
    for key in found.keys() | expected["contributions"].keys():
        assert_same_row(found.get(key), expected["contributions"].get(key), text)
    assert actual["reasons"] == short_reasons(actual["rows"], AS_OF)


def assert_same_row(actual: Contribution | None, expected: Row | None, text: str) -> None:
    points = 0.0 if actual is None else actual.points
    assert points == pytest.approx(expected["points"] if expected else 0.0, rel=0, abs=1e-9), text
    if actual is not None and expected is not None:
        assert actual.events == expected["events"], text
        if actual.events:
            times = (second(at) for at in (actual.first_at, actual.last_at) if at is not None)
            assert tuple(times) == (expected["first"], expected["last"]), text
