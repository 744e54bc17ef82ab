"""HubSpot's rows to canonical tables: people, companies, activities, deals and event streams."""

import pyarrow as pa

from mappings.model import Mapping
from mappings.read import to_canonical
from mappings.wanted import record_key
from tests.mappings.pages import MIDNIGHT, NOON, canonical


def test_hubspot_contact_and_company(hubspot: Mapping) -> None:
    (person,) = canonical(
        hubspot,
        "contacts",
        {
            "id": "51",
            "associations.companies": ["7", "8"],
            "numemployees": "50-100",
            "annualrevenue": 1000.0,
            "jobtitle": "CEO",
            "hs_email_optout": True,
            "createdate": NOON,
        },
    )
    assert (person["person_id"], person["kind"], person["account_id"]) == ("51", "contact", "7")
    assert (person["employees"], person["revenue"], person["seniority"]) == (50.0, 1000.0, "c_level")
    assert person["opted_out"] is True
    (account,) = canonical(
        hubspot, "companies", {"id": "7", "website": "http://acme.com", "web_technologies": "php;nginx"}
    )
    assert (account["account_id"], account["domain"], account["technologies"]) == ("7", "acme.com", ["php", "nginx"])


def test_a_call_with_several_people_is_an_event_of_each(hubspot: Mapping) -> None:
    rows = canonical(
        hubspot,
        "calls",
        {"id": "1", "hs_timestamp": NOON, "associations.contacts": ["51", "52"], "associations.companies": ["7", "8"]},
        {"id": "2", "hs_timestamp": NOON, "associations.contacts": ["51"]},
        {"id": "3", "hs_timestamp": NOON, "associations.companies": ["7", "8"]},
        {"id": "4", "hs_timestamp": NOON, "associations.contacts": [], "associations.companies": ["7"]},
        {"id": "5", "hs_timestamp": NOON, "associations.contacts": []},
    )
    assert {(row["event_id"], row["person_id"], row["account_id"]) for row in rows} == {
        ("calls:1:51", "51", "7"),
        ("calls:1:52", "52", "7"),
        ("calls:2", "51", None),
        ("calls:3:7", None, "7"),
        ("calls:3:8", None, "8"),
        ("calls:4", None, "7"),
    }
    assert len(rows) == 6
    assert record_key(hubspot, "calls", "1") == "calls:1"


def test_hubspot_emails_by_direction(hubspot: Mapping) -> None:
    base = {"hs_timestamp": NOON, "associations.contacts": ["51"]}
    rows = canonical(
        hubspot,
        "emails",
        {"id": "1", "hs_email_direction": "EMAIL", "hs_email_status": "SENT", **base},
        {"id": "2", "hs_email_direction": "INCOMING_EMAIL", **base},
        {"id": "3", "hs_email_direction": "EMAIL", "hs_email_status": "BOUNCED", **base},
        {"id": "4", "hs_email_direction": "FORWARDED_EMAIL", **base},
    )
    assert {(row["event_id"], row["type"]) for row in rows} == {
        ("emails:1", "email_sent"),
        ("emails:2", "email_reply"),
        ("emails:3", "email_bounce"),
    }


def test_hubspot_meetings_that_took_place(hubspot: Mapping) -> None:
    base = {"associations.contacts": ["51"], "hs_timestamp": MIDNIGHT}
    rows = canonical(
        hubspot,
        "meetings",
        {"id": "1", "hs_meeting_start_time": NOON, "hs_meeting_outcome": "COMPLETED", **base},
        {"id": "2", **base},
        {"id": "3", "hs_meeting_outcome": "NO_SHOW", **base},
    )
    assert [(row["event_id"], row["occurred_at"]) for row in rows] == [("meetings:1", NOON), ("meetings:2", MIDNIGHT)]


def test_hubspot_deals(hubspot: Mapping) -> None:
    base = {"createdate": MIDNIGHT, "closedate": NOON, "associations.companies": ["7"], "amount": 10.0}
    rows = canonical(
        hubspot,
        "deals",
        {"id": "1", "hs_is_closed": True, "hs_is_closed_won": True, "associations.contacts": ["51", "52"], **base},
        {"id": "2", "hs_is_closed": True, "hs_is_closed_won": False, "closed_lost_reason": "price", **base},
    )
    assert {(row["outcome_id"], row["person_id"], row["account_id"], row["reason"]) for row in rows} == {
        ("deals:1:opportunity_created:51", "51", "7", None),
        ("deals:1:opportunity_created:52", "52", "7", None),
        ("deals:1:closed_won:51", "51", "7", None),
        ("deals:1:closed_won:52", "52", "7", None),
        ("deals:2:opportunity_created", None, "7", None),
        ("deals:2:closed_lost", None, "7", "price"),
    }


def test_hubspot_event_streams(hubspot: Mapping) -> None:
    name = "event:pe{portal}_web_activity"
    rows = to_canonical(
        hubspot,
        name,
        pa.table(
            {
                "id": ["x", "y", "z"],
                "occurredAt": pa.array([NOON, NOON, NOON], pa.timestamp("us", "UTC")),
                "objectType": ["CONTACT", "COMPANY", "DEAL"],
                "objectId": ["51", "7", "9"],
                "properties.type": ["page_view", "intent_surge", "page_view"],
                "properties.value": ["1.5", None, "many"],
                "properties.is_bot": ["true", "false", None],
            }
        ),
    )["events"].to_pylist()
    assert [(r["event_id"], r["person_id"], r["account_id"], r["value"], r["is_bot"], r["url"]) for r in rows] == [
        (f"{name}:x", "51", None, 1.5, True, None),
        (f"{name}:y", None, "7", None, False, None),
    ]
