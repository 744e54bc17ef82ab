"""Custom fields and the right to use them.

A field made through an API is visible to nobody, not even to its maker, until a permission set grants it.
"""

from collections.abc import Mapping, Sequence

from connector.crm.salesforce.collections_write import ROWS_PER_CALL, chunks, send
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.soql import identifier, is_one_of, select, text_literal
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused, ConfigError, RetryableError
from mappings.fields import FieldInfo, NewField

PERMISSION_SET = "Leadlight"
ACTIVITIES = frozenset({"Task", "Event"})  # their custom fields are defined on Activity
EXISTS = frozenset({"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"})
TEXT_LIMIT = 255
NUMBER_DIGITS = 18
VISIBLE_WITHIN_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def create_fields(gateway: Gateway, schema: Schema, fields: Sequence[NewField]) -> tuple[list[str], list[str]]:
    """Create what is missing and grant it; returns (created, existing) as Object.field.

    Raises ConfigError with all refused fields, AuthError where the user may not customise the org.
    """
    blind = [each for each in fields if not _usable(schema, each)]
    created, problems = [], []
    for each in blind:
        try:
            if _create(gateway, schema, each):
                created.append(_name(each))
        except BatchRefused as refused:
            problems.append(f"{_name(each)} was not created: {refused.message}")
    if problems:
        raise ConfigError(problems)
    if blind:
        try:
            _grant(gateway, blind)
        except BatchRefused as refused:
            raise as_config_error(refused, f"the permission set {PERMISSION_SET} cannot be set up") from None
        _await_access(gateway, schema, blind)
    return created, [name for each in fields if (name := _name(each)) not in created]


def _name(field: NewField) -> str:
    return f"{field.object}.{field.name}"


def _seen(schema: Schema, field: NewField) -> FieldInfo | None:
    return schema.need(field.object).info.fields.get(field.name)


def _usable(schema: Schema, field: NewField) -> bool:
    seen = _seen(schema, field)
    return seen is not None and (seen.updateable or seen.createable)


def metadata_of(field: NewField) -> dict[str, JsonValue]:
    """Write the definition of a field; a choice is kept as text, so that a new value needs no change of the org."""
    common = {"label": field.label, "description": field.description, "required": False}
    if field.kind == "number":
        return {**common, "type": "Number", "precision": NUMBER_DIGITS, "scale": field.scale}
    if field.kind == "boolean":
        return {**common, "type": "Checkbox", "defaultValue": "false"}
    if field.kind in ("datetime", "date"):
        return {**common, "type": "DateTime" if field.kind == "datetime" else "Date"}
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


def _first_id(gateway: Gateway, source: str, where: str) -> str | None:
    soql = select(["Id"], source, where)
    records = gateway.json(Request("GET", "query/", params={"q": soql}))["records"]
    return records[0]["Id"] if records else None


def _ensure(gateway: Gateway, source: str, where: str, fields: Mapping[str, JsonValue]) -> str:
    """Find a setup record, or create it; another maker may be quicker."""
    found = _first_id(gateway, source, where)
    if found is not None:
        return found
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_create.htm
    request = Request("POST", f"sobjects/{source}/", write=True, json=dict(fields))
    try:
        return str(gateway.json(request)["id"])
    except BatchRefused as refused:
        found = _first_id(gateway, source, where) if refused.code in EXISTS else None
        if found is None:
            raise
        return found


def _grant(gateway: Gateway, fields: Sequence[NewField]) -> None:
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_permissionset.htm
    named = {
        "Name": PERMISSION_SET,
        "Label": PERMISSION_SET,
        "Description": "Access to the fields that Leadlight writes",
    }
    set_id = _ensure(gateway, "PermissionSet", f"Name = {text_literal(PERMISSION_SET)}", named)
    _grant_fields(gateway, set_id, fields)
    user_id = gateway.json(Request("GET", "/services/oauth2/userinfo"))["user_id"]
    where = f"PermissionSetId = {text_literal(set_id)} AND AssigneeId = {text_literal(user_id)}"
    _ensure(gateway, "PermissionSetAssignment", where, {"PermissionSetId": set_id, "AssigneeId": user_id})


def _grant_fields(gateway: Gateway, set_id: str, fields: Sequence[NewField]) -> None:
    """Grant reading and editing, all fields in one call."""
    where = f"ParentId = {text_literal(set_id)} AND {is_one_of('Field', [_name(each) for each in fields])}"
    soql = select(["Field"], "FieldPermissions", where)
    granted = {row["Field"] for row in gateway.json(Request("GET", "query/", params={"q": soql}))["records"]}
    # https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
    records = [_permission(set_id, each) for each in fields if _name(each) not in granted]
    for chunk in chunks(records, ROWS_PER_CALL):
        results = send(gateway, "POST", chunk)
        refused = [
            f"{record['Field']}: access was not granted: {result.code} {result.message}"
            for record, result in zip(chunk, results, strict=True)
            if not result.ok and result.code not in EXISTS
        ]
        if refused:
            raise ConfigError(refused)


def _permission(set_id: str, field: NewField) -> dict[str, JsonValue]:
    return {
        "attributes": {"type": "FieldPermissions"},
        "ParentId": set_id,
        "SobjectType": field.object,
        "Field": _name(field),
        "PermissionsRead": True,
        "PermissionsEdit": True,
    }


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
    names = ", ".join(_name(each) for each in waiting)
    raise RetryableError(f"Salesforce does not show {names} to this user yet; run provision again in a minute")
