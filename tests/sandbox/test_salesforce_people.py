"""What people do to records that carry our tasks: conversion, merge and the recycle bin, seen by a client library."""

from collections.abc import Iterator
from typing import Any

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest

from connector.sandbox.salesforce.org import INTEGRATION_USER, PERSON_USER
from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from tests.sandbox.salesforce_client import client, control, journal

Client = Any
KEY = {"label": "Key", "type": "Text", "length": 80, "unique": True, "externalId": True}
SCORE = {"label": "Score", "type": "Number", "precision": 5, "scale": 2}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """Serve an empty org with a score on leads and contacts and a unique key on tasks."""
    with start(SandboxOptions("salesforce", world="empty")) as running:
        crm = client(running)
        granted = crm.PermissionSet.create({"Name": "Ours", "Label": "Ours"})["id"]
        for name, metadata in (("Lead.Score__c", SCORE), ("Contact.Score__c", SCORE), ("Activity.Key__c", KEY)):
            crm.toolingexecute("sobjects/CustomField/", "POST", data={"FullName": name, "Metadata": metadata})
        for name in ("Lead.Score__c", "Contact.Score__c", "Task.Key__c"):
            grant = {"ParentId": granted, "SobjectType": name.partition(".")[0], "Field": name}
            crm.FieldPermissions.create({**grant, "PermissionsRead": True, "PermissionsEdit": True})
        crm.PermissionSetAssignment.create({"PermissionSetId": granted, "AssigneeId": INTEGRATION_USER})
        yield running


@pytest.fixture
def crm(sandbox: RunningSandbox) -> Any:  # noqa: ANN401 - see client
    """Open a session."""
    return client(sandbox)


def make(crm: Client, name: str, **fields: Any) -> str:  # noqa: ANN401 - any field
    """Create a record."""
    return str(getattr(crm, name).create(fields)["id"])


def one(crm: Client, soql: str) -> dict[str, Any]:
    """Ask for one record, deleted ones included."""
    (record,) = crm.query_all(soql, include_deleted=True)["records"]
    return {key: value for key, value in record.items() if key != "attributes"}


def lead_with_tasks(crm: Client, name: str) -> tuple[str, str, str]:
    """Make a lead that has a score, a task that is open and one that is done."""
    lead = make(crm, "Lead", LastName=name, Company=f"{name} Inc", Email=f"{name}@x.example", Score__c=7, City="Rome")
    todo = make(crm, "Task", Subject="Call", WhoId=lead, Key__c=f"{name}-open")
    done = make(crm, "Task", Subject="Mail", WhoId=lead, Status="Completed")
    return lead, todo, done


def test_conversion_makes_account_and_contact(sandbox: RunningSandbox, crm: Client) -> None:
    lead, todo, done = lead_with_tasks(crm, "ada")
    crm.Lead.update(lead, {"OwnerId": PERSON_USER})
    made = control(sandbox, "convert", {"id": lead[:15]})
    names = "IsConverted, ConvertedDate, ConvertedContactId, ConvertedAccountId, Status, Score__c, IsDeleted"
    after = one(crm, f"SELECT {names} FROM Lead WHERE Id = '{lead}'")  # noqa: S608 - SOQL
    assert (after["IsConverted"], after["Score__c"], after["IsDeleted"]) == (True, 7.0, False)
    assert (after["ConvertedContactId"], after["ConvertedAccountId"]) == (made["contact_id"], made["account_id"])
    assert (after["ConvertedDate"], after["Status"]) == ("2026-07-01", "Closed - Converted")
    contact = crm.Contact.get(made["contact_id"])
    assert (contact["LastName"], contact["Email"], contact["MailingCity"]) == ("ada", "ada@x.example", "Rome")
    assert (contact["OwnerId"], contact["AccountId"], contact["Score__c"]) == (PERSON_USER, made["account_id"], None)
    assert crm.Account.get(made["account_id"])["Name"] == "ada Inc"
    moved = crm.Task.get(todo)
    assert (moved["WhoId"], moved["Key__c"], moved["OwnerId"]) == (made["contact_id"], "ada-open", INTEGRATION_USER)
    assert (moved["WhatId"], moved["AccountId"]) == (made["account_id"], made["account_id"])
    assert crm.Task.get(done)["WhoId"] == made["contact_id"]


