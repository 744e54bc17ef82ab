"""Reading and changing property definitions and their groups."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call, told_now
from connector.sandbox.hubspot.objects import ObjectType, Property
from connector.sandbox.hubspot.wire import ApiError, batch_body, json_response, some_missing, validation_error

USER_ID = "76070032"
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
FIELD_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("text", "textarea", "html", "phonenumber", "file"),
    "number": ("number",),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox",),
}
CUSTOM_MAX, UNIQUE_MAX, BATCH_MAX = 1000, 10, 100
CHANGEABLE = {"label": "label", "description": "description", "groupName": "group", "displayOrder": "display_order"}


def property_body(prop: Property, *, stamped: bool = True) -> dict[str, Any]:
    """Show a property; batches leave its stamps out."""
    enumerated = prop.type == "enumeration" and (prop.options or prop.field_type == "radio")
    fixed = {"readOnlyOptions": prop.field_type != "radio"} if prop.hubspot_defined and not prop.read_only else {}
    rights = {
        "archivable": True,
        "readOnlyDefinition": prop.hubspot_defined,
        **(fixed if enumerated else {}),
        "readOnlyValue": prop.read_only,
    }
    times = {"updatedAt": prop.updated_at, "createdAt": prop.created_at} if stamped else {}
    users = {"createdUserId": USER_ID, "updatedUserId": USER_ID} if stamped and not prop.hubspot_defined else {}
    return {
        **times,
        "name": prop.name,
        "label": prop.label,
        "type": prop.type,
        "fieldType": prop.field_type,
        "description": prop.description,
        "groupName": prop.group,
        "options": list(prop.options),
        **({"referencedObjectType": prop.references} if prop.references else {}),
        **users,
        "displayOrder": prop.display_order,
        "calculated": prop.calculated,
        "externalOptions": prop.external_options,
        **({"archived": prop.archived} if users else {}),
        "hasUniqueValue": prop.unique,
        "hidden": prop.hidden,
        **({"hubspotDefined": True} if prop.hubspot_defined else {}),
        "modificationMetadata": rights,
        "formField": prop.form_field,
        "dataSensitivity": "non_sensitive",
    }


def list_properties(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/properties/{object}`; hidden ones are left out."""
    kind = call.subject(object)
    if call.flag("archived"):
        return json_response(200, {"results": []})
    return json_response(200, {"results": [property_body(prop) for prop in visible(call, kind).values()]})


def visible(call: Call, kind: ObjectType) -> dict[str, Property]:
    """Give the properties that the token may see."""
    hidden = call.account.hidden(kind)
    return {name: prop for name, prop in call.account.schema.of(kind.plural).items() if name not in hidden}


