"""Event occurrences: page views, form submissions, mail events and custom events.

Table `event_occurrences`: event_type (`e_visited_page`, ...), occurred_at in milliseconds, id, object_type (plural
name), object_id (whole number), properties (JSON object of text values).
"""

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.objects import object_type
from connector.sandbox.hubspot.reading import next_page
from connector.sandbox.hubspot.values import milliseconds
from connector.sandbox.hubspot.wire import json_response, stamp, validation_error, whole_number
from connector.sandbox.storage import Storage

PAGE_MAX = 100
STANDARD_TYPES = (
    *("e_visited_page", "e_submitted_form", "e_clicked_link_in_email_v2", "e_opened_email_v2", "e_replied_email_v2"),
    *("e_mta_delivered_email_v2", "e_mta_bounced_email_v2", "e_deal_closed", "e_ad_clicked", "e_document_viewed_v2"),
    "e_updated_email_subscription_status_v2",
)

TABLE = """
CREATE TABLE IF NOT EXISTS event_occurrences (event_type TEXT, occurred_at INTEGER, id TEXT, object_type TEXT,
  object_id INTEGER, properties TEXT, PRIMARY KEY (event_type, occurred_at, id)) WITHOUT ROWID
"""
BY_OBJECT = """
CREATE INDEX IF NOT EXISTS event_object ON event_occurrences (object_type, object_id, occurred_at, id)
"""
BY_TIME = "CREATE INDEX IF NOT EXISTS event_time ON event_occurrences (occurred_at, id)"


def install(storage: Storage) -> None:
    """Make the table."""
    for statement in (TABLE, BY_OBJECT, BY_TIME):
        storage.execute(statement)


def seed_events(storage: Storage, rows: Iterable[tuple[str, str, str, int, int, str]]) -> None:
    """Add many events at once, unjournaled: (id, event type, object plural, object id, occurred at in ms, JSON).

    Rows sorted by (event type, time, id) are stored fastest.
    """
    storage.seed_rows(
        "INSERT INTO event_occurrences (id, event_type, object_type, object_id, occurred_at, properties)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )


def make_occurrence(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/event`: {event_type, id, object?, properties?}, of a contact unless object says else.

    Raises KeyError for an unknown object type.
    """
    if unknown := sorted(body.keys() - {"event_type", "id", "object", "properties"}):
        raise ValueError(f"{', '.join(unknown)}: unknown, expected event_type, id, object, properties")
    kind = object_type(str(body.get("object", "contacts")))
    if kind is None:
        raise KeyError(str(body["object"]))
    told = {name: str(value) for name, value in (body.get("properties") or {}).items()}
    with account.storage.transaction("automation", "POST", "/control/event") as transaction:
        number = f"made-{account.storage.next_number('event_id')}"
        row = [str(body["event_type"]), account.clock.now_ms(), number, kind.plural, int(body["id"]), json.dumps(told)]
        transaction.execute("INSERT INTO event_occurrences VALUES (?, ?, ?, ?, ?, ?)", row)
        transaction.note("events", number, "create", {"eventType": row[0]})
    return {"id": number}


def list_events(call: Call) -> Response:
    """Answer `GET /events/v3/events`: oldest first unless sort says otherwise.

    The vendor publishes no largest page; 100 is the largest seen in use. Bounds of time are exclusive.
    """
    limit = call.number("limit", PAGE_MAX, PAGE_MAX)
    descending = call.request.first("sort") in ("-occurredAt", "DESCENDING")
    where, values = condition(call)
    after = call.request.first("after")
    if after:
        where.append(f"(occurred_at, id) {'<' if descending else '>'} (?, ?)")
        values += cursor(after)
    direction = "DESC" if descending else "ASC"
    rows = call.storage.query(
        f"SELECT * FROM event_occurrences WHERE {' AND '.join(where) or '1'}"  # noqa: S608 - constant texts
        f" ORDER BY occurred_at {direction}, id {direction} LIMIT ?",
        [*values, limit + 1],
    )
    body: dict[str, Any] = {"results": [event_body(row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = {"next": next_page(call, cursor_of(rows[limit - 1]))}
    return json_response(200, body)


def condition(call: Call) -> tuple[list[str], list[Any]]:
    """Read the filters; raises ApiError where one is not valid."""
    where: list[str] = []
    values: list[Any] = []
    for parameter, text in (
        ("eventType", "event_type = ?"),
        ("objectType", "object_type = ?"),
        ("objectId", "object_id = ?"),
        ("occurredAfter", "occurred_at > ?"),
        ("occurredBefore", "occurred_at < ?"),
    ):
        given = call.request.first(parameter)
        if given:
            where.append(text)
            values.append(filter_value(parameter, given))
    if call.request.first("objectId") and not call.request.first("objectType"):
        raise validation_error("objectId requires objectType")
    for parameter, given_values in call.request.query.items():
        if parameter in ("id", "before", "properties") or parameter.startswith(("property.", "objectProperty.")):
            raise validation_error(f"{parameter}={given_values[0]} is not available in this sandbox")
    return where, values


def filter_value(parameter: str, given: str) -> str | int:
    """Take a filter's value to the table's own form; raises ApiError."""
    if parameter == "eventType":
        return given
    if parameter == "objectType":
        kind = object_type(given)
        if kind is None:
            raise validation_error(f"Unable to infer object type from: {given}")
        return kind.plural
    number = whole_number(given) if parameter == "objectId" else milliseconds(given)
    if number is None:
        raise validation_error(f"{parameter}: {given} is not valid")
    return number


def event_body(row: sqlite3.Row) -> dict[str, Any]:
    """Show one occurrence."""
    kind = object_type(row["object_type"])
    return {
        "objectType": kind.singular.upper() if kind else row["object_type"],
        "objectId": str(row["object_id"]),
        "eventType": row["event_type"],
        "occurredAt": stamp(row["occurred_at"]),
        "id": row["id"],
        "properties": json.loads(row["properties"]),
    }


def cursor_of(row: sqlite3.Row) -> str:
    """Make the opaque cursor that stands after an occurrence."""
    return base64.urlsafe_b64encode(f"{row['occurred_at']}|{row['id']}".encode()).decode()


def cursor(after: str) -> list[Any]:
    """Read a cursor; raises ApiError where it is none of ours."""
    try:
        occurred_at, _, number = base64.urlsafe_b64decode(after).decode().partition("|")
        return [int(occurred_at), number]
    except (binascii.Error, ValueError) as error:
        raise validation_error(f"Invalid after value: {after}") from error


def list_types(call: Call) -> Response:
    """Answer `GET /events/v3/events/event-types`: HubSpot's own and those that have occurred."""
    known = dict.fromkeys(STANDARD_TYPES)
    last = ""
    while rows := call.storage.query(
        "SELECT event_type FROM event_occurrences WHERE event_type > ? ORDER BY event_type LIMIT 1", [last]
    ):
        last = rows[0][0]
        known[last] = None
    return json_response(200, {"eventTypes": list(known)})
