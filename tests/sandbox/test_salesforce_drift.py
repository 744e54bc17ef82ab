"""Fields that change while a client works; met with plain HTTP."""

from typing import Any

import pytest

from connector.sandbox.salesforce.org import INTEGRATION_USER
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory

SCORE = {"FullName": "Lead.Score__c", "Metadata": {"label": "Score", "type": "Number", "precision": 5, "scale": 2}}
KEY = {"label": "Key", "type": "Text", "length": 80, "unique": True, "externalId": True}


@pytest.fixture
def org() -> OrgInMemory:
    """Make an org with a score on leads, a key on tasks, both granted, and one scored lead."""
    made = OrgInMemory()
    own = made.create("PermissionSet", Name="Ours", Label="Ours")
    made.create("PermissionSetAssignment", PermissionSetId=own, AssigneeId=INTEGRATION_USER)
    for order, fields in ((SCORE, ("Lead.Score__c",)), (key_order(), ("Task.Key__c", "Event.Key__c"))):
        assert made.send("POST", "/tooling/sobjects/CustomField/", order).status == 201
        for field in fields:
            grant(made, own, field)
    made.create("Lead", LastName="L", Company="C", Score__c=7)
    return made


def key_order() -> dict[str, Any]:
    """Order the task key."""
    return {"FullName": "Activity.Key__c", "Metadata": KEY}


def grant(org: OrgInMemory, own: str, field: str) -> None:
    """Let the connecting user read and edit a field."""
    row = {"ParentId": own, "SobjectType": field.partition(".")[0], "Field": field}
    org.create("FieldPermissions", **row, PermissionsRead=True, PermissionsEdit=True)


def change(org: OrgInMemory, field: str, op: str, **more: str) -> object:
    """Change a field as an administrator does."""
    name, _, own = field.partition(".")
    return org.app.controls()["schema"]({"object": name, "field": own, "op": op, **more})


def described(org: OrgInMemory, name: str) -> dict[str, Any]:
    """Describe an object's fields."""
    return {field["name"]: field for field in org.answer("GET", f"/sobjects/{name}/describe")["fields"]}


def written(org: OrgInMemory, **fields: object) -> str:
    """Update the lead; gives the code of a refusal, empty where it went through."""
    (lead,) = org.values("SELECT Id FROM Lead")
    answer = org.answer("PATCH", f"/sobjects/Lead/{lead}", fields, headers=NO_RULES)
    return str(answer[0]["errorCode"]) if answer else ""


def reopened(org: OrgInMemory) -> None:
    """Open the org anew over the same records."""
    org.app = type(org.app)(org.storage, org.clock, org.switches, org.credentials)


def test_a_deleted_field_is_gone_until_it_is_restored(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "delete")
    for _ in range(2):
        assert "Score__c" not in described(org, "Lead")
        assert org.error("SELECT Score__c FROM Lead")[0] == "INVALID_FIELD"
        assert written(org, Score__c=1) == "INVALID_FIELD"
        assert org.values("SELECT Field FROM FieldPermissions WHERE Field = 'Lead.Score__c'") == []
        reopened(org)
    change(org, "Lead.Score__c", "restore")
    assert org.values("SELECT Score__c FROM Lead") == [7.0]
    assert written(org, Score__c=8) == ""


def test_a_field_made_again_is_empty_and_needs_a_grant(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "delete")
    assert org.send("POST", "/tooling/sobjects/CustomField/", SCORE).status == 201
    assert org.error("SELECT Score__c FROM Lead")[0] == "INVALID_FIELD"
    (own,) = org.values("SELECT Id FROM PermissionSet WHERE Name = 'Ours'")
    grant(org, own, "Lead.Score__c")
    assert org.values("SELECT Score__c FROM Lead") == [None]
    with pytest.raises(ValueError, match="is as it was"):
        change(org, "Lead.Score__c", "restore")


def test_a_renamed_field_keeps_values_and_grants(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "rename", to="Rank__c")
    reopened(org)
    assert org.error("SELECT Score__c FROM Lead")[0] == "INVALID_FIELD"
    assert org.values("SELECT Rank__c FROM Lead") == [7.0]
    assert written(org, Rank__c=8) == ""
    change(org, "Lead.Score__c", "restore")
    reopened(org)
    assert org.values("SELECT Score__c FROM Lead") == [8.0]
    assert "Rank__c" not in described(org, "Lead")


def test_a_read_only_field_refuses_writes(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "readonly")
    field = described(org, "Lead")["Score__c"]
    assert (field["createable"], field["updateable"]) == (False, False)
    assert written(org, Score__c=1) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.values("SELECT Score__c FROM Lead") == [7.0]


def test_a_retyped_field_describes_and_converts_anew(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "retype", to="Text")
    assert described(org, "Lead")["Score__c"]["type"] == "string"
    assert written(org, Score__c="high") == ""


def test_a_deactivated_value_is_no_longer_offered(org: OrgInMemory) -> None:
    task = org.create("Task", Subject="Call", TaskSubtype="Call")
    change(org, "Task.TaskSubtype", "drop_option", option="Call")
    values = [value["value"] for value in described(org, "Task")["TaskSubtype"]["picklistValues"]]
    assert "Call" not in values
    (error,) = org.answer("POST", "/sobjects/Task", {"Subject": "Call", "TaskSubtype": "Call"})
    assert error["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert org.values(f"SELECT TaskSubtype FROM Task WHERE Id = '{task}'") == ["Call"]  # noqa: S608 - SOQL


def test_a_tasks_custom_field_is_that_of_all_activities(org: OrgInMemory) -> None:
    change(org, "Task.Key__c", "delete")
    assert "Key__c" not in described(org, "Event")
    change(org, "Activity.Key__c", "restore")
    org.create("Task", Subject="Call", Key__c="k")
    (error,) = org.answer("POST", "/sobjects/Task", {"Subject": "Call", "Key__c": "k"})
    assert error["errorCode"] == "DUPLICATE_VALUE"


def test_changes_are_journaled_as_a_persons(org: OrgInMemory) -> None:
    change(org, "Lead.Score__c", "delete")
    last = org.storage.journal(0)[-1]
    assert (last["actor"], last["object"], last["id"], last["op"]) == (
        "human",
        "CustomField",
        "Lead.Score__c",
        "delete",
    )


@pytest.mark.parametrize(
    ("field", "op", "more", "words"),
    [
        ("Lead.Email", "delete", {}, "standard field"),
        ("Lead.Score__c", "explode", {}, "is none of"),
        ("Lead.Score__c", "rename", {}, "to: missing"),
        ("Lead.Score__c", "rename", {"to": "Rank"}, "end with __c"),
        ("Lead.Score__c", "rename", {"to": "score__c"}, "already"),
        ("Lead.Score__c", "retype", {"to": "Rainbow"}, "is none of"),
        ("Lead.Rating", "drop_option", {"option": "Icy"}, "has no value"),
        ("Lead.Score__c", "restore", {}, "is as it was"),
    ],
)
def test_changes_that_cannot_be(org: OrgInMemory, field: str, op: str, more: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        change(org, field, op, **more)
    with pytest.raises(KeyError):
        change(org, "Lead.Nothing__c", "delete")
    assert org.values("SELECT Score__c FROM Lead") == [7.0]
