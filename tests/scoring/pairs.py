"""A random model beside a random world, scored by the engine and by the oracle, compared figure by figure."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from connector.engine.plain import open_tables
from scoring.explain import Contribution, short_reasons
from scoring.model import load_model, load_people_model
from tests.scoring.models import random_account_model, random_model
from tests.scoring.oracle import Oracle
from tests.scoring.oracle_values import second
from tests.scoring.running import as_table, scored
from tests.scoring.worlds import LISTS, TIMES_OF_RUN, Row, random_ledger, random_world, repeated, thinned

FIGURES = ("fit", "engagement", "total")
TOLERANCE = 1.1e-9
"""1e-9 and what two roundings of the same number to 9 decimals may differ in float64."""
WORDS = ("state", "band", "fit_grade", "engagement_grade")


@dataclass(frozen=True)
class Pair:
    """A model, the person model that it rolls up (if it is an account model), and the facts to score at a time.

    `lacking` names the columns that a table does not have; `*` stands for a table that is absent.
    """

    model: str
    people_model: str | None
    as_of: datetime
    tables: dict[str, list[Row]]
    lacking: dict[str, tuple[str, ...]]

    def expected(self) -> dict[str, Row]:
        """Score by the oracle."""
        oracle = Oracle(self.model, as_of=self.as_of, lists=LISTS)
        facts: list[Any] = [self.tables.get(name, []) for name in ("people", "accounts", "events", "adjustments")]
        if oracle.model["model"].get("subject") != "account":
            return oracle.score(*facts)
        team = None if self.people_model is None else Oracle(self.people_model, as_of=self.as_of, lists=LISTS)
        return oracle.score_accounts(team, *facts)

    def scored(self, connection: duckdb.DuckDBPyConnection) -> dict[str, Row]:
        """Score by the engine, from Parquet files."""
        lists = {name: frozenset(entries) for name, entries in LISTS.items()}
        with TemporaryDirectory() as folder:
            models, data = Path(folder), Path(folder) / "data"
            data.mkdir()
            for name, text in (("model", self.model), ("random", self.people_model)):
                if text is not None:
                    (models / f"{name}.toml").write_text(text, encoding="utf-8")
            for name, rows in self.tables.items():
                if self.lacking[name] != ("*",):
                    pq.write_table(as_table(name, rows, self.lacking[name]), data / f"{name}.parquet")
            model = load_model(models / "model.toml", lists)
            team = load_people_model(model, lists)
            sources = open_tables(connection, data)
            return scored(connection, model, models, as_of=self.as_of, sources=sources, people_model=team)


@st.composite
def pairs(draw: st.DrawFn, *, of_accounts: bool | None = None) -> Pair:
    """Draw a pair: what is in it comes from seeds, how much is in it is what Hypothesis shrinks."""
    of_model, of_world = (Random(draw(st.integers(0, 2**32))) for _ in range(2))  # noqa: S311 - a repeatable draw is wanted
    size, rules = draw(st.sampled_from([0, 1, 6, 12, 18, 25, 25])), draw(st.integers(0, 8))
    accounts = draw(st.booleans()) if of_accounts is None else of_accounts
    people, companies, events = random_world(of_world, size)
    tables = {"people": people, "accounts": companies, "events": repeated(of_world, events)}
    ledger = random_ledger(of_world, size, "a" if accounts else "p")
    tables |= {} if ledger is None else {"adjustments": ledger}
    lacking, as_of = thinned(of_world, tables, "accounts" if accounts else "people"), of_world.choice(TIMES_OF_RUN)
    of_people = random_model(of_model, rules)
    if not accounts:
        return Pair(of_people, None, as_of, tables, lacking)
    return Pair(random_account_model(of_model, rules), of_people, as_of, tables, lacking)


def compare(connection: duckdb.DuckDBPyConnection, pair: Pair) -> Counter[str]:
    """Score a pair both ways; counts what was compared; raises AssertionError at the first difference."""
    expected, actual = pair.expected(), pair.scored(connection)
    assert actual.keys() == expected.keys()
    for subject_id, row in actual.items():
        assert_same(row, expected[subject_id], pair.as_of)
    rows = sum(len(row["rows"]) for row in actual.values())
    return Counter(subjects=len(actual), contributions=rows)


def assert_same(actual: Row, expected: Row, as_of: datetime) -> None:
    """Hold one subject against the oracle's reading of it."""
    for name in WORDS:
        assert actual[name] == expected[name], (name, actual[name], expected[name])
    figures = [(name, actual[name], expected[name]) for name in FIGURES]
    figures += [(name, actual[f"pillar_{name}"], value) for name, value in expected["pillars"].items()]
    figures.append(("rows", sum(row.points for row in actual["rows"]), actual["total"]))
    for figure in figures:
        assert figure[1] == pytest.approx(figure[2], rel=0, abs=TOLERANCE), figure
    found = {(row.kind, row.rule_id): row for row in actual["rows"]}
    assert len(found) == len(actual["rows"])
    for key in found.keys() | expected["contributions"].keys():
        assert_same_row(key, found.get(key), expected["contributions"].get(key))
    aware = as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of
    assert actual["reasons"] == short_reasons(actual["rows"], aware)


def assert_same_row(key: tuple[str, str], actual: Contribution | None, expected: Row | None) -> None:
    """Hold one line of an explanation against the oracle's."""
    points = (0.0 if actual is None else actual.points), (0.0 if expected is None else expected["points"])
    assert points[0] == pytest.approx(points[1], rel=0, abs=1e-9), (key, *points)
    if actual is None or expected is None:
        return
    assert actual.events == expected["events"], (key, actual.events, expected["events"])
    assert expected["label"] in (None, actual.label), (key, actual.label, expected["label"])
    if actual.events:
        times = tuple(second(at) for at in (actual.first_at, actual.last_at) if at is not None)
        assert times == (expected["first"], expected["last"]), (key, times)
