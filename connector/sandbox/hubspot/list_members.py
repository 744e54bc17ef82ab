"""Who is on a list: adding, removing, reading, and the lists that a record is on.

Recorded: adding, removing an unknown record (an answer tells only what is not empty), reading, and the refusal of ids
that are no text. The rest from the vendor's guide to lists.
"""

import sqlite3
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.forms import decoded, encoded
from connector.sandbox.hubspot.lists import add_members, list_row, listed_type, members_of
from connector.sandbox.hubspot.objects import ObjectType, object_type
from connector.sandbox.hubspot.reading import lives, next_page, survivor
from connector.sandbox.hubspot.wire import ApiError, json_response, stamp, validation_error, whole_number
from connector.sandbox.storage import Transaction

IDS_MAX = 100_000
PAGE_DEFAULT, PAGE_MAX = 100, 250
NO_TEXT = "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)"


def add(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PUT /crm/v3/lists/{id}/memberships/add`: a JSON array of ids; those on it already are not told."""
    return change(call, id, ids_of(parsed(call)), [])


def remove(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PUT /crm/v3/lists/{id}/memberships/remove`: a JSON array of ids; those not on it are not told."""
    return change(call, id, [], ids_of(parsed(call)))


def add_and_remove(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PUT /crm/v3/lists/{id}/memberships/add-and-remove`."""
    body = call.body()
    return change(call, id, ids_of(body.get("recordIdsToAdd") or []), ids_of(body.get("recordIdsToRemove") or []))


def add_from(call: Call, id: str, source_id: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `PUT /crm/v3/lists/{id}/memberships/add-from/{sourceListId}`: 204."""
    source = list_row(call, source_id)
    row = static_row(call, id)
    if source["object"] != row["object"]:
        raise validation_error("Both lists must hold records of the same object type.")
    change(call, id, within_limit([number for number, _ in members_of(call, source)]), [])
    return Response(204)


def remove_all(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `DELETE /crm/v3/lists/{id}/memberships`: 204."""
    row = static_row(call, id)
    change(call, id, [], within_limit([number for number, _ in members_of(call, row)]))
    return Response(204)


def parsed(call: Call) -> Any:  # noqa: ANN401 - JSON
    """Parse a body that is no object; raises ApiError."""
    try:
        return call.request.json()
    except ValueError as error:
        raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value") from error


def ids_of(raw: object) -> list[str]:
    """Read ids, each once; raises ApiError where they are no list of texts or numbers, or too many."""
    if not isinstance(raw, list) or any(isinstance(each, (dict, list)) for each in raw):
        raise ApiError(400, f"Invalid input JSON on line 1, column 2: {NO_TEXT}")
    return within_limit(list(dict.fromkeys(map(str, raw))))


def within_limit(ids: list[str]) -> list[str]:
    """Raise ApiError for more ids than one call takes. No recording of the body."""
    if len(ids) > IDS_MAX:
        raise validation_error(f"A request changes at most {IDS_MAX} memberships, got {len(ids)}.")
    return ids


def static_row(call: Call, number: str) -> sqlite3.Row:
    """Find a list whose records are put on it by hand; raises ApiError. No recording of the refusal."""
    row = list_row(call, number)
    if row["processing_type"] == "DYNAMIC":
        raise validation_error(
            f"Memberships of list {number} cannot be changed: its processing type is DYNAMIC, not MANUAL or SNAPSHOT."
        )
    return row


def change(call: Call, number: str, to_add: list[str], to_remove: list[str]) -> Response:
    """Change a list's memberships and tell what became of each id."""
    row = static_row(call, number)
    kind = object_type(row["object"])
    if kind is None:
        raise KeyError(row["object"])
    present = {each for each, _ in members_of(call, row)}
    found = {each: survivor(call.account, kind, each) for each in (*to_add, *to_remove)}
    added = [each for each in to_add if found[each] and found[each] not in present]
    removed = [each for each in to_remove if found[each] in present]
    missing = [each for each in found if found[each] is None]
    with call.writing(200) as transaction:
        add_members(call, transaction, row["list_id"], kind, [str(found[each]) for each in added])
        take_off(transaction, row["list_id"], kind, [str(found[each]) for each in removed])
    told = {"recordIdsRemoved": removed, "recordsIdsAdded": added, "recordIdsMissing": missing}
    return json_response(200, {name: ids for name, ids in told.items() if ids})


def take_off(transaction: Transaction, number: int, kind: ObjectType, ids: list[str]) -> None:
    """Take records off a list, journaled on each record."""
    for each in ids:
        transaction.execute("DELETE FROM list_members WHERE list_id = ? AND record_id = ?", [number, each])
        transaction.associate(kind.plural, each, {"list_id": str(number), "removed": True})


def memberships(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/lists/{id}/memberships`: by record id, `after` is the last id told.

    Recorded cursors are opaque; this form is the sandbox's own.
    """
    return page_of(call, id, by_join=False)


def memberships_in_order(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/lists/{id}/memberships/join-order`: by the time each record came on the list.

    Of the cursor nothing is published; here it stands after the record that was told last.
    """
    return page_of(call, id, by_join=True)


def page_of(call: Call, number: str, *, by_join: bool) -> Response:
    """Answer one page of a list's records."""
    row = list_row(call, number)
    limit = call.number("limit", PAGE_DEFAULT, PAGE_MAX)
    members = members_of(call, row)
    after = call.request.first("after")
    if by_join:
        members.sort(key=joined)
        rest = [member for member in members if not after or joined(member) > place_of(after)]
    else:
        start = whole_number(after or "0")
        if start is None:
            raise validation_error(f"Invalid after value: {after}")
        rest = [member for member in members if int(member[0]) > start]
    shown = [{"membershipTimestamp": stamp(at), "recordId": each} for each, at in rest[:limit]]
    body: dict[str, Any] = {"results": shown}
    if len(rest) > limit:
        number, at = rest[limit - 1]
        body["paging"] = {"next": next_page(call, encoded(f"{at}|{number}") if by_join else number)}
    return json_response(200, body | {"total": len(members)})


def joined(member: tuple[str, int]) -> tuple[int, int]:
    """Give what a list's records are put in the order of their coming by."""
    return member[1], int(member[0])


def place_of(after: str) -> tuple[int, int]:
    """Read the cursor that stands after a record; raises ApiError."""
    at, _, number = decoded(after).partition("|")
    if not (at.isdigit() and number.isdigit()):
        raise validation_error(f"Invalid after value: {after}")
    return int(at), int(number)


def memberships_of_record(call: Call, type_id: str, record_id: str) -> Response:
    """Answer `GET /crm/v3/lists/records/{objectTypeId}/{recordId}/memberships`: the lists that a record is on."""
    kind = listed_type(call, type_id)
    number = survivor(call.account, kind, record_id)
    if number is None or not lives(call.account, kind, number):
        raise ApiError(404, "resource not found")
    shown = [
        {
            "listId": str(row["list_id"]),
            "listVersion": row["version"],
            "firstAddedTimestamp": stamp(at),
            "lastAddedTimestamp": stamp(at),
        }
        for row, at in lists_of(call, kind.plural, number)
    ]
    return json_response(200, {"results": shown, "total": len(shown)})


def lists_of(call: Call, plural: str, number: str) -> list[tuple[sqlite3.Row, int]]:
    """Give the living lists that a record is on, each with the time it came on it."""
    rows = call.storage.query("SELECT * FROM lists WHERE object = ? AND deleted_at IS NULL ORDER BY list_id", [plural])
    found = [(row, dict(members_of(call, row)).get(number)) for row in rows]
    return [(row, at) for row, at in found if at is not None]
