"""Custom fields and the right to use them.

A field made through an API is visible to nobody, not even to its maker, until a permission set grants it.
"""

from collections.abc import Iterator, Sequence

from connector.crm.administration import Action, Step
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.permission_sets import (
    EXISTS,
    INTEGRATION,
    READER,
    PermissionSet,
    for_people,
    give_ourselves,
    held,
    name_of,
)
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.soql import identifier
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused, ConfigError, RetryableError
from mappings.fields import FieldInfo, NewField

ACTIVITIES = frozenset({"Task", "Event"})  # their custom fields are defined on Activity
TEXT_LIMIT = 255
ALIKE = ({"text", "option"}, {"text", "reference"})
NUMBER_DIGITS = 18
VISIBLE_WITHIN_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def create_fields(gateway: Gateway, schema: Schema, fields: Sequence[NewField]) -> tuple[list[str], list[str]]:
    """Create what is missing and grant it; returns (created, existing) as Object.field.

    Raises ConfigError with all refused fields, AuthError where the user may not customise the org.
    """
    problems = [problem for each in fields if (problem := _unfit(schema, each))]
    if problems:
        raise ConfigError(problems)
    blind = [each for each in fields if not _usable(schema, each)]
    created: list[str] = []
    for each in blind:
        try:
            if _create(gateway, schema, each):
                created.append(name_of(each))
        except BatchRefused as refused:
            problems.append(f"{name_of(each)} was not created: {refused.message}")
    if problems:
        raise ConfigError(problems)
    if blind:
        give_ourselves(gateway, blind)
        _await_access(gateway, schema, blind)
    return created, [name for each in fields if (name := name_of(each)) not in created]


def _seen(schema: Schema, field: NewField) -> FieldInfo | None:
    return schema.need(field.object).info.fields.get(field.name)


def _usable(schema: Schema, field: NewField) -> bool:
    seen = _seen(schema, field)
    return seen is not None and (field.by_people or seen.updateable or seen.createable)


def plan_steps(gateway: Gateway, schema: Schema, fields: Sequence[NewField]) -> list[Step]:
    """Say what making the fields and both permission sets would do; raises ConfigError where a field cannot serve."""
    problems = [problem for each in fields if (problem := _unfit(schema, each))]
    if problems:
        raise ConfigError(problems)
    steps = [_field_step(schema, each) for each in fields]
    blind = [each for each in fields if not _usable(schema, each)]
    if blind:
        steps += _set_steps(gateway, INTEGRATION, blind, "assigned to the connecting user")
    return [*steps, *_set_steps(gateway, READER, for_people(fields), "assign it to those who work with the scores")]


def _field_step(schema: Schema, field: NewField) -> Step:
    seen = _seen(schema, field)
    detail = "" if _usable(schema, field) or seen is None else "there, but not to be written by the connecting user"
    return Step("create" if seen is None else "keep", "field", name_of(field), detail, type_of(field), field)


def _set_steps(gateway: Gateway, wanted: PermissionSet, fields: Sequence[NewField], whom: str) -> Iterator[Step]:
    there = held(gateway, wanted)
    yield Step("keep" if there.id else "create", "permission set", wanted.label, f"{wanted.description}; {whom}")
    right = "read and edit ours" if wanted.edits else "read ours"
    lacking, differing = there.lacks(fields), there.differs(wanted, fields)
    for name in dict.fromkeys(each.object for each in fields):
        new = sum(each.object == name for each in lacking)
        changed = sum(each.object == name for each in differing)
        same = sum(each.object == name for each in fields) - new - changed
        counts: dict[Action, int] = {"grant": new, "change": changed, "keep": same}
        for action, count in counts.items():
            if count:
                yield Step(
                    action, "access", f"{wanted.label} on {name}", f"{right}: {count} field{'s' if count > 1 else ''}"
                )


def _unfit(schema: Schema, field: NewField) -> str | None:
    """Say why a field that exists cannot serve; its type cannot be relied on to be changed."""
    seen = _seen(schema, field)
    if seen is None:
        return None
    where = f"{name_of(field)} exists in Salesforce"
    if seen.kind != field.kind and {seen.kind, field.kind} not in ALIKE:
        return f"{where} as {seen.kind}, not {field.kind}; delete it there or map another name"
    if field.unique and not seen.unique:
        return f"{where} without unique values; make it unique there (Setup, Object Manager) or map another name"
    return None


def type_of(field: NewField) -> str:
    """Name a field's type as Setup shows it.

    >>> type_of(NewField("Lead", "A__c", "A", "number", ""))
    'Number(18, 0)'
    """
    told = metadata_of(field)
    if field.kind == "number":
        return f"Number({NUMBER_DIGITS - field.scale}, {field.scale})"
    size = f"({told['length']})" if "length" in told else ""
    unique = ", unique external id" if field.unique else ""
    words = {"DateTime": "Date/Time", "LongTextArea": "Long Text Area"}
    return f"{words.get(told['type'], told['type'])}{size}{unique}"


def metadata_of(field: NewField) -> dict[str, JsonValue]:
    """Write the definition of a field; a result of ours is text, so that a new band needs no change of the org."""
    common = {"label": field.label, "description": field.description, "inlineHelpText": field.help, "required": False}
    if field.kind == "number":
        return {**common, "type": "Number", "precision": NUMBER_DIGITS, "scale": field.scale}
    if field.kind == "boolean":
        return {**common, "type": "Checkbox", "defaultValue": "false"}
    if field.kind in ("datetime", "date"):
        return {**common, "type": "DateTime" if field.kind == "datetime" else "Date"}
    if field.kind == "option" and field.options:
        values = [{"valueName": text, "label": text, "default": False} for text in field.options]
        return {**common, "type": "Picklist", "valueSet": {"valueSetDefinition": {"sorted": False, "value": values}}}
    if (field.length or TEXT_LIMIT) > TEXT_LIMIT:
        return {**common, "type": "LongTextArea", "length": field.length, "visibleLines": 3}
    unique = {"unique": True, "externalId": True, "caseSensitive": False} if field.unique else {}
    return {**common, "type": "Text", "length": field.length or TEXT_LIMIT, **unique}


def _create(gateway: Gateway, schema: Schema, field: NewField) -> bool:
    """Create one field; false where it exists and only the access is missing."""
    if _seen(schema, field) is not None:
        return False
    owner = "Activity" if field.object in ACTIVITIES else field.object
    body = {"FullName": f"{identifier(owner)}.{identifier(field.name)}", "Metadata": metadata_of(field)}
    # https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
    request = Request("POST", "tooling/sobjects/CustomField/", write=True, json=body)
    try:
        gateway.json(request)
    except BatchRefused as refused:
        if refused.code in EXISTS:
            return False
        raise
    return True


def _await_access(gateway: Gateway, schema: Schema, fields: Sequence[NewField]) -> None:
    """Describe again until the new fields show; a change of the schema takes its time."""
    waiting = list(fields)
    for pause_s in (0.0, *VISIBLE_WITHIN_S):
        if pause_s:
            gateway.sleep(pause_s)
        for name in {each.object for each in waiting}:
            schema.forget(name)
        waiting = [each for each in waiting if not _usable(schema, each)]
        if not waiting:
            return
    names = ", ".join(name_of(each) for each in waiting)
    raise RetryableError(f"Salesforce does not show {names} to this user yet; run provision again in a minute")
