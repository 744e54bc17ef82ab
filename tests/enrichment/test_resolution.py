"""Whom to believe, as SQL, against the same rule in plain Python: vendor order, ages, ties, blanks, the CRM's own."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.enrichment.resolve import Held
from connector.enrichment.step import resolved
from connector.settings.enrichment import EnrichSettings

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
VENDORS = ("zoominfo", "clearbit", "apollo")
DAY_S = 86_400
OTHERS = (("person", "a1", "employees"), ("account", "a2", "employees"), ("account", "a1", "revenue"))


@dataclass(frozen=True)
class Observation:
    """One row of attributes; age_s is negative for what is observed later."""

    vendor: str
    age_s: int
    value: str | None


def believed(enrich: EnrichSettings, seen: list[Observation], own: float | None, own_age_s: int | None) -> float | None:
    """Choose as the configuration says, one vendor after the other."""
    limit_s = math.inf if enrich.max_age_days is None else enrich.max_age_days * DAY_S
    for vendor in enrich.vendors:
        if vendor == "crm":
            found, age_s = own, -1 if own_age_s is None else own_age_s
        else:
            past = [one for one in seen if one.vendor == vendor and one.age_s >= 0]
            newest = min(past, key=lambda one: one.age_s, default=None)
            found = number(newest.value) if newest else None
            age_s = newest.age_s if newest else 0
        if found is not None and age_s <= limit_s:
            return found
    return None


def number(text: str | None) -> float | None:
    """Read what a vendor wrote as a number."""
    try:
        return float(text) if text is not None and text.strip() not in ("", "n/a") else None
    except ValueError:
        return None


def chosen(enrich: EnrichSettings, seen: list[Observation], own: float | None, own_age_s: int | None) -> float | None:
    """Ask the product's SQL for the one company."""
    seconds = int(AS_OF.timestamp())
    rows = [("account", "a1", "employees", one.vendor, one.value, seconds - one.age_s) for one in seen]
    rows += [(*other, "zoominfo", "7", seconds) for other in OTHERS]
    relation = "(SELECT account_id, employees, to_timestamp(at_s) AS updated_at FROM accounts)"
    columns = {"account_id": "VARCHAR", "employees": "DOUBLE", "updated_at": "TIMESTAMP WITH TIME ZONE"}
    held = Held("(SELECT *, to_timestamp(at_s) AS observed_at FROM said)", None, columns, "updated_at")
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(
            "CREATE TABLE said (role TEXT, subject_id TEXT, name TEXT, vendor TEXT, value TEXT, at_s BIGINT)"
        )
        engine.executemany("INSERT INTO said VALUES (?, ?, ?, ?, ?, ?)", rows)
        engine.execute("CREATE TABLE accounts (account_id TEXT, employees DOUBLE, at_s BIGINT)")
        engine.execute(
            "INSERT INTO accounts VALUES ('a1', ?, ?)", [own, None if own_age_s is None else seconds - own_age_s]
        )
        found = engine.sql(f"SELECT employees FROM {resolved(relation, [enrich], held, AS_OF)}").fetchall()  # noqa: S608 - our own
    assert len(found) == 1
    value: float | None = found[0][0]
    return value


ages = st.sampled_from([-DAY_S, -1, 0, 1, DAY_S, 30 * DAY_S - 1, 30 * DAY_S, 30 * DAY_S + 1, 400 * DAY_S])
values = st.sampled_from([None, "", " ", "0", "480", "900.5", "n/a", " 12 "])
observations = st.lists(
    st.builds(Observation, st.sampled_from(VENDORS), ages, values),
    max_size=8,
    unique_by=lambda one: (one.vendor, one.age_s),
)
orders = st.permutations([*VENDORS, "crm"]).flatmap(lambda order: st.integers(1, 4).map(lambda n: tuple(order[:n])))


@settings(max_examples=100, deadline=None)
@given(orders, st.sampled_from([None, 30, 365]), observations, st.sampled_from([None, 0.0, 50.0]), st.none() | ages)
def test_sql_believes_whom_plain_python_believes(
    order: tuple[str, ...],
    max_age_days: float | None,
    seen: list[Observation],
    own: float | None,
    own_age_s: int | None,
) -> None:
    enrich = EnrichSettings(attribute="employees", vendors=order, max_age_days=max_age_days)
    assert chosen(enrich, seen, own, own_age_s) == believed(enrich, seen, own, own_age_s)


def test_what_is_stale_is_unknown_and_not_zero() -> None:
    enrich = EnrichSettings(attribute="employees", vendors=("zoominfo",), max_age_days=30)
    assert chosen(enrich, [Observation("zoominfo", 31 * DAY_S, "480")], 50.0, None) is None
    assert chosen(enrich, [Observation("zoominfo", 30 * DAY_S, "480")], 50.0, None) == 480


def test_an_older_value_does_not_stand_in_for_a_newer_blank() -> None:
    enrich = EnrichSettings(attribute="employees", vendors=("zoominfo", "clearbit"))
    seen = [Observation("zoominfo", DAY_S, "480"), Observation("zoominfo", 0, None), Observation("clearbit", 9, "7")]
    assert chosen(enrich, seen, None, None) == 7


def test_what_a_vendor_calls_unknown_is_blank() -> None:
    enrich = EnrichSettings(attribute="industry", vendors=("clearbit", "zoominfo"))
    said = """(SELECT 'account' AS role, 'a1' AS subject_id, 'industry' AS name, vendor, value,
        TIMESTAMPTZ '2026-06-01 00:00:00+00' AS observed_at
        FROM (VALUES ('clearbit', '[[unknown]]'), ('zoominfo', 'Retail')) t(vendor, value))"""
    relation = resolved("(SELECT 'a1' AS account_id)", [enrich], Held(said, None, {"account_id": "VARCHAR"}), AS_OF)
    with duckdb.connect() as engine:
        assert engine.sql(f"SELECT industry FROM {relation}").fetchall() == [("Retail",)]  # noqa: S608 - our own


def test_one_instant_sees_nothing_later() -> None:
    enrich = EnrichSettings(attribute="employees", vendors=("zoominfo",))
    later = Observation("zoominfo", -timedelta(hours=1).seconds, "900")
    assert chosen(enrich, [later, Observation("zoominfo", 5, "480")], None, None) == 480
