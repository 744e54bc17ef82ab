"""Reading and writing associations: version 4 and the dated paths, and version 3's single PUT."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.associations import AssociationType
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.reading import lives, next_page, projection
from connector.sandbox.hubspot.wire import batch_body, json_response, not_found, validation_error, whole_number

READ_MAX, WRITE_MAX, PAGE_MAX = 1000, 2000, 500

Error = dict[str, Any]


class RefusedError(Exception):
    """One input of a batch that is not valid; carries its error entry."""

    def __init__(self, message: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(message)
        self.entry: Error = {"status": "error", "category": "VALIDATION_ERROR", **more, "message": message}


def batch_read(call: Call, from_object: str, to_object: str) -> Response:
    """Answer `POST /crm/v4/associations/{from}/{to}/batch/read`.

    A record without associations is an error entry, and the status then 207; up to 500 a record, then paging.
    """
    started = call.account.clock.now_ms()
    source, target = call.subject(from_object), call.account.visible_type(to_object)
    inputs = call.inputs(READ_MAX)
    cursors = {str(each.get("id", "")): cursor(each.get("after")) for each in inputs}
    linked = linked_records(call, source, target, cursors)
    results, errors = [], []
    for number in cursors:
        found = linked.get(number)
        if not found:
            errors.append(no_associations(source, target, number))
            continue
        result: dict[str, Any] = {"from": {"id": number}, "to": found[:PAGE_MAX]}
        if len(found) > PAGE_MAX:
            result["paging"] = {"next": next_page(call, str(found[PAGE_MAX]["toObjectId"]))}
        results.append(result)
    body = batch_body(started, call.account.clock.now_ms(), results, errors)
    return json_response(207 if errors else 200, body)


def cursor(raw: object) -> int:
    """Read a page's start: the next record id; 0 where there is none."""
    return whole_number(raw) or 0


