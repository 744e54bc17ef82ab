"""What would raise a band: the threshold, what is missing, and the cheapest rules."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connector.engine.duckdb import open_engine
from connector.engine.explaining import explain
from connector.engine.relations import literal
from scoring.explain import NextBand
from scoring.model import load_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MODEL = """
[model]
id = "m"
scale = { min = 0, max = 100 }
[group.web]
cap = 10
[suppress]
when = { field = "opted_out", is = true }
[[fit]]
id = "vp"
when = { field = "seniority", is = "vp" }
points = 20
[[fit]]
id = "served"
when = { field = "country", is = "US" }
points = 5
[[engagement]]
id = "view"
group = "web"
event = "page_view"
points = 8
[[engagement]]
id = "compare"
group = "web"
event = "competitor_comparison_view"
points = 6
[[engagement]]
id = "demo"
label = "asked for a demo"
event = "demo_request"
points = 30
[[band]]
id = "hot"
at_least = 40
needs = { fit_at_least = 10 }
[[band]]
id = "warm"
at_least = 8
[[band]]
id = "cold"
[[segment]]
id = "small"
when = { field = "employees", lt = 10 }
points = { demo = 12 }
[[segment.band]]
id = "hot"
above = 8
"""


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def told(engine: duckdb.DuckDBPyConnection, folder: Path, columns: str, views: int) -> NextBand | None:
    file = folder / "m.toml"
    file.write_text(MODEL, encoding="utf-8")
    columns_of_events = "'page_view' AS type, TIMESTAMP '2026-07-01 12:00:00' AS occurred_at, 'p' AS person_id"
    events = f"(SELECT 'e' || i AS event_id, {columns_of_events} FROM range({views}) r(i))"  # noqa: S608 - our own text
    sources = {"people": f"(SELECT 'p' AS person_id, {columns})", "events": events}
    return explain(engine, load_model(file), as_of=NOW, sources=sources, subject_id="p").next_band


def test_the_cheapest_rules_that_would_do(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "NULL AS seniority", 1)
    assert found is not None
    assert (found.band, found.at_least, found.missing, found.blocked_by) == ("hot", 40, 32, None)
    assert found.needs == ("fit 10, it is 0",)
    assert [(one.rule_id, one.points) for one in found.helps] == [
        ("demo", 30),
        ("vp", 20),
        ("served", 5),
        ("compare", 2),
    ]
    assert found.sentence() == (
        "next: hot; 32 points short; needs fit 10, it is 0; "
        "would help: +30 asked for a demo, +20 vp, +5 served, +2 compare"
    )


def test_what_suffices_alone_comes_first(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "NULL AS seniority", 0)
    assert found is not None
    assert (found.band, found.missing) == ("warm", 8)
    assert [one.rule_id for one in found.helps] == ["view", "vp", "demo", "compare", "served"]


def test_a_segment_has_bands_and_points_of_its_own(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = told(engine, tmp_path, "5 AS employees", 1)
    assert found is not None
    assert (found.band, found.above, found.missing) == ("hot", 8, 0)
    assert ("demo", 12) in [(one.rule_id, one.points) for one in found.helps]
    assert found.sentence().startswith("next: hot; any point more is enough; would help: +2 compare")


def test_no_points_help_the_suppressed_and_none_are_needed_at_the_top(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    blocked = told(engine, tmp_path, "true AS opted_out", 1)
    assert blocked is not None
    assert blocked.sentence() == "next: cold; no points help while suppressed"
    assert told(engine, tmp_path, "'vp' AS seniority, 'US' AS country", 9) is not None
    file = tmp_path / "m.toml"
    file.write_text(MODEL.replace("at_least = 40", "at_least = 25"), encoding="utf-8")
    people = {"people": "(SELECT 'p' AS person_id, 'vp' AS seniority, 'US' AS country)"}
    assert explain(engine, load_model(file), as_of=NOW, sources=people, subject_id="p").next_band is None


def test_what_was_bought_is_no_engagement_of_theirs(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    bought = MODEL.replace("points = 6", "points = 6\nthird_party = true")
    file.write_text(bought.replace("fit_at_least = 10", "engagement_at_least = 9"), encoding="utf-8")
    types = "CASE WHEN i = 0 THEN 'page_view' ELSE 'competitor_comparison_view' END AS type"
    events = f"(SELECT 'e' || i AS event_id, {types}, TIMESTAMP '2026-07-01' AS occurred_at, 'p' AS person_id FROM range(4) r(i))"  # noqa: S608, E501 - our own text
    sources = {"people": "(SELECT 'p' AS person_id, 'vp' AS seniority)", "events": events}
    told = explain(engine, load_model(file), as_of=NOW, sources=sources, subject_id="p")
    assert told.engagement == 10  # 8 for a page, 18 for bought intent, inside a cap of 10
    assert told.next_band is not None
    assert told.next_band.needs == ("engagement 9, it is 8",)


def test_where_the_total_is_enough_the_rules_of_the_axis_help(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(MODEL.replace("at_least = 40", "above = 8"), encoding="utf-8")
    events = "(SELECT 'e' AS event_id, 'demo_request' AS type, TIMESTAMP '2026-07-01' AS occurred_at, 'p' AS person_id)"
    sources = {"people": "(SELECT 'p' AS person_id)", "events": events}
    found = explain(engine, load_model(file), as_of=NOW, sources=sources, subject_id="p").next_band
    assert found is not None
    assert found.sentence() == "next: hot; needs fit 10, it is 0; would help: +20 vp, +5 served"
    weighted = '[combine]\nkind = "weighted"\nfit = 0.4\nengagement = 0.6\n'
    file.write_text(file.read_text(encoding="utf-8") + weighted, encoding="utf-8")
    found = explain(engine, load_model(file), as_of=NOW, sources=sources, subject_id="p").next_band
    assert found is not None
    assert [(one.rule_id, one.points) for one in found.helps] == [("vp", 8), ("served", 2)]  # 20 of fit are 8 of it


@pytest.mark.parametrize(
    ("country", "needs"), [("US", ()), ("FR", ("country in US, GB",)), (None, ("country in US, GB",))]
)
def test_a_condition_of_its_own_is_told_where_it_does_not_hold(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, country: str | None, needs: tuple[str, ...]
) -> None:
    file = tmp_path / "m.toml"
    condition = "when = { field = 'country', in = ['US', 'GB'] }"
    file.write_text(MODEL.replace("fit_at_least = 10", condition), encoding="utf-8")
    person = f"(SELECT 'p' AS person_id, {literal(country)} AS country)"
    found = explain(engine, load_model(file), as_of=NOW, sources={"people": person}, subject_id="p").next_band
    assert found is not None
    assert (found.band, found.needs) == ("warm", ())
    file.write_text(file.read_text(encoding="utf-8").replace("at_least = 8", "at_least = 0"), encoding="utf-8")
    found = explain(engine, load_model(file), as_of=NOW, sources={"people": person}, subject_id="p").next_band
    assert found is not None
    assert (found.band, found.needs) == ("hot", needs)
