"""CRM rows to canonical tables: a round trip per object, null rules, lists of people, conditions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.read import fields_to_read, record_key, to_canonical
from scoring.schema import TABLES

TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", "UTC"),
    "list": pa.list_(pa.string()),
    "map": pa.string(),
}
NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
TIMES = {"CreatedDate", "CompletedDateTime", "StartDateTime", "Occurred_At__c", "createdate", "closedate"}
TIMES |= {"hs_timestamp", "hs_meeting_start_time", "occurredAt"}
NUMBERS = {"NumberOfEmployees", "AnnualRevenue", "Value__c", "Amount", "numberofemployees", "annualrevenue", "amount"}
FLAGS = {"HasOptedOutOfEmail", "IsClosed", "IsWon", "IsChild", "HasResponded", "Is_Bot__c", "hs_email_optout"}
FLAGS |= {"hs_is_closed", "hs_is_closed_won"}


def arrow_type(field: str) -> pa.DataType:
    if field.startswith("associations."):
        return pa.list_(pa.string())
    if field in TIMES:
        return pa.timestamp("us", "UTC")
    return pa.float64() if field in NUMBERS else pa.bool_() if field in FLAGS else pa.string()


def page(mapping: Mapping, name: str, *records: dict[str, Any]) -> pa.Table:
    """Build the rows of a page as an adapter would: every field asked for, typed, null where a record has none."""
    columns = {
        field: pa.array([record.get(field) for record in records], arrow_type(field))
        for field in fields_to_read(mapping, name)
    }
    unknown = {field for record in records for field in record} - set(columns)
    assert not unknown
    return pa.table(columns)


def canonical(mapping: Mapping, name: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Map records and check the types of what comes back."""
    table = mapping.read[name].table
    rows = to_canonical(mapping, name, page(mapping, name, *records))[table]
    for column in rows.schema:
        kind = TABLES[table].columns.get(column.name, "text" if column.name == "outcome_id" else None)
        assert kind is None or column.type == TYPES[kind], column.name
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed


@pytest.fixture
def salesforce() -> Mapping:
    return load_mapping("salesforce")


@pytest.fixture
def hubspot() -> Mapping:
    return load_mapping("hubspot")


def extended(folder: Path, text: str, base: str = "salesforce") -> Mapping:
    path = folder / "own.toml"
    path.write_text(f'extends = "{base}"\n{text}', encoding="utf-8")
    return load_mapping(path)


def test_lead(salesforce: Mapping) -> None:
    row = {
        "Id": "00Q1",
        "Email": "ann@acme.com",
        "Title": "VP Sales",
        "Company": "Acme",
        "Website": "https://www.acme.com/x",
        "NumberOfEmployees": 120.0,
        "AnnualRevenue": float("nan"),
        "Country": "Deutschland",
        "LeadSource": "  ",
        "HasOptedOutOfEmail": False,
        "OwnerId": "0051",
        "CreatedDate": datetime(2026, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC),
        "ConvertedDate": "2026-06-01",
        "Buying_Role__c": "economic_buyer",
        "Technologies__c": "python;sql",
    }
    (person,) = canonical(salesforce, "Lead", row)
    assert person == {
        "person_id": "00Q1",
        "kind": "lead",
        "email": "ann@acme.com",
        "phone": None,
        "title": "VP Sales",
        "seniority": "vp",
        "department": "sales",
        "buying_role": "economic_buyer",
        "technologies": ["python", "sql"],
        "company": "Acme",
        "domain": "acme.com",
        "industry": None,
        "employees": 120.0,
        "revenue": None,
        "country": "DE",
        "source": None,
        "opted_out": False,
        "owner_id": "0051",
        "created_at": NOON,
        "converted_at": MIDNIGHT,
    }


def test_enrichment_goes_before_the_title(salesforce: Mapping) -> None:
    row = {"Id": "00Q1", "Title": "Manager", "Seniority__c": "c_level", "Department__c": "finance"}
    (person,) = canonical(salesforce, "Lead", row)
    assert (person["seniority"], person["department"]) == ("c_level", "finance")


