"""Worlds as Salesforce records: nothing lost, times exact."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.sandbox.seeding import EPOCH_S, title_case
from connector.sandbox.storage import Storage
from connector.sandbox.world.demo import demo_world
from tests.sandbox.seeded_worlds import dumped, rows, seeded, table, write_folder

OBJECTS = (
    *("Lead", "Contact", "Account", "Task", "Event", "CampaignMember", "Campaign"),
    *("Web_Activity__c", "Opportunity", "User", "Group"),
)


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with seeded("salesforce", write_folder(tmp_path_factory.mktemp("world"))) as storage:
        yield storage


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_leads_and_contacts(org: Storage) -> None:
    leads = rows(
        org, "SELECT Canonical_Id__c, Email, Company, Industry, NumberOfEmployees, IsConverted FROM Lead ORDER BY 1"
    )
    assert leads == [
        ("p1", "Ana@x.example", "Größ & Söhne", "Software", 120, 0),
        ("p3", "ana@X.example", "Velora Labs", "Retail", 7, 1),
    ]
    contacts = rows(
        org,
        "SELECT c.Canonical_Id__c, a.Name, a.Industry FROM Contact c JOIN Account a ON a._id = c.AccountId ORDER BY 1",
    )
    assert contacts == [
        ("p2", "Acme", "Manufacturing"),
        ("p3", "Velora Labs", "Retail"),
        ("p4", "Loose Ends", "Media"),
    ]


def test_creation_times_are_exact_and_stamps_lie_before_the_clock(org: Storage) -> None:
    found = dict(table(org, "Contact", "Canonical_Id__c", "_created_at"))
    found |= dict(table(org, "Lead", "Canonical_Id__c", "_created_at"))
    assert found["p1"] == ms("2026-01-02T03:04:05")
    assert found["p2"] == ms("2017-06-14T23:59:59")
    for name in OBJECTS:
        for created, modified in table(org, name, "_created_at", "_modified_at"):
            assert created <= modified <= (EPOCH_S - 3600) * 1000
            assert modified % 1000 == 0


def test_a_converted_lead_points_to_its_contact(org: Storage) -> None:
    (lead,) = rows(
        org,
        "SELECT l.ConvertedDate, l.Status, c.Canonical_Id__c, l.ConvertedAccountId = c.AccountId FROM Lead l"
        " JOIN Contact c ON c._id = l.ConvertedContactId",
    )
    assert lead == ("2026-03-01", "Closed - Converted", "p3", 1)


def test_custom_columns_become_fields(org: Storage) -> None:
    found = rows(
        org,
        "SELECT Landing_Page__c, Lots__c, Newsletter__c, Seen_At__c, Seniority__c, HasOptedOutOfEmail, Verdict__c,"
        " Status FROM Lead ORDER BY Canonical_Id__c",
    )
    assert found == [
        ("/a", 1.5, 1, "2026-02-03T04:05:06.000+0000", "c_level", 1, "accepted", "Accepted"),
        ("/b", 2.0, 0, None, None, 0, None, "Closed - Converted"),
    ]
    assert rows(org, "SELECT Tier__c, Technologies__c, AnnualRevenue, Type FROM Account WHERE Name = 'Acme'") == [
        ("gold", "AWS;SAP", 1000000.5, "customer")
    ]
    assert title_case("landing_page") == "Landing_Page__c"


def test_defaults_are_filled_in(org: Storage) -> None:
    assert rows(org, "SELECT DISTINCT DoNotCall, IsUnreadByOwner FROM Lead") == [(0, 0)]
    assert rows(org, "SELECT DISTINCT IsReminderSet, Priority FROM Task") == [(0, "Normal")]


def test_owners(org: Storage) -> None:
    owners = dict(rows(org, 'SELECT Canonical_Id__c, Name FROM Lead JOIN "Group" g ON g._id = OwnerId'))
    assert owners == {"p1": "Unassigned Leads", "p3": "Inbound leads"}
    users = dict(rows(org, "SELECT Canonical_Id__c, u.Email FROM Contact c JOIN User u ON u._id = c.OwnerId"))
    assert users["p2"] == "ben.osei@leadlight.example"
    assert users["p4"] == "zoe@x.example"
    assert rows(org, "SELECT COUNT(*) FROM User WHERE IsActive = 0") == [(1,)]


def test_activities_are_where_they_fit_whole_and_when_they_were(org: Storage) -> None:
    tasks = rows(org, "SELECT TaskSubtype, Subject, CompletedDateTime, Status FROM Task ORDER BY CompletedDateTime")
    assert tasks == [
        ("Call", "Call: hello", "2026-03-01T10:00:01.000+0000", "Completed"),
        ("Call", None, "2026-03-01T10:00:02.000+0000", "Completed"),
        ("Email", "Digest", "2026-03-01T10:00:05.000+0000", "Completed"),
    ]
    assert rows(org, "SELECT Subject, StartDateTime, EndDateTime FROM Event") == [
        ("Tour", "2017-10-01T23:59:59.000+0000", "2017-10-02T00:29:59.000+0000")
    ]
    members = rows(
        org,
        "SELECT c.Name, m.Status, m._created_at, m.FirstRespondedDate FROM CampaignMember m"
        " JOIN Campaign c ON c._id = m.CampaignId ORDER BY m._created_at",
    )
    assert members == [
        ("Basics", "Registered", ms("2026-03-01T10:00:06"), None),
        ("Basics", "Attended", ms("2026-03-01T10:00:08"), None),
    ]
    web = rows(
        org,
        "SELECT Type__c, Occurred_At__c, URL__c, Asset__c, Source__c, Value__c, Props__c, Is_Bot__c"
        " FROM Web_Activity__c ORDER BY Occurred_At__c",
    )
    site, at = "https://www.acme.example/", "2026-03-01T10:00:{}.000+0000"
    assert web == [
        ("call", at.format("03"), None, None, "dialler", None, None, 0),
        ("webinar_attended", at.format("07"), None, "Basics", None, None, None, 0),
        ("page_view", at.format("09"), f"{site}pricing", None, None, None, None, 0),
        ("page_view", at.format("10"), site, None, None, None, None, 1),
        ("product_usage", at.format("11"), None, None, None, 12.5, '{"plan":"pro"}', 0),
        ("form_submission", at.format("12"), None, "Contact us", None, None, None, 0),
    ]


def test_activities_point_to_people_and_accounts(org: Storage) -> None:
    statement = (
        "SELECT w.Type__c, l.Canonical_Id__c, c.Canonical_Id__c, a.Canonical_Id__c FROM Web_Activity__c w"
        " LEFT JOIN Lead l ON l._id = w.Lead__c LEFT JOIN Contact c ON c._id = w.Contact__c"
        " LEFT JOIN Account a ON a._id = w.Account__c WHERE w.Type__c IN ('product_usage', 'form_submission')"
        " ORDER BY 1"
    )
    assert rows(org, statement) == [("form_submission", None, "p3", None), ("product_usage", None, None, "a1")]
    assert rows(
        org, "SELECT COUNT(*) FROM Task JOIN Contact c ON c._id = WhoId WHERE Task.AccountId = c.AccountId"
    ) == [(1,)]


def test_opportunities(org: Storage) -> None:
    found = rows(
        org,
        "SELECT o.StageName, o._created_at, o.CloseDate, o.LastStageChangeDate, o.Amount, o.Description,"
        " COALESCE(l.Canonical_Id__c, c.Canonical_Id__c) FROM Opportunity o LEFT JOIN Lead l ON l._id = o.Lead__c"
        " LEFT JOIN Contact c ON c._id = o.Contact__c ORDER BY o._id",
    )
    assert found == [
        ("Prospecting", ms("2026-03-01T00:00:01"), "2026-07-31", "2026-03-01T00:00:01.000+0000", 50.0, None, "p3"),
        ("Closed Won", ms("2026-03-05T10:00:00"), "2026-04-06", "2026-04-06T11:12:13.000+0000", 1000.0, None, "p1"),
        ("Closed Lost", ms("2026-04-07T11:12:14"), "2026-04-07", "2026-04-07T11:12:14.000+0000", None, "price", "p2"),
    ]


def test_the_same_seed_makes_the_same_records() -> None:
    with seeded("salesforce", "demo", people=60) as one, seeded("salesforce", "demo", people=60) as two:
        assert dumped(one, OBJECTS) == dumped(two, OBJECTS)


def test_counts_of_the_made_up_world() -> None:
    world = demo_world(400, 7)
    people, events = list(world.people()), list(world.events())
    converted = sum(person.converted_s is not None for person in people)
    with seeded("salesforce", "demo", people=400) as storage:
        count = {name: sum(not gone for (gone,) in table(storage, name, "_deleted")) for name in OBJECTS}
        merged = rows(storage, "SELECT COUNT(*) FROM Lead WHERE _deleted = 1 AND MasterRecordId IS NOT NULL")[0][0]
        merged += rows(storage, "SELECT COUNT(*) FROM Contact WHERE _deleted = 1 AND MasterRecordId IS NOT NULL")[0][0]
    assert count["Lead"] + count["Contact"] == len(people) + converted
    assert sum(count[name] for name in ("Task", "Event", "CampaignMember", "Web_Activity__c")) == len(events)
    assert all(count[name] > 0 for name in OBJECTS)
    assert merged == len(list(world.merges()))


def test_a_folder_is_needed_once(tmp_path: Path) -> None:
    with seeded("salesforce", write_folder(tmp_path)) as one, seeded("salesforce", str(tmp_path)) as two:
        assert dumped(one, OBJECTS) == dumped(two, OBJECTS)
