"""Scores that sales teams worked out by hand; each must come out exactly."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.engine.duckdb import open_engine
from scoring.model import Model, load_model
from tests.scoring.running import run

Row = dict[str, Any]
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)

INBOUND = """
[model]
id = "inbound"
[[fit]]
id = "director_plus"
label = "director or above"
when = { field = "seniority", in = ["director", "vp", "c_level"] }
points = 5
[[fit]]
id = "size"
when = { field = "account.employees", between = [50, 500] }
points = 4
[[fit]]
id = "target_industry"
when = { field = "account.industry", in = ["Software", "Manufacturing"] }
points = 3
[[fit]]
id = "complementary_tools"
when = { field = "account.technologies", contains_any = ["Slack", "HubSpot"] }
points = 2
[[fit]]
id = "wrong_industry"
when = { field = "account.industry", in = ["Education"] }
points = -10
disqualify = true
[[engagement]]
id = "demo"
event = "demo_request"
points = 10
[[engagement]]
id = "pricing"
label = "pricing page"
event = "page_view"
where = { field = "url", contains = "/pricing" }
award = "once"
at_least = 2
points = 7
[[engagement]]
id = "case_study"
event = "case_study_download"
points = 5
[[engagement]]
id = "webinar"
event = "webinar_attended"
points = 4
[[engagement]]
id = "blog"
event = "page_view"
where = { field = "url", contains = "/blog" }
points = 1
[[engagement]]
id = "email_open"
event = "email_open"
points = 0.5
[[engagement]]
id = "unsubscribed"
event = "unsubscribe"
award = "once"
points = -5
[[engagement]]
id = "gone_quiet"
no_event_for = "30d"
points = -3
[[engagement]]
id = "careers"
event = "careers_visit"
award = "once"
points = -8
[inactivity]
steps = [ { after = "30d", keep = 0.8 }, { after = "60d", keep = 0.56 }, { after = "90d", keep = 0.0 } ]
[[band]]
id = "mql"
at_least = 15
[[band]]
id = "nurture"
at_least = 8
needs = { engagement_at_least = 0 }
[[band]]
id = "early"
"""
SOFTWARE_FIRM = {"account_id": "a1", "employees": 200.0, "industry": "Software"}
DIRECTOR = {"person_id": "p1", "account_id": "a1", "seniority": "director"}


def load(folder: Path, text: str) -> Model:
    file = folder / "model.toml"
    file.write_text(text, encoding="utf-8")
    return load_model(file)


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def event(kind: str, age: timedelta, **columns: object) -> Row:
    return {"type": kind, "occurred_at": NOW - age, "person_id": "p1", **columns}


def numbered(events: list[Row]) -> list[Row]:
    return [{"event_id": f"e{number}", **row} for number, row in enumerate(events)]


def score_one(engine: duckdb.DuckDBPyConnection, model: Model, folder: Path, events: list[Row], **given: Any) -> Row:  # noqa: ANN401 - rows
    people = given.pop("people", [DIRECTOR])
    accounts = given.pop("accounts", [SOFTWARE_FIRM])
    results = run(engine, model, folder, as_of=NOW, people=people, accounts=accounts, events=numbered(events))
    row = results["p1"]
    assert sum(part.points for part in row["rows"]) == pytest.approx(row["total"], rel=0, abs=1e-9)
    return row


@pytest.mark.parametrize(
    ("days", "fit", "engagement", "total", "band"),
    [(0, 12, 7.5, 19.5, "mql"), (61, 12, 1.2, 13.2, "nurture"), (90, 12, -3, 9, "early")],
)
def test_director_who_looked_at_pricing(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, days: int, fit: float, engagement: float, total: float, band: str
) -> None:
    age = timedelta(days=days)
    visits = [event("page_view", age, url="https://acme.example/pricing") for _ in range(2)]
    row = score_one(engine, load(tmp_path, INBOUND), tmp_path, [*visits, event("email_open", age)])
    assert (row["fit"], row["engagement"], row["total"], row["band"]) == (fit, engagement, total, band)


def test_student_is_disqualified_whatever_the_opens(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    university = {"account_id": "a1", "industry": "Education"}
    opens = [event("email_open", timedelta()) for _ in range(40)]
    row = score_one(engine, load(tmp_path, INBOUND), tmp_path, opens, accounts=[university])
    assert (row["state"], row["total"], row["band"]) == ("disqualified", 0, None)
    assert (row["fit"], row["engagement"]) == (-5, 20)


WHITEPAPER = """
[model]
id = "whitepaper"
[[fit]]
id = "industry"
when = { field = "account.industry", is = "software" }
points = 30
[[fit]]
id = "director"
when = { field = "seniority", is = "director" }
points = 20
[[engagement]]
id = "whitepaper"
event = "content_download"
where = { field = "asset", contains = "pricing" }
points = 25
[[engagement]]
id = "pricing_page"
event = "page_view"
where = { field = "url", contains = "/pricing" }
within = "48h"
award = "once"
points = 15
[[band]]
id = "call"
at_least = 80
"""


@pytest.mark.parametrize(
    ("hours", "total", "band"), [(1, 90, "call"), (47.999, 90, "call"), (48, 75, None), (49, 75, None)]
)
def test_pricing_window_of_48_hours(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, hours: float, total: float, band: str | None
) -> None:
    paper = event("content_download", timedelta(days=3), asset="Whitepaper: Pricing a pilot")
    visit = event("page_view", timedelta(hours=hours), url="/pricing")
    row = score_one(engine, load(tmp_path, WHITEPAPER), tmp_path, [paper, visit])
    assert (row["total"], row["band"]) == (total, band)


ENTERPRISE = """
[model]
id = "enterprise"
[[fit]]
id = "revenue"
field = "account.revenue"
brackets = [ { below = 1e6, points = 0 }, { below = 1e8, points = 20 }, { points = 30 } ]
[[fit]]
id = "vp_plus"
when = { field = "seniority", in = ["vp", "c_level"] }
points = 25
[[engagement]]
id = "page_view"
group = "web"
event = "page_view"
points = 4
[[engagement]]
id = "demo"
event = "demo_request"
points = 20
[[engagement]]
id = "no_mail"
event = ["email_open", "email_click"]
no_event_for = "30d"
points = -10
[[multiply]]
id = "demo_boost"
event = "demo_request"
within = "30d"
group = "web"
factor = 1.5
max_points = 15
[group.web]
[[band]]
id = "ae"
above = 70
"""


def test_demo_multiplies_the_web(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    vp = {"person_id": "p1", "account_id": "a1", "seniority": "vp"}
    account = {"account_id": "a1", "revenue": 5e7}
    views = [event("page_view", timedelta(minutes=minute)) for minute in range(5)]
    events = [*views, event("demo_request", timedelta()), event("email_click", timedelta(days=45))]
    row = score_one(engine, load(tmp_path, ENTERPRISE), tmp_path, events, people=[vp], accounts=[account])
    assert (row["total"], row["band"]) == (85, "ae")
    points = {(part.kind, part.rule_id): part.points for part in row["rows"]}
    assert points["multiply", "demo_boost"] == 10
    assert points["engagement", "no_mail"] == -10


FADING = """
[model]
id = "fading"
[[engagement]]
id = "demo"
event = "demo_request"
points = 40
[inactivity]
per_period = { every = "7d", keep = 0.95, zero_after = "90d" }
"""


@pytest.mark.parametrize(("days", "engagement"), [(6, 40), (7, 38), (21, 34.295), (89, 40 * 0.95**12), (90, 0)])
def test_five_per_cent_a_week(engine: duckdb.DuckDBPyConnection, tmp_path: Path, days: int, engagement: float) -> None:
    row = score_one(engine, load(tmp_path, FADING), tmp_path, [event("demo_request", timedelta(days=days))])
    assert row["engagement"] == pytest.approx(engagement, rel=0, abs=1e-9)


QUALIFIED = """
[model]
id = "qualified"
[[fit]]
id = "known"
when = { field = "seniority", present = true }
points = 60
[[engagement]]
id = "demo"
event = "demo_request"
points = 45
[[band]]
id = "sales_qualified"
above = 100
[band.needs.when]
all = [ { field = "account.industry", in = ["Software"] }, { field = "account.employees", gte = 50 } ]
[[band]]
id = "open"
"""


@pytest.mark.parametrize(("industry", "band"), [("Software", "sales_qualified"), (None, "open"), ("Retail", "open")])
def test_sales_qualified_needs_the_industry(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, industry: str | None, band: str
) -> None:
    account = {"account_id": "a1", "industry": industry, "employees": 50.0}
    row = score_one(
        engine, load(tmp_path, QUALIFIED), tmp_path, [event("demo_request", timedelta())], accounts=[account]
    )
    assert (row["total"], row["band"]) == (105, band)


UNSERVED = """
[model]
id = "unserved"
[[fit]]
id = "free_mail"
when = { field = "email_domain", in_list = "free_mail" }
points = -10
[[fit]]
id = "unserved_country"
when = { field = "country", not_in = ["US", "GB", "DE"] }
points = -20
[[engagement]]
id = "careers"
event = "careers_visit"
points = -15
[suppress]
when = { field = "email_domain", in_list = "competitors" }
"""


@pytest.mark.parametrize(
    ("email", "state", "total"),
    [("x@Gmail.com", "never_active", -45), ("x@rival.example", "suppressed", 0)],
)
def test_negative_without_a_scale_and_competitors(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, email: str, state: str, total: float
) -> None:
    file = tmp_path / "model.toml"
    file.write_text(UNSERVED, encoding="utf-8")
    model = load_model(file, lists={"competitors": frozenset({"rival.example"})})
    person = {"person_id": "p1", "email": email, "country": "FR"}
    row = score_one(engine, model, tmp_path, [event("careers_visit", timedelta())], people=[person])
    assert (row["state"], row["total"]) == (state, total)


def test_customers_have_no_row_in_new_business(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people = [DIRECTOR, {"person_id": "p2", "account_id": "a2"}, {"person_id": "p3"}]
    accounts: list[Row] = [SOFTWARE_FIRM, {"account_id": "a2", "type": "Customer"}]
    results = run(engine, load_model("preset:b2b_saas"), tmp_path, as_of=NOW, people=people, accounts=accounts)
    assert results.keys() == {"p1", "p3"}
