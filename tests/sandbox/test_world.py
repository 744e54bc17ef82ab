"""The made-up world's promises, and the reading of canonical tables."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.sandbox.state import EPOCH_AT
from connector.sandbox.world.demo import OWNERS, demo_world, empty_world
from connector.sandbox.world.profiles import DAY_S, EPOCH_S, profile
from connector.sandbox.world.rows import Event, Outcome, Person, World, WorldError
from connector.sandbox.world.tables import open_tables

PEOPLE = 3000
INTENT = {"demo_request", "trial_start"}


@pytest.fixture(scope="module")
def world() -> World:
    return demo_world(PEOPLE, 7)


@pytest.fixture(scope="module")
def people(world: World) -> list[Person]:
    return list(world.people())


@pytest.fixture(scope="module")
def events(world: World) -> list[Event]:
    return list(world.events())


def everything(world: World) -> tuple[Any, ...]:
    streams = (world.accounts, world.people, world.events, world.outcomes, world.merges)
    return (world.owners, *(tuple(stream()) for stream in streams))


def test_the_same_seed_makes_the_same_world() -> None:
    assert everything(demo_world(150, 3)) == everything(demo_world(150, 3))
    assert everything(demo_world(150, 3)) != everything(demo_world(150, 4))


def test_a_stream_can_be_opened_again(world: World, people: list[Person], events: list[Event]) -> None:
    assert list(world.people()) == people
    assert list(world.events()) == events


def test_counts(world: World, people: list[Person], events: list[Event]) -> None:
    assert len(people) == PEOPLE
    assert len(list(world.accounts())) == PEOPLE // 4
    assert 8 <= len(events) / PEOPLE <= 12
    assert len({event.event_id for event in events}) == len(events)
    assert len({person.person_id for person in people}) == PEOPLE


def test_the_world_lies_in_the_year_before_its_epoch(people: list[Person], events: list[Event]) -> None:
    assert datetime.fromtimestamp(EPOCH_S, tz=UTC) == EPOCH_AT
    assert all(EPOCH_S - 366 * DAY_S <= event.occurred_s < EPOCH_S for event in events)
    born = {person.person_id: person.created_s or 0 for person in people}
    assert all(event.occurred_s >= born[event.person_id] for event in events if event.person_id)
    assert max(born.values()) < EPOCH_S


def test_references_hold(world: World, people: list[Person], events: list[Event]) -> None:
    accounts = {account.account_id for account in world.accounts()}
    owners = {owner.owner_id for owner in OWNERS} | {None}
    known = {person.person_id for person in people}
    assert all(person.account_id in accounts for person in people if person.account_id)
    assert {person.owner_id for person in people} <= owners
    assert all((event.person_id or event.account_id) in known | accounts for event in events)
    assert all(row.person_id in known for row in world.outcomes())
    assert all(person.account_id is None for person in people if person.kind == "lead")
    assert all(person.account_id for person in people if person.kind == "contact")


def test_no_two_companies_share_a_name_or_a_domain(world: World) -> None:
    accounts = list(world.accounts())
    assert len({account.name for account in accounts}) == len(accounts)
    domains = [account.domain for account in accounts if account.domain]
    assert len(set(domains)) == len(domains)
    assert all(domain.endswith(".example") for domain in domains)


def test_most_people_stay_people(people: list[Person]) -> None:
    converted = [person for person in people if person.converted_s]
    assert 0 < len(converted) / PEOPLE <= 0.03
    assert all(person.kind == "lead" for person in converted)


def test_a_hot_band_is_plausible(events: list[Event]) -> None:
    recent = {e.person_id for e in events if e.type in INTENT and e.occurred_s > EPOCH_S - 14 * DAY_S}
    assert 0.03 <= len(recent) / PEOPLE <= 0.08


def test_activity_and_conversion_follow_the_hidden_propensity(world: World, events: list[Event]) -> None:
    propensity = {lived.person.person_id: lived.propensity for lived in (profile(7, n, PEOPLE) for n in range(PEOPLE))}
    ranked = sorted(propensity, key=lambda person_id: propensity[person_id], reverse=True)
    top, bottom = set(ranked[: PEOPLE // 5]), set(ranked[-PEOPLE // 5 :])
    intent = Counter(event.person_id for event in events if event.type in INTENT)
    bought = Counter(row.person_id for row in world.outcomes() if row.kind == "closed_won")
    for counts in (intent, bought):
        assert sum(counts[person_id] for person_id in top) > 3 * sum(counts[person_id] for person_id in bottom)


def test_the_world_has_the_people_that_models_stumble_over(people: list[Person], events: list[Event]) -> None:
    domains = Counter(person.email.rpartition("@")[2] for person in people if person.email)
    assert domains["gmail.com"] > 0
    assert domains["rival-crm.example"] + domains["competitor.example"] > 0
    assert any("stud" in domain for domain in domains)
    for name in ("email", "title", "country", "phone", "industry", "owner_id", "first_name"):
        assert any(getattr(person, name) is None for person in people), name
        assert any(getattr(person, name) is not None for person in people), name
    assert any(not (person.last_name or "").isascii() for person in people)
    assert any(person.opted_out for person in people)
    types = Counter(event.type for event in events)
    assert len(types) >= 20
    assert types["careers_visit"] > 0
    assert any(event.is_bot for event in events)
    active = Counter(event.person_id for event in events)
    assert any(active[person.person_id] == 0 for person in people)
    assert any((event.url or "").endswith("/pricing") for event in events)


def test_bots_click_everything_within_seconds_and_half_are_unmarked(events: list[Event]) -> None:
    clicks = Counter((e.person_id, e.occurred_s // 60, e.is_bot) for e in events if e.type == "email_click")
    bursts = {marked for (_, _, marked), count in clicks.items() if count >= 3}
    assert bursts == {True, None}


def test_merges_have_survivors(world: World, people: list[Person]) -> None:
    merges = list(world.merges())
    known = {person.person_id for person in people}
    assert merges
    assert all(merge.survivor_id in known and merge.loser.person_id not in known for merge in merges)


def test_the_empty_world_has_owners_alone() -> None:
    assert everything(empty_world()) == (OWNERS, (), (), (), (), ())


HEADER = ",".join(
    (
        *("person_id", "kind", "account_id", "email", "opted_out", "created_at", "employees", "technologies"),
        *("landing_page", "lots", "newsletter", "seen_at", "zip", "notes"),
    )
)
PEOPLE_CSV = f"""{HEADER}
p1,lead,,ana@x.example,true,2026-01-02T03:04:05Z,120,AWS;SAP,/a,1.5,true,2026-02-03,01234,
p2,contact,a1,,,2026-01-02T05:04:05+02:00,,,,2,,,98765,"two
lines"
p3,,,  ,false,,,,/b,,false,2026-02-03T04:05:06.789Z,,
"""
ACCOUNTS_CSV = "account_id,name,revenue,tier\na1,Größ & Söhne,1e6,gold\n"
EVENTS_CSV = """event_id,type,occurred_at,person_id,url,value,props,is_bot
e1,page_view,2026-03-01T10:00:00.900Z,p1,https://www.acme.example/pricing,,,
e1,page_view,2026-03-01T10:00:00Z,p1,,,,
e2,product_usage,2026-03-02,p2,,3,"{""plan"": ""pro""}",true
"""
OUTCOMES_CSV = "kind,occurred_at,person_id,reason,amount\nclosed_lost,2026-04-01T00:00:01Z,p1,price,100\n"


def write_csv(folder: Path) -> Path:
    for name, text in (
        ("people", PEOPLE_CSV),
        ("accounts", ACCOUNTS_CSV),
        ("events", EVENTS_CSV),
        ("outcomes", OUTCOMES_CSV),
    ):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_csv_tables(tmp_path: Path) -> None:
    world = open_tables(write_csv(tmp_path))
    first, other, third = world.people()
    assert world.people_columns == {
        "landing_page": "text",
        "lots": "number",
        "newsletter": "boolean",
        "seen_at": "datetime",
        "zip": "text",
        "notes": "text",
    }
    assert (first.kind, first.opted_out, first.employees, first.technologies) == ("lead", True, 120, "AWS;SAP")
    assert first.custom == ("/a", 1.5, True, second("2026-02-03T00:00:00Z"), "01234", None)
    assert other.created_s == second("2026-01-02T03:04:05Z")
    assert other.custom == (None, 2, None, None, "98765", "two\nlines")
    assert (third.kind, third.email, third.created_s, third.opted_out) == (None, None, None, False)
    assert third.custom[3] == second("2026-02-03T04:05:06Z")
    assert all(person.last_name for person in (first, other, third))
    (account,) = world.accounts()
    assert (account.name, account.revenue, account.custom) == ("Größ & Söhne", 1e6, ("gold",))
    visit, usage = world.events()
    assert (visit.event_id, visit.occurred_s) == ("e1", second("2026-03-01T10:00:00Z"))
    assert (usage.value, json.loads(usage.props or ""), usage.is_bot) == (3, {"plan": "pro"}, True)
    assert list(world.outcomes()) == [Outcome("closed_lost", second("2026-04-01T00:00:01Z"), "p1", None, "price", 100)]


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    people = pa.table(
        {
            "person_id": ["p1", "p2", "p3"],
            "kind": ["lead", "contact", None],
            "account_id": [None, "a1", None],
            "email": ["ana@x.example", None, "  "],
            "opted_out": [True, None, False],
            "created_at": pa.array([stamp("2026-01-02T03:04:05Z")] * 2 + [None], pa.timestamp("ms", "UTC")),
            "employees": pa.array([120, None, None], pa.int32()),
            "technologies": pa.array([["AWS", "SAP"], None, None], pa.list_(pa.string())),
            "landing_page": ["/a", None, "/b"],
            "lots": [1.5, 2.0, float("nan")],
            "newsletter": [True, None, False],
            "seen_at": pa.array(
                [stamp("2026-02-03T00:00:00Z"), None, stamp("2026-02-03T04:05:06.789Z")], pa.timestamp("us", "UTC")
            ),
            "zip": ["01234", "98765", None],
            "notes": [None, "two\nlines", None],
        }
    )
    events = pa.table(
        {
            "event_id": ["e1", "e2"],
            "type": ["page_view", "product_usage"],
            "occurred_at": pa.array(
                [stamp("2026-03-01T10:00:00.9Z"), stamp("2026-03-02T00:00:00Z")], pa.timestamp("us")
            ),
            "person_id": ["p1", "p2"],
            "url": ["https://www.acme.example/pricing", None],
            "value": [None, 3.0],
            "props": pa.array([None, [("plan", "pro")]], pa.map_(pa.string(), pa.string())),
            "is_bot": [None, True],
        }
    )
    pq.write_table(people, tmp_path / "parquet" / "people.parquet")
    pq.write_table(events, tmp_path / "parquet" / "events.parquet")
    (tmp_path / "parquet" / "accounts.csv").write_text(ACCOUNTS_CSV, encoding="utf-8")
    (tmp_path / "parquet" / "outcomes.csv").write_text(OUTCOMES_CSV, encoding="utf-8")
    from_csv, from_parquet = open_tables(write_csv(tmp_path / "csv")), open_tables(tmp_path / "parquet")
    assert everything(from_parquet) == everything(from_csv)
    assert from_parquet.people_columns == from_csv.people_columns


def stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_owners_of_a_folder_join_the_made_up_ones(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("person_id,owner_id\np1,zoe@x.example\np2,u1\np3,4ef15\n", encoding="utf-8")
    added = open_tables(tmp_path).owners[len(OWNERS) :]
    assert [(owner.owner_id, owner.email) for owner in added] == [
        ("4ef15", "owner1@leadlight.example"),
        ("zoe@x.example", "zoe@x.example"),
    ]


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("person_id,employees\np1,many\np1,2\n,3\n", encoding="utf-8")
    (tmp_path / "accounts.csv").write_text("name\nAcme\n", encoding="utf-8")
    (tmp_path / "events.csv").write_text("event_id,type,occurred_at,props\ne1,call,noon,[1]\n", encoding="utf-8")
    (tmp_path / "outcomes.parquet").write_bytes(b"no parquet")
    with pytest.raises(WorldError) as error:
        open_tables(tmp_path)
    told = "\n".join(error.value.problems)
    for words in (
        "people.csv: column employees should hold number",
        "people.csv: column person_id is empty in 1 of 3 rows",
        "people.csv: 1 values of person_id stand more than once (p1)",
        "accounts.csv: column account_id is missing",
        "events.csv: column occurred_at should hold datetime",
        "events.csv: column props should hold map",
        "outcomes.parquet: cannot be read",
    ):
        assert words in told


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="is no folder"):
        open_tables(tmp_path / "nowhere")
    with pytest.raises(WorldError, match="holds none of people"):
        open_tables(tmp_path)
    (tmp_path / "people.csv").write_text("person_id\np1\n", encoding="utf-8")
    (tmp_path / "people.parquet").write_bytes(b"")
    with pytest.raises(WorldError, match="keep one"):
        open_tables(tmp_path)
