"""Creation of missing properties in a group of our own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused, problems_of
from connector.errors import ConfigError
from mappings.fields import FieldKind, NewField, ObjectInfo

GROUP = "leadlight"
LINE_LENGTH = 255  # longer texts get a box of several lines
EXISTS = frozenset({"OBJECT_ALREADY_EXISTS", "CONFLICT"})
TYPES: Mapping[FieldKind, tuple[str, str]] = {
    "text": ("string", "text"),
    "reference": ("string", "text"),
    "number": ("number", "number"),
    "boolean": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "option": ("enumeration", "select"),
}


def provision(
    client: Client, fields: Sequence[NewField], describe: Callable[[str], ObjectInfo | None]
) -> tuple[list[str], list[str]]:
    """Create what is missing; returns (created, existing) as object.field.

    Raises ConfigError, naming all fields that exist in a form that cannot serve or that HubSpot refused.
    """
    created: list[str] = []
    existing: list[str] = []
    problems: list[str] = []
    for object_type in dict.fromkeys(field.object for field in fields):
        wanted = [field for field in fields if field.object == object_type]
        info = describe(object_type)
        if info is None:
            problems.append(f"{object_type}: the token cannot see its properties; grant crm.schemas scopes")
            continue
        problems += [problem for field in wanted if (problem := _unfit(field, info))]
        existing += [f"{object_type}.{field.name}" for field in wanted if field.name in info.fields]
        missing = [field for field in wanted if field.name not in info.fields]
        if missing:
            refused = _create(client, object_type, missing)
            problems += [message for message in refused.values() if message]
            existing += [f"{object_type}.{name}" for name, message in refused.items() if not message]
            created += [f"{object_type}.{field.name}" for field in missing if field.name not in refused]
    if problems:
        raise ConfigError(problems)
    return created, existing


def _unfit(field: NewField, info: ObjectInfo) -> str | None:
    """Say why an existing property cannot serve; type and uniqueness can never be changed."""
    known = info.fields.get(field.name)
    if known is None:
        return None
    where = f"{field.object}.{field.name} exists in HubSpot"
    if known.kind != field.kind and {known.kind, field.kind} != {"text", "reference"}:
        return f"{where} as {known.kind}, not {field.kind}; archive it there or map another name"
    if field.unique and not known.unique:
        return f"{where} without unique values, which cannot be added later; archive it there or map another name"
    return None


def _create(client: Client, object_type: str, fields: Sequence[NewField]) -> dict[str, str | None]:
    """Create the group and the properties; returns those not created, with the reason or null where they exist."""
    try:
        client.create_group(object_type, {"name": GROUP, "label": "Leadlight", "displayOrder": -1})
    except Refused as error:
        if error.status != 409:
            raise ConfigError(f"{object_type}: {error.message}") from error
    try:
        answer = client.create_properties(object_type, {"inputs": [definition(field) for field in fields]})
    except Refused as error:
        if error.status == 409 and len(fields) == 1:
            return {fields[0].name: None}
        return {field.name: f"{object_type}.{field.name}: {error.message}" for field in fields}
    if answer.status != 207:
        return {}
    body = answer.json()
    made = {one.get("name") for one in body.get("results") or ()}
    told = {problem.property: problem for problem in problems_of(body)}
    refused: dict[str, str | None] = {}
    for field in fields:
        if field.name not in made:
            problem = told.get(field.name)
            exists = problem is not None and problem.code in EXISTS
            message = problem.message if problem else "HubSpot did not create it and named no reason"
            refused[field.name] = None if exists else f"{object_type}.{field.name}: {message}"
    return refused


def definition(field: NewField) -> dict[str, Any]:
    """Say in HubSpot's words which property to create."""
    kind, widget = TYPES[field.kind]
    if field.kind == "text" and (field.length or 0) > LINE_LENGTH:
        widget = "textarea"
    created: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "groupName": GROUP,
        "type": kind,
        "fieldType": widget,
        "description": field.description,
        "hasUniqueValue": field.unique,
        "formField": False,
    }
    if field.kind == "boolean":
        created["options"] = _options(("true", "false"), {"true": "Yes", "false": "No"})
    elif field.kind == "option":
        created["options"] = _options(field.options, {})
    return created


def _options(values: Sequence[str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"label": labels.get(value, value), "value": value, "displayOrder": place, "hidden": False}
        for place, value in enumerate(values)
    ]
