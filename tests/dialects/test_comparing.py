"""The comparison itself finds what differs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dialects.cases import shipped_cases
from tests.dialects.comparing import Tally, compare, on_duckdb

Row = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda row: row | {"reasons": None}, 0),
        (lambda row: row | {"reasons": None, "total": row["total"] + 2e-9}, 60),
        (lambda row: row | {"reasons": None, "band": "other"}, 60),
        (lambda row: row, 60),
    ],
)
def test_differences_are_found(change: Callable[[Row], Row], problems: int) -> None:
    case = next(one for one in shipped_cases(60) if one.model.id == "simple")
    scores, contributions = on_duckdb(case)
    tally = Tally()
    compare(case, "postgres", lambda statement, tables: (list(map(change, scores)), contributions), tally)
    assert (len(scores), len(tally.problems)) == (60, problems)
    lost = Tally()
    compare(case, "postgres", lambda statement, tables: (scores[1:], contributions[1:]), lost)
    assert len([problem for problem in lost.problems if "only DuckDB has it" in problem]) == 2
