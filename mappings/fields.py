"""What a CRM says exists: objects and their fields, in words both vendors share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FieldKind = Literal["text", "number", "boolean", "datetime", "date", "option", "reference"]


@dataclass(frozen=True)
class FieldInfo:
    """Describe one field of a CRM object as the connecting user sees it.

    length is in characters (null: no limit known); precision and scale are digits of a number as Salesforce counts
    them; options are the allowed values of a picklist, binding only if `restricted`; references are object names;
    help is what people are told about the field.
    """

    name: str
    label: str
    kind: FieldKind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    options: tuple[str, ...] = ()
    restricted: bool = False
    references: tuple[str, ...] = ()
    custom: bool = False
    help: str = ""


@dataclass(frozen=True)
class ObjectInfo:
    """Describe one CRM object; a field the user may not see is absent.

    gone names associations to objects that may not be seen: no describe lists associations, which else are all there.
    """

    name: str
    label: str
    fields: Mapping[str, FieldInfo]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NewField:
    """Ask for a field to be created by `provision`; length is in characters, scale in decimal digits.

    description is for administrators, help for those who read the record. by_people: people fill it in, we only read.
    """

    object: str
    name: str
    label: str
    kind: FieldKind
    description: str
    length: int | None = None
    scale: int = 0
    unique: bool = False
    options: tuple[str, ...] = field(default=())
    help: str = ""
    by_people: bool = False
