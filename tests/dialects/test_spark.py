"""The statement for Spark, run on Spark, gives what DuckDB gives."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.dialects.cases import case_of_pair, pattern_case, rich_pairs, shipped_cases
from tests.dialects.comparing import Tally, compare
from tests.dialects.spark_engine import Spark, spark
from tests.scoring.pairs import Pair

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="no Java here (Debian: openjdk-17-jre-headless)")


@pytest.fixture(scope="module")
def engine() -> Iterator[Spark]:
    with spark() as running:
        yield running


def test_shipped_models(engine: Spark) -> None:
    tally = Tally()
    for case in shipped_cases(60):
        compare(case, "spark", engine.run, tally)
    print(f"Spark, shipped models: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])


def test_patterns(engine: Spark, tmp_path: Path) -> None:
    tally = Tally()
    compare(pattern_case(tmp_path), "spark", engine.run, tally)
    assert not tally.problems, "\n".join(tally.problems[:20])


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(pair=rich_pairs())
def test_random_models(engine: Spark, pair: Pair) -> None:
    tally = Tally()
    compare(case_of_pair(pair), "spark", engine.run, tally)
    print(f"Spark, random model: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])
