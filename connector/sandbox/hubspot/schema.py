"""The properties and property groups of all object types, as they stand in one storage file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.objects import (
    OBJECT_TYPES,
    Property,
    boolean_options,
    object_types,
    option,
    standard_properties,
    virtual_columns,
)
from connector.sandbox.storage import Storage, quote


class Schema:
    """Keep the properties and groups of all object types; custom ones survive in the storage's file."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._properties: dict[str, dict[str, Property]] = {}

    def install(self) -> None:
        """Make the tables, and fill them with HubSpot's own properties where they are new."""
        with self._storage.lock:
            self._storage.execute("BEGIN IMMEDIATE")
            self._storage.execute(
                "CREATE TABLE IF NOT EXISTS properties"
                " (object TEXT, name TEXT, definition TEXT, PRIMARY KEY (object, name))"
            )
            self._storage.execute(
                "CREATE TABLE IF NOT EXISTS property_groups"
                " (object TEXT, name TEXT, label TEXT, display_order INTEGER, PRIMARY KEY (object, name))"
            )
            self._storage.execute(
                "CREATE TABLE IF NOT EXISTS former_properties"
                " (object TEXT, name TEXT, definition TEXT, gone INTEGER DEFAULT 0, PRIMARY KEY (object, name))"
            )
            self._load()
            self._storage.execute("COMMIT")

    def _load(self) -> None:
        self._properties = {kind.plural: {} for kind in OBJECT_TYPES}
        for kind, prop in standard_properties():
            self._properties[kind.plural][prop.name] = prop
        for plural, properties in self._properties.items():
            columns = {name: "TEXT" for name in properties if name not in virtual_columns(object_types()[plural])}
            self._storage.define(plural, columns)
            self._index(plural)
            groups = {prop.group: None for prop in properties.values()}
            for order, group in enumerate(groups):
                self._storage.execute(
                    "INSERT OR IGNORE INTO property_groups VALUES (?, ?, ?, ?)", [plural, group, group, order]
                )
        self._storage.unique("contacts", "email")
        for row in self._storage.query("SELECT object, definition FROM properties"):
            prop = _from_json(row["definition"])
            self._properties[row["object"]][prop.name] = prop
        for row in self._storage.query("SELECT object, name FROM former_properties WHERE gone = 1"):
            self._properties[row["object"]].pop(row["name"], None)

    def _index(self, plural: str) -> None:
        table = quote(plural)
        for name, columns in (
            ("number", "_deleted, CAST(_id AS INTEGER), _modified_at"),
            ("stamp", "_deleted, _modified_at, _id"),
        ):
            self._storage.execute(f"CREATE INDEX IF NOT EXISTS {quote(plural + '_' + name)} ON {table} ({columns})")

    def of(self, plural: str) -> Mapping[str, Property]:
        """Give an object's living properties by name."""
        return self._properties[plural]

    def save(self, plural: str, prop: Property) -> None:
        """Add or replace a property; its column and unique index come with it."""
        virtual = prop.name in virtual_columns(object_types()[plural])
        if not virtual and prop.name not in self._storage.columns(plural):
            self._storage.execute(f"ALTER TABLE {quote(plural)} ADD COLUMN {quote(prop.name)} TEXT")
        if prop.unique:
            self._storage.unique(plural, prop.name)
        self._storage.execute("INSERT OR REPLACE INTO properties VALUES (?, ?, ?)", [plural, prop.name, _to_json(prop)])
        self._properties[plural][prop.name] = prop

    def remove(self, plural: str, name: str) -> None:
        """Archive a property: its column and values stay, and come back when the name is made again."""
        self._storage.execute("DELETE FROM properties WHERE object = ? AND name = ?", [plural, name])
        self._storage.execute("UPDATE former_properties SET gone = 1 WHERE object = ? AND name = ?", [plural, name])
        del self._properties[plural][name]

    def remember(self, plural: str, prop: Property) -> None:
        """Keep a property's definition for `restore`; the first one that was kept stays."""
        self._storage.execute(
            "INSERT OR IGNORE INTO former_properties (object, name, definition) VALUES (?, ?, ?)",
            [plural, prop.name, _to_json(prop)],
        )

    def restore(self, plural: str, name: str) -> None:
        """Bring a property back as it was kept; raises KeyError where none was."""
        key = [plural, name]
        rows = self._storage.query("SELECT definition FROM former_properties WHERE object = ? AND name = ?", key)
        if not rows:
            raise KeyError(name)
        self._storage.execute("DELETE FROM former_properties WHERE object = ? AND name = ?", key)
        self.save(plural, _from_json(rows[0]["definition"]))

    def add_property(
        self,
        object: str,  # noqa: A002 - the vendors' own word
        name: str,
        type: str,  # noqa: A002 - the vendors' own word
        field_type: str,
        *,
        label: str = "",
        group: str = "",
        options: Sequence[str] = (),
        unique: bool = False,
    ) -> None:
        """Add a custom property to an object (plural name); an absent group is made; values without labels."""
        kind = object_types()[object]
        group = group or kind.group
        if group not in {known["name"] for known in self.groups(object)}:
            self.add_group(object, group, group, len(self.groups(object)))
        prop = Property(name, type, field_type, group, label=label or name, unique=unique)
        choices = boolean_options() if type == "bool" else tuple(option(v, v, n) for n, v in enumerate(options))
        self.save(object, prop.with_options(choices))

    def add_options(self, object: str, name: str, values: Iterable[str]) -> None:  # noqa: A002 - the vendors' own word
        """Append those options that an enumeration lacks."""
        prop = self._properties[object][name]
        missing = [value for value in dict.fromkeys(values) if value not in prop.values]
        added = [option(value, value, len(prop.options) + n) for n, value in enumerate(missing)]
        self.save(object, prop.with_options((*prop.options, *added)))

    def groups(self, plural: str) -> list[dict[str, Any]]:
        """List an object's property groups as the wire shows them."""
        rows = self._storage.query(
            "SELECT name, label, display_order FROM property_groups WHERE object = ? ORDER BY display_order", [plural]
        )
        return [
            {"name": row["name"], "label": row["label"], "displayOrder": row["display_order"], "archived": False}
            for row in rows
        ]

    def add_group(self, plural: str, name: str, label: str, display_order: int) -> None:
        """Add a property group."""
        self._storage.execute("INSERT INTO property_groups VALUES (?, ?, ?, ?)", [plural, name, label, display_order])


def _to_json(prop: Property) -> str:
    return json.dumps({key: value for key, value in vars(prop).items() if key != "values"})


def _from_json(text: str) -> Property:
    plain = json.loads(text)
    return Property(**{**plain, "options": ()}).with_options(tuple(plain["options"]))
