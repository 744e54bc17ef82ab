"""The SQL of a trained model gives what its JSON says, to the last bit, whatever a column holds."""

import json
import math
from collections.abc import Iterator
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from connector.engine.duckdb import open_engine
from scoring.dialects import rendered
from scoring.predict.artefact import TableModel, versioned
from scoring.predict.tables import log_odds_column, table_statement
from tests.predict.blend_oracle import log_odds_of, own_tables, summed

Row = dict[str, Any]
ROWS = 20_000
NUMBERS = [math.nan, math.inf, -math.inf, 1e9, -1e9, 0.0, -0.0, 5e-324, -5e-324, 1.7e308, None]
TEXTS = ["de", "größe", "straße", "ασα", "de ", "DE", "", "other", "(other)", "unseen", "it's", "null", "nan", None]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def trained(random: Random) -> TableModel:
    terms: list[Row] = []
    for number in range(12):
        cuts = sorted({random.choice([random.gauss(0, 1), random.gauss(0, 1e6), 0.1 * number]) for _ in range(31)})
        terms.append({"feature": feature(f"n{number}", "numeric"), "cuts": cuts, "bins": bins(random, len(cuts) + 2)})
    for number in range(6):
        levels = random.sample([text for text in TEXTS if text and text.strip()], 7)
        shape = {"levels": levels, "bins": bins(random, len(levels) + 2)}
        terms.append({"feature": feature(f"c{number}", "categorical"), **shape})
    own = [{"id": level, "n_rows": 9, "n_conversions": 1, "intercept": 1 / 7, "terms": _again(random, terms)}
           for level in terms[-1]["levels"][:2]]  # fmt: skip
    raw: Row = {"schema": 2, "segment": terms[-1]["feature"], "segments": own, "terms": terms}
    raw |= {"version": "0" * 12, "target": "closed_won", "horizon_days": 90, "n_rows": 9}
    raw |= {"trained_at": "x", "as_of": "x", "n_conversions": 1, "intercept": -1 / 3, "lo": -1.0, "hi": 1.0}
    return versioned(TableModel.model_validate_json(json.dumps(raw)))


def _again(random: Random, terms: list[Row]) -> list[Row]:
    """Give some of the features other log-odds, in another order."""
    return [{**term, "bins": bins(random, len(term["bins"]))} for term in random.sample(terms, 9)]


def feature(name: str, role: str) -> Row:
    return {"id": name, "label": name, "kind": "attribute", "role": role, "field": name}


def bins(random: Random, count: int) -> list[Row]:
    return [{"log_odds": random.choice([random.gauss(0, 1), random.gauss(0, 1) * 1e-9, 0.1])} for _ in range(count)]


def hostile(random: Random, model: TableModel) -> list[Row]:
    """Make rows of odd values, of the very cuts and of their neighbours."""
    near = [cut for term in model.terms for cut in term.cuts]
    near += [math.nextafter(cut, way) for cut in near for way in (-math.inf, math.inf)]
    rows: list[Row] = []
    for number in range(ROWS):
        row: Row = {"subject_id": str(number)}
        for term in model.terms:
            is_number = term.feature.role == "numeric"
            odd = random.choice([*NUMBERS, random.choice(near), random.choice(near), random.gauss(0, 1)])
            row[term.feature.id] = odd if is_number else random.choice(TEXTS)
        rows.append(row)
    return rows


def test_twenty_thousand_hostile_rows(engine: duckdb.DuckDBPyConnection) -> None:
    random = Random(3)  # noqa: S311 - a repeatable draw is wanted
    model = trained(random)
    raw = json.loads(model.as_json())
    rows = hostile(random, model)
    kinds = {"numeric": pa.float64(), "categorical": pa.string()}
    # NaN must stay NaN on its way in: only Python's None is null.
    columns = {
        one.id: pa.array([row[one.id] for row in rows], kinds[one.role], from_pandas=False) for one in model.features
    }
    engine.register("given", pa.table({"subject_id": [row["subject_id"] for row in rows], **columns}))
    found = engine.sql(rendered(table_statement(model, "given"), "duckdb")).to_arrow_table().to_pylist()
    by_id = {row["subject_id"]: row for row in found}
    assert len(by_id) == ROWS
    for row in rows:
        actual = by_id[row["subject_id"]]
        own = {term["feature"]["id"]: term for term in own_tables(raw, row)["terms"]}
        for term in raw["terms"]:
            name = term["feature"]["id"]
            value = row[name]
            expected = plain_log_odds(own[name], value) if name in own else 0.0
            assert actual[log_odds_column(name)] == expected, (name, value)
        log_odds = summed(raw, {key: filled(value) for key, value in row.items()})
        assert abs(actual["log_odds"] - log_odds) <= 1e-12
        assert abs(actual["probability"] - 1 / (1 + math.exp(-log_odds))) <= 1e-12


def filled(value: object) -> object:
    """Give a blank text another that no level is: to a table of plain columns it is a text like others."""
    return "blank" if value == "" else value


def plain_log_odds(term: Row, value: object) -> float:
    return log_odds_of(term, filled(value))


def test_a_nan_in_a_file_is_unknown(engine: duckdb.DuckDBPyConnection, tmp_path: Any) -> None:  # noqa: ANN401 - a path
    model = trained(Random(5))  # noqa: S311 - as above
    unknown = {one.id: pa.array([None, math.nan], pa.float64(), from_pandas=False) for one in model.features[:12]}
    texts = {one.id: pa.array([None, None], pa.string()) for one in model.features[12:]}
    engine.register("odd", pa.table({"subject_id": ["a", "b"], **unknown, **texts}))
    path = tmp_path / "odd.parquet"
    engine.execute(f"COPY odd TO '{path}'")
    engine.execute(f"CREATE OR REPLACE TEMP VIEW from_file AS FROM '{path}'")
    found = engine.sql(rendered(table_statement(model, "from_file"), "duckdb")).to_arrow_table().to_pylist()
    expected = [term.bins[0].log_odds for term in model.terms]
    assert [[row[log_odds_column(one.id)] for one in model.features] for row in found] == [expected, expected]
