"""What the org's own logic demands of a record, beyond the types of its fields.

No recording of inactive owners, converted leads, campaign members and queues: from the vendor's documentation.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce import campaigns, grants
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, stored
from connector.sandbox.salesforce.org import UNASSIGNED_QUEUE, Org
from connector.sandbox.storage import Storage, quote

PROBABILITIES = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}
ASSIGNED_OBJECTS = ("Lead", "Account")
TRANSFERRED = ("Lead", "Account", "Contact", "Opportunity")


def check_reference(org: Org, spec: ObjectSpec, field: FieldSpec, target_id: str) -> None:
    """Refuse a lookup to a wrong type, a missing or deleted record, an inactive owner or a converted lead."""
    targets = [target for name in field.to if (target := org.catalog.objects.get(name))]
    target = next((target for target in targets if target_id.startswith(target.key_prefix)), None)
    if target is None:
        if not targets:
            return
        message = f"{field.label}: id value of incorrect type: {target_id}"
        raise CrmError("FIELD_INTEGRITY_EXCEPTION", message, [field.name])
    found = org.storage.get(target.name, target_id)
    if found is None:
        raise CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if field.name == "OwnerId":
        _check_owner(org, spec, target.name, found)
    if target.name == "Lead" and field.name in ("WhoId", "LeadId") and found["IsConverted"]:
        raise CrmError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def _check_owner(org: Org, spec: ObjectSpec, kind: str, owner: Mapping[str, Any]) -> None:
    owner_id = owner["_id"]
    if kind == "User":
        if (
            not owner["IsActive"]
            or owner_id in org.switches.inactive_users
            or owner_id[:15] in org.switches.inactive_users
        ):
            message = f"operation performed with inactive user [{owner_id[:15]}] as owner of {spec.label.lower()}"
            raise CrmError("INACTIVE_OWNER_OR_USER", message, ["OwnerId"])
        return
    served = org.storage.query(
        "SELECT 1 FROM QueueSobject WHERE QueueId = ? AND SobjectType = ? AND _deleted = 0", [owner_id, spec.name]
    )
    if not served:
        raise CrmError("INVALID_CROSS_REFERENCE_KEY", "Queue not associated with this SObject type", ["OwnerId"])


def check_unique(storage: Storage, spec: ObjectSpec, values: Mapping[str, Any], own_id: str | None) -> None:
    """Refuse a value of a unique field that another living record has."""
    for name, value in values.items():
        if value is None or not spec.fields[name].unique:
            continue
        statement = f"SELECT _id FROM {quote(spec.name)} WHERE {quote(name)} = ? COLLATE NOCASE AND _deleted = 0"  # noqa: S608 - quoted names
        others = [row[0] for row in storage.query(statement, [value]) if row[0] != own_id]
        if others:
            message = f"duplicate value found: {name} duplicates value on record with id: {others[0][:15]}"
            raise CrmError("DUPLICATE_VALUE", message)


def check_new(org: Org, spec: ObjectSpec, values: Mapping[str, Any]) -> None:
    """Refuse a new row that its object's own rules forbid."""
    checks = {
        "CampaignMember": campaigns.check_member,
        "PermissionSet": grants.check_set,
        "PermissionSetAssignment": grants.check_assignment,
        "FieldPermissions": grants.check_field_grant,
        "ObjectPermissions": grants.check_object_grant,
    }
    check = checks.get(spec.name)
    if check is not None:
        check(org, values)


def check_change(org: Org, spec: ObjectSpec, before: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse a change of a converted lead, and a new owner where the user may not transfer the record."""
    rights = org.view.rights
    if spec.name == "Lead" and before["IsConverted"] and not rights.has("AllowViewEditConvertedLeads"):
        raise CrmError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    transferring = {"TransferAnyEntity", "ModifyAllData"} | ({"TransferAnyLead"} if spec.name == "Lead" else set())
    if (
        spec.name in TRANSFERRED
        and values.get("OwnerId") not in (None, before.get("OwnerId"))
        and before.get("OwnerId") != org.credentials.user_id
        and not transferring & rights.system
        and "modify_all" not in spec.operations
    ):
        raise CrmError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", ())


def derived(org: Org, spec: ObjectSpec, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields the org sets itself when these values are written over a record (empty for a new one)."""
    now = org.clock.now().replace(microsecond=0)
    if spec.name == "Opportunity" and "StageName" in values and values["StageName"] != before.get("StageName"):
        probability = {} if "Probability" in values else {"Probability": PROBABILITIES.get(values["StageName"], 10)}
        return {"LastStageChangeDate": stored(now), **probability}
    if spec.name == "Task" and "Status" in values:
        done, was_done = values["Status"] == "Completed", before.get("Status") == "Completed"
        if done != was_done:
            return {"CompletedDateTime": stored(now) if done else None, **_task_account(org, values)}
    if spec.activity and ("WhoId" in values or "WhatId" in values):
        return _task_account(org, {**before, **values})
    return campaigns.first_response(org, before, values) if spec.name == "CampaignMember" else {}


def _task_account(org: Org, values: Mapping[str, Any]) -> dict[str, Any]:
    what, who = values.get("WhatId"), values.get("WhoId")
    if what and what.startswith("001"):
        return {"AccountId": what}
    source = ("Opportunity", what) if what and what.startswith("006") else ("Contact", who)
    found = org.storage.get(source[0], source[1]) if source[1] else None
    return {"AccountId": found.get("AccountId") if found else None}


def assigned_owner(org: Org, spec: ObjectSpec, auto_assign: str | None) -> str | None:
    """Give the owner the active assignment rule sets, or null where none fires.

    Sforce-Auto-Assign is true unless the client says otherwise, on create and on update; the switch
    `assignment_rule` is `{"owner": id}`, null for no active rule, and by default sends leads to a queue.
    """
    if spec.name not in ASSIGNED_OBJECTS or auto_assign == "false":
        return None
    default = {"owner": UNASSIGNED_QUEUE} if spec.name == "Lead" else None
    rule = org.switches.automations.get("assignment_rule", default)
    owner = rule.get("owner") if isinstance(rule, dict) else None
    allowed = spec.fields["OwnerId"].to
    kind = {"005": "User", "00G": "Group"}.get(str(owner)[:3])
    return str(owner) if owner and kind in allowed else None