def test_contact_takes_the_department_that_is_recognised(salesforce: Mapping) -> None:
    rows = canonical(
        salesforce,
        "Contact",
        {"Id": "0031", "AccountId": "0011", "Department": "Team Rocket", "Title": "CFO"},
        {"Id": "0032", "Department": "Legal", "Title": "CFO"},
    )
    assert [(row["person_id"], row["kind"], row["account_id"], row["department"]) for row in rows] == [
        ("0031", "contact", "0011", "finance"),
        ("0032", "contact", None, "legal"),
    ]


def test_account(salesforce: Mapping) -> None:
    (account,) = canonical(salesforce, "Account", {"Id": "0011", "Name": "Acme", "Type": "Customer - Direct"})
    assert (account["account_id"], account["name"], account["type"]) == ("0011", "Acme", "customer")
    assert account["employees"] is None


def test_tasks_that_are_closed_and_not_ours_are_events(salesforce: Mapping) -> None:
    done = {"IsClosed": True, "WhoId": "0031", "AccountId": "0011", "CompletedDateTime": NOON}
    rows = canonical(
        salesforce,
        "Task",
        {"Id": "1", "TaskSubtype": "Call", "Subject": "Email: second entry must not win", **done},
        {"Id": "2", "TaskSubtype": "Task", "Subject": " EMAIL: offer", **done},
        {"Id": "3", "TaskSubtype": "Call", "Leadlight_Key__c": "k", **done},
        {"Id": "4", "TaskSubtype": "Call", **done, "IsClosed": False},
        {"Id": "5", "TaskSubtype": "Task", "Subject": "Water the plants", **done},
        {"Id": "6", "TaskSubtype": "Call", **done, "CompletedDateTime": None, "ActivityDate": "2026-06-01"},
        {"Id": "7", "TaskSubtype": "Call", **done, "CompletedDateTime": None},
        {"Id": "8", "TaskSubtype": "Call", **done, "WhoId": None},
        {"Id": "9", "TaskSubtype": "Call", **done, "WhoId": None, "AccountId": None},
    )
    by_id = {row["event_id"]: row for row in rows}
    assert {key: row["type"] for key, row in by_id.items()} == {
        "1": "call",
        "2": "email_sent",
        "6": "call",
        "8": "call",
    }
    assert by_id["1"]["occurred_at"] == NOON
    assert by_id["2"]["asset"] == " EMAIL: offer"
    assert by_id["6"]["occurred_at"] == MIDNIGHT
    assert (by_id["8"]["person_id"], by_id["8"]["account_id"]) == (None, "0011")


def test_event_is_a_meeting(salesforce: Mapping) -> None:
    rows = canonical(
        salesforce,
        "Event",
        {"Id": "00U1", "WhoId": "00Q1", "StartDateTime": NOON, "Subject": "Demo", "IsChild": False},
        {"Id": "00U2", "WhoId": "00Q1", "StartDateTime": NOON, "IsChild": True},
    )
    assert [(row["event_id"], row["type"], row["asset"]) for row in rows] == [("00U1", "meeting", "Demo")]


def test_campaign_member_prefers_the_contact(salesforce: Mapping) -> None:
    rows = canonical(
        salesforce,
        "CampaignMember",
        {"Id": "1", "Status": "attended", "ContactId": "003", "LeadId": "00Q", "FirstRespondedDate": "2026-06-01"},
        {"Id": "2", "Status": "Registered", "LeadId": "00Q", "CreatedDate": NOON, "Campaign.Name": "Webinar"},
        {"Id": "3", "Status": "Sent", "LeadId": "00Q", "CreatedDate": NOON},
    )
    assert [(row["event_id"], row["type"], row["person_id"], row["occurred_at"], row["asset"]) for row in rows] == [
        ("1", "webinar_attended", "003", MIDNIGHT, None),
        ("2", "webinar_registered", "00Q", NOON, "Webinar"),
    ]


