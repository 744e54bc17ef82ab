"""Lists (the vendor now calls them segments): definitions, and finding them.

Recorded: creating, reading, renaming, deleting, searching by name. The rest from the vendor's guide to lists and its
reference.
"""

import json
import sqlite3
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.definitions import USER_ID
from connector.sandbox.hubspot.list_filters import matching, normalised
from connector.sandbox.hubspot.objects import ObjectType, object_type
from connector.sandbox.hubspot.wire import ApiError, json_response, stamp, validation_error, whole_number
from connector.sandbox.storage import Storage, Transaction, quote

PROCESSING_TYPES = ("MANUAL", "DYNAMIC", "SNAPSHOT")
SEARCH_DEFAULT, SEARCH_MAX = 20, 500
LISTS = """
CREATE TABLE IF NOT EXISTS lists (list_id INTEGER PRIMARY KEY, object TEXT, name TEXT, processing_type TEXT,
  filters TEXT, version INTEGER, created_at INTEGER, updated_at INTEGER, filters_at INTEGER, deleted_at INTEGER)
"""
MEMBERS = """
CREATE TABLE IF NOT EXISTS list_members (list_id INTEGER, object TEXT, record_id TEXT, added_at INTEGER,
  PRIMARY KEY (list_id, record_id)) WITHOUT ROWID
"""
BY_RECORD = "CREATE INDEX IF NOT EXISTS list_members_record ON list_members (object, record_id)"

Body = dict[str, Any]


def install(storage: Storage) -> None:
    """Make the tables."""
    for statement in (LISTS, MEMBERS, BY_RECORD):
        storage.execute(statement)


def create_list(call: Call) -> Response:
    """Answer `POST /crm/v3/lists`: 200. A SNAPSHOT takes the records that its filters match now, once.

    The refusal of a name that is taken is not recorded: a code seen in the vendor's community.
    """
    body = call.body()
    missing = [name for name in ("name", "objectTypeId", "processingType") if not body.get(name)]
    if missing:
        where = f"Invalid input JSON on line 1, column {max(len(call.request.body), 1)}"
        raise validation_error(f"{where}. Some required fields were not set: [{', '.join(missing)}]")
    kind, processing = listed_type(call, body["objectTypeId"]), str(body["processingType"])
    if processing not in PROCESSING_TYPES:
        raise validation_error(f"processingType: {processing} is none of {', '.join(PROCESSING_TYPES)}")
    branch = body.get("filterBranch")
    if (processing == "MANUAL") == bool(branch):
        raise validation_error(f"A filterBranch is {'not ' if branch else ''}needed for processing type {processing}.")
    filters = normalised(branch) if branch else None
    members = matching(call.account, kind, filters) if filters else []
    refuse_taken_name(call, kind, str(body["name"]))
    with call.writing(200) as transaction:
        number = store(call, transaction, kind, str(body["name"]), processing, filters)
        if processing == "SNAPSHOT":
            add_members(call, transaction, number, kind, members)
        row = list_row(call, str(number))
    shown = list_body(row, filters=True) | {"processingStatus": "COMPLETE" if processing == "MANUAL" else "PROCESSING"}
    return json_response(200, {"list": shown})


def listed_type(call: Call, name: object) -> ObjectType:
    """Find the object type of a list by its id; raises ApiError."""
    kind = object_type(str(name))
    if kind is None or kind.type_id != name:
        raise validation_error(f"Unable to infer object type from: {name}")
    call.kind = kind
    return kind


def refuse_taken_name(call: Call, kind: ObjectType, name: str) -> None:
    """Raise ApiError where a living list of the object has the name."""
    same = "SELECT 1 FROM lists WHERE object = ? AND name = ? COLLATE NOCASE AND deleted_at IS NULL"
    if call.storage.query(same, [kind.plural, name]):
        message = f"There is another list named {name} in this portal. Please choose a different name."
        raise validation_error(message, subCategory="ILS.DUPLICATE_LIST_NAMES")


