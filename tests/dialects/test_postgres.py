"""The statement for PostgreSQL, run on a PostgreSQL server, gives what DuckDB gives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.dialects.cases import case_of_pair, pattern_case, rich_pairs, shipped_cases
from tests.dialects.comparing import Tally, compare
from tests.dialects.postgres_server import Server, binaries, server
from tests.scoring.pairs import Pair

EVERY = "RANDOM_PAIRS"  # how many to try; `make dialects` tries thirty
PROGRAMS = binaries()
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL server here (Debian: postgresql)")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    assert PROGRAMS is not None
    with server(PROGRAMS, "--locale=C.UTF-8") as running:
        yield running


def test_shipped_models(postgres: Server) -> None:
    tally = Tally()
    for case in shipped_cases(60):
        compare(case, "postgres", postgres.run, tally)
    print(f"PostgreSQL, shipped models: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])


def test_patterns(postgres: Server, tmp_path: Path) -> None:
    tally = Tally()
    compare(pattern_case(tmp_path), "postgres", postgres.run, tally)
    assert not tally.problems, "\n".join(tally.problems[:20])


@settings(
    max_examples=int(os.environ.get(EVERY, "10")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(pair=rich_pairs())
def test_random_models(postgres: Server, pair: Pair) -> None:
    tally = Tally()
    compare(case_of_pair(pair), "postgres", postgres.run, tally)
    print(f"PostgreSQL, random model: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])
