"""CRM rows to canonical tables: a round trip per object, null rules, lists of people, conditions."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.read import to_canonical
from mappings.wanted import fields_to_read
from scoring.schema import TABLES
from tests.mappings.pages import MIDNIGHT, NOON, canonical, page


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
        "email_class": "business",
        "employees_band": "51-200",
        "revenue_band": None,
        "industry_class": None,
        "source_class": None,
        "postal_code": None,
        "company": "Acme",
        "domain": "acme.com",
        "industry": None,
        "employees": 120.0,
        "revenue": None,
        "country": "DE",
        "source": None,
        "opted_out": False,
        "do_not_call": None,
        "record_type": None,
        "currency": None,
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
        "Type",
        "IsRecurrence",
    }
    assert len(task) == len(set(task))
    assert "Campaign.Name" in fields_to_read(salesforce, "CampaignMember")
    assert {"objectType", "objectId", "properties.hs_url"} <= set(fields_to_read(hubspot, "event:e_visited_page"))
