"""The statement for PostgreSQL, run on a PostgreSQL server, gives what DuckDB gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dialects.cases import random_case, shipped_cases
from tests.dialects.comparing import Tally, compare
from tests.dialects.postgres_server import Server, binaries, server

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


def test_random_models(postgres: Server, tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(30):
        compare(random_case(seed, tmp_path), "postgres", postgres.run, tally)
    print(f"PostgreSQL, random models: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])
