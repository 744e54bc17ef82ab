"""Property definitions to what the rest of the product knows of an object."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.fields import FieldInfo, FieldKind, ObjectInfo

EVENT = "event:"
EVENT_FIELDS: Mapping[str, FieldKind] = {
    "id": "text",
    "occurredAt": "datetime",
    "eventType": "text",
    "objectType": "text",
    "objectId": "reference",
}
LINKED = ("contacts", "companies", "deals")
TEXT_LENGTH = 65_536
KINDS: Mapping[str, FieldKind] = {"number": "number", "bool": "boolean", "date": "date", "datetime": "datetime"}


def object_info(name: str, definitions: Mapping[str, Any]) -> ObjectInfo:
    """Describe an object from the body of its properties; `id` and `associations.*` are read-only fields of ours."""
    described = [_field(one) for one in definitions.get("results") or () if not one.get("archived")]
    own = [_read_only("id", "reference"), *(_read_only(f"associations.{to}", "reference", to) for to in LINKED)]
    return ObjectInfo(name, name.capitalize(), {field.name: field for field in [*own, *described]})


def event_info(name: str) -> ObjectInfo:
    """Describe an event type; which properties its events have is not looked up, so any `properties.NAME` exists."""
    return stream_info(name, EVENT_FIELDS, "properties.")


def stream_info(name: str, members: Mapping[str, FieldKind], further: str = "") -> ObjectInfo:
    """Describe what is no CRM object: the fields it always has, and any that begins with `further`."""
    return ObjectInfo(name, name.partition(":")[2], StreamFields(members, further))


@dataclass(frozen=True)
class StreamFields(Mapping[str, FieldInfo]):
    """List the fields that every row has, and answer for any that begins with `further` as well."""

    members: Mapping[str, FieldKind]
    further: str

    def __getitem__(self, name: str) -> FieldInfo:
        if name in self.members:
            return _read_only(name, self.members[name])
        if self.further and name.startswith(self.further) and name != self.further:
            return _read_only(name, "text")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)


def _read_only(name: str, kind: FieldKind, *references: str) -> FieldInfo:
    return FieldInfo(name, name, kind, createable=False, updateable=False, references=references)


def _field(one: Mapping[str, Any]) -> FieldInfo:
    name, kind = str(one["name"]), _kind(one)
    rules = one.get("modificationMetadata") or {}
    writable = not one.get("calculated") and not rules.get("readOnlyValue")
    options = tuple(str(option["value"]) for option in one.get("options") or ()) if kind == "option" else ()
    return FieldInfo(
        name=name,
        label=str(one.get("label") or name),
        kind=kind,
        length=TEXT_LENGTH if kind == "text" else None,
        createable=writable,
        updateable=writable,
        unique=bool(one.get("hasUniqueValue")),
        options=options,
        restricted=bool(options) and not one.get("externalOptions"),
        references=("owners",) if kind == "reference" else (),
        custom=not one.get("hubspotDefined"),
        help=str(one.get("description") or ""),
    )


def _kind(one: Mapping[str, Any]) -> FieldKind:
    if one.get("referencedObjectType") == "OWNER":
        return "reference"
    if one.get("type") == "enumeration":
        values = {option.get("value") for option in one.get("options") or ()}
        return "boolean" if one.get("fieldType") == "booleancheckbox" and values == {"true", "false"} else "option"
    return KINDS.get(str(one.get("type")), "text")