def test_opportunity_gives_every_outcome_that_holds(salesforce: Mapping) -> None:
    rows = canonical(
        salesforce,
        "Opportunity",
        {
            "Id": "006W",
            "AccountId": "001",
            "CreatedDate": NOON,
            "IsWon": True,
            "IsClosed": True,
            "CloseDate": "2026-06-01",
            "Amount": 9.5,
        },
        {
            "Id": "006L",
            "Lead__c": "00Q",
            "CreatedDate": NOON,
            "IsWon": False,
            "IsClosed": True,
            "CloseDate": "2026-06-01",
        },
        {"Id": "006O", "AccountId": "001", "CreatedDate": NOON, "IsWon": False, "IsClosed": False},
    )
    assert [(row["outcome_id"], row["kind"], row["occurred_at"]) for row in rows] == [
        ("006W:opportunity_created", "opportunity_created", NOON),
        ("006L:opportunity_created", "opportunity_created", NOON),
        ("006O:opportunity_created", "opportunity_created", NOON),
        ("006W:closed_won", "closed_won", MIDNIGHT),
        ("006L:closed_lost", "closed_lost", MIDNIGHT),
    ]
    assert rows[3]["amount"] == 9.5
    assert (rows[4]["person_id"], rows[4]["account_id"]) == ("00Q", None)


def test_web_activity_names_its_own_type(salesforce: Mapping) -> None:
    full = {
        "Id": "a001",
        "Lead__c": "00Q",
        "Account__c": "001",
        "Occurred_At__c": NOON,
        "Type__c": "page_view",
        "URL__c": "https://us.example/pricing",
        "Asset__c": "Pricing",
        "Source__c": "web",
        "Value__c": 2.0,
        "Props__c": '{"a": 1}',
        "Is_Bot__c": True,
    }
    (event,) = canonical(salesforce, "Web_Activity__c", full, {**full, "Id": "a002", "Type__c": " "})
    assert event == {
        "event_id": "a001",
        "type": "page_view",
        "occurred_at": NOON,
        "person_id": "00Q",
        "account_id": "001",
        "url": "https://us.example/pricing",
        "asset": "Pricing",
        "source": "web",
        "value": 2.0,
        "props": '{"a": 1}',
        "is_bot": True,
    }


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


def test_no_rows_keep_the_columns(salesforce: Mapping, hubspot: Mapping) -> None:
    for mapping in (salesforce, hubspot):
        for name, read in mapping.read.items():
            rows = to_canonical(mapping, name, page(mapping, name))[mapping.read[name].table]
            assert rows.num_rows == 0
            assert set(TABLES[read.table].key) <= set(rows.column_names)


def test_a_page_in_several_chunks_and_without_optional_columns(salesforce: Mapping) -> None:
    first = pa.table({"Id": ["1"], "Title": ["CEO"], "ConvertedDate": pa.nulls(1, pa.string())})
    rows = pa.concat_tables([first, first.set_column(0, "Id", pa.array(["2"]))])
    people = to_canonical(salesforce, "Lead", rows)["people"]
    assert people["person_id"].to_pylist() == ["1", "2"]
    assert people["email"].null_count == 2
    assert people.schema.field("revenue").type == pa.float64()


def test_rows_without_key_are_left_out_and_a_missing_key_column_is_an_error(salesforce: Mapping) -> None:
    rows = pa.table({"Id": ["1", None, " "], "Email": ["a@b.c", "x@b.c", "y@b.c"]})
    assert to_canonical(salesforce, "Contact", rows)["people"]["person_id"].to_pylist() == ["1"]
    with pytest.raises(ValueError, match="Contact: the rows have no key column 'Id'"):
        to_canonical(salesforce, "Contact", pa.table({"Email": ["a@b.c"]}))


