"""Up to 200 records in one request, with a result per row."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.salesforce.records import Writer
from connector.sandbox.storage import Transaction

MAX_ROWS = 200
MAX_CHUNKS = 10
MAX_RETRIEVED = 2000
ROLLED_BACK = CrmError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Row = dict[str, Any]


class RolledBack(Exception):  # noqa: N818 - the vendor's word
    """Undo all rows."""


def write(org: Org, call: Call) -> Response:
    """Create (POST) or update (PATCH) records."""
    records, all_or_none = _records(call)
    creating = call.request.method == "POST"

    def one(writer: Writer, record: Row) -> Row:
        spec = _spec(org, record)
        if creating:
            return _done(writer.create(spec, record))
        found = row_id(record)
        _update(writer, spec, found, record)
        return _done(found)

    return _answer(org, call, records, one, all_or_none)


def upsert(org: Org, call: Call, object_name: str, field_name: str) -> Response:
    """Upsert records of one object by an external id field."""
    spec, key = upsert_target(org, object_name, field_name)
    records, all_or_none = _records(call)

    def one(writer: Writer, record: Row) -> Row:
        if _spec(org, record).name != spec.name:
            raise CrmError("INVALID_ARGUMENT", f"all records must be of type {spec.name}")
        value = next((value for name, value in record.items() if name.lower() == key.name.lower()), None)
        fields = {name: value for name, value in record.items() if name.lower() != key.name.lower()}
        found, created = writer.upsert(spec, key, value, fields)
        return {**_done(found), "created": created}

    return _answer(org, call, records, one, all_or_none)


def delete(org: Org, call: Call) -> Response:
    """Delete the records named by `ids`."""
    ids = [text for text in (call.request.first("ids") or "").split(",") if text]
    _check_count(len(ids))
    all_or_none = (call.request.first("allOrNone") or "false").lower() == "true"

    def one(writer: Writer, record: Row) -> Row:
        found = row_id(record)
        spec = object_of(org, found)
        try:
            writer.delete(spec, found)
        except CrmError as error:
            raise row_error(error) from None
        return _done(found)

    return _answer(org, call, [{"id": text} for text in ids], one, all_or_none)


def upsert_target(org: Org, object_name: str, field_name: str) -> tuple[ObjectSpec, FieldSpec]:
    """Give the object and key field of an upsert; raises CrmError NOT_FOUND where they do not serve."""
    spec = org.view.object(object_name)
    field = org.view.field(spec.name, field_name) if spec else None
    if spec is None:
        raise CrmError("NOT_FOUND", "The requested resource does not exist", None, 404)
    if field is None or not (field.external_id or field.id_lookup):
        message = f"Provided external ID field does not exist or is not accessible: {field_name}"
        raise CrmError("NOT_FOUND", message, None, 404)
    return spec, field


def row_id(record: Row) -> str:
    """Give a row's id; raises CrmError where it is missing or malformed."""
    text = record.get("id") or record.get("Id")
    if not text:
        raise CrmError("MISSING_ARGUMENT", "Id not specified in an update call")
    found = canonical_id(str(text))
    if found is None:
        raise CrmError("MALFORMED_ID", f"malformed id {text}")
    return found


def object_of(org: Org, record_id: str) -> ObjectSpec:
    """Give the object an id belongs to; raises CrmError for an unknown key prefix."""
    for spec in org.view.objects.values():
        if record_id.startswith(spec.key_prefix):
            return spec
    raise CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def row_error(error: CrmError) -> CrmError:
    """Say a missing record as collections say it."""
    if error.code == "NOT_FOUND":
        return CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return error


def _update(writer: Writer, spec: ObjectSpec, record_id: str, record: Row) -> None:
    if not record_id.startswith(spec.key_prefix):
        raise CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    try:
        writer.update(spec, record_id, record)
    except CrmError as error:
        raise row_error(error) from None


def _records(call: Call) -> tuple[list[Row], bool]:
    payload = call.mapping()
    records = payload.get("records")
    if not isinstance(records, list):
        records = []
    _check_count(len(records))
    if not all(isinstance(record, dict) for record in records):
        raise CrmError("JSON_PARSER_ERROR", "records must be JSON objects", None)
    kinds = [_kind(record) for record in records]
    call.object = kinds[0]
    chunks = 1 + sum(before != after for before, after in pairwise(kinds))
    if chunks > MAX_CHUNKS:
        raise CrmError(
            "INVALID_ARGUMENT", f"the request has {chunks} chunks of record types; at most {MAX_CHUNKS}", None
        )
    return records, bool(payload.get("allOrNone", False))


def _check_count(count: int) -> None:
    if count == 0:
        raise CrmError("REQUIRED_FIELD_MISSING", "At least 1 record is required", None)
    if count > MAX_ROWS:
        message = f"record limit reached. cannot submit more than {MAX_ROWS} records into this call"
        raise CrmError("EXCEEDED_ID_LIMIT", message, None)


def _kind(record: Row) -> str | None:
    attributes = record.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    return None if kind is None else str(kind)


def _spec(org: Org, record: Row) -> ObjectSpec:
    kind = _kind(record)
    if not kind:
        raise CrmError("INVALID_INPUT", "attributes.type is required for each record")
    spec = org.view.object(str(kind))
    if spec is None:
        raise CrmError("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    return spec


def _done(record_id: str) -> Row:
    return {"id": record_id, "success": True, "errors": []}


def _answer(
    org: Org, call: Call, records: Sequence[Row], one: Callable[[Writer, Row], Row], all_or_none: bool
) -> Response:
    results: list[Row] = []
    with call.transaction(org) as transaction:
        try:
            with transaction.savepoint():
                writer = Writer(org, transaction, call)
                results = _each(transaction, writer, records, one)
                if all_or_none and not all(result["success"] for result in results):
                    raise RolledBack
        except RolledBack:
            results = [ROLLED_BACK.row() if result["success"] else result for result in results]
    return call.answer(results)


def _each(
    transaction: Transaction, writer: Writer, records: Sequence[Row], one: Callable[[Writer, Row], Row]
) -> list[Row]:
    results: list[Row] = []
    seen: set[str] = set()
    for record in records:
        own = str(record.get("id") or record.get("Id") or "")
        try:
            if own in seen:
                raise CrmError("DUPLICATE_VALUE", f"duplicate id specified: {own}")
            with transaction.savepoint():
                results.append(one(writer, record))
        except CrmError as error:
            results.append(error.row())
        if own:
            seen.add(own)
    return results
