"""Worlds as HubSpot records: nothing lost, times exact."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.sandbox.seeding import EPOCH_S
from connector.sandbox.storage import Storage
from connector.sandbox.world.demo import demo_world
from tests.sandbox.seeded_worlds import dumped, rows, seeded, table, write_folder

OBJECTS = (
    "contacts",
    "companies",
    "deals",
    "calls",
    "meetings",
    "emails",
    "owners",
    "associations",
    "event_occurrences",
)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with seeded("hubspot", write_folder(tmp_path_factory.mktemp("world"))) as storage:
        yield storage


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_contacts(account: Storage) -> None:
    found = rows(
        account,
        "SELECT canonical_id, email, company, industry, numemployees, hs_email_optout, lifecyclestage, seniority,"
        " jobtitle FROM contacts ORDER BY 1",
    )
    assert found == [
        ("p1", "Ana@x.example", "Größ & Söhne", "Software", "120", "true", "customer", "c_level", "CTO"),
        ("p2", "ben@x.example", None, None, None, None, "opportunity", None, None),
        ("p3", "ana+2@X.example", "Velora Labs", "Retail", "7", None, "opportunity", None, None),
        ("p4", None, "Loose Ends", "Media", None, None, "lead", None, None),
    ]


def test_creation_times_are_exact_and_stamps_lie_before_the_clock(account: Storage) -> None:
    found = dict(rows(account, "SELECT canonical_id, _created_at FROM contacts"))
    assert found["p1"] == ms("2026-01-02T03:04:05")
    assert found["p2"] == ms("2017-06-14T23:59:59")
    for name in OBJECTS[:-2]:
        for created, modified in table(account, name, "_created_at", "_modified_at"):
            assert created <= modified <= (EPOCH_S - 3600) * 1000


def test_custom_columns_become_properties(account: Storage) -> None:
    found = rows(
        account,
        "SELECT landing_page, lots, newsletter, seen_at, verdict, verdict_at FROM contacts ORDER BY _id LIMIT 2",
    )
    assert found == [
        ("/a", "1.5", "true", "2026-02-03T04:05:06.000Z", "accepted", "2026-01-03T00:00:00.000Z"),
        (None, None, None, None, None, None),
    ]
    assert rows(account, "SELECT tier, web_technologies, annualrevenue, type, lifecyclestage FROM companies") == [
        ("gold", "AWS;SAP", "1000000.5", "customer", "customer")
    ]
    (definition,) = rows(account, "SELECT definition FROM properties WHERE object = 'companies' AND name = 'industry'")
    assert "Manufacturing" in [option["value"] for option in json.loads(definition[0])["options"]]


def test_owners(account: Storage) -> None:
    found = rows(
        account,
        "SELECT canonical_id, o.email, o.type FROM contacts LEFT JOIN owners o ON o._id = hubspot_owner_id ORDER BY 1",
    )
    assert found == [
        ("p1", None, None),
        ("p2", "ben.osei@leadlight.example", "PERSON"),
        ("p3", None, "QUEUE"),
        ("p4", "zoe@x.example", "PERSON"),
    ]
    assert rows(account, "SELECT email FROM owners WHERE _deleted = 1") == [("ines.former@leadlight.example",)]


def links(account: Storage, from_type: str, to_type: str) -> list[tuple[Any, ...]]:
    named = dict(rows(account, "SELECT _id, canonical_id FROM contacts UNION SELECT _id, canonical_id FROM companies"))
    found = table(account, "associations", "from_type", "to_type", "from_id", "to_id", "type_id")
    between = [row[2:] for row in found if row[:2] == (from_type, to_type)]
    return [(named.get(str(own), own), named.get(str(other), other), type_id) for own, other, type_id in between]


def test_associations(account: Storage) -> None:
    assert links(account, "contacts", "companies") == [("p2", "a1", 1), ("p2", "a1", 279)]
    assert links(account, "companies", "contacts") == [("a1", "p2", 2), ("a1", "p2", 280)]
    assert [row[1:] for row in links(account, "calls", "contacts")] == [("p1", 194), ("p2", 194)]
    assert [row[1:] for row in links(account, "meetings", "companies")] == [("a1", 188)]
    assert [row[1:] for row in links(account, "deals", "contacts")] == [("p3", 3), ("p1", 3), ("p2", 3)]
    assert [row[1:] for row in links(account, "deals", "companies")] == [("a1", 5), ("a1", 341)]


def test_engagements(account: Storage) -> None:
    assert rows(account, "SELECT hs_call_title, hs_timestamp FROM calls ORDER BY _id") == [
        ("Call: hello", "2026-03-01T10:00:01.000Z"),
        (None, "2026-03-01T10:00:02.000Z"),
    ]
    assert rows(account, "SELECT hs_meeting_title, hs_meeting_start_time, hs_meeting_outcome FROM meetings") == [
        ("Tour", "2017-10-01T23:59:59.000Z", "COMPLETED")
    ]
    assert rows(account, "SELECT hs_email_subject, hs_timestamp, hs_email_direction FROM emails") == [
        ("Digest", "2026-03-01T10:00:05.000Z", "EMAIL")
    ]


def test_event_occurrences(account: Storage) -> None:
    found = rows(
        account, "SELECT id, event_type, object_type, occurred_at, properties FROM event_occurrences ORDER BY id"
    )
    told = [(row[0], row[1], row[2], row[3] - ms("2026-03-01T10:00:00"), json.loads(row[4])) for row in found]
    web, site = "pe4242424_web_activity", "https://www.acme.example/"
    assert told == [
        ("e03", web, "contacts", 3000, {"type": "call", "source": "dialler"}),
        ("e06", web, "contacts", 6000, {"type": "webinar_registered", "asset": "Basics"}),
        ("e07", web, "contacts", 7000, {"type": "webinar_attended", "asset": "Basics"}),
        ("e08", web, "contacts", 8000, {"type": "webinar_attended", "asset": "Basics"}),
        ("e09", "e_visited_page", "contacts", 9000, {"hs_url": f"{site}pricing"}),
        ("e10", web, "contacts", 10000, {"type": "page_view", "url": site, "is_bot": "true"}),
        ("e11", web, "companies", 11000, {"type": "product_usage", "value": "12.5", "props": '{"plan":"pro"}'}),
        ("e12", web, "contacts", 12000, {"type": "form_submission", "asset": "Contact us"}),
    ]


def test_deals(account: Storage) -> None:
    found = rows(
        account,
        "SELECT dealstage, _created_at, closedate, amount, hs_is_closed, hs_is_closed_won, closed_lost_reason"
        " FROM deals ORDER BY _id",
    )
    assert found == [
        ("appointmentscheduled", ms("2026-03-01T00:00:01"), "2026-07-31T12:00:00.000Z", "50", "false", "false", None),
        ("closedwon", ms("2026-03-05T10:00:00"), "2026-04-06T11:12:13.000Z", "1000", "true", "true", None),
        ("closedlost", ms("2026-04-07T11:12:14"), "2026-04-07T11:12:14.000Z", None, "true", "false", "price"),
    ]


def test_the_same_seed_makes_the_same_records() -> None:
    with seeded("hubspot", "demo", people=60) as one, seeded("hubspot", "demo", people=60) as two:
        assert dumped(one, OBJECTS) == dumped(two, OBJECTS)


def test_counts_of_the_made_up_world() -> None:
    world = demo_world(400, 7)
    people, events = list(world.people()), list(world.events())
    with seeded("hubspot", "demo", people=400) as storage:
        count = {name: len(table(storage, name)) for name in OBJECTS}
        merged = rows(storage, "SELECT COUNT(*) FROM contacts WHERE hs_merged_object_ids IS NOT NULL")[0][0]
        addresses = rows(storage, "SELECT COUNT(email), COUNT(DISTINCT LOWER(email)) FROM contacts")[0]
    assert count["contacts"] == len(people)
    assert count["companies"] == len(list(world.accounts()))
    assert sum(count[name] for name in ("calls", "meetings", "emails", "event_occurrences")) == len(events)
    assert merged == len(list(world.merges()))
    assert addresses[0] == addresses[1]
