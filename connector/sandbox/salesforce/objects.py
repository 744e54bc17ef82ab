"""The org's objects and fields, read from the packaged schema files."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from connector.sandbox.storage import quote

SYSTEM_FIELDS = (
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)
COLUMN_TYPES = {
    **dict.fromkeys(("boolean", "int"), "INTEGER"),
    **dict.fromkeys(("double", "currency", "percent"), "REAL"),
    "anyType": "BLOB",  # of no affinity: a value stays what it is
}
ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")
LONG_TEXT_FROM = 4001
STAMP = "STRFTIME('%Y-%m-%dT%H:%M:%S.000+0000', {t}.{column} / 1000, 'unixepoch')"


@dataclass(frozen=True)
class FieldSpec:
    """Describe one field; access letters: c createable, u updateable, n nillable, d defaulted on create.

    formula: SQL over the table alias `{t}` for a field that has no column of its own. needs_grant: invisible until a
    permission set of the connecting user names it.
    """

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    access: str = "cun"
    to: tuple[str, ...] = ()
    relationship: str | None = None
    part_of: str | None = None
    values: tuple[str, ...] = ()
    default: Any = None
    restricted: bool = False
    external_id: bool = False
    unique: bool = False
    id_lookup: bool = False
    name_field: bool = False
    auto_number: bool = False
    indexed: bool = False
    extra: str | None = None
    filterable: bool = True
    formula: str | None = None
    prefix: str | None = None
    label: str = ""
    needs_grant: bool = False

    @property
    def custom(self) -> bool:
        """Tell whether an administrator made the field."""
        return self.name.endswith("__c")

    @property
    def is_long_text(self) -> bool:
        """Tell whether a query that selects it answers in smaller pages."""
        return self.type == "textarea" and self.length >= LONG_TEXT_FROM

    @property
    def column(self) -> str | None:
        """Give the SQLite type of its column, or null where it has none."""
        if self.formula is not None or self.type == "address":
            return None
        return COLUMN_TYPES.get(self.type, "TEXT")

    def expression(self, table: str) -> str:
        """Give the SQL that reads it from a table alias."""
        return self.formula.replace("{t}", table) if self.formula else f"{table}.{quote(self.name)}"


@dataclass(frozen=True)
class ObjectSpec:
    """Describe one object; child relationships are derived from the references of the others.

    operations: what the connecting user may do with its records.
    """

    name: str
    label: str
    plural: str
    key_prefix: str
    fields: Mapping[str, FieldSpec]
    activity: bool = False
    operations: frozenset[str] = frozenset({"create", "edit", "delete"})

    @property
    def custom(self) -> bool:
        """Tell whether an administrator made the object."""
        return self.name.endswith("__c")

    def with_fields(self, added: Mapping[str, FieldSpec]) -> "ObjectSpec":
        """Give the object with more fields."""
        return replace(self, fields={**self.fields, **added})

    def columns(self) -> dict[str, str]:
        """Give the SQLite type per stored field, as Storage.define wants them."""
        return {name: spec.column for name, spec in self.fields.items() if spec.column is not None}


def system_fields(actor_ids: Mapping[str, str]) -> dict[str, FieldSpec]:
    """Give the fields every record has, read from the bookkeeping columns; actor_ids: journal actor to User id."""
    made = {
        "Id": FieldSpec("Id", "id", 18, access="d", id_lookup=True, formula="{t}._id"),
        "IsDeleted": FieldSpec("IsDeleted", "boolean", access="d", default=False, formula="{t}._deleted"),
    }
    for name, column in (
        ("CreatedDate", "_created_at"),
        ("LastModifiedDate", "_modified_at"),
        ("SystemModstamp", "_modified_at"),
    ):
        made[name] = FieldSpec(name, "datetime", access="d", formula=STAMP.replace("{column}", column))
    for name, column in (("CreatedById", "_created_by"), ("LastModifiedById", "_modified_by")):
        branches = " ".join(f"WHEN '{actor}' THEN '{user_id}'" for actor, user_id in actor_ids.items())
        formula = f"CASE {{t}}.{column} {branches} ELSE '{actor_ids['seed']}' END"
        made[name] = FieldSpec(name, "reference", 18, access="d", to=("User",), relationship=name[:-2], formula=formula)
    return made


def load_objects(actor_ids: Mapping[str, str]) -> dict[str, ObjectSpec]:
    """Read all packaged objects, with system fields in place."""
    system = system_fields(actor_ids)
    return {name: _object(name, raw, system) for name, raw in _raw_schemas().items()}


@cache
def _raw_schemas() -> dict[str, dict[str, Any]]:
    folder = files("connector.sandbox.salesforce") / "schema"
    sources = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    raws = {item.name.removesuffix(".toml"): tomllib.loads(item.read_text("utf-8")) for item in sources}
    lists = raws.pop("_lists")
    for raw in raws.values():
        raw["fields"] = {name: _with_list(field, lists) for name, field in raw["fields"].items()}
    return raws


def _with_list(field: dict[str, Any], lists: Mapping[str, list[str]]) -> dict[str, Any]:
    named = field.get("list")
    rest = {key: value for key, value in field.items() if key != "list"}
    return {**rest, "values": lists[named]} if named else rest


def _object(name: str, raw: Mapping[str, Any], system: Mapping[str, FieldSpec]) -> ObjectSpec:
    own = {spec.name: spec for key, field in raw["fields"].items() for spec in _specs(key, field)}
    present = raw.get("system", SYSTEM_FIELDS)
    first = {key: system[key] for key in SYSTEM_FIELDS[:2] if key in present}
    last = {key: system[key] for key in SYSTEM_FIELDS[2:] if key in present}
    fields = {**first, **own, **last}
    return ObjectSpec(name, raw["label"], raw["plural"], raw["key_prefix"], fields, bool(raw.get("activity")))


def _specs(name: str, field: Mapping[str, Any]) -> Iterator[FieldSpec]:
    if field["type"] == "address":
        yield from _address_parts(name, field["prefix"])
    spec = make_field(name, field)
    yield spec


def make_field(name: str, field: Mapping[str, Any]) -> FieldSpec:
    """Build a field from its mapping of attributes; raises TypeError for an unknown one."""
    tuples = {key: tuple(field[key]) for key in ("to", "values") if key in field}
    length = 18 if field["type"] == "reference" else field.get("length", 0)
    label = field.get("label") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
    return FieldSpec(**{**field, **tuples, "name": name, "length": length, "label": label})


def _address_parts(address: str, prefix: str) -> Iterator[FieldSpec]:
    lengths = {"City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    yield FieldSpec(f"{prefix}Street", "textarea", 255, part_of=address, extra="plaintextarea")
    for part, length in lengths.items():
        yield FieldSpec(f"{prefix}{part}", "string", length, part_of=address)
    for part in ("Latitude", "Longitude"):
        yield FieldSpec(f"{prefix}{part}", "double", precision=18, scale=15, part_of=address)
    values = tuple(_raw_lists()["geocode"])
    yield FieldSpec(f"{prefix}GeocodeAccuracy", "picklist", 40, part_of=address, values=values, restricted=True)


@cache
def _raw_lists() -> dict[str, list[str]]:
    return tomllib.loads((files("connector.sandbox.salesforce") / "schema" / "_lists.toml").read_text("utf-8"))


def is_required(field: FieldSpec) -> bool:
    """Tell whether a record cannot be without the field."""
    return "c" in field.access and not set("nd") & set(field.access) and field.type != "boolean"


def is_permissionable(field: FieldSpec) -> bool:
    """Tell whether permission sets say who may see the field; names and required fields are seen by all."""
    if field.part_of == "Name":
        return False
    if field.type == "address" or (field.custom and field.type == "boolean"):
        return True
    return "n" in field.access and bool(set("cu") & set(field.access))


def stored(value: Any) -> Any:  # noqa: ANN401 - any plain value of a record
    """Bring a plain value to the form columns hold: 0/1, ISO dates, datetimes as `2026-07-01T12:00:00.000+0000`."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
    if isinstance(value, date):
        return value.isoformat()
    return value
