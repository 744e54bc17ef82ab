"""Which rules fit whom, over a store's own files: fields of people and accounts, segments, what is unknown."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from connector.engine.duckdb import open_engine
from connector.models import Line
from connector.routing.fits import FITS, places_of
from connector.routing.matching import make_fits, open_counts, open_facts
from connector.routing.pools import Member, Pool, Route, Target
from connector.store.lake import Lake
from connector.store.state import open_state
from scoring.conditions import Condition
from scoring.model import load_model

AT = datetime(2026, 7, 1, tzinfo=UTC)
TO = Target("account_owner")
MODEL = """
[model]
id = "m"

[[fit]]
id = "any"
label = "any"
when = { field = "title", present = true }
points = 1

[[segment]]
id = "big"
when = { field = "account.employees", gte = 1000 }

[[segment]]
id = "rest"
when = { field = "account.employees", lt = 1000 }

[[band]]
id = "hot"
"""
PEOPLE = {
    "person_id": ["p1", "p2", "p3", "p4"],
    "account_id": ["a1", "a2", None, "gone"],
    "country": ["DE", " de ", None, "FR"],
    "converted_at": [None, None, None, AT],
}
ACCOUNTS = {"account_id": ["a1", "a2"], "employees": [2000.0, 10.0], "owner_id": ["U1", None]}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Give a store with four people and two accounts."""
    state = open_state(tmp_path)
    made = Lake(tmp_path, state)
    people = pa.table(PEOPLE, schema=pa.schema(
        [(name, pa.timestamp("us", "UTC") if name == "converted_at" else pa.string()) for name in PEOPLE]
    ))  # fmt: skip
    made.commit(made.merge("people", "person_id", [people]))
    made.commit(made.merge("accounts", "account_id", [pa.table(ACCOUNTS)]))
    return made


def route(name: str, *segments: str, **when: object) -> Route:
    return Route(name, (), segments, Condition.model_validate(when) if when else None, TO)


def test_rules_fit_by_fields_and_segments_and_the_unknown_fits_none(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(MODEL, encoding="utf-8")
    line = Line(load_model(tmp_path / "model.toml"))
    rules = [
        route("germany", field="country", **{"in": ["DE", "AT"]}),
        route("not_germany", **{"not": {"field": "country", "is": "DE"}}),
        route("big", "big"),
        route("small_or_big_in_france", "big", "rest", field="country", **{"is": "FR"}),
        route("all"),
        route("custom", field="territory", **{"is": "east"}),  # a field that the data lack
    ]
    with open_engine() as engine:
        make_fits(open_facts(engine, lake, AT), rules, [line])
        cursor = engine.execute(f"SELECT * FROM {FITS} ORDER BY subject_id")  # noqa: S608 - our own table
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found = {row["subject_id"]: [rules[place].id for place in places_of(row, line)] for row in rows}
    assert found == {
        "p1": ["germany", "big", "all"],
        "p2": ["germany", "all"],
        "p3": ["not_germany", "all"],
        "p4": ["not_germany", "all"],
    }
    assert [row["account_owner"] for row in rows] == ["U1", None, None, None]


def test_open_records_are_those_not_converted_that_the_pool_counts(lake: Lake) -> None:
    owners = "(SELECT unnest(['p1', 'p2', 'p3', 'p4']) AS record_id, unnest(['U1', 'U1', 'U2', 'U1']) AS owner_id)"
    pool = Pool("sdr", (Member("U1", "One", cap_open=2),))
    german = Pool("sdr", pool.members, open_when=Condition.model_validate({"field": "account.employees", "gte": 100}))
    with open_engine() as engine:
        facts = open_facts(engine, lake, AT)
        assert open_counts(facts, pool, owners) == {"U1": 2, "U2": 1}
        assert open_counts(facts, german, owners) == {"U1": 1}


def test_people_without_an_account_are_routed_by_the_one_they_were_matched_to(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(MODEL, encoding="utf-8")
    matches = pa.table({"person_id": ["p3", "p2"], "account_id": ["a1", "a1"]})  # the CRM's own link of p2 goes before
    lake.commit(lake.merge("matches", "person_id", [matches]))
    line = Line(load_model(tmp_path / "model.toml"))
    rules = [route("big", field="account.employees", gte=1000)]
    with open_engine() as engine:
        make_fits(open_facts(engine, lake, AT), rules, [line])
        select = f'SELECT subject_id, account_owner, "places:m" FROM {FITS} ORDER BY 1'  # noqa: S608 - our own table
        rows = engine.execute(select).fetchall()
    assert rows == [("p1", "U1", [0]), ("p2", None, []), ("p3", "U1", [0]), ("p4", None, [])]