def test_a_converted_lead_takes_no_change_and_no_task(sandbox: RunningSandbox, crm: Client) -> None:
    lead, _, _ = lead_with_tasks(crm, "bea")
    control(sandbox, "convert", {"id": lead})
    for refused in (lambda: crm.Lead.update(lead, {"Score__c": 9}), lambda: make(crm, "Task", Subject="x", WhoId=lead)):
        with pytest.raises(SalesforceMalformedRequest) as error:
            refused()
        assert "CANNOT_UPDATE_CONVERTED_LEAD" in str(error.value.content)
    assert control(sandbox, "convert", {"id": lead}) == [f"convert: {lead} is converted already"]


def test_conversion_into_what_is_there_fills_blanks_alone(sandbox: RunningSandbox, crm: Client) -> None:
    lead, todo, done = lead_with_tasks(crm, "cid")
    account = make(crm, "Account", Name="Old")
    contact = make(crm, "Contact", LastName="Old", AccountId=account)
    campaign = make(crm, "Campaign", Name="Fair")
    member = make(crm, "CampaignMember", CampaignId=campaign, LeadId=lead)
    order = {"id": lead, "contact_id": contact, "opportunity": "Deal", "owner_id": PERSON_USER}
    made = control(sandbox, "convert", {**order, "field_map": {"Score__c": "Contact.Score__c"}})
    assert (made["contact_id"], made["account_id"]) == (contact, account)
    kept = crm.Contact.get(contact)
    assert (kept["LastName"], kept["Email"], kept["Score__c"]) == ("Old", "cid@x.example", 7.0)
    assert crm.Opportunity.get(made["opportunity_id"])["AccountId"] == account
    assert (crm.Task.get(todo)["OwnerId"], crm.Task.get(done)["OwnerId"]) == (PERSON_USER, INTEGRATION_USER)
    joined = crm.CampaignMember.get(member)
    assert (joined["LeadId"], joined["ContactId"]) == (lead, contact)


def test_conversion_is_journaled_as_a_persons(sandbox: RunningSandbox, crm: Client) -> None:
    lead, todo, _ = lead_with_tasks(crm, "dan")
    control(sandbox, "convert", {"id": lead})
    entries = journal(sandbox, "/control/convert")
    assert {entry["actor"] for entry in entries} == {"human"}
    assert {(entry["object"], entry["op"]) for entry in entries if entry["id"] in (lead, todo)} == {
        ("Lead", "update"),
        ("Task", "update"),
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "id: missing"),
        ({"id": "00Q000000000000"}, "no such object, record or field"),
        ({"id": "x", "colour": 1, "actor": "cat"}, "colour: unknown key"),
    ],
)
def test_conversions_that_cannot_be(sandbox: RunningSandbox, body: dict[str, Any], words: str) -> None:
    assert words in control(sandbox, "convert", body)[0]


def test_a_queues_lead_needs_an_owner(sandbox: RunningSandbox, crm: Client) -> None:
    queue = one(crm, "SELECT Id FROM Group WHERE DeveloperName = 'Unassigned_Leads'")["Id"]
    lead = make(crm, "Lead", LastName="q", Company="q", OwnerId=queue)
    assert "owner_id: missing" in control(sandbox, "convert", {"id": lead})[0]
    assert "contact_id" in control(sandbox, "convert", {"id": lead, "owner_id": PERSON_USER})


