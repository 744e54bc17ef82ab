"""The engine and an independent reading of the same model agree, on random models and random worlds.

`make oracle` runs the same over thousands of pairs and says what they held.
"""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, note, settings

from connector.engine.duckdb import open_engine
from tests.scoring.pairs import Pair, compare, pairs

SETTINGS = settings(
    max_examples=75,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


@SETTINGS
@given(pair=pairs(of_accounts=False))
def test_people_agree(engine: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    note(pair.model)
    compare(engine, pair)


@SETTINGS
@given(pair=pairs(of_accounts=True))
def test_accounts_agree(engine: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    note(pair.model)
    compare(engine, pair)
