"""What permission sets may grant, and who may grant it.

No recording but that of a repeated assignment: from the vendor's object reference.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.objects import is_required
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.permissions import GOVERNED

NEEDS = {
    "PermissionsCreate": "PermissionsRead",
    "PermissionsEdit": "PermissionsRead",
    "PermissionsDelete": "PermissionsEdit",
    "PermissionsViewAllRecords": "PermissionsRead",
    "PermissionsModifyAllRecords": "PermissionsDelete",
}


def check_set(org: Org, values: Mapping[str, Any]) -> None:
    """Refuse a permission set to a user who may not make one."""
    _require(org, "ManageProfilesPermissionsets", "PermissionSet")


def check_assignment(org: Org, values: Mapping[str, Any]) -> None:
    """Refuse an assignment that is there already, or that the user may not make."""
    _require(org, "AssignPermissionSets", "PermissionSetAssignment")
    user_id, set_id = values["AssigneeId"], values["PermissionSetId"]
    statement = "SELECT 1 FROM PermissionSetAssignment WHERE AssigneeId = ? AND PermissionSetId = ? AND _deleted = 0"
    if org.storage.query(statement, [user_id, set_id]):
        message = f"Duplicate PermissionSetAssignment. Assignee: {user_id[:15]}; Permission Set: {set_id[:15]}"
        raise CrmError("DUPLICATE_VALUE", message, ["AssigneeId", "PermissionSetId"])


def check_field_grant(org: Org, values: Mapping[str, Any]) -> None:
    """Refuse access to a field that is not there, cannot be granted or is granted already."""
    _require(org, "ManageProfilesPermissionsets", "FieldPermissions")
    target = org.catalog.objects.get(values["SobjectType"])
    if target is None:
        message = f"Sobject Type Name: bad value for restricted picklist field: {values['SobjectType']}"
        raise CrmError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["SobjectType"])
    object_name, _, name = values["Field"].partition(".")
    field = target.fields.get(name)
    if object_name != target.name or field is None or is_required(field):
        message = f"Field Name: bad value for restricted picklist field: {values['Field']}"
        raise CrmError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["Field"])
    if values.get("PermissionsEdit") and not values.get("PermissionsRead"):
        raise CrmError("FIELD_INTEGRITY_EXCEPTION", f"Edit on {values['Field']} requires read", ["PermissionsRead"])
    statement = "SELECT 1 FROM FieldPermissions WHERE ParentId = ? AND Field = ? AND _deleted = 0"
    if org.storage.query(statement, [values["ParentId"], values["Field"]]):
        message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
        raise CrmError("DUPLICATE_VALUE", message)


def check_object_grant(org: Org, values: Mapping[str, Any]) -> None:
    """Refuse access to an object that permission sets do not govern, an incomplete one, or one granted already."""
    _require(org, "ManageProfilesPermissionsets", "ObjectPermissions")
    name = values["SobjectType"]
    if name not in GOVERNED:
        message = f"Sobject Type Name: bad value for restricted picklist field: {name}"
        raise CrmError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["SobjectType"])
    for flag, needed in NEEDS.items():
        if values.get(flag) and not values.get(needed):
            message = f"Permission {flag.removeprefix('Permissions')} {name} depends on permission(s): {needed} {name}"
            raise CrmError("FIELD_INTEGRITY_EXCEPTION", message, [flag])
    statement = "SELECT 1 FROM ObjectPermissions WHERE ParentId = ? AND SobjectType = ? AND _deleted = 0"
    if org.storage.query(statement, [values["ParentId"], name]):
        message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
        raise CrmError("DUPLICATE_VALUE", message)


def _require(org: Org, permission: str, name: str) -> None:
    if not org.view.rights.has(permission):
        message = f"insufficient access rights on entity: {name}"
        raise CrmError("INSUFFICIENT_ACCESS_OR_READONLY", message, ())