def get_property(call: Call, object: str, name: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/properties/{object}/{name}`."""
    return json_response(200, property_body(found(call, call.subject(object), name)))


def found(call: Call, kind: ObjectType, name: str) -> Property:
    """Find a property; raises ApiError 404. No recording: from the vendor's documentation."""
    prop = visible(call, kind).get(name)
    if prop is None:
        raise ApiError(
            404,
            f"No property named '{name}' exists on object type {kind.singular.upper()}.",
            "OBJECT_NOT_FOUND",
            subCategory="Properties.PROPERTY_NOT_FOUND",
        )
    return prop


def create_property(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/properties/{object}`: 201, or 409 where the name is taken."""
    kind = call.subject(object)
    prop = requested(call, kind, call.body("name", "label", "type", "fieldType", "groupName"))
    if prop.name in call.account.schema.of(kind.plural):
        entry = name_taken(prop.name)
        del entry["status"]
        raise ApiError(409, **entry)
    with call.writing(201) as transaction:
        call.account.schema.save(kind.plural, prop)
        transaction.note("properties", f"{kind.plural}.{prop.name}", "create", {"type": prop.type})
    location = f"{call.account.base_url}{call.request.path.rstrip('/')}/{prop.name}"
    return json_response(201, property_body(prop), {"Location": location})


def name_taken(name: str) -> dict[str, Any]:
    """Make the entry of a property name that exists."""
    return {
        "status": "error",
        "category": "OBJECT_ALREADY_EXISTS",
        "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
        "message": f"A property named '{name}' already exists.",
        "context": {"name": [name]},
    }


def batch_create(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/properties/{object}/batch/create`: 201, or 207 with an entry for each taken name."""
    kind, started = call.subject(object), call.account.clock.now_ms()
    asked = [requested(call, kind, each) for each in call.inputs(BATCH_MAX)]
    errors = [name_taken(prop.name) for prop in asked if prop.name in call.account.schema.of(kind.plural)]
    fresh = [prop for prop in asked if prop.name not in call.account.schema.of(kind.plural)]
    status = 207 if errors else 201
    with call.writing(status) as transaction:
        for prop in fresh:
            call.account.schema.save(kind.plural, prop)
            transaction.note("properties", f"{kind.plural}.{prop.name}", "create", {"type": prop.type})
    results = [batch_shape(prop) for prop in fresh]
    return json_response(status, batch_body(started, call.account.clock.now_ms(), results, errors))


def batch_shape(prop: Property) -> dict[str, Any]:
    """Show a property as a batch does."""
    return property_body(prop, stamped=False)


def batch_read(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/properties/{object}/batch/read`. No recording: from the vendor's documentation."""
    kind, started = call.subject(object), call.account.clock.now_ms()
    names = [str(each.get("name", "")) for each in call.inputs(BATCH_MAX)]
    known = visible(call, kind)
    missing = [name for name in names if name not in known]
    errors = [some_missing("property", missing)] if missing else []
    results = [property_body(known[name]) for name in names if name in known]
    return json_response(207 if errors else 200, batch_body(started, call.account.clock.now_ms(), results, errors))


def requested(call: Call, kind: ObjectType, body: Mapping[str, Any]) -> Property:
    """Read a new property; raises ApiError where its definition is not valid."""
    name, type_, field_type = (str(body.get(key, "")) for key in ("name", "type", "fieldType"))
    problem = definition_problem(call, kind, body)
    if problem:
        raise validation_error(problem)
    now = told_now(call.account)
    prop = Property(
        name=name,
        type=type_,
        field_type=field_type,
        group=str(body["groupName"]),
        label=str(body.get("label") or name),
        description=str(body.get("description") or ""),
        unique=body.get("hasUniqueValue") is True,
        hidden=body.get("hidden") is True,
        form_field=body.get("formField") is True,
        display_order=int(body.get("displayOrder", -1)),
        created_at=now,
        updated_at=now,
    )
    return prop.with_options(options_of(body))


def definition_problem(call: Call, kind: ObjectType, body: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a new property. No recording: from the vendor's documentation."""
    name, type_, field_type = (str(body.get(key, "")) for key in ("name", "type", "fieldType"))
    known = call.account.schema.of(kind.plural)
    if not NAME.fullmatch(name):
        return f"Property name {name!r} must be lower case letters, digits and underscores, a letter first, up to 100."
    if field_type not in FIELD_TYPES.get(type_, ()):
        return f"fieldType {field_type!r} does not go with type {type_!r}."
    if body.get("groupName") not in {group["name"] for group in call.account.schema.groups(kind.plural)}:
        return f"Property group {body.get('groupName')!r} does not exist."
    values = [str(each.get("value")) for each in body.get("options") or []]
    if type_ == "bool" and sorted(values) != ["false", "true"]:
        return "A bool property needs the options true and false."
    if len(set(values)) < len(values):
        return "Property options must have values of their own."
    custom = [prop for prop in known.values() if not prop.hubspot_defined]
    if len(custom) >= CUSTOM_MAX:
        return f"An object has at most {CUSTOM_MAX} custom properties."
    if body.get("hasUniqueValue") is True and sum(prop.unique for prop in custom) >= UNIQUE_MAX:
        return f"An object has at most {UNIQUE_MAX} properties with unique values."
    return None


def options_of(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Read a definition's options."""
    return tuple(
        {
            "label": each.get("label", each.get("value")),
            "value": str(each.get("value")),
            "description": each.get("description", ""),
            "displayOrder": each.get("displayOrder", -1),
            "hidden": each.get("hidden", False),
        }
        for each in body.get("options") or []
    )


def update_property(call: Call, object: str, name: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PATCH /crm/v3/properties/{object}/{name}`: name and type stay as they are."""
    kind, body = call.subject(object), call.body()
    prop = found(call, kind, name)
    changes = {own: body[key] for key, own in CHANGEABLE.items() if key in body}
    changed = replace(prop, **changes, updated_at=told_now(call.account))
    if "options" in body:
        changed = changed.with_options(options_of(body))
    with call.writing(200) as transaction:
        call.account.schema.save(kind.plural, changed)
        transaction.note("properties", f"{kind.plural}.{name}", "update", {key: body[key] for key in body})
    return json_response(200, property_body(changed))


def archive_property(call: Call, object: str, name: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `DELETE /crm/v3/properties/{object}/{name}`: 204; HubSpot's own cannot be archived."""
    kind = call.subject(object)
    prop = call.account.schema.of(kind.plural).get(name)
    if prop is not None:
        if prop.hubspot_defined:
            raise validation_error(f"Property {name!r} is defined by HubSpot and cannot be archived.")
        with call.writing(204) as transaction:
            call.account.schema.remove(kind.plural, name)
            transaction.note("properties", f"{kind.plural}.{name}", "delete", {})
    return Response(204)


def list_groups(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/properties/{object}/groups`."""
    return json_response(200, {"results": call.account.schema.groups(call.subject(object).plural)})


def get_group(call: Call, object: str, name: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/properties/{object}/groups/{name}`."""
    kind = call.subject(object)
    for group in call.account.schema.groups(kind.plural):
        if group["name"] == name:
            return json_response(200, group)
    raise ApiError(404, f"No property group named '{name}' exists.", "OBJECT_NOT_FOUND")


def create_group(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/properties/{object}/groups`: 201, or 409 where the name is taken."""
    kind, body = call.subject(object), call.body("name", "label")
    name, groups = str(body["name"]), call.account.schema.groups(kind.plural)
    if name in {group["name"] for group in groups}:
        raise ApiError(
            409,
            f"A property group named '{name}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            subCategory="Properties.GROUP_WITH_NAME_EXISTS",
            context={"name": [name]},
        )
    order = int(body.get("displayOrder", len(groups)))
    with call.writing(201) as transaction:
        call.account.schema.add_group(kind.plural, name, str(body["label"]), order)
        transaction.note("property_groups", f"{kind.plural}.{name}", "create", {"label": body["label"]})
    created = {"name": name, "label": body["label"], "displayOrder": order, "archived": False}
    return json_response(201, created)
