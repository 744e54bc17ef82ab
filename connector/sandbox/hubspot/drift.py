"""Changes of properties that an administrator makes while the account is in use.

The vendor lets nobody change a property's name or type; rename and retype stand for a new property that takes over the
values while the old one goes.
"""

from dataclasses import replace

from connector.sandbox.hubspot.account import Account, told_now
from connector.sandbox.hubspot.definitions import FIELD_TYPES
from connector.sandbox.hubspot.objects import ObjectType, Property, object_type
from connector.sandbox.schema_changes import SchemaChange
from connector.sandbox.storage import Transaction, quote

JOURNAL_OPS = {"delete": "delete", "restore": "create"}


def change_schema(account: Account, change: SchemaChange) -> SchemaChange:
    """Carry a change out and journal it; raises KeyError for what is not there, ValueError for what cannot be.

    restore brings the property back as it was before its first change, with the values it had.
    """
    kind = object_type(change.object)
    if kind is None:
        raise KeyError(change.object)
    with account.storage.transaction(change.actor, "POST", "/control/schema") as transaction:
        if change.op == "restore":
            account.schema.restore(kind.plural, change.property)
        else:
            apply(account, transaction, kind, change)
        op = JOURNAL_OPS.get(change.op, "update")
        told = {"op": change.op, **({"to": change.to} if change.to else {})}
        transaction.note("properties", f"{kind.plural}.{change.property}", op, told)
    return change


def apply(account: Account, transaction: Transaction, kind: ObjectType, change: SchemaChange) -> None:
    """Change one living property."""
    schema, prop = account.schema, account.schema.of(kind.plural).get(change.property)
    if prop is None:
        raise KeyError(change.property)
    schema.remember(kind.plural, prop)
    if change.op == "delete":
        schema.remove(kind.plural, prop.name)
    elif change.op == "rename":
        rename(account, transaction, kind, prop, change.to)
    else:
        schema.save(kind.plural, replace(changed(prop, change), updated_at=told_now(account)))


def changed(prop: Property, change: SchemaChange) -> Property:
    """Give a property as it is after its change; raises ValueError."""
    if change.op == "readonly":
        return replace(prop, read_only=True)
    if change.op == "retype":
        if change.to not in FIELD_TYPES:
            raise ValueError(f"to: {change.to!r} is none of {', '.join(FIELD_TYPES)}")
        return replace(prop, type=change.to, field_type=FIELD_TYPES[change.to][0])
    if change.option not in prop.values:
        raise ValueError(f"option: {prop.name} has no {change.option!r}")
    return prop.with_options(tuple(each for each in prop.options if str(each["value"]) != change.option))


def rename(account: Account, transaction: Transaction, kind: ObjectType, prop: Property, name: str) -> None:
    """Make a property of another name with the same values; raises ValueError where the name is taken."""
    if name in account.schema.of(kind.plural):
        raise ValueError(f"to: {kind.plural} has a property {name!r} already")
    account.schema.save(kind.plural, replace(prop, name=name))
    account.schema.remove(kind.plural, prop.name)
    table, old, new = quote(kind.plural), quote(prop.name), quote(name)
    transaction.execute(f"UPDATE {table} SET {new} = {old} WHERE {old} IS NOT NULL")  # noqa: S608 - quoted identifiers
