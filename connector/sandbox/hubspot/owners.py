"""HubSpot's owners.

Table `owners`: Storage's bookkeeping columns (`_id` is the owner's id, `_deleted` 1 for an archived one) and email,
firstName, lastName, userId, type (PERSON or QUEUE).
"""

import sqlite3
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.reading import next_page
from connector.sandbox.hubspot.wire import ApiError, json_response, stamp, whole_number
from connector.sandbox.storage import Storage

PAGE_DEFAULT, PAGE_MAX = 100, 500

COLUMNS = {"email": "TEXT", "firstName": "TEXT", "lastName": "TEXT", "userId": "INTEGER", "type": "TEXT"}


def install(storage: Storage) -> None:
    """Make the table."""
    storage.define("owners", COLUMNS)


def list_owners(call: Call) -> Response:
    """Answer `GET /crm/v3/owners`: living owners, or archived ones alone; an unknown address gives an empty list."""
    limit = call.number("limit", PAGE_DEFAULT, PAGE_MAX)
    email = call.request.first("email")
    rows = call.storage.query(
        "SELECT * FROM owners WHERE CAST(_id AS INTEGER) >= ? AND (? IS NULL OR email = ? COLLATE NOCASE)"
        " ORDER BY CAST(_id AS INTEGER)",
        [whole_number(call.request.first("after")) or 0, email, email],
    )
    archived = call.flag("archived")
    found = [row for row in rows if is_archived(call, row) == archived]
    body: dict[str, Any] = {"results": [owner_body(call, row) for row in found[:limit]]}
    if len(found) > limit:
        body["paging"] = {"next": next_page(call, found[limit]["_id"])}
    return json_response(200, body)


def get_owner(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/owners/{id}`; idProperty=userId looks it up by user. The 404 is not recorded."""
    column = "userId" if call.request.first("idProperty") == "userId" else "_id"
    rows = call.storage.query(f"SELECT * FROM owners WHERE {column} = ?", [id])  # noqa: S608 - one of two constants
    for row in rows:
        if is_archived(call, row) == call.flag("archived"):
            return json_response(200, owner_body(call, row))
    raise ApiError(404, "resource not found")


def is_archived(call: Call, row: sqlite3.Row) -> bool:
    """Tell whether an owner is archived, in the table or by the sandbox's switch."""
    return bool(row["_deleted"]) or row["_id"] in call.account.switches.inactive_users


def owner_body(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Show one owner; an archived one's user id is told as that of an inactive user."""
    archived = is_archived(call, row)
    return {
        "id": row["_id"],
        "email": row["email"],
        "type": row["type"] or "PERSON",
        "firstName": row["firstName"],
        "lastName": row["lastName"],
        "userId": None if archived else row["userId"],
        "userIdIncludingInactive": row["userId"],
        "createdAt": stamp(row["_created_at"]),
        "updatedAt": stamp(row["_modified_at"]),
        "archived": archived,
    }
