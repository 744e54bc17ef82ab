"""Single records: create, retrieve, update, upsert, delete."""

from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.describe import visible_object
from connector.sandbox.salesforce.errors import CrmError, not_found
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.objects import ObjectSpec
from connector.sandbox.salesforce.org import Call, Org, empty
from connector.sandbox.salesforce.query import compiled, read_records
from connector.sandbox.salesforce.records import Writer, matching
from connector.sandbox.salesforce.sobject_collections import upsert_target
from connector.sandbox.salesforce.soql.compiler import Plan

BODY_SINCE = 46.0


def create(org: Org, call: Call, name: str) -> Response:
    """Answer POST sobjects/X."""
    spec = visible_object(org, call, name)
    with call.transaction(org, 201) as transaction:
        new_id = Writer(org, transaction, call).create(spec, call.mapping())
    return _created(call, spec, new_id, {})


def retrieve(org: Org, call: Call, name: str, text: str) -> Response:
    """Answer GET sobjects/X/id, all fields or those of `fields`."""
    spec = visible_object(org, call, name)
    found = _living(org, spec, text)
    asked = call.request.first("fields")
    names = asked.split(",") if asked else list(spec.fields)
    plan = compiled(org, f"SELECT {', '.join(names)} FROM {spec.name}", include_deleted=False)  # noqa: S608 - SOQL, parsed
    if not isinstance(plan, Plan):
        raise CrmError("INVALID_FIELD", "fields must be a list of field names", None)
    records = read_records(org.storage, plan, [found], f"{call.base}/sobjects/")
    return call.answer(records[0])


def update(org: Org, call: Call, name: str, text: str) -> Response:
    """Answer PATCH sobjects/X/id."""
    spec = visible_object(org, call, name)
    record_id = _checked_id(spec, text)
    with call.transaction(org, 204) as transaction:
        Writer(org, transaction, call).update(spec, record_id, call.mapping())
    return empty(204)


def delete(org: Org, call: Call, name: str, text: str) -> Response:
    """Answer DELETE sobjects/X/id."""
    spec = visible_object(org, call, name)
    record_id = _checked_id(spec, text)
    with call.transaction(org, 204) as transaction:
        Writer(org, transaction, call).delete(spec, record_id)
    return empty(204)


def retrieve_by_key(org: Org, call: Call, name: str, field: str, value: str) -> Response:
    """Answer GET sobjects/X/Field/value."""
    spec, key = upsert_target(org, name, field)
    call.object = spec.name
    matches = matching(org, spec, key, value.replace("%2F", "/"))
    if not matches:
        raise not_found()
    return _ambiguous(call, spec, matches) if len(matches) > 1 else retrieve(org, call, name, matches[0])


def upsert(org: Org, call: Call, name: str, field: str, value: str) -> Response:
    """Answer PATCH sobjects/X/Field/value; `updateOnly=true` never creates."""
    spec, key = upsert_target(org, name, field)
    call.object = spec.name
    fields = call.mapping()
    if any(given.lower() == key.name.lower() for given in fields):
        message = f"The {key.name} field should not be specified in the sobject data."
        raise CrmError("INVALID_FIELD", message, [key.name])
    wanted = value.replace("%2F", "/")
    with call.transaction(org) as transaction:
        writer = Writer(org, transaction, call)
        matches = matching(org, spec, key, wanted)
        if len(matches) > 1:
            return _ambiguous(call, spec, matches)
        if not matches and (call.request.first("updateOnly") or "").lower() == "true":
            raise not_found()
        transaction.status = 200 if matches else 201
        found, created = writer.upsert(spec, key, wanted, fields)
    with_flag = {"created": created} if float(call.version) >= BODY_SINCE else {}
    if created:
        return _created(call, spec, found, with_flag)
    return call.answer({"id": found, "success": True, "errors": [], **with_flag}) if with_flag else empty(204)


def _created(call: Call, spec: ObjectSpec, new_id: str, more: dict[str, Any]) -> Response:
    location = {"Location": f"{call.base}/sobjects/{spec.name}/{new_id}"}
    return call.answer({"id": new_id, "success": True, "errors": [], **more}, 201, location)


def _ambiguous(call: Call, spec: ObjectSpec, matches: list[str]) -> Response:
    return call.answer([f"{call.base}/sobjects/{spec.name}/{found}" for found in matches], 300)


def _checked_id(spec: ObjectSpec, text: str) -> str:
    found = canonical_id(text)
    if found is None or not found.startswith(spec.key_prefix):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    return found


def _living(org: Org, spec: ObjectSpec, text: str) -> str:
    found = _checked_id(spec, text)
    row = org.storage.get(spec.name, found, deleted=True)
    if row is None:
        raise not_found()
    if row["_deleted"]:
        raise CrmError("ENTITY_IS_DELETED", "entity is deleted", (), 404)
    return found
