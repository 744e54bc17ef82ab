"""Permission sets of the connecting user: what they say and what they do; from the vendor's object reference."""

import pytest

from connector.sandbox.salesforce.org import INTEGRATION_USER, PERSON_USER
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory

MINE = f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{INTEGRATION_USER}')"  # noqa: S608 - SOQL
DATE = {"label": "X", "type": "Date"}
LEAD = {"LastName": "L", "Company": "C"}


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def profile_row(org: OrgInMemory, name: str, where: str) -> str:
    """Give the id of a row of the profile's own permission set."""
    return str(org.values(f"SELECT Id FROM {name} WHERE ParentId IN {MINE} AND {where}")[0])  # noqa: S608 - SOQL


def withdraw(org: OrgInMemory, *names: str) -> None:
    """Take system permissions from the profile."""
    own = org.values(f"SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = true AND Id IN {MINE}")[0]  # noqa: S608 - SOQL
    org.app.edit("human", "PermissionSet", own, {f"Permissions{name}": False for name in names})


def code(org: OrgInMemory, method: str, path: str, fields: dict[str, object] | None = None) -> str:
    """Send what is refused and give the refusal's code."""
    return str(org.answer(method, path, fields, headers=NO_RULES)[0]["errorCode"])


def test_the_profile_owns_a_set_that_is_assigned_to_its_users(org: OrgInMemory) -> None:
    soql = (
        "SELECT PermissionSet.IsOwnedByProfile, PermissionSet.Profile.Name, PermissionSet.PermissionsApiEnabled,"  # noqa: S608 - SOQL
        f" PermissionSet.PermissionsModifyAllData FROM PermissionSetAssignment WHERE AssigneeId = '{INTEGRATION_USER}'"
    )
    (record,) = org.query(soql)["records"]
    own = record["PermissionSet"]
    assert own["Profile"]["Name"] == "Leadlight Integration"
    assert (own["IsOwnedByProfile"], own["PermissionsApiEnabled"], own["PermissionsModifyAllData"]) == (
        True,
        True,
        False,
    )


def test_grants_are_readable_per_object_and_field(org: OrgInMemory) -> None:
    objects = org.query(
        f"SELECT SobjectType, PermissionsCreate, PermissionsModifyAllRecords FROM ObjectPermissions"  # noqa: S608 - SOQL
        f" WHERE ParentId IN {MINE} ORDER BY SobjectType"
    )["records"]
    assert [row["SobjectType"] for row in objects] == [
        "Account",
        "Campaign",
        "Contact",
        "Lead",
        "Opportunity",
        "Web_Activity__c",
    ]
    assert {(row["PermissionsCreate"], row["PermissionsModifyAllRecords"]) for row in objects} == {(True, False)}
    fields = org.values(f"SELECT Field FROM FieldPermissions WHERE ParentId IN {MINE} AND SobjectType = 'Lead'")  # noqa: S608 - SOQL
    assert {"Lead.Email", "Lead.Address"} <= set(fields)
    assert not {"Lead.LastName", "Lead.Company", "Lead.Street"} & set(fields)


def test_a_seeded_field_is_granted_by_the_profiles(org: OrgInMemory) -> None:
    org.add_text_field("Lead", "Seeded__c")
    own = profile_row(org, "FieldPermissions", "Field = 'Lead.Seeded__c'")
    org.create("Lead", **LEAD, Seeded__c="x")
    org.app.edit("human", "FieldPermissions", own, {"IsDeleted": True})
    assert org.error("SELECT Seeded__c FROM Lead")[0] == "INVALID_FIELD"
    again = type(org.app)(org.storage, org.clock, org.switches, org.credentials)
    org.app = again
    assert org.error("SELECT Seeded__c FROM Lead")[0] == "INVALID_FIELD"


@pytest.mark.parametrize(("field", "gone"), [("Lead.Email", "Email"), ("Lead.Address", "Street")])
def test_a_field_without_a_grant_is_absent(org: OrgInMemory, field: str, gone: str) -> None:
    own = profile_row(org, "FieldPermissions", f"Field = '{field}'")
    org.app.edit("human", "FieldPermissions", own, {"IsDeleted": True})
    assert gone not in {each["name"] for each in org.answer("GET", "/sobjects/Lead/describe")["fields"]}
    assert code(org, "POST", "/sobjects/Lead", {**LEAD, gone: "a@b.example"}) == "INVALID_FIELD"


def test_a_field_granted_for_reading_is_not_updateable(org: OrgInMemory) -> None:
    own = profile_row(org, "FieldPermissions", "Field = 'Lead.Rating'")
    assert org.send("PATCH", f"/sobjects/FieldPermissions/{own}", {"PermissionsEdit": False}).status == 204
    fields = {each["name"]: each for each in org.answer("GET", "/sobjects/Lead/describe")["fields"]}
    assert not fields["Rating"]["updateable"]
    lead = org.create("Lead", **LEAD)
    assert code(org, "PATCH", f"/sobjects/Lead/{lead}", {"Rating": "Hot"}) == "INVALID_FIELD_FOR_INSERT_UPDATE"