def test_numeric_ids_and_custom_columns_keep_their_meaning(tmp_path: Path) -> None:
    mapping = extended(
        tmp_path,
        """
[read.Contact]
key = "Number__c"
[read.Contact.fields]
tags = { from = "Tags__c", transform = "list" }
score_2 = { from = "Text__c", transform = "number" }
seats = "Seats__c"
vip = "Vip__c"
seen_at = "Seen__c"
origin = { value = "import" }
created_at = "Created__c"
""",
    )
    rows = pa.table(
        {
            "Number__c": [29022297485.0, 51.0],
            "Tags__c": ["a; b", None],
            "Text__c": ["5 seats", "none"],
            "Seats__c": [3.0, None],
            "Vip__c": [True, None],
            "Seen__c": pa.array([NOON, None], pa.timestamp("ms", "UTC")),
            "Created__c": ["1780315200500", "2026-06-01T14:00:00+02:00"],
        }
    )
    first, second = to_canonical(mapping, "Contact", rows)["people"].to_pylist()
    assert (first["person_id"], second["person_id"]) == ("29022297485", "51")
    assert (first["tags"], first["score_2"], first["seats"], first["vip"]) == (["a", "b"], 5.0, 3.0, True)
    assert (first["seen_at"], first["origin"], first["created_at"]) == (NOON, "import", NOON)
    assert (second["tags"], second["score_2"], second["seats"], second["vip"]) == (None, None, None, None)
    assert second["created_at"] == NOON


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ('{ field = "T", is = "Yes" }', ["a"]),
        ('{ field = "T", is_not = "yes" }', ["b", "c"]),
        ('{ field = "T", in = ["YES", "maybe"] }', ["a", "c"]),
        ('{ field = "T", starts_with = "N" }', ["b"]),
        ('{ field = "T", contains = "AY" }', ["c"]),
        ('{ field = "T", present = true }', ["a", "b", "c"]),
        ('{ field = "T", missing = true }', ["d", "e"]),
        ('{ field = "N", is = 1 }', ["a"]),
        ('{ field = "N", in = [1, 2.5] }', ["a", "b"]),
        ('{ field = "F", is = true }', ["a", "e"]),
        ('{ field = "F", is = "true" }', ["a", "e"]),
        ('{ field = "L", missing = true }', ["b", "c"]),
        ('{ field = "Absent", missing = true }', ["a", "b", "c", "d", "e"]),
        ('{ not = { field = "T", is = "yes" } }', ["b", "c", "d", "e"]),
        ('{ all = [ { field = "T", present = true }, { field = "F", is = false } ] }', ["b"]),
        ('{ any = [ { field = "T", is = "no" }, { field = "F", is = true } ] }', ["a", "b", "e"]),
    ],
)
def test_conditions(tmp_path: Path, condition: str, kept: list[str]) -> None:
    mapping = extended(tmp_path, f"[read.Account]\nwhere = {condition}\nfields = false\n")
    rows = pa.table(
        {
            "Id": ["a", "b", "c", "d", "e"],
            "T": [" yes ", "No", "MAYBE", "  ", None],
            "N": [1.0, 2.5, float("nan"), None, 7.0],
            "F": [True, False, None, None, True],
            "L": pa.array([["1"], [], None, ["2"], ["3"]], pa.list_(pa.string())),
        }
    )
    assert to_canonical(mapping, "Account", rows)["accounts"]["account_id"].to_pylist() == kept


def test_fields_to_read_are_all_fields_once(salesforce: Mapping, hubspot: Mapping) -> None:
    task = fields_to_read(salesforce, "Task")
    assert task[0] == "Id"
    assert set(task) == {
        "Id",
        "IsClosed",
        "Leadlight_Key__c",
        "WhoId",
        "AccountId",
        "CompletedDateTime",
        "ActivityDate",
        "CreatedDate",
        "Subject",
        "TaskSubtype",
    }
    assert len(task) == len(set(task))
    assert "Campaign.Name" in fields_to_read(salesforce, "CampaignMember")
    assert {"objectType", "objectId", "properties.hs_url"} <= set(fields_to_read(hubspot, "event:e_visited_page"))
