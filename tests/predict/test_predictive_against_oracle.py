"""The engine and a plain reading of trained models agree, on random models, trained models and worlds."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from connector.engine.duckdb import open_engine
from scoring.model import load_model, load_people_model
from tests.predict.blend_oracle import Predicting
from tests.predict.random_tables import FEATURES, OF_ACCOUNTS, random_table, with_table
from tests.scoring.models import random_account_model, random_model
from tests.scoring.oracle import Oracle
from tests.scoring.oracle_values import once
from tests.scoring.pairs import TOLERANCE, assert_same
from tests.scoring.running import run
from tests.scoring.worlds import LISTS, TIMES_OF_RUN, Row, random_ledger, random_world, repeated

BESIDE = ("probability", "priority", "model_total", "model_band")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


@pytest.mark.parametrize("seed", range(30))
def test_people_agree(engine: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    model = with_table(random, random_model(random, random.randrange(8)))
    compare(engine, random, model, random_table(random, FEATURES).as_json(), None)


@pytest.mark.parametrize("seed", range(10))
def test_accounts_agree(engine: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    people = random_model(random, random.randrange(8))
    model = with_table(random, random_account_model(random, random.randrange(8)), of_accounts=True)
    compare(engine, random, model, random_table(random, OF_ACCOUNTS, "account").as_json(), people)


def compare(
    engine: duckdb.DuckDBPyConnection, random: Random, model: str, table: str, people_model: str | None
) -> None:
    people, companies, events = random_world(random, 18)
    events, as_of = repeated(random, events), random.choice(TIMES_OF_RUN)
    ledger = random_ledger(random, 18, "p" if people_model is None else "a")
    facts: list[Any] = [people, companies, events, ledger]
    oracle = Predicting(model, table, as_of=as_of, lists=LISTS)
    team = None if people_model is None else Oracle(people_model, as_of=as_of, lists=LISTS)
    expected = oracle.score(*facts) if people_model is None else oracle.score_accounts(team, *facts)
    with TemporaryDirectory() as folder:
        place, lists = Path(folder), {name: frozenset(entries) for name, entries in LISTS.items()}
        texts = {"table.json": table, "model.toml": model, "random.toml": people_model}
        for name, content in texts.items():
            (place / name).write_text(content or "", encoding="utf-8")
        loaded = load_model(place / "model.toml", lists)
        given: dict[str, Any] = {"people": people, "accounts": companies, "events": once(events)}
        given |= {"adjustments": ledger, "people_model": load_people_model(loaded, lists)}
        actual = run(engine, loaded, place, as_of=as_of, **given)
    assert actual.keys() == expected.keys()
    for subject_id, row in actual.items():
        assert_same(row, expected[subject_id], as_of)
        assert_same_beside(row, expected[subject_id])


def assert_same_beside(actual: Row, expected: Row) -> None:
    """Hold what a trained model adds to a score against the oracle's reading."""
    for name in BESIDE:
        assert (name in actual) == (name in expected), name
        figure = actual.get(name)
        if isinstance(figure, float):
            assert figure == pytest.approx(expected[name], rel=0, abs=TOLERANCE), (name, figure, expected[name])
        else:
            assert figure == expected.get(name), (name, figure, expected.get(name))
