"""The fields that exist, kept in SQLite, and the part of them that the connecting user may see."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, load_objects, make_field
from connector.sandbox.salesforce.permissions import PERMISSION_OBJECTS, Rights, read_rights
from connector.sandbox.state import Switches
from connector.sandbox.storage import Storage, quote

FIELDS = """
CREATE TABLE IF NOT EXISTS salesforce_fields (object TEXT, name TEXT, id TEXT, spec TEXT, PRIMARY KEY (object, name))
"""
CHANGES = """
CREATE TABLE IF NOT EXISTS salesforce_field_changes (object TEXT, name TEXT, spec TEXT, original TEXT, renamed TEXT,
  PRIMARY KEY (object, name))
"""
OPTIONAL = ("CurrencyType",)  # objects that an org has once it has records of them
CHANGED = "FROM salesforce_field_changes WHERE object = ? AND name = ?"


@dataclass(frozen=True)
class View:
    """Hold the objects and fields one user may see, and the rights; names are looked up with letter case ignored."""

    objects: Mapping[str, ObjectSpec]
    lower: Mapping[str, str]
    fields: Mapping[str, Mapping[str, str]]
    rights: Rights

    def object(self, name: str) -> ObjectSpec | None:
        """Give an object, or null."""
        found = self.lower.get(name.lower())
        return self.objects[found] if found else None

    def field(self, object: str, name: str) -> FieldSpec | None:  # noqa: A002 - the vendor's own word
        """Give a visible field of an object, or null."""
        found = self.fields[object].get(name.lower())
        return self.objects[object].fields[found] if found else None

    def children(self, parent: str) -> dict[str, tuple[ObjectSpec, FieldSpec]]:
        """Give the child relationships of an object: name to the child object and its reference field."""
        found = {}
        for spec in self.objects.values():
            for field in spec.fields.values():
                name = child_relationship(spec, field, parent) if parent in field.to else None
                if name is not None:
                    found[name] = (spec, field)
        return found


def child_relationship(spec: ObjectSpec, field: FieldSpec, parent: str) -> str | None:
    """Name the children an object has through a reference field of another, or null where they have no name."""
    if field.name == "ParentId":
        return f"Child{spec.plural}"
    if spec.activity and field.name == "AccountId":
        return None
    if spec.name.endswith("History"):
        return "Histories"
    if field.custom:
        return spec.plural.replace(" ", "_") + "__r"
    if field.relationship in (parent, "Who", "What") or field.name == f"{parent}Id":
        return spec.plural.replace(" ", "") + ("s" if not spec.plural.endswith("s") else "")
    return None


def make_view(objects: Mapping[str, ObjectSpec], rights: Rights) -> View:
    """Index the objects for look-ups."""
    fields = {name: {field.lower(): field for field in spec.fields} for name, spec in objects.items()}
    return View(objects, {name.lower(): name for name in objects}, fields, rights)


class Catalog:
    """Know the fields, their tables and their visibility."""

    def __init__(self, storage: Storage, switches: Switches, actor_ids: Mapping[str, str], user_id: str) -> None:
        self._storage, self._switches, self._user_id = storage, switches, user_id
        self.objects = load_objects(actor_ids)
        self._version = 0
        self._cached: tuple[Any, View] | None = None

    def install(self) -> None:
        """Make the tables and load the custom fields added before."""
        for statement in (FIELDS, CHANGES):
            self._storage.execute(statement)
        for row in self._storage.query("SELECT object, name, spec FROM salesforce_fields ORDER BY rowid"):
            self._admit(row["object"], make_field(row["name"], json.loads(row["spec"])))
        for row in self._storage.query("SELECT object, name, spec FROM salesforce_field_changes"):
            self._replace(row["object"], row["name"], _read(row["name"], row["spec"]))
        for spec in self.objects.values():
            self._define(spec)

    def add_field(self, object: str, spec: FieldSpec, field_id: str) -> None:  # noqa: A002 - the vendor's own word
        """Add a custom field to an object and its table; raises KeyError for an unknown object."""
        self._admit(object, spec)
        self._storage.execute(
            "INSERT OR REPLACE INTO salesforce_fields VALUES (?, ?, ?, ?)",
            [object, spec.name, field_id, _written(spec)],
        )
        self._define(self.objects[object])
        if self.is_changed(object, spec.name):  # a new field in place of a deleted one starts empty
            self._storage.execute(f"DELETE {CHANGED}", [object, spec.name])
            self._storage.execute(f"UPDATE {quote(object)} SET {quote(spec.name)} = NULL")  # noqa: S608 - quoted names

    def is_changed(self, object: str, name: str) -> bool:  # noqa: A002 - the vendor's own word
        """Tell whether a field was changed after it was made."""
        return bool(self._storage.query(f"SELECT 1 {CHANGED}", [object, name]))

    def change_field(
        self,
        object: str,  # noqa: A002 - the vendor's own word
        name: str,
        spec: FieldSpec | None,
        *,
        renamed: str | None = None,
    ) -> None:
        """Put a changed field in place of one, null for none; raises KeyError for an unknown field."""
        found = self._storage.query(f"SELECT original {CHANGED}", [object, name])
        original = found[0][0] if found else _written(self.objects[object].fields[name])
        values = [object, name, None if spec is None else _written(spec), original, renamed]
        self._storage.execute("INSERT OR REPLACE INTO salesforce_field_changes VALUES (?, ?, ?, ?, ?)", values)
        self._replace(object, name, spec)

    def restore_field(self, object: str, name: str) -> str | None:  # noqa: A002 - the vendor's own word
        """Bring a changed field back as it was made; gives the name it was renamed to, or null."""
        row = self._storage.query(f"SELECT original, renamed {CHANGED}", [object, name])[0]
        self._storage.execute(f"DELETE {CHANGED}", [object, name])
        self._replace(object, name, _read(name, row["original"]))
        renamed: str | None = row["renamed"]
        return renamed

    def remove_field(self, object: str, name: str) -> None:  # noqa: A002 - the vendor's own word
        """Forget an added field for good."""
        for table in ("salesforce_fields", "salesforce_field_changes"):
            self._storage.execute(f"DELETE FROM {table} WHERE object = ? AND name = ?", [object, name])  # noqa: S608 - our own text
        self._replace(object, name, None)

    def view(self) -> View:
        """Give what the connecting user may see now."""
        switches = self._switches
        changed = tuple(self._storage.changed[name] for name in PERMISSION_OBJECTS)
        key = (changed, self._version, switches.hidden_fields, switches.inactive_users)
        if self._cached is None or self._cached[0] != key:
            rights = read_rights(self._storage, self._user_id)
            self._cached = (key, make_view(self._visible(rights), rights))
        return self._cached[1]

    def _admit(self, object: str, spec: FieldSpec) -> None:  # noqa: A002 - the vendor's own word
        self.objects[object] = self.objects[object].with_fields({spec.name: spec})
        self._version += 1

    def _replace(self, object: str, name: str, spec: FieldSpec | None) -> None:  # noqa: A002 - the vendor's own word
        fields = {key: field for key, field in self.objects[object].fields.items() if key != name}
        self.objects[object] = replace(self.objects[object], fields={**fields, **({spec.name: spec} if spec else {})})
        self._version += 1

    def _define(self, spec: ObjectSpec) -> None:
        self._storage.define(spec.name, spec.columns())
        table = quote(spec.name)
        stamp = quote(f"{spec.name}_stamp")
        # It holds all that a window of changes asks, so that a pull in order of change never sorts nor reads rows.
        self._storage.execute(
            f"CREATE INDEX IF NOT EXISTS {stamp} ON {table} (_modified_at / 1000, _id, _deleted, _modified_at)"
        )
        for name, field in spec.fields.items():
            if field.column is None or not (field.indexed or field.id_lookup or field.external_id or field.unique):
                continue
            if field.unique:
                self._storage.unique(spec.name, name)
            order = "" if field.type == "reference" else " COLLATE NOCASE"
            index = quote(f"{spec.name}_{name}")
            self._storage.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({quote(name)}{order})")

    def _visible(self, rights: Rights) -> dict[str, ObjectSpec]:
        allowed = {name: rights.on(name) for name in self.objects if name not in OPTIONAL or self._is_used(name)}
        return {
            name: replace(self._seen(spec, rights), operations=allowed[name])
            for name, spec in self.objects.items()
            if "read" in allowed.get(name, ())
        }

    def _is_used(self, name: str) -> bool:
        return bool(self._storage.query(f"SELECT 1 FROM {quote(name)} LIMIT 1"))  # noqa: S608 - quoted name

    def _seen(self, spec: ObjectSpec, rights: Rights) -> ObjectSpec:
        hidden = {name.partition(".")[2] for name in self._switches.hidden_fields if name.startswith(f"{spec.name}.")}
        changes = self._changed_fields(spec)
        fields = {}
        for name, field in spec.fields.items():
            read, edit = rights.on_field(spec, field)
            if name not in hidden and read:
                kept = changes.get(name, field)
                fields[name] = kept if edit else replace(kept, access=kept.access.replace("c", "").replace("u", ""))
        return replace(spec, fields=fields)

    def _changed_fields(self, spec: ObjectSpec) -> dict[str, FieldSpec]:
        inactive = [user_id for user_id in sorted(self._switches.inactive_users) if user_id.isalnum()]
        if spec.name != "User" or not inactive:
            return {}
        listed = ", ".join(f"'{user_id}'" for user_id in inactive)
        formula = f"CASE WHEN {{t}}._id IN ({listed}) THEN 0 ELSE {{t}}.IsActive END"
        return {"IsActive": replace(spec.fields["IsActive"], formula=formula)}


def _written(spec: FieldSpec) -> str:
    return json.dumps({key: value for key, value in asdict(spec).items() if key != "name"})


def _read(name: str, text: str | None) -> FieldSpec | None:
    return None if text is None else make_field(name, json.loads(text))
