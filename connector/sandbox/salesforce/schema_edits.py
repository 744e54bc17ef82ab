"""Change an object's fields while the org is in use, as an administrator does: `POST /control/schema`.

Custom fields can be deleted, renamed and given another type; any field can be made read-only for the connecting user
or lose a picklist value. A deleted field takes its permissions along. No recording: from the vendor's help pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.salesforce.control_bodies import checked
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.tooling import LENGTHS, MAX_DIGITS, NAME, TYPES
from connector.sandbox.storage import Transaction, quote

NEEDS = {"delete": "", "rename": "to", "retype": "to", "readonly": "", "drop_option": "option", "restore": ""}
ON_CUSTOM_ALONE = ("delete", "rename", "retype")
ACTIVITIES = ("Task", "Event")
JOURNAL_OPS = {"delete": "delete", "restore": "create"}


def change_schema(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out {object, field, op, to?, option?, actor?}; `property` is another name of `field`.

    op: delete; rename (to: the new name, which keeps the values); retype (to: a type of the Tooling API, such as Text);
    readonly; drop_option (option: the value that is deactivated); restore, which undoes the changes of a field. Custom
    fields of tasks and events change on both. Raises KeyError for what is not there, ValueError for what cannot be.
    """
    body = {("field" if key == "property" else key): value for key, value in body.items()}
    actor = checked(body, {"object", "field", "op"}, {"to", "option"})
    op, name, field = (str(body[key]) for key in ("op", "object", "field"))
    if op not in NEEDS:
        raise ValueError(f"op: {op!r} is none of {', '.join(NEEDS)}")
    if NEEDS[op] and not body.get(NEEDS[op]):
        raise ValueError(f"{NEEDS[op]}: missing, {op} needs it")
    both = field.endswith("__c") and name in (*ACTIVITIES, "Activity")
    acts = [_prepared(org, each, field, op, body) for each in (ACTIVITIES if both else (name,))]
    with org.storage.transaction(actor, "POST", "/control/schema") as transaction:
        for act in acts:
            act(transaction)
        told = {key: str(body[key]) for key in ("op", "to", "option") if body.get(key)}
        transaction.note("CustomField", f"{name}.{field}", JOURNAL_OPS.get(op, "update"), told)
    return {"object": name, "field": field, "op": op}


def _prepared(org: Org, name: str, field: str, op: str, body: Mapping[str, Any]) -> Callable[[Transaction], None]:
    """Check a change and give the act that carries it out."""
    if op == "restore":
        if not org.catalog.is_changed(name, field):
            raise ValueError(f"{name}.{field} is as it was")
        return lambda transaction: _restore(org, transaction, name, field)
    spec = org.catalog.objects[name].fields[field]
    if op in ON_CUSTOM_ALONE and not spec.custom:
        raise ValueError(f"{name}.{field} is a standard field: only readonly and drop_option change it")
    if op == "delete":
        return lambda transaction: _delete(org, transaction, name, spec)
    if op == "rename":
        new = _renamed(org, name, spec, str(body["to"]))
        return lambda transaction: _rename(org, transaction, name, spec, new)
    changed = _changed(spec, op, body)
    return lambda _: org.catalog.change_field(name, field, changed)


def _changed(spec: FieldSpec, op: str, body: Mapping[str, Any]) -> FieldSpec:
    if op == "readonly":
        return replace(spec, access=spec.access.replace("c", "").replace("u", "") or "n")
    if op == "drop_option":
        if body["option"] not in spec.values:
            raise ValueError(f"option: {spec.name} has no value {body['option']!r}")
        kept = tuple(value for value in spec.values if value != body["option"])
        return replace(spec, values=kept, default=None if spec.default == body["option"] else spec.default)
    kind = TYPES.get(str(body["to"]))
    if kind in (None, "reference"):
        raise ValueError(f"to: {body['to']!r} is none of {', '.join(sorted(TYPES.keys() - {'Lookup'}))}")
    assert kind is not None  # noqa: S101 - for the type checker
    numeric = kind in ("double", "currency", "percent")
    length = 0 if numeric else spec.length or LENGTHS.get(kind, 255)
    return replace(spec, type=kind, length=length, precision=MAX_DIGITS if numeric else 0, scale=0, default=None)


def _renamed(org: Org, name: str, spec: FieldSpec, new: str) -> FieldSpec:
    if not NAME.fullmatch(new):
        raise ValueError(f"to: {new!r} must begin with a letter and end with __c")
    if new.lower() in {known.lower() for known in org.catalog.objects[name].fields}:
        raise ValueError(f"to: {name} has a field {new} already")
    return replace(spec, name=new, label=new.removesuffix("__c").replace("_", " "))


def _delete(org: Org, transaction: Transaction, name: str, spec: FieldSpec) -> None:
    org.catalog.change_field(name, spec.name, None)
    transaction.execute("UPDATE FieldPermissions SET _deleted = 1 WHERE Field = ?", [f"{name}.{spec.name}"])


def _rename(org: Org, transaction: Transaction, name: str, spec: FieldSpec, new: FieldSpec) -> None:
    org.catalog.change_field(name, spec.name, None, renamed=new.name)
    org.catalog.add_field(name, new, "")
    _copy(transaction, name, spec.name, new.name)


def _restore(org: Org, transaction: Transaction, name: str, field: str) -> None:
    """Bring a field back as it was before its first change, with its values and permissions."""
    renamed = org.catalog.restore_field(name, field)
    if renamed is not None:
        _copy(transaction, name, renamed, field)
        org.catalog.remove_field(name, renamed)
    transaction.execute("UPDATE FieldPermissions SET _deleted = 0 WHERE Field = ?", [f"{name}.{field}"])


def _copy(transaction: Transaction, name: str, source: str, target: str) -> None:
    """Hand a field's values and permissions to another one."""
    table, old, new = quote(name), quote(source), quote(target)
    transaction.execute(f"UPDATE {table} SET {new} = {old}, {old} = NULL")  # noqa: S608 - quoted names
    grants = "UPDATE FieldPermissions SET Field = ? WHERE Field = ?"
    transaction.execute(grants, [f"{name}.{target}", f"{name}.{source}"])