def store(
    call: Call, transaction: Transaction, kind: ObjectType, name: str, processing: str, filters: Body | None
) -> int:
    """Store a new list and journal it."""
    number, now = call.storage.next_number("list_id"), call.account.clock.now_ms()
    row = [number, kind.plural, name, processing, json.dumps(filters) if filters else None, 1, now, now, now, None]
    transaction.execute(f"INSERT INTO lists VALUES ({', '.join('?' for _ in row)})", row)  # noqa: S608 - marks alone
    transaction.note("lists", str(number), "create", {"name": name, "processingType": processing})
    return number


def add_members(call: Call, transaction: Transaction, number: int, kind: ObjectType, ids: list[str]) -> None:
    """Put records on a list; those on it already stay as they are. Journaled on each record."""
    now = call.account.clock.now_ms()
    for each in ids:
        transaction.execute("INSERT OR IGNORE INTO list_members VALUES (?, ?, ?, ?)", [number, kind.plural, each, now])
        transaction.associate(kind.plural, each, {"list_id": str(number)})


def list_row(call: Call, number: str, *, deleted: bool = False) -> sqlite3.Row:
    """Find a list; raises ApiError 404 as recorded."""
    rows = call.storage.query(
        "SELECT * FROM lists WHERE list_id = ? AND (deleted_at IS NULL) = ?", [whole_number(number), int(not deleted)]
    )
    if not rows:
        raise ApiError(
            404,
            f"List does not exist with ID {number}.",
            "OBJECT_NOT_FOUND",
            context={"listId": [number]},
            subCategory="ListError.LIST_ID_DOES_NOT_EXIST",
        )
    call.kind = object_type(rows[0]["object"])
    return rows[0]


def list_body(row: sqlite3.Row, *, filters: bool) -> Body:
    """Show a list as reads by id do; filters where they are asked for."""
    body = summary(row)
    if filters and row["filters"]:
        body["filterBranch"] = json.loads(row["filters"])
    rights: Body = {"listPermissions": {"teamsWithEditAccess": [], "usersWithEditAccess": []}}
    return body | rights | {"membershipSettings": {"membershipTeamId": None, "includeUnassigned": None}}


def summary(row: sqlite3.Row) -> Body:
    """Show what every answer tells of a list."""
    kind = object_type(row["object"])
    return {
        "listId": str(row["list_id"]),
        "listVersion": row["version"],
        "createdAt": stamp(row["created_at"]),
        "updatedAt": stamp(row["updated_at"]),
        "filtersUpdatedAt": stamp(row["filters_at"]),
        "processingStatus": "COMPLETE",
        "createdById": USER_ID,
        "updatedById": USER_ID,
        "processingType": row["processing_type"],
        "objectTypeId": kind.type_id if kind else row["object"],
        "name": row["name"],
    }


def members_of(call: Call, row: sqlite3.Row) -> list[tuple[str, int]]:
    """Give a list's living records with the time each came on it, by id; a dynamic list is worked out anew."""
    kind = object_type(row["object"])
    if kind is not None and row["processing_type"] == "DYNAMIC":
        ids = matching(call.account, kind, json.loads(row["filters"]))
        return [(each, row["created_at"]) for each in ids]
    found = call.storage.query(
        f"SELECT m.record_id, m.added_at FROM list_members m JOIN {quote(row['object'])} r ON r._id = m.record_id"  # noqa: S608 - quoted identifiers
        " AND r._deleted = 0 WHERE m.list_id = ? ORDER BY CAST(m.record_id AS INTEGER)",
        [row["list_id"]],
    )
    return [(each[0], each[1]) for each in found]


def get_lists(call: Call) -> Response:
    """Answer `GET /crm/v3/lists?listIds=…`: those of the ids that there are, with their sizes; none without ids."""
    asked = call.names("listIds") or []
    found = []
    for number in dict.fromkeys(asked):
        rows = call.storage.query(
            "SELECT * FROM lists WHERE list_id = ? AND deleted_at IS NULL", [whole_number(number)]
        )
        found += [list_body(row, filters=call.flag("includeFilters")) | {"size": size(call, row)} for row in rows]
    return json_response(200, {"lists": found})


def size(call: Call, row: sqlite3.Row) -> int:
    """Count a list's records."""
    return len(members_of(call, row))


