"""Creation of missing properties in a group of our own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.crm.administration import Action, Step
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
    for object_type, wanted, info in _by_object(fields, describe, problems):
        unfit = {field.name: problem for field in wanted if (problem := _unfit(field, info))}
        problems += unfit.values()
        existing += [f"{object_type}.{field.name}" for field in wanted if field.name in info.fields]
        problems += _explain(
            client, [field for field in wanted if field.name not in unfit and _unexplained(field, info)]
        )
        missing = [field for field in wanted if field.name not in info.fields]
        if missing:
            refused = _create(client, object_type, missing)
            problems += [message for message in refused.values() if message]
            existing += [f"{object_type}.{name}" for name, message in refused.items() if not message]
            created += [f"{object_type}.{field.name}" for field in missing if field.name not in refused]
    if problems:
        raise ConfigError(problems)
    return created, existing


def plan_steps(client: Client, fields: Sequence[NewField], describe: Callable[[str], ObjectInfo | None]) -> list[Step]:
    """Say what `provision` would do; raises ConfigError where it cannot be done."""
    steps: list[Step] = []
    problems: list[str] = []
    for object_type, wanted, info in _by_object(fields, describe, problems):
        problems += [problem for field in wanted if (problem := _unfit(field, info))]
        groups = {group["name"] for group in client.groups(object_type).json()["results"]}
        steps.append(Step("keep" if GROUP in groups else "create", "group", f"{object_type}.{GROUP}", "Leadlight"))
        steps += [_property_step(field, info) for field in wanted]
    if problems:
        raise ConfigError(problems)
    return steps


def _by_object(
    fields: Sequence[NewField], describe: Callable[[str], ObjectInfo | None], problems: list[str]
) -> Iterator[tuple[str, list[NewField], ObjectInfo]]:
    """Walk the objects that fields are wanted on, each described; one that cannot be seen is added to the problems."""
    for object_type in dict.fromkeys(field.object for field in fields):
        info = describe(object_type)
        if info is None:
            problems.append(f"{object_type}: the token cannot see its properties; grant crm.schemas scopes")
        else:
            yield object_type, [field for field in fields if field.object == object_type], info


def _property_step(field: NewField, info: ObjectInfo) -> Step:
    missing, silent = field.name not in info.fields, _unexplained(field, info)
    detail = "its description is empty and will be filled" if silent else ""
    action: Action = "create" if missing else "change" if silent else "keep"
    return Step(action, "property", f"{field.object}.{field.name}", detail, type_of(field), field)


def type_of(field: NewField) -> str:
    """Name a property's type as HubSpot's settings show it."""
    names = {"text": "Single-line text", "textarea": "Multi-line text", "number": "Number", "select": "Dropdown select"}
    told = definition(field)
    words = "Date and time" if told["type"] == "datetime" else names.get(told["fieldType"], told["fieldType"])
    return f"{words}, unique values" if field.unique else words


def _unexplained(field: NewField, info: ObjectInfo) -> bool:
    """Tell whether a property of ours is there without a description; one that somebody wrote is left as it is."""
    known = info.fields.get(field.name)
    return known is not None and known.custom and not known.help and bool(description_of(field))


def _explain(client: Client, fields: Sequence[NewField]) -> Iterator[str]:
    """Fill empty descriptions; yields those that HubSpot refused."""
    for field in fields:
        try:
            client.update_property(field.object, field.name, {"description": description_of(field)})
        except Refused as error:
            yield f"{field.object}.{field.name}: its description was not filled: {error.message}"


def description_of(field: NewField) -> str:
    """Put what people and administrators are told into the one text that HubSpot has."""
    return " ".join(part for part in (field.help, field.description) if part)


def _unfit(field: NewField, info: ObjectInfo) -> str | None:
    """Say why an existing property cannot serve; type and uniqueness can never be changed."""
    known = info.fields.get(field.name)
    if known is None:
        return None
    where = f"{field.object}.{field.name} exists in HubSpot"
    alike = ({"text", "reference"}, {"text", "option"} if field.by_people else {"text", "reference"})
    if known.kind != field.kind and {known.kind, field.kind} not in alike:
        return f"{where} as {known.kind}, not {field.kind}; archive it there or map another name"
    if field.unique and not known.unique:
        return f"{where} without unique values, which cannot be added later; archive it there or map another name"
    return None


def _create(client: Client, object_type: str, fields: Sequence[NewField]) -> dict[str, str | None]:
    """Create the group and the properties; returns those not created, with the reason or null where they exist."""
    try:
        client.create_group(object_type, group_definition())
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


def group_definition() -> dict[str, Any]:
    """Say in HubSpot's words which group our properties stand in."""
    return {"name": GROUP, "label": "Leadlight", "displayOrder": -1}


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
        "description": description_of(field),
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
