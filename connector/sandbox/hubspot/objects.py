"""HubSpot's object types and standard properties."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class ObjectType:
    """Describe one object type.

    `plural` names its table; `created` and `modified` are the properties that tell the record's stamps; `shown` are
    those of an answer where none were asked for; `always` those of every answer; `echoed` those that the answer to a
    write tells beside the written ones, where set.
    """

    plural: str
    singular: str
    type_id: str
    created: str
    modified: str
    group: str
    shown: tuple[str, ...]
    echoed: tuple[str, ...]

    @property
    def always(self) -> tuple[str, ...]:
        """Name the properties of every answer."""
        return (self.created, self.modified, "hs_object_id")


@dataclass(frozen=True)
class Property:
    """Describe one property as `/crm/v3/properties` shows it.

    owner: the value is an owner's id. references: the object type whose id the value is. epoch: a datetime told as
    milliseconds since 1970.
    Stored values are text: datetimes as `2026-07-01T12:00:00.000Z`, dates as `2026-07-01`, numbers as written,
    booleans as `true` and `false`, several options joined by `;`.
    """

    name: str
    type: str
    field_type: str
    group: str
    label: str = ""
    description: str = ""
    options: tuple[Mapping[str, Any], ...] = ()
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hidden: bool = False
    external_options: bool = False
    owner: bool = False
    epoch: bool = False
    references: str = ""
    form_field: bool = False
    hubspot_defined: bool = False
    display_order: int = -1
    archived: bool = False
    created_at: str = "1970-01-01T00:00:00Z"
    updated_at: str = "1970-01-01T00:00:00Z"
    values: frozenset[str] = field(default_factory=frozenset)

    def with_options(self, options: tuple[Mapping[str, Any], ...]) -> "Property":
        """Give the same property with other options."""
        return replace(self, options=options, values=frozenset(str(option["value"]) for option in options))


SOURCE = ("hs_object_source", "hs_object_source_id", "hs_object_source_label")
OWNED = ("hs_all_owner_ids", "hs_user_ids_of_all_owners", "hubspot_owner_assigneddate", "hubspot_owner_id")
TASK_STATE = tuple(
    f"hs_task_{name}"
    for name in (
        *("completion_count", "completion_date", "is_overdue", "is_past_due_date", "status", "type"),
        *("is_completed", "is_completed_call", "is_completed_email", "is_completed_linked_in", "is_completed_sequence"),
        *("missed_due_date", "missed_due_date_count"),
    )
)


def _engagement(plural: str, singular: str, type_id: str, echoed: tuple[str, ...] = ()) -> ObjectType:
    return ObjectType(
        plural, singular, type_id, "hs_createdate", "hs_lastmodifieddate", singular, (), (*SOURCE, *echoed)
    )


OBJECT_TYPES = (
    ObjectType(
        "contacts",
        "contact",
        "0-1",
        "createdate",
        "lastmodifieddate",
        "contactinformation",
        ("email", "firstname", "lastname"),
        (*SOURCE, "hs_is_unworked", "hs_pipeline", "lifecyclestage"),
    ),
    ObjectType(
        "companies",
        "company",
        "0-2",
        "createdate",
        "hs_lastmodifieddate",
        "companyinformation",
        ("domain", "name"),
        (*SOURCE, "hs_pipeline", "lifecyclestage"),
    ),
    ObjectType(
        "deals",
        "deal",
        "0-3",
        "createdate",
        "hs_lastmodifieddate",
        "dealinformation",
        ("amount", "closedate", "dealname", "dealstage", "pipeline"),
        (*SOURCE, "dealstage", "pipeline", "hs_is_closed", "hs_is_closed_won"),
    ),
    ObjectType(
        "tickets",
        "ticket",
        "0-5",
        "createdate",
        "hs_lastmodifieddate",
        "ticketinformation",
        ("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"),
        (
            *SOURCE,
            "hs_helpdesk_sort_timestamp",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_id",
            "hs_updated_by_user_id",
        ),
    ),
    _engagement("tasks", "task", "0-27", (*OWNED, *TASK_STATE, "hs_pipeline", "hs_pipeline_stage", "hs_timestamp")),
    _engagement("calls", "call", "0-48", OWNED),
    _engagement("emails", "email", "0-49", OWNED),
    _engagement("meetings", "meeting", "0-47", OWNED),
    _engagement("notes", "note", "0-46", OWNED),
    _engagement("communications", "communication", "0-18", OWNED),
    ObjectType(
        "leads",
        "lead",
        "0-136",
        "hs_createdate",
        "hs_lastmodifieddate",
        "leadinformation",
        ("hs_lead_name", "hs_pipeline", "hs_pipeline_stage"),
        (*SOURCE, "hs_pipeline", "hs_pipeline_stage"),
    ),
)


@cache
def object_types() -> Mapping[str, ObjectType]:
    """Map every accepted spelling (plural, singular, type id), in lower case, to its object type."""
    return {name: kind for kind in OBJECT_TYPES for name in (kind.plural, kind.singular, kind.type_id)}


def object_type(name: str) -> ObjectType | None:
    """Find an object type by plural, singular or type id, letter case ignored."""
    return object_types().get(name.lower())


def standard_properties() -> Iterator[tuple[ObjectType, Property]]:
    """Read HubSpot's own properties of all object types from the packaged list."""
    text = files("connector.sandbox.hubspot").joinpath("properties.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        for plural in row["object"].split():
            kind = object_types()[plural]
            yield kind, _standard(row, kind)


def _standard(row: Mapping[str, str], kind: ObjectType) -> Property:
    flags, group = row["flags"], row["group"]
    prop = Property(
        name=row["name"],
        type=row["type"],
        field_type=row["field_type"],
        group=kind.group if group.startswith("*") else group,
        label=row["label"],
        description=row["label"],
        read_only="r" in flags,
        calculated="c" in flags,
        unique="u" in flags,
        hidden="h" in flags,
        external_options="x" in flags or "o" in flags,
        owner="o" in flags,
        epoch="e" in flags,
        references="OWNER" if "o" in flags else "COMPANY" if "C" in flags else "",
        form_field="f" in flags,
        hubspot_defined=True,
    )
    if prop.type == "bool":
        return prop.with_options(boolean_options())
    return prop.with_options(option_list(row["options"]))


def option_list(text: str) -> tuple[Mapping[str, Any], ...]:
    """Read options written as `value=Label;value`."""
    pairs = [part.partition("=") for part in text.split(";") if part]
    return tuple(option(value, label or value, order) for order, (value, _, label) in enumerate(pairs))


def option(value: str, label: str, order: int) -> Mapping[str, Any]:
    """Make one option as the wire shows it."""
    return {"label": label, "value": value, "description": "", "displayOrder": order, "hidden": False}


def boolean_options() -> tuple[Mapping[str, Any], ...]:
    """Make the two options of a boolean property."""
    pairs = (("true", "Yes"), ("false", "No"))
    return tuple(
        {"label": label, "value": value, "displayOrder": order, "hidden": False}
        for order, (value, label) in enumerate(pairs)
    )


def virtual_columns(kind: ObjectType) -> Mapping[str, str]:
    """Map the properties that live in the table's bookkeeping columns to those columns."""
    return {kind.created: "_created_at", kind.modified: "_modified_at", "hs_object_id": "_id"}
