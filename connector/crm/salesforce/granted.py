"""What the connecting user's permission sets give it: the hidden one of its profile and every one assigned.

No recording of these queries is known: columns are those of the vendor's object reference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import is_one_of, select, text_literal
from connector.crm.salesforce.wire import JsonValue, Request

VERBS: Final = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")

Sources = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Granted:
    """Hold the rights and, for each, the labels of the sets that give it.

    system is by the permission's column, objects by `Object.Verb`, edited (fields) by `Object.Field`. profile is null
    where the user has none.
    """

    profile: str | None
    system: Sources
    objects: Sources
    edited: Sources


def read_granted(gateway: Gateway, system: Sequence[str]) -> Granted:
    """Read the rights of the connecting user; system names the columns to ask for.

    Raises AuthError or BatchRefused where the user may not look at permission sets.
    """
    user_id = gateway.json(Request("GET", "/services/oauth2/userinfo"))["user_id"]
    users = _rows(gateway, select(["Profile.Name"], "User", f"Id = {text_literal(user_id)}"))
    profile = next(((user.get("Profile") or {}).get("Name") for user in users), None)
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_permissionsetassignment.htm
    about = ["PermissionSetId", *(f"PermissionSet.{name}" for name in ("Label", "IsOwnedByProfile", *system))]
    sets = _rows(gateway, select(about, "PermissionSetAssignment", f"AssigneeId = {text_literal(user_id)}"))
    labels = {row["PermissionSetId"]: _label(row["PermissionSet"], profile) for row in sets}
    given = ((right, labels[row["PermissionSetId"]]) for row in sets for right in system if row["PermissionSet"][right])
    return Granted(profile, _gather(given), _gather(_objects(gateway, labels)), _gather(_edited(gateway, labels)))


def _label(row: JsonValue, profile: str | None) -> str:
    return f"profile {profile}" if row["IsOwnedByProfile"] else f"permission set {row['Label']}"


def _objects(gateway: Gateway, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_objectpermissions.htm
    columns = ["ParentId", "SobjectType", *(f"Permissions{verb}" for verb in VERBS)]
    for row in _of_sets(gateway, columns, "ObjectPermissions", labels):
        for verb in VERBS:
            if row[f"Permissions{verb}"]:
                yield f"{row['SobjectType']}.{verb}", labels[row["ParentId"]]


def _edited(gateway: Gateway, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for row in _of_sets(gateway, ["ParentId", "Field"], "FieldPermissions", labels, "PermissionsEdit = true"):
        yield row["Field"], labels[row["ParentId"]]


def _of_sets(
    gateway: Gateway, columns: Sequence[str], source: str, labels: Mapping[str, str], also: str = ""
) -> list[JsonValue]:
    if not labels:
        return []
    where = is_one_of("ParentId", labels)
    return _rows(gateway, select(columns, source, f"{where} AND {also}" if also else where))


def _rows(gateway: Gateway, soql: str) -> list[JsonValue]:
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
    page = gateway.json(Request("GET", "query/", params={"q": soql}))
    rows = list(page["records"])
    while not page["done"]:
        page = gateway.json(Request("GET", page["nextRecordsUrl"]))
        rows += page["records"]
    return rows


def _gather(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for right, label in pairs:
        if label not in found.get(right, ()):
            found[right] = (*found.get(right, ()), label)
    return found