def get_list(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/lists/{id}`."""
    return json_response(200, {"list": list_body(list_row(call, id), filters=call.flag("includeFilters"))})


def get_by_name(call: Call, type_id: str, name: str) -> Response:
    """Answer `GET /crm/v3/lists/object-type-id/{objectTypeId}/name/{listName}`. The 404 is not recorded."""
    kind = listed_type(call, type_id)
    rows = call.storage.query(
        "SELECT * FROM lists WHERE object = ? AND name = ? COLLATE NOCASE AND deleted_at IS NULL", [kind.plural, name]
    )
    if not rows:
        raise ApiError(404, f"List does not exist with name {name}.", "OBJECT_NOT_FOUND", context={"listName": [name]})
    return json_response(200, {"list": list_body(rows[0], filters=call.flag("includeFilters"))})


def search_lists(call: Call) -> Response:
    """Answer `POST /crm/v3/lists/search`: by a part of the name, by processing types, by ids, by object."""
    if call.request.body.strip() in (b"", b"null"):
        raise ApiError(400, "validation error", errors=["The request body may not be null"])
    body = call.body()
    count, offset = whole(body, "count", SEARCH_DEFAULT), whole(body, "offset", 0)
    if not 1 <= count <= SEARCH_MAX:
        raise validation_error(f"count must be between 1 and {SEARCH_MAX}, was {count}")
    rows = call.storage.query("SELECT * FROM lists WHERE deleted_at IS NULL ORDER BY list_id")
    found = [row for row in rows if is_searched(row, body)]
    page = [summary(row) | {"additionalProperties": extra(call, row)} for row in found[offset : offset + count]]
    end = offset + len(page)
    return json_response(200, {"offset": end, "hasMore": end < len(found), "lists": page, "total": len(found)})


def whole(body: Body, name: str, default: int) -> int:
    """Read a whole number of a search's body; raises ApiError."""
    number = whole_number(body.get(name, default))
    if number is None:
        raise validation_error(f"{name}: expected a whole number, got {body[name]}")
    return number


def is_searched(row: sqlite3.Row, body: Body) -> bool:
    """Tell whether a list fits a search."""
    kind = object_type(row["object"])
    query, types, ids = (body.get(name) for name in ("query", "processingTypes", "listIds"))
    if query and str(query).lower() not in row["name"].lower():
        return False
    if types and row["processing_type"] not in types:
        return False
    if body.get("objectTypeId") and (kind is None or kind.type_id != body["objectTypeId"]):
        return False
    return not ids or str(row["list_id"]) in map(str, ids)


def extra(call: Call, row: sqlite3.Row) -> dict[str, str]:
    """Give what a search tells beside a list."""
    members = members_of(call, row)
    told = {"hs_list_size": str(len(members)), "hs_list_reference_count": "0"}
    return told | ({"hs_last_record_added_at": str(max(at for _, at in members))} if members else {})


def rename_list(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PUT /crm/v3/lists/{id}/update-list-name?listName=…`."""
    row, name = list_row(call, id), call.request.first("listName")
    if not name:
        raise validation_error("listName must not be empty")
    if name.lower() != row["name"].lower():
        refuse_taken_name(call, listed_type(call, summary(row)["objectTypeId"]), name)
    with call.writing(200) as transaction:
        transaction.execute("UPDATE lists SET name = ? WHERE list_id = ?", [name, row["list_id"]])
        transaction.note("lists", id, "update", {"name": name})
        shown = list_body(list_row(call, id), filters=call.flag("includeFilters"))
    return json_response(200, {"updatedList": shown})


def delete_list(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `DELETE /crm/v3/lists/{id}`: 204; it can be restored."""
    list_row(call, id)
    return mark_deleted(call, id, call.account.clock.now_ms())


def restore_list(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `PUT /crm/v3/lists/{id}/restore`: 204. No recording: from the vendor's guide."""
    list_row(call, id, deleted=True)
    return mark_deleted(call, id, None)


def mark_deleted(call: Call, number: str, at_ms: int | None) -> Response:
    """Delete a list, or bring it back."""
    with call.writing(204) as transaction:
        transaction.execute("UPDATE lists SET deleted_at = ? WHERE list_id = ?", [at_ms, int(number)])
        transaction.note("lists", number, "delete" if at_ms else "create", {})
    return Response(204)
