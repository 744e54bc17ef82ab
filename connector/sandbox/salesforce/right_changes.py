"""Give and take the connecting user's rights as an administrator does: `POST /control/permissions`."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.sandbox.salesforce.control_bodies import checked
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.permissions import ASSIGNED, GOVERNED, PREFIX, grant_name
from connector.sandbox.storage import Transaction, quote

OBJECT_FLAGS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
FIELD_FLAGS = ("Read", "Edit")


def change_rights(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change what the connecting user's permission sets grant: {system?, objects?, fields?, actor?}.

    system: `{"ApiEnabled": false}`; objects: `{"Lead": {"Create": false}}`; fields: `{"Lead.Email": {"Edit": false}}`
    or `{"Lead.Email": {"Read": false, "Edit": false}}`, by the vendor's names without `Permissions`. What is taken is
    taken from every set of the user; what is given is given to the sets that have a row for it. Answers how many
    rows changed. Raises KeyError and ValueError for what permission sets do not know.
    """
    actor = checked(body, set(), {"system", "objects", "fields"})
    system = _flags(org, body.get("system", {}))
    objects = {name: _named(name, flags, OBJECT_FLAGS) for name, flags in body.get("objects", {}).items()}
    fields = {_field(org, name): _named(name, flags, FIELD_FLAGS) for name, flags in body.get("fields", {}).items()}
    if unknown := sorted(objects.keys() - set(GOVERNED)):
        raise KeyError(", ".join(unknown))
    with org.storage.transaction(actor, "POST", "/control/permissions") as transaction:
        changed = _change(org, transaction, "PermissionSet", "_id", "1 = 1", (), system)
        for name, flags in objects.items():
            changed += _change(org, transaction, "ObjectPermissions", "ParentId", "SobjectType = ?", (name,), flags)
        for name, flags in fields.items():
            changed += _change(org, transaction, "FieldPermissions", "ParentId", "Field = ?", (name,), flags)
    return {"changed": changed}


def _flags(org: Org, flags: Mapping[str, Any]) -> dict[str, int]:
    known = [
        name.removeprefix(PREFIX) for name in org.catalog.objects["PermissionSet"].fields if name.startswith(PREFIX)
    ]
    return _named("system", flags, known)


def _named(where: str, flags: Mapping[str, Any], known: Iterable[str]) -> dict[str, int]:
    names = list(known)
    wrong = [name for name, value in flags.items() if name not in names or not isinstance(value, bool)]
    if wrong:
        raise ValueError(f"{where}.{wrong[0]}: expected true or false for one of {', '.join(names)}")
    return {f"{PREFIX}{name}": int(value) for name, value in flags.items()}


def _field(org: Org, text: str) -> str:
    name, _, field = text.partition(".")
    spec = org.catalog.objects[name]
    return grant_name(spec, spec.fields[field])


def _change(
    org: Org,
    transaction: Transaction,
    table: str,
    owner: str,
    where: str,
    binds: tuple[str, ...],
    flags: Mapping[str, int],
) -> int:
    if not flags:
        return 0
    statement = f"SELECT _id FROM {quote(table)} WHERE {owner} IN ({ASSIGNED}) AND {where} AND _deleted = 0"  # noqa: S608 - our own names
    rows = org.storage.query(statement, [org.credentials.user_id, *binds])
    for (row_id,) in rows:
        transaction.update(table, row_id, flags)
    return len(rows)
