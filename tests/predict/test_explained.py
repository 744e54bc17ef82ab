"""What a person reads of a trained model: reasons in words, the probability, what would help, what to look at."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.engine.duckdb import open_engine
from connector.engine.explaining import explain
from scoring.explain import Explanation
from scoring.lint import lint
from scoring.model import load_model
from scoring.predict.artefact import TableModel, Term, versioned
from scoring.predict.words import bin_words
from tests.predict.trained import bins, raw_model
from tests.scoring.running import as_table

Row = dict[str, Any]
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
RULES = """
[[fit]]
id = "lead"
when = { field = "kind", is = "lead" }
points = 20
[[engagement]]
id = "demo"
event = "demo_request"
points = 30
[[band]]
id = "hot"
at_least = 70
release_below = 10
[[band]]
id = "cold"
"""
CALLS: Row = {"id": "calls", "label": "visited the pricing page in 30 days", "kind": "count", "within_days": 30}
TERMS: list[Row] = [
    {"feature": {**CALLS, "event": ["page_view"]}, "cuts": [0.5, 3.5], "bins": bins(0, -0.5, 0.5, 1.5)},
    raw_model()["terms"][1],
]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def told(
    engine: duckdb.DuckDBPyConnection,
    folder: Path,
    combine: str,
    more: str = "",
    kept_in: Path | None = None,
    **changes: Any,  # noqa: ANN401 - of a trained model
) -> Explanation:
    file = written(folder, combine, more, **changes)
    at = NOW - timedelta(days=2)
    views = [{"event_id": str(n), "type": "page_view", "person_id": "p", "occurred_at": at} for n in range(4)]
    rows: dict[str, list[Row]] = {"people": [{"person_id": "p", "kind": "lead", "country": "DE"}], "events": views}
    for name, table in rows.items():
        engine.register(f"given_{name}", as_table(name, table))
    sources = {name: f"given_{name}" for name in rows}
    return explain(engine, load_model(file), as_of=NOW, sources=sources, subject_id="p", kept_in=kept_in)


def written(folder: Path, combine: str, more: str = "", **changes: Any) -> Path:  # noqa: ANN401 - of a trained model
    raw = {**raw_model(), "terms": TERMS, "intercept": -2.0, "lo": -4.0, "hi": 1.0, **changes}
    table = versioned(TableModel.model_validate_json(json.dumps(raw)))
    (folder / "t.json").write_text(table.as_json(), encoding="utf-8")
    head = '[model]\nid = "m"\nscale = { min = 0, max = 100 }\n'
    text = f'{head}[combine]\nmodel = "t.json"\n{combine}\n{RULES}{more}'
    (folder / "m.toml").write_text(text, encoding="utf-8")
    return folder / "m.toml"


def test_a_prediction_is_explained_in_words(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "kind = 'predictive'")
    # L = -2 + 1.5 + 0.5 = 0, which lies 4 / 5 of the way from lo to hi.
    assert found.total == pytest.approx(80.0, abs=1e-9)
    assert found.probability == pytest.approx(0.5, abs=1e-12)
    assert found.reasons == "+30 visited the pricing page in 30 days: 4 or more times; +10 country: de"
    assert {row.kind for row in found.contributions} == {"model", "link"}
    assert sum(row.points for row in found.contributions) == pytest.approx(found.total, abs=1e-9)
    assert found.outlook() == "probability 50.0%"


def test_a_blend_has_the_rows_of_both(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "kind = 'blend'")
    points = {(row.kind, row.rule_id): row.points for row in found.contributions}
    # w = 360 / 480; a point of the rules is worth 100 / 5 x 0.25 x 0.04.
    assert points["fit", "lead"] == pytest.approx(20 * 0.2, abs=1e-9)
    assert points["model", "calls"] == pytest.approx(1.5 * 0.75 * 20, abs=1e-9)
    assert sum(points.values()) == pytest.approx(found.total, abs=1e-9)
    assert found.next_band is not None
    assert [one.rule_id for one in found.next_band.helps] == ["demo"]
    assert found.next_band.helps[0].points == pytest.approx(30 * 0.2)


def test_a_segment_is_explained_by_its_own_tables(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    own = [{**TERMS[0], "bins": bins(0, -0.5, 0.5, 2.0)}]
    part = {"id": "de", "n_rows": 900, "n_conversions": 120, "intercept": -1.0, "terms": own}
    segmented: Row = {"schema": 2, "segment": TERMS[1]["feature"], "segments": [part]}
    found = told(engine, tmp_path, "kind = 'predictive'", **segmented)
    labels = {row.rule_id: row.label for row in found.contributions}
    assert labels == {
        "calls": "visited the pricing page in 30 days: 4 or more times (country: de)",
        "link": "where everybody with country: de starts",
    }
    # L = -1 + 2, all of the way from lo to hi.
    assert found.total == pytest.approx(100.0, abs=1e-9)
    blended = told(engine, tmp_path, "kind = 'blend'", **segmented)
    points = {(row.kind, row.rule_id): row.points for row in blended.contributions}
    # w = 120 / 240 by the segment's own conversions.
    assert points["model", "calls"] == pytest.approx(2.0 * 0.5 * 20, abs=1e-9)
    assert points["fit", "lead"] == pytest.approx(20 * 0.5 * 0.04 * 20, abs=1e-9)
    assert sum(points.values()) == pytest.approx(blended.total, abs=1e-9)
    assert blended.next_band is not None
    assert [one.points for one in blended.next_band.helps] == [pytest.approx(30 * 0.5 * 0.04 * 20)]


@pytest.mark.parametrize("kept", [False, True])
def test_the_shadow_is_beside_the_rules(engine: duckdb.DuckDBPyConnection, tmp_path: Path, kept: bool) -> None:
    folder = tmp_path / "kept" if kept else None
    found = [told(engine, tmp_path, "kind = 'predictive'\nshadow = true", kept_in=folder) for _ in range(2)][-1]
    assert (found.total, found.band, found.model_band) == (20.0, "cold", "hot")
    assert found.model_total == pytest.approx(80.0)
    assert {row.kind for row in found.contributions} == {"fit"}
    assert sum(row.points for row in found.terms) == pytest.approx(80.0)
    assert found.outlook() == "probability 50.0%, the model would give 80, hot"
    shown = json.loads(json.dumps(found.as_json()))
    assert shown["probability"] == pytest.approx(0.5)
    assert [row["label"] for row in shown["model_terms"]][1:] == [
        "visited the pricing page in 30 days: 4 or more times",
        "country: de",
    ]


def test_a_rank_leaves_the_total_to_the_rules(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "kind = 'rank'")
    assert (found.total, found.band) == (20.0, "cold")
    assert found.priority == pytest.approx(50.0)
    assert found.model_total is None
    assert found.outlook() == "probability 50.0%, priority 50 in the band"


def test_an_override_has_the_last_word_but_not_over_a_state(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    low = "[[override]]\nid = 'partner'\nlabel = 'is a partner'\nat_most = 15\nwhen = { field = 'kind', is = 'lead' }\n"
    found = told(engine, tmp_path, "kind = 'predictive'", low)
    assert (found.total, found.band) == (15.0, "cold")
    assert [row.label for row in found.contributions if row.kind == "override"] == ["is a partner"]
    assert found.next_band is not None
    assert found.next_band.sentence() == "next: hot; no points help while is a partner"
    high = low.replace("at_most = 15", "at_least = 90")
    stop = "[suppress]\nwhen = { field = 'kind', is = 'lead' }\n"
    assert told(engine, tmp_path, "kind = 'predictive'", high + stop).total == 0.0
    assert told(engine, tmp_path, "kind = 'predictive'", high).total == 90.0


def term(kind: str, cuts: list[float], **more: Any) -> Term:  # noqa: ANN401 - of a feature
    feature = {"id": "x", "label": "x", "kind": kind, **more}
    return Term.model_validate({"feature": feature, "cuts": tuple(cuts), "bins": tuple(bins(*[0.0] * (len(cuts) + 2)))})


@pytest.mark.parametrize(
    ("kind", "cuts", "more", "words"),
    [
        ("count", [0.5, 1.5, 3.2], {}, ["x: unknown", "x: never", "x: once", "x: 2 to 3 times", "x: 4 or more times"]),
        ("active_days", [1.0, 2.0], {}, ["x: unknown", "x: never", "x: 1 day", "x: 2 or more days"]),
        ("recency_days", [7.0], {}, ["x: never", "x: under 7 days", "x: 7 days or more"]),
        ("tenure_days", [7.0, 30.04], {}, ["x: unknown", "x: under 7 days", "x: 7 to 30 days", "x: 30 days or more"]),
        ("decayed", [0.0, 2.51], {}, ["x: unknown", "x: none", "x: under 2.51", "x: 2.51 or more"]),
        (
            "attribute",
            [-5.0, 50.0, 1234567.0],
            {"field": "employees"},
            ["x: unknown", "x: under -5", "x: -5 to 50", "x: 50 to 1,234,567", "x: 1,234,567 or more"],
        ),
        ("attribute", [], {"field": "employees"}, ["x: unknown", "x"]),
    ],
)
def test_words_for_bins(kind: str, cuts: list[float], more: Row, words: list[str]) -> None:
    assert list(bin_words(term(kind, cuts, **more))) == words


@pytest.mark.parametrize(
    ("combine", "more", "changes", "expected"),
    [
        ("kind = 'predictive'", "", {}, ("predictive", "combine.kind")),
        ("kind = 'rank'", "", {"n_conversions": 119}, ("predictive", "combine.kind")),
        ("kind = 'blend'", "", {"rules": {"alpha": 0, "beta": -0.1}}, ("predictive", "combine.model")),
        ("kind = 'blend'", "", {"rules": {"alpha": 0, "beta": 0.1, "model_id": "x"}}, ("predictive", "combine.model")),
        ("kind = 'blend'", "at_least = 0", {}, ("never_matters", "override.o")),
        ("kind = 'blend'", "at_most = 100", {}, ("never_matters", "override.o")),
    ],
)
def test_what_is_probably_not_meant_is_told(
    tmp_path: Path, combine: str, more: str, changes: Row, expected: tuple[str, str]
) -> None:
    override = f"[[override]]\nid = 'o'\nwhen = {{ field = 'kind', is = 'x' }}\n{more}\n" if more else ""
    found = {(one.check, one.where) for one in lint(load_model(written(tmp_path, combine, override, **changes)))}
    assert expected in found
    sound = lint(load_model(written(tmp_path, "kind = 'blend'")))
    assert not {one.check for one in sound} & {"predictive", "unreachable", "third_party"}
