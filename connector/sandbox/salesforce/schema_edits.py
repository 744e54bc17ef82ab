"""Change an object's fields while the org is in use, as an administrator does: `POST /control/schema`.

Custom fields can be deleted, renamed and given another type; any field can be made read-only for the connecting user
or lose a picklist value. A deleted field takes its permissions along. No recording: from the vendor's help pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.tooling import LENGTHS, MAX_DIGITS, NAME, TYPES
from connector.sandbox.schema_changes import SchemaChange, read_schema_change
from connector.sandbox.storage import Transaction, quote

ON_CUSTOM_ALONE = ("delete", "rename", "retype")
ACTIVITIES = ("Task", "Event")
JOURNAL_OPS = {"delete": "delete", "restore": "create"}


def change_schema(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out {object, field, op, to?, option?, actor?}; `property` is another name of `field`.

    op: delete; rename (to: the new name, which keeps the values); retype (to: a type of the Tooling API, such as Text);
    readonly; drop_option (option: the value that is deactivated); restore, which undoes the changes of a field. Custom
    fields of tasks and events change on both. Raises KeyError for what is not there, ValueError for what cannot be.
    """
    change = read_schema_change({("property" if key == "field" else key): value for key, value in body.items()})
    both = change.property.endswith("__c") and change.object in (*ACTIVITIES, "Activity")
    acts = [_prepared(org, each, change) for each in (ACTIVITIES if both else (change.object,))]
    with org.storage.transaction(change.actor, "POST", "/control/schema") as transaction:
        for act in acts:
            act(transaction)
        told = {key: value for key, value in vars(change).items() if key in ("op", "to", "option") and value}
        op = JOURNAL_OPS.get(change.op, "update")
        transaction.note("CustomField", f"{change.object}.{change.property}", op, told)
    return {"object": change.object, "field": change.property, "op": change.op}


def _prepared(org: Org, name: str, change: SchemaChange) -> Callable[[Transaction], None]:
    """Check a change and give the act that carries it out."""
    field = change.property
    if change.op == "restore":
        if not org.catalog.is_changed(name, field):
            raise ValueError(f"{name}.{field} is as it was")
        return lambda transaction: _restore(org, transaction, name, field)
    spec = org.catalog.objects[name].fields[field]
    if change.op in ON_CUSTOM_ALONE and not spec.custom:
        raise ValueError(f"{name}.{field} is a standard field: only readonly and drop_option change it")
    if change.op == "delete":
        return lambda transaction: _delete(org, transaction, name, spec)
    if change.op == "rename":
        new = _renamed(org, name, spec, change.to)
        return lambda transaction: _rename(org, transaction, name, spec, new)
    changed = _changed(spec, change)
    return lambda _: org.catalog.change_field(name, field, changed)


def _changed(spec: FieldSpec, change: SchemaChange) -> FieldSpec:
    if change.op == "readonly":
        return replace(spec, access=spec.access.replace("c", "").replace("u", "") or "n")
    if change.op == "drop_option":
        if change.option not in spec.values:
            raise ValueError(f"option: {spec.name} has no value {change.option!r}")
        kept = tuple(value for value in spec.values if value != change.option)
        return replace(spec, values=kept, default=None if spec.default == change.option else spec.default)
    if change.to not in TYPES or change.to == "Lookup":
        raise ValueError(f"to: {change.to!r} is none of {', '.join(sorted(TYPES.keys() - {'Lookup'}))}")
    kind = TYPES[change.to]
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
