"""Our two permission sets: one lets the integration user write our fields, one lets people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connector.crm.salesforce.collections_write import ROWS_PER_CALL, chunks, send
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import select, text_literal
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused, ConfigError
from mappings.fields import NewField

EXISTS = frozenset({"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"})


@dataclass(frozen=True)
class PermissionSet:
    """Name one of our sets and what it gives."""

    name: str
    label: str
    description: str
    edits: bool


INTEGRATION = PermissionSet("Leadlight", "Leadlight", "Access to the fields that Leadlight writes", edits=True)
READER = PermissionSet(
    "Leadlight_Reader", "Leadlight Reader", "Read access to the scores that Leadlight writes", edits=False
)


@dataclass(frozen=True)
class Held:
    """State what is there of a set: its id, null where it is missing, and by field the grant and whether it edits."""

    id: str | None
    grants: Mapping[str, tuple[str, bool]]

    def lacks(self, fields: Sequence[NewField]) -> list[NewField]:
        """List the fields that the set does not grant at all."""
        return [each for each in fields if name_of(each) not in self.grants]

    def differs(self, wanted: PermissionSet, fields: Sequence[NewField]) -> list[NewField]:
        """List the fields that the set grants otherwise than it should."""
        held = {name: edits for name, (_, edits) in self.grants.items()}
        return [each for each in fields if held.get(name_of(each), may_edit(wanted, each)) != may_edit(wanted, each)]


def may_edit(wanted: PermissionSet, field: NewField) -> bool:
    """Tell whether a set lets its holders edit a field: we edit ours, people what they are asked."""
    return wanted.edits != field.by_people


def name_of(field: NewField) -> str:
    """Name a field as grants do: Object.Field."""
    return f"{field.object}.{field.name}"


def for_people(fields: Sequence[NewField]) -> list[NewField]:
    """Leave out what is of no use to a reader: the key of tasks."""
    return [each for each in fields if not each.unique]


def held(gateway: Gateway, wanted: PermissionSet) -> Held:
    """Read what is there of a set."""
    set_id = _first_id(gateway, "PermissionSet", f"Name = {text_literal(wanted.name)}")
    if set_id is None:
        return Held(None, {})
    soql = select(["Id", "Field", "PermissionsEdit"], "FieldPermissions", f"ParentId = {text_literal(set_id)}")
    rows = gateway.json(Request("GET", "query/", params={"q": soql}))["records"]
    return Held(set_id, {row["Field"]: (row["Id"], bool(row["PermissionsEdit"])) for row in rows})


def give_ourselves(gateway: Gateway, fields: Sequence[NewField]) -> None:
    """Grant reading and editing to the connecting user; raises ConfigError."""
    try:
        set_id = _set_up(gateway, INTEGRATION, fields)
        user_id = gateway.json(Request("GET", "/services/oauth2/userinfo"))["user_id"]
        where = f"PermissionSetId = {text_literal(set_id)} AND AssigneeId = {text_literal(user_id)}"
        _ensure(gateway, "PermissionSetAssignment", where, {"PermissionSetId": set_id, "AssigneeId": user_id})
    except BatchRefused as refused:
        raise as_config_error(refused, f"the permission set {INTEGRATION.label} cannot be set up") from None


def share(gateway: Gateway, fields: Sequence[NewField]) -> None:
    """Make sure of the set that lets people read; it is assigned to nobody. Raises ConfigError."""
    try:
        _set_up(gateway, READER, for_people(fields))
    except BatchRefused as refused:
        raise as_config_error(refused, f"the permission set {READER.label} cannot be set up") from None


def _set_up(gateway: Gateway, wanted: PermissionSet, fields: Sequence[NewField]) -> str:
    there = held(gateway, wanted)
    set_id = there.id or _ensure(
        gateway,
        "PermissionSet",
        f"Name = {text_literal(wanted.name)}",
        {"Name": wanted.name, "Label": wanted.label, "Description": wanted.description},
    )
    _send(gateway, "POST", [_new_grant(set_id, wanted, each) for each in there.lacks(fields)])
    changed = there.differs(wanted, fields)
    _send(gateway, "PATCH", [_changed_grant(there.grants[name_of(each)][0], wanted, each) for each in changed])
    return set_id


def _first_id(gateway: Gateway, source: str, where: str) -> str | None:
    soql = select(["Id"], source, where)
    records = gateway.json(Request("GET", "query/", params={"q": soql}))["records"]
    return records[0]["Id"] if records else None


def _ensure(gateway: Gateway, source: str, where: str, fields: Mapping[str, JsonValue]) -> str:
    """Find a setup record, or create it; another maker may be quicker."""
    found = _first_id(gateway, source, where)
    if found is not None:
        return found
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_permissionset.htm
    request = Request("POST", f"sobjects/{source}/", write=True, json=dict(fields))
    try:
        return str(gateway.json(request)["id"])
    except BatchRefused as refused:
        found = _first_id(gateway, source, where) if refused.code in EXISTS else None
        if found is None:
            raise
        return found


def _send(gateway: Gateway, method: Literal["POST", "PATCH"], records: Sequence[JsonValue]) -> None:
    """Write grants; raises ConfigError with all that were refused."""
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
    for chunk in chunks(records, ROWS_PER_CALL):
        refused = [
            f"{record.get('Field', record.get('id'))}: access was not granted: {result.code} {result.message}"
            for record, result in zip(chunk, send(gateway, method, chunk), strict=True)
            if not result.ok and result.code not in EXISTS
        ]
        if refused:
            raise ConfigError(refused)


def _new_grant(set_id: str, wanted: PermissionSet, field: NewField) -> dict[str, JsonValue]:
    return {
        "attributes": {"type": "FieldPermissions"},
        "ParentId": set_id,
        "SobjectType": field.object,
        "Field": name_of(field),
        "PermissionsRead": True,
        "PermissionsEdit": may_edit(wanted, field),
    }


def _changed_grant(grant_id: str, wanted: PermissionSet, field: NewField) -> dict[str, JsonValue]:
    rights = {"PermissionsRead": True, "PermissionsEdit": may_edit(wanted, field)}
    return {"attributes": {"type": "FieldPermissions"}, "id": grant_id, **rights}