@pytest.mark.parametrize(("flag", "method", "key"), [("Create", "POST", "createable"), ("Edit", "PATCH", "updateable")])
def test_an_object_without_a_right_says_so(org: OrgInMemory, flag: str, method: str, key: str) -> None:
    lead = org.create("Lead", **LEAD)
    own = profile_row(org, "ObjectPermissions", "SobjectType = 'Lead'")
    org.app.edit("human", "ObjectPermissions", own, {f"Permissions{flag}": False})
    assert org.answer("GET", "/sobjects/Lead/describe")[key] is False
    path = "/sobjects/Lead" if method == "POST" else f"/sobjects/Lead/{lead}"
    assert code(org, method, path, {**LEAD, "LastName": "M"}) == "INVALID_TYPE_FOR_OPERATION"
    assert org.values("SELECT LastName FROM Lead") == ["L"]


def test_an_object_that_may_not_be_read_is_not_there(org: OrgInMemory) -> None:
    own = profile_row(org, "ObjectPermissions", "SobjectType = 'Campaign'")
    org.app.edit("human", "ObjectPermissions", own, {"IsDeleted": True})
    assert org.send("GET", "/sobjects/Campaign/describe").status == 404
    assert org.error("SELECT Id FROM Campaign")[0] == "INVALID_TYPE"
    assert org.error("SELECT Id FROM CampaignMember")[0] == "INVALID_TYPE"


def test_a_permission_set_adds_to_the_profile(org: OrgInMemory) -> None:
    own = profile_row(org, "ObjectPermissions", "SobjectType = 'Lead'")
    org.app.edit("human", "ObjectPermissions", own, {"PermissionsCreate": False})
    more = org.create("PermissionSet", Name="More", Label="More")
    grant = {"ParentId": more, "SobjectType": "Lead", "PermissionsCreate": True}
    assert code(org, "POST", "/sobjects/ObjectPermissions", grant) == "FIELD_INTEGRITY_EXCEPTION"
    org.create("ObjectPermissions", **grant, PermissionsRead=True)
    assert code(org, "POST", "/sobjects/ObjectPermissions", {**grant, "PermissionsRead": True}) == "DUPLICATE_VALUE"
    org.create("PermissionSetAssignment", PermissionSetId=more, AssigneeId=INTEGRATION_USER)
    org.create("Lead", **LEAD)


def test_tasks_need_permissions_of_the_user(org: OrgInMemory) -> None:
    withdraw(org, "EditTask")
    assert code(org, "POST", "/sobjects/Task", {"Subject": "Call"}) == "INVALID_TYPE_FOR_OPERATION"
    assert org.query("SELECT Id FROM Task")["totalSize"] == 0
    withdraw(org, "ActivitiesAccess")
    assert org.error("SELECT Id FROM Task")[0] == "INVALID_TYPE"


def test_only_some_may_transfer_what_others_own(org: OrgInMemory) -> None:
    lead = org.create("Lead", **LEAD)
    withdraw(org, "TransferAnyLead", "TransferAnyEntity")
    change: dict[str, object] = {"OwnerId": PERSON_USER}
    assert org.send("PATCH", f"/sobjects/Lead/{lead}", change, headers=NO_RULES).status == 204
    back: dict[str, object] = {"OwnerId": INTEGRATION_USER}
    assert code(org, "PATCH", f"/sobjects/Lead/{lead}", back) == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_administration_needs_permissions(org: OrgInMemory) -> None:
    withdraw(org, "CustomizeApplication", "AssignPermissionSets", "ManageProfilesPermissionsets")
    order: dict[str, object] = {"FullName": "Lead.X__c", "Metadata": {"label": "X", "type": "Date"}}
    refused = org.send("POST", "/tooling/sobjects/CustomField/", order)
    assert refused.status == 403
    named: dict[str, object] = {"Name": "X", "Label": "X"}
    assert code(org, "POST", "/sobjects/PermissionSet", named) == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_a_user_without_the_api_is_turned_away(org: OrgInMemory) -> None:
    withdraw(org, "ApiEnabled")
    refused = org.send("GET", "/limits")
    assert (refused.status, b"API_DISABLED_FOR_ORG" in refused.body) == (403, True)


def test_permissions_are_seen_with_view_setup_alone(org: OrgInMemory) -> None:
    withdraw(org, "ViewSetup")
    assert org.error("SELECT Id FROM PermissionSet")[0] == "INVALID_TYPE"
    org.create("Lead", **LEAD)


def test_rolled_back_grants_change_nothing(org: OrgInMemory) -> None:
    own = org.create("PermissionSet", Name="More", Label="More")
    org.create("PermissionSetAssignment", PermissionSetId=own, AssigneeId=INTEGRATION_USER)
    org.send("POST", "/tooling/sobjects/CustomField/", {"FullName": "Lead.X__c", "Metadata": DATE})
    grant = {"attributes": {"type": "FieldPermissions"}, "ParentId": own, "SobjectType": "Lead", "Field": "Lead.X__c"}
    rows = [{**grant, "PermissionsRead": True}, {"attributes": {"type": "Lead"}}]
    answer = org.answer("POST", "/composite/sobjects", {"allOrNone": True, "records": rows})
    assert not any(row["success"] for row in answer)
    assert org.error("SELECT X__c FROM Lead")[0] == "INVALID_FIELD"
    org.answer("POST", "/composite/sobjects", {"allOrNone": True, "records": rows[:1]})
    assert org.query("SELECT X__c FROM Lead")["totalSize"] == 0