def linked_records(
    call: Call, source: ObjectType, target: ObjectType, cursors: Mapping[str, int]
) -> dict[str, list[dict[str, Any]]]:
    """Give the associated records of many records, each with its association types."""
    numbers = [asked for number in cursors if (asked := whole_number(number)) is not None]
    marks = ", ".join("?" for _ in numbers)
    rows = call.storage.query(
        f"SELECT from_id, to_id, type_id FROM associations WHERE from_type = ? AND to_type = ? AND from_id IN ({marks})"  # noqa: S608 - marks alone
        " ORDER BY from_id, to_id, type_id",
        [source.plural, target.plural, *numbers],
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for from_id, to_id, type_id in rows:
        number = str(from_id)
        if to_id < cursors[number]:
            continue
        entries = found.setdefault(number, [])
        if not entries or entries[-1]["toObjectId"] != to_id:
            entries.append({"toObjectId": to_id, "associationTypes": []})
        kind = associations.type_by_id(type_id)
        label = kind.label if kind else None
        entries[-1]["associationTypes"].append({"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label})
    return found


def no_associations(source: ObjectType, target: ObjectType, number: str) -> Error:
    """Make the entry of a record without associations."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {target.singular} is associated with {source.singular} {number}.",
        "context": {
            "fromObjectId": [number],
            "fromObjectType": [source.singular],
            "toObjectType": [target.singular],
        },
    }


def single_read(call: Call, object: str, id: str, to_object: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `GET /crm/v4/objects/{object}/{id}/associations/{to}`."""
    source, target = call.subject(object), call.account.visible_type(to_object)
    limit = call.number("limit", PAGE_MAX, PAGE_MAX)
    if not lives(call.account, source, id):
        raise not_found()
    found = linked_records(call, source, target, {id: cursor(call.request.first("after"))}).get(id, [])
    body: dict[str, Any] = {"results": found[:limit]}
    if len(found) > limit:
        body["paging"] = {"next": next_page(call, str(found[limit]["toObjectId"]))}
    return json_response(200, body)


def batch_create(call: Call, from_object: str, to_object: str) -> Response:
    """Answer `POST /crm/v4/associations/{from}/{to}/batch/create`: 201, or 207 where inputs are not valid."""
    return write_batch(call, from_object, to_object, 201)


def batch_default(call: Call, from_object: str, to_object: str) -> Response:
    """Answer `POST …/batch/associate/default`: the unlabelled association, and its way back among the results.

    No recording: from the vendor's documentation.
    """
    return write_batch(call, from_object, to_object, 200, default=True)


def write_batch(call: Call, from_object: str, to_object: str, status: int, *, default: bool = False) -> Response:
    """Link the records of a batch's inputs."""
    started = call.account.clock.now_ms()
    source, target = call.subject(from_object), call.account.visible_type(to_object, "write")
    inputs = call.inputs(WRITE_MAX)
    results: list[dict[str, Any]] = []
    errors: list[Error] = []
    with call.writing(status) as transaction:
        for each in inputs:
            try:
                pair, kinds = pair_of(call, source, target, each), kinds_of(source, target, each, default=default)
            except RefusedError as refused:
                errors.append(refused.entry)
                continue
            for kind in kinds:
                associations.link(transaction.execute, kind, *pair)
            after = {"to_object": target.plural, "to_id": str(pair[1]), "type_ids": [kind.type_id for kind in kinds]}
            transaction.associate(source.plural, str(pair[0]), after)
            results += linked_body(source, target, pair, kinds, default=default)
        transaction.status = 207 if errors else status
    body = batch_body(started, call.account.clock.now_ms(), results, errors)
    return json_response(207 if errors else status, body)


def pair_of(call: Call, source: ObjectType, target: ObjectType, each: Mapping[str, Any]) -> tuple[int, int]:
    """Read an input's two record ids; raises RefusedError where either is not a living record."""
    found = []
    for kind, end in ((source, each.get("from")), (target, each.get("to"))):
        number = str(end.get("id", "")) if isinstance(end, Mapping) else ""
        if whole_number(number) is None:
            message = f"{number} is not a valid ID"
            raise RefusedError(message, subCategory="crm.associations.INVALID_IDENTIFIER", context={"id": [number]})
        if not lives(call.account, kind, number):
            raise RefusedError(f"{kind.singular.upper()}={number} is not valid")
        found.append(int(number))
    if source is target and found[0] == found[1]:
        raise RefusedError(f"Object {found[0]} cannot be associated to itself ({found[0]})")
    return found[0], found[1]


def kinds_of(
    source: ObjectType, target: ObjectType, each: Mapping[str, Any], *, default: bool
) -> Sequence[AssociationType]:
    """Read an input's association types; raises RefusedError where one does not go from source to target."""
    between = associations.types_between(source.plural, target.plural)
    if default:
        kinds = between[:1]
    else:
        asked = [kind.get("associationTypeId") for kind in each.get("types") or []]
        kinds = tuple(kind for kind in between if kind.type_id in asked)
        if len(kinds) != len(asked):
            raise RefusedError(
                f"One or more association types are not valid between {source.singular} and {target.singular}"
            )
    if not kinds:
        raise RefusedError(f"No association type between {source.singular} and {target.singular}")
    return kinds


def linked_body(
    source: ObjectType, target: ObjectType, pair: tuple[int, int], kinds: Sequence[AssociationType], *, default: bool
) -> list[dict[str, Any]]:
    """Show one made link; the default call tells both its directions."""
    ways = [(source, target, pair[0], pair[1], kinds)]
    if default:
        inverse = [kind for each in kinds if (kind := associations.type_by_id(each.inverse_id))]
        ways.append((target, source, pair[1], pair[0], inverse))
    return [way_body(*way, default=default) for way in ways]


def way_body(
    here: ObjectType, there: ObjectType, own: int, other: int, kinds: Sequence[AssociationType], *, default: bool
) -> dict[str, Any]:
    """Show one direction of a made link."""
    if default:
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kinds[0].type_id}
        return {"from": {"id": str(own)}, "to": {"id": str(other)}, "associationSpec": spec}
    return {
        "fromObjectTypeId": here.type_id,
        "fromObjectId": own,
        "toObjectTypeId": there.type_id,
        "toObjectId": other,
        "labels": [kind.label for kind in kinds if kind.label],
    }


def batch_archive(call: Call, from_object: str, to_object: str) -> Response:
    """Answer `POST /crm/v4/associations/{from}/{to}/batch/archive`: 204 whatever was there."""
    source, target = call.subject(from_object), call.account.visible_type(to_object, "write")
    inputs = call.inputs(WRITE_MAX)
    with call.writing(204) as transaction:
        for each in inputs:
            own = whole_number((each.get("from") or {}).get("id"))
            for other in each.get("to") or []:
                number = whole_number(other.get("id"))
                if own is not None and number is not None:
                    associations.unlink(transaction.execute, source.plural, target.plural, own, number)
                    gone = {"to_object": target.plural, "to_id": str(number), "gone": True}
                    transaction.associate(source.plural, str(own), gone)
    return Response(204)


def labels(call: Call, from_object: str, to_object: str) -> Response:
    """Answer `GET /crm/v4/associations/{from}/{to}/labels`. No recording: from the vendor's documentation."""
    source, target = call.subject(from_object), call.account.visible_type(to_object)
    found = associations.types_between(source.plural, target.plural)
    results = [{"category": "HUBSPOT_DEFINED", "typeId": kind.type_id, "label": kind.label} for kind in found]
    return json_response(200, {"results": results})


def put_single(call: Call, object: str, id: str, to_object: str, to_id: str, name: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer version 3's `PUT /crm/v3/objects/{object}/{id}/associations/{to}/{to id}/{type}`."""
    source, target = call.subject(object), call.account.visible_type(to_object, "write")
    known = {kind.name: kind for kind in associations.types_between(source.plural, target.plural)}
    if name not in known:
        raise validation_error(f"{name} is not a valid association type")
    if not lives(call.account, source, id) or not lives(call.account, target, to_id):
        raise not_found()
    with call.writing(200) as transaction:
        associations.link(transaction.execute, known[name], int(id), int(to_id))
        transaction.associate(source.plural, id, {"to_object": target.plural, "to_id": to_id, "type": name})
    record = projection(call.account, source, ()).select(call.account, "_id = ?", [id])[0]
    record["associations"] = {target.plural: {"results": [{"id": to_id, "type": name}]}}
    return json_response(200, record)