def test_merge_gives_the_losers_work_to_the_winner(sandbox: RunningSandbox, crm: Client) -> None:
    winner, kept, _ = lead_with_tasks(crm, "eve")
    loser, todo, _ = lead_with_tasks(crm, "eva")
    campaign = make(crm, "Campaign", Name="Fair")
    members = [make(crm, "CampaignMember", CampaignId=campaign, LeadId=own) for own in (winner, loser)]
    answer = control(sandbox, "merge", {"object": "Lead", "winner": winner, "losers": [loser]})
    assert answer == {"object": "Lead", "winner": winner, "losers": [loser]}
    gone = one(crm, f"SELECT IsDeleted, MasterRecordId FROM Lead WHERE Id = '{loser}'")  # noqa: S608 - SOQL
    assert gone == {"IsDeleted": True, "MasterRecordId": winner}
    assert crm.query(f"SELECT Id FROM Lead WHERE Id = '{loser}'")["totalSize"] == 0  # noqa: S608 - SOQL
    assert (crm.Task.get(todo)["WhoId"], crm.Task.get(todo)["Key__c"]) == (winner, "eva-open")
    assert crm.Task.get(kept)["WhoId"] == winner
    alive = crm.query(f"SELECT Id FROM CampaignMember WHERE CampaignId = '{campaign}'")["records"]  # noqa: S608 - SOQL
    assert [row["Id"] for row in alive] == members[:1]
    span = "start=2026-07-01T11:00:00%2B00:00&end=2026-07-02T12:00:00%2B00:00"
    assert loser in [row["id"] for row in crm.restful(f"sobjects/Lead/deleted/?{span}")["deletedRecords"]]


def test_merged_accounts_hand_over_contacts(sandbox: RunningSandbox, crm: Client) -> None:
    winner, loser = make(crm, "Account", Name="A"), make(crm, "Account", Name="B")
    contact = make(crm, "Contact", LastName="C", AccountId=loser)
    body = {"object": "Account", "winner": winner, "losers": [loser], "fields": {"Name": "Chosen"}}
    control(sandbox, "merge", body)
    assert crm.Contact.get(contact)["AccountId"] == winner
    assert crm.Account.get(winner)["Name"] == "Chosen"
    assert control(sandbox, "merge", body)[0].startswith("merge: no such object, record or field")
    assert "cannot be merged" in control(sandbox, "merge", {**body, "object": "Task"})[0]
    assert "each record" in control(sandbox, "merge", {**body, "losers": [winner]})[0]
    assert "one or two ids" in control(sandbox, "merge", {**body, "losers": []})[0]


def test_the_recycle_bin_gives_back_what_went_with_a_record(sandbox: RunningSandbox, crm: Client) -> None:
    lead, todo, done = lead_with_tasks(crm, "fay")
    crm.Task.delete(done)
    control(sandbox, "edit", {"object": "Lead", "id": lead, "fields": {"IsDeleted": True}})
    gone = one(crm, f"SELECT IsDeleted, Key__c FROM Task WHERE Id = '{todo}'")  # noqa: S608 - SOQL
    assert gone == {"IsDeleted": True, "Key__c": "fay-open"}
    assert control(sandbox, "undelete", {"object": "Lead", "id": lead}) == {"object": "Lead", "id": lead}
    assert crm.Lead.get(lead)["LastName"] == "fay"
    assert crm.Task.get(todo)["WhoId"] == lead
    assert one(crm, f"SELECT IsDeleted FROM Task WHERE Id = '{done}'")["IsDeleted"]  # noqa: S608 - SOQL
    assert control(sandbox, "undelete", {"object": "Lead", "id": lead}) == [f"undelete: {lead} is not deleted"]


def test_rights_are_taken_and_given(sandbox: RunningSandbox, crm: Client) -> None:
    taken = {"system": {"EditTask": False}, "objects": {"Lead": {"Create": False}}}
    fields = {"Lead.Score__c": {"Edit": False}, "Lead.Street": {"Read": False}}
    assert control(sandbox, "permissions", {**taken, "fields": fields})["changed"] == 5
    described = {field["name"]: field for field in crm.Lead.describe()["fields"]}
    assert (described["Score__c"]["updateable"], "Street" in described) == (False, False)
    assert not crm.Lead.describe()["createable"]
    assert not crm.Task.describe()["createable"]
    given = {"system": {"EditTask": True}, "objects": {"Lead": {"Create": True}}}
    back = {"Lead.Score__c": {"Edit": True}, "Lead.Street": {"Read": True}}
    control(sandbox, "permissions", {**given, "fields": back})
    make(crm, "Lead", LastName="L", Company="C", Street="S", Score__c=1)
    assert "expected true or false" in control(sandbox, "permissions", {"system": {"Fly": True}})[0]
    assert "no such object" in control(sandbox, "permissions", {"objects": {"Task": {"Edit": True}}})[0]
