"""Writing records; error bodies without a recording are from the vendor's documentation."""

from collections.abc import Mapping
from typing import Any

import pytest

from connector.sandbox.salesforce.ids import canonical_id, full_id, record_id
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.org import ADMIN_USER, INTEGRATION_USER, PERSON_USER, UNASSIGNED_QUEUE
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory


@pytest.fixture
def org() -> OrgInMemory:
    """Make an org with a score field, a restricted choice and a key on leads."""
    made = OrgInMemory()
    made.app.add_custom_field("Lead", FieldSpec("Score__c", "double", precision=5, scale=2))
    made.app.add_custom_field("Lead", FieldSpec("Band__c", "picklist", 255, values=("hot", "cold"), restricted=True))
    made.add_text_field("Lead", "Key__c", key=True)
    return made


def lead(org: OrgInMemory, **fields: object) -> str:
    """Make a lead."""
    return org.create("Lead", **{"LastName": "L", "Company": "C", **fields})


def patch(
    org: OrgInMemory, rows: list[dict[str, Any]], *, all_or_none: bool = False, headers: Mapping[str, str] = NO_RULES
) -> Any:  # noqa: ANN401 - JSON
    """Update leads in one call."""
    records = [{"attributes": {"type": "Lead"}, **row} for row in rows]
    payload = {"allOrNone": all_or_none, "records": records}
    return org.answer("PATCH", "/composite/sobjects", payload, headers=headers)


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", ["Title"]),
        ({"Score__c": 1000}, "NUMBER_OUTSIDE_VALID_RANGE", ["Score__c"]),
        ({"NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE", ["NumberOfEmployees"]),
        ({"Band__c": "warm"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Band__c"]),
        ({"Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"Nope__c": 1}, "INVALID_FIELD", []),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["SystemModstamp"]),
        ({"IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsConverted"]),
        ({"Score__c": "many"}, "JSON_PARSER_ERROR", []),
        ({"OwnerId": "zzz"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": record_id("Account", 1)}, "FIELD_INTEGRITY_EXCEPTION", ["OwnerId"]),
        ({"OwnerId": record_id("User", 999)}, "INVALID_CROSS_REFERENCE_KEY", []),
        ({"OwnerId": {"Name": "x"}}, "MALFORMED_ID", ["OwnerId"]),
    ],
)
def test_refused_rows_say_code_and_fields(
    org: OrgInMemory, fields: dict[str, Any], code: str, named: list[str]
) -> None:
    own = lead(org)
    (result,) = patch(org, [{"id": own, **fields}])
    assert result["success"] is False
    assert "id" not in result
    assert (result["errors"][0]["statusCode"], result["errors"][0]["fields"]) == (code, named)
    response = org.send("PATCH", f"/sobjects/Lead/{own}", fields, headers=NO_RULES)
    assert response.status == 400


def test_values_are_stored_as_the_field_has_them(org: OrgInMemory) -> None:
    own = lead(org, Score__c="12.345", NumberOfEmployees="31", HasOptedOutOfEmail="true", Title="  CEO ")
    record = org.answer("GET", f"/sobjects/Lead/{own}")
    assert (record["Score__c"], record["NumberOfEmployees"], record["Title"]) == (12.35, 31, "CEO")
    assert (record["HasOptedOutOfEmail"], record["DoNotCall"], record["Status"]) == (
        True,
        False,
        "Open - Not Contacted",
    )
    patch(org, [{"id": own, "Title": None}])
    assert org.values("SELECT Title FROM Lead") == [None]


def test_results_keep_the_order_and_failures_stand_alone(org: OrgInMemory) -> None:
    first, second = lead(org), lead(org)
    results = patch(org, [{"id": first, "Title": "A"}, {"id": second, "Score__c": 10_000}, {"Title": "B"}])
    assert [result["success"] for result in results] == [True, False, False]
    assert results[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert org.values("SELECT Title FROM Lead ORDER BY Id") == ["A", None]


def test_all_or_none_undoes_everything_and_journals_nothing(org: OrgInMemory) -> None:
    own = lead(org)
    before = len(org.storage.journal(0))
    patch(org, [{"id": own, "Title": "A"}, {"id": own[:-1] + "x", "Title": "B"}], all_or_none=True)
    assert org.values("SELECT Title FROM Lead") == [None]
    changes = [row for row in org.storage.journal(before) if row["op"] != "read"]
    assert changes == []


def test_same_record_twice_is_refused(org: OrgInMemory) -> None:
    own = lead(org)
    results = patch(org, [{"id": own, "Title": "A"}, {"id": own, "Title": "B"}])
    assert [result["success"] for result in results] == [True, False]


def test_at_most_two_hundred_rows(org: OrgInMemory) -> None:
    (error,) = patch(org, [{"id": record_id("Lead", i)} for i in range(201)])
    assert error["errorCode"] == "EXCEEDED_ID_LIMIT"


def test_unknown_and_deleted_rows_have_their_codes(org: OrgInMemory) -> None:
    own = lead(org)
    org.send("DELETE", f"/sobjects/Lead/{own}")
    gone, unknown, malformed = patch(
        org, [{"id": own, "Title": "A"}, {"id": record_id("Lead", 5), "Title": "A"}, {"id": "zz", "Title": "A"}]
    )
    codes = [result["errors"][0]["statusCode"] for result in (gone, unknown, malformed)]
    assert codes == ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]


def test_upsert_by_key_creates_once(org: OrgInMemory) -> None:
    records = [{"attributes": {"type": "Lead"}, "Key__c": "k1", "LastName": "L", "Company": "C"}]
    payload = {"allOrNone": False, "records": records}
    path = "/composite/sobjects/Lead/Key__c"
    (made,) = org.answer("PATCH", path, payload, headers=NO_RULES)
    (again,) = org.answer("PATCH", path, payload, headers=NO_RULES)
    assert (made["created"], again["created"], made["id"]) == (True, False, again["id"])
    update_only = org.send("PATCH", "/sobjects/Lead/Key__c/k2", {"Title": "T"}, query={"updateOnly": "true"})
    assert update_only.status == 404
    repeated = org.send("PATCH", "/sobjects/Lead/Key__c/k1", {"Key__c": "k1"})
    assert repeated.status == 400


def test_unique_values_are_taken_once(org: OrgInMemory) -> None:
    first, second = lead(org, Key__c="K"), lead(org)
    (result,) = patch(org, [{"id": second, "Key__c": "k"}])
    assert result["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert first[:15] in result["errors"][0]["message"]
    org.send("DELETE", f"/sobjects/Lead/{first}")
    assert patch(org, [{"id": second, "Key__c": "k"}])[0]["success"] is True


def test_collections_delete_row_by_row(org: OrgInMemory) -> None:
    own = lead(org)
    results = org.answer("DELETE", "/composite/sobjects", query={"ids": f"{own},{own[:-1]}x", "allOrNone": "false"})
    assert [result["success"] for result in results] == [True, False]
    assert org.query("SELECT Id FROM Lead")["totalSize"] == 0


def test_assignment_rule_fires_unless_told_not_to(org: OrgInMemory) -> None:
    own = org.answer("POST", "/sobjects/Lead", {"LastName": "L", "Company": "C"})["id"]
    assert org.values("SELECT OwnerId FROM Lead") == [UNASSIGNED_QUEUE]
    patch(org, [{"id": own, "OwnerId": PERSON_USER}])
    assert org.values("SELECT OwnerId FROM Lead") == [PERSON_USER]
    org.switches.automations["assignment_rule"] = {"owner": ADMIN_USER}
    patch(org, [{"id": own, "Title": "T"}], headers={"sforce-auto-assign": "TRUE"})
    assert org.values("SELECT OwnerId FROM Lead") == [ADMIN_USER]
    actors = [row["actor"] for row in org.storage.journal(0) if row["op"] == "update"]
    assert actors == ["automation", "connector", "connector", "automation"]
    assert org.values("SELECT LastModifiedById FROM Lead") == [INTEGRATION_USER]
    org.switches.automations["assignment_rule"] = None
    patch(org, [{"id": own, "OwnerId": PERSON_USER}], headers={})
    assert org.values("SELECT OwnerId FROM Lead") == [PERSON_USER]


def test_owners_are_active_users_or_queues_of_the_object(org: OrgInMemory) -> None:
    own, contact = lead(org), org.create("Contact", LastName="C")
    org.switches.inactive_users = frozenset({PERSON_USER})
    (inactive,) = patch(org, [{"id": own, "OwnerId": PERSON_USER}])
    assert inactive["errors"][0]["statusCode"] == "INACTIVE_OWNER_OR_USER"
    assert (
        inactive["errors"][0]["message"]
        == f"operation performed with inactive user [{PERSON_USER[:15]}] as owner of lead"
    )
    assert org.values(f"SELECT IsActive FROM User WHERE Id = '{PERSON_USER}'") == [False]  # noqa: S608 - SOQL
    assert patch(org, [{"id": own, "OwnerId": UNASSIGNED_QUEUE}])[0]["success"] is True
    other = org.create("Group", Name="Other", Type="Queue")
    (unserved,) = patch(org, [{"id": own, "OwnerId": other}])
    assert unserved["errors"][0]["message"] == "Queue not associated with this SObject type"
    refused = org.answer("PATCH", f"/sobjects/Contact/{contact}", {"OwnerId": UNASSIGNED_QUEUE})
    assert refused[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert org.query("SELECT Id FROM Group WHERE Type = 'Queue'")["totalSize"] == 2


def test_converted_leads_cannot_be_changed_or_related_to(org: OrgInMemory) -> None:
    own = lead(org)
    org.app.edit("human", "Lead", own, {"IsConverted": True, "ConvertedDate": "2026-07-01"})
    (result,) = patch(org, [{"id": own, "Title": "T"}])
    assert result["errors"][0] == {
        "statusCode": "CANNOT_UPDATE_CONVERTED_LEAD",
        "message": "cannot reference converted lead",
        "fields": [],
    }
    assert org.answer("POST", "/sobjects/Task", {"WhoId": own})[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_the_org_sets_what_it_derives(org: OrgInMemory) -> None:
    account = org.create("Account", Name="A")
    contact = org.create("Contact", LastName="C", AccountId=account)
    task = org.create("Task", Subject="Call", WhoId=contact)
    assert org.query("SELECT AccountId, IsClosed, CompletedDateTime FROM Task")["records"][0]["AccountId"] == account
    org.send("PATCH", f"/sobjects/Task/{task}", {"Status": "Completed"})
    assert org.values("SELECT CompletedDateTime FROM Task") == ["2026-07-01T12:00:00.000+0000"]
    deal = org.create("Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-08-01", Amount=100)
    org.send("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"})
    record = org.query("SELECT IsWon, IsClosed, Probability, ExpectedRevenue FROM Opportunity")["records"][0]
    assert (record["IsWon"], record["IsClosed"], record["Probability"], record["ExpectedRevenue"]) == (
        True,
        True,
        100,
        100,
    )


def test_campaign_members_are_unique(org: OrgInMemory) -> None:
    campaign, own = org.create("Campaign", Name="Fair"), lead(org)
    org.create("CampaignMember", CampaignId=campaign, LeadId=own)
    again = org.answer("POST", "/sobjects/CampaignMember", {"CampaignId": campaign, "LeadId": own})
    assert again[0]["errorCode"] == "DUPLICATE_VALUE"
    assert org.values("SELECT LastName FROM CampaignMember") == ["L"]


def test_changed_and_deleted_ids_cover_a_span(org: OrgInMemory) -> None:
    own = lead(org)
    org.clock.advance(600)
    span = {"start": "2026-07-01T11:59:00+00:00", "end": "2026-07-01T12:05:00Z"}
    answer = org.answer("GET", "/sobjects/Lead/updated/", query=span)
    assert answer == {"ids": [own], "latestDateCovered": "2026-07-01T12:05:00.000+0000"}
    backwards = {"start": span["end"], "end": "2026-07-01T12:00:00Z"}
    assert org.answer("GET", "/sobjects/Lead/updated/", query=backwards)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    too_old = {"start": "2026-01-01T00:00:00Z", "end": "2026-07-01T12:00:00Z"}
    assert org.answer("GET", "/sobjects/Lead/deleted/", query=too_old)[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_person_edits_what_the_api_may_not(org: OrgInMemory) -> None:
    own, winner = lead(org), lead(org)
    org.app.edit("human", "Lead", own, {"MasterRecordId": winner, "IsDeleted": True})
    (record,) = org.query("SELECT MasterRecordId, LastModifiedById FROM Lead WHERE IsDeleted = true", "/queryAll")[
        "records"
    ]
    assert (record["MasterRecordId"], record["LastModifiedById"]) == (winner, PERSON_USER)
    with pytest.raises(KeyError):
        org.app.edit("human", "Lead", own, {"Nope": 1})
    with pytest.raises(KeyError):
        org.app.edit("human", "Lead", record_id("Lead", 77), {"Title": "x"})
    assert {record["deleted"] for record in org.app.records("Lead")} == {True, False}
    assert org.app.records("Nope") == []


def test_ids_carry_check_letters() -> None:
    own = record_id("Lead", 123_456)
    assert own.startswith("00Q")
    assert canonical_id(own[:15]) == own
    assert canonical_id(own.lower()) in (None, own)
    assert canonical_id("nope") is None
    assert full_id(own[:15]) == own
    assert record_id("Lead", 2) > record_id("Lead", 1)
