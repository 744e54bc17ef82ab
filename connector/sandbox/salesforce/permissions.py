"""What one user may do: the permission sets assigned to the user, among them the one that the user's profile owns.

Tasks and events have no ObjectPermissions: two permissions of the user open them. Members of a campaign, contact
roles, mails and histories follow the record they belong to. The permissions themselves are seen with View Setup
alone. No recording: from the vendor's object reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, is_permissionable
from connector.sandbox.storage import Storage

PREFIX = "Permissions"
GOVERNED = ("Account", "Campaign", "Contact", "Lead", "Opportunity", "Web_Activity__c")
ACTIVITIES = {"Task": "EditTask", "Event": "EditEvent"}
FOLLOWERS = {
    "AccountHistory": "Account",
    "CampaignMember": "Campaign",
    "CampaignMemberStatus": "Campaign",
    "ContactHistory": "Contact",
    "EmailMessage": "Task",
    "EmailMessageRelation": "Task",
    "LeadHistory": "Lead",
    "OpportunityContactRole": "Opportunity",
    "OpportunityFieldHistory": "Opportunity",
}
PERMISSION_OBJECTS = ("FieldPermissions", "ObjectPermissions", "PermissionSet", "PermissionSetAssignment")
OPERATIONS = ("read", "create", "edit", "delete", "view_all", "modify_all")
ALL = frozenset(OPERATIONS)
ASSIGNED = "SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ? AND _deleted = 0"
SYSTEM = f"SELECT * FROM PermissionSet WHERE _deleted = 0 AND _id IN ({ASSIGNED})"  # noqa: S608 - our own text
OBJECTS = (
    "SELECT SobjectType, MAX(PermissionsRead), MAX(PermissionsCreate), MAX(PermissionsEdit), MAX(PermissionsDelete),"  # noqa: S608 - our own text
    " MAX(PermissionsViewAllRecords), MAX(PermissionsModifyAllRecords) FROM ObjectPermissions"
    f" WHERE _deleted = 0 AND ParentId IN ({ASSIGNED}) GROUP BY SobjectType"
)
FIELDS = (
    "SELECT Field, MAX(PermissionsRead), MAX(PermissionsEdit) FROM FieldPermissions"  # noqa: S608 - our own text
    f" WHERE _deleted = 0 AND ParentId IN ({ASSIGNED}) GROUP BY Field"
)


@dataclass(frozen=True)
class Rights:
    """Hold a user's permissions: system ones by their names without `Permissions`, fields as `Object.Field`."""

    system: frozenset[str] = frozenset()
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fields: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether the user has a system permission."""
        return name in self.system

    def on(self, name: str) -> frozenset[str]:
        """Give what the user may do with an object's records; everything where no permission governs it."""
        if name in ACTIVITIES:
            changes = {"create", "edit", "delete"} if self.has(ACTIVITIES[name]) else set()
            return frozenset({"read", *changes}) if self.has("ActivitiesAccess") else frozenset()
        if name in PERMISSION_OBJECTS and not self.has("ViewSetup"):
            return frozenset()
        owner = FOLLOWERS.get(name)
        if owner is not None:
            return ALL if "edit" in self.on(owner) else self.on(owner) & {"read"}
        if name not in GOVERNED or self.has("ModifyAllData"):
            return ALL
        return self.objects.get(name, frozenset()) | ({"read"} if self.has("ViewAllData") else set())

    def on_field(self, spec: ObjectSpec, field: FieldSpec) -> tuple[bool, bool]:
        """Tell whether the user may read a field and edit it."""
        if not is_governed(spec, field):
            return True, True
        return self.fields.get(grant_name(spec, field), (False, False))


def is_governed(spec: ObjectSpec, field: FieldSpec) -> bool:
    """Tell whether a field is seen only by those to whom a permission set grants it."""
    return field.needs_grant or (spec.name in (*GOVERNED, *ACTIVITIES) and is_permissionable(field))


def grant_name(spec: ObjectSpec, field: FieldSpec) -> str:
    """Name a field as FieldPermissions do: the parts of an address go by the address."""
    return f"{spec.name}.{field.part_of or field.name}"


def read_rights(storage: Storage, user_id: str) -> Rights:
    """Read what the permission sets of a user add up to."""
    names: set[str] = set()
    for row in storage.query(SYSTEM, [user_id]):
        names |= {name.removeprefix(PREFIX) for name in row.keys() if name.startswith(PREFIX) and row[name]}  # noqa: SIM118 - sqlite3.Row iterates values
    objects = {
        name: ALL if flags[-1] else frozenset(each for each, flag in zip(OPERATIONS, flags, strict=True) if flag)
        for name, *flags in storage.query(OBJECTS, [user_id])
    }
    fields = {name: (bool(read), bool(edit)) for name, read, edit in storage.query(FIELDS, [user_id])}
    return Rights(frozenset(names), objects, fields)
