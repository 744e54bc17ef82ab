"""The profiles' own permission sets: what the org's users may do before anybody grants more.

A profile owns a permission set (IsOwnedByProfile), to which each of its users is assigned. It grants every object and
every field an org comes with. No recording: from the vendor's object reference.
"""

from collections.abc import Iterator

from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, is_permissionable
from connector.sandbox.salesforce.org import ADMIN_USER, PERSON_USER, Org
from connector.sandbox.salesforce.permissions import ACTIVITIES, GOVERNED, grant_name
from connector.sandbox.storage import Storage

FIRST_DAY_MS = 1_420_070_400_000
STANDARD_PROFILE = record_id("Profile", 1)
INTEGRATION_PROFILE = record_id("Profile", 2)
PROFILE_SETS = {STANDARD_PROFILE: record_id("PermissionSet", 1), INTEGRATION_PROFILE: record_id("PermissionSet", 2)}
EVERYBODY = ("ActivitiesAccess", "ApiEnabled", "ConvertLeads", "EditEvent", "EditTask", "RunReports", "ViewSetup")
INTEGRATION = (
    "AssignPermissionSets",
    "CustomizeApplication",
    "ManageProfilesPermissionsets",
    "ModifyMetadata",
    "PasswordNeverExpires",
    "TransferAnyEntity",
    "TransferAnyLead",
    "ViewAllUsers",
)
SET_COLUMNS = ("Name", "Label", "IsOwnedByProfile", "IsCustom", "Type", "ProfileId")
FIELD_COLUMNS = ("ParentId", "SobjectType", "Field", "PermissionsRead", "PermissionsEdit")
OBJECT_FLAGS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords")
OBJECT_COLUMNS = ("ParentId", "SobjectType", *(f"Permissions{flag}" for flag in OBJECT_FLAGS))


def install_profiles(org: Org) -> None:
    """Make the profiles' permission sets with their grants and assignments; what is there stays."""
    if org.storage.get("PermissionSet", PROFILE_SETS[INTEGRATION_PROFILE], deleted=True) is None:
        _install_sets(org)
        _install_objects(org.storage)
    for spec in org.catalog.objects.values():
        if spec.name in (*GOVERNED, *ACTIVITIES):
            grant_to_profiles(org.storage, spec, [field for field in spec.fields.values() if not field.needs_grant])


def _install_sets(org: Org) -> None:
    storage = org.storage
    for profile, own in PROFILE_SETS.items():
        names = (*EVERYBODY, *(INTEGRATION if profile == INTEGRATION_PROFILE else ()))
        flags = tuple(f"Permissions{name}" for name in names)
        row = (own, FIRST_DAY_MS, FIRST_DAY_MS, f"X{profile[:15]}", profile, 1, 0, "Profile", profile)
        storage.seed("PermissionSet", (*SET_COLUMNS, *flags), [(*row, *(1 for _ in flags))])
    users = {org.credentials.user_id: INTEGRATION_PROFILE, ADMIN_USER: STANDARD_PROFILE, PERSON_USER: STANDARD_PROFILE}
    rows = [
        (record_id("PermissionSetAssignment", number), FIRST_DAY_MS, FIRST_DAY_MS, PROFILE_SETS[profile], user_id)
        for number, (user_id, profile) in enumerate(users.items(), 1)
    ]
    storage.seed("PermissionSetAssignment", ("PermissionSetId", "AssigneeId"), rows)


def _install_objects(storage: Storage) -> None:
    pairs = [(own, name) for own in PROFILE_SETS.values() for name in GOVERNED]
    rows = [
        (record_id("ObjectPermissions", number), FIRST_DAY_MS, FIRST_DAY_MS, own, name, *(1 for _ in OBJECT_FLAGS))
        for number, (own, name) in enumerate(pairs, 1)
    ]
    storage.seed("ObjectPermissions", OBJECT_COLUMNS, rows)


def grant_to_profiles(storage: Storage, spec: ObjectSpec, fields: list[FieldSpec]) -> None:
    """Let every profile read and edit fields that are not named by its permission set yet."""
    names = dict.fromkeys(grant_name(spec, field) for field in fields if is_permissionable(field))
    known = "SELECT ParentId, Field FROM FieldPermissions WHERE SobjectType = ?"
    present = {(row[0], row[1]) for row in storage.query(known, [spec.name])}
    wanted = [(own, name) for name in names for own in PROFILE_SETS.values() if (own, name) not in present]
    if wanted:
        storage.seed("FieldPermissions", FIELD_COLUMNS, _grants(storage, spec, wanted))


def _grants(storage: Storage, spec: ObjectSpec, wanted: list[tuple[str, str]]) -> Iterator[tuple[object, ...]]:
    first = storage.query("SELECT COUNT(*) FROM FieldPermissions WHERE _created_by = 'seed'")[0][0] + 1
    for number, (own, name) in enumerate(wanted, first):
        yield (record_id("FieldPermissions", number), FIRST_DAY_MS, FIRST_DAY_MS, own, spec.name, name, 1, 1)
