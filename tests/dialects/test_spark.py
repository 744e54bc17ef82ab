"""The statement for Spark, run on Spark, gives what DuckDB gives."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dialects.cases import random_case, shipped_cases
from tests.dialects.comparing import Tally, compare
from tests.dialects.spark_engine import Spark, spark

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


def test_random_models(engine: Spark, tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(30):
        compare(random_case(seed, tmp_path), "spark", engine.run, tally)
    print(f"Spark, random models: {tally}")
    assert not tally.problems, "\n".join(tally.problems[:20])
