"""Marketing events (webinars, fairs) and who registered, attended, cancelled or stayed away.

The list of events is recorded. Participations are not: from the vendor's reference of the participant state API. A
contact has one state per event, the latest; registrants counts whoever ever took part, the others those of a state.
Events and participations come from other apps: `POST /control/marketing_event`, `POST /control/participation`.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.forms import cursor_at, offset_of
from connector.sandbox.hubspot.objects import object_types
from connector.sandbox.hubspot.reading import next_page, survivor
from connector.sandbox.hubspot.wire import json_response, not_found, stamp, whole_number
from connector.sandbox.storage import Storage

PAGE_DEFAULT, PAGE_MAX = 10, 100
NUMBER_FROM = 555_442_000_001
STATES = ("REGISTERED", "ATTENDED", "CANCELLED", "NO_SHOW")
EVENTS = """
CREATE TABLE IF NOT EXISTS marketing_events (id INTEGER PRIMARY KEY, name TEXT, event_type TEXT, organizer TEXT,
  external_id TEXT, starts_at INTEGER, cancelled INTEGER, created_at INTEGER, updated_at INTEGER)
"""
PARTICIPATIONS = """
CREATE TABLE IF NOT EXISTS participations (event_id INTEGER, contact_id TEXT, state TEXT, occurred_at INTEGER,
  duration_s INTEGER, created_at INTEGER, PRIMARY KEY (event_id, contact_id)) WITHOUT ROWID
"""


def install(storage: Storage) -> None:
    """Make the tables."""
    for statement in (EVENTS, PARTICIPATIONS):
        storage.execute(statement)


def make_event(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/marketing_event`: {name, event_type?, organizer?, cancelled?}; tells its id."""
    known = {"name", "event_type", "organizer", "cancelled"}
    if unknown := sorted(body.keys() - known):
        raise ValueError(f"{', '.join(unknown)}: unknown, expected {', '.join(sorted(known))}")
    with account.storage.transaction("automation", "POST", "/control/marketing_event") as transaction:
        number, now = account.storage.next_number("marketing_event_id", NUMBER_FROM), account.clock.now_ms()
        told = (str(body["name"]), body.get("event_type"), str(body.get("organizer", "Zoom")), f"z{number}")
        row = [number, *told, now, int(bool(body.get("cancelled"))), now, now]
        transaction.execute("INSERT INTO marketing_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        transaction.note("marketing_events", str(number), "create", {"name": told[0]})
    return {"id": str(number)}


def take_part(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/participation`: {event, contact, state, duration_s?}; a later state replaces one.

    Raises KeyError for an unknown event or contact, ValueError for an unknown state.
    """
    if body.get("state") not in STATES:
        raise ValueError(f"state: {body.get('state')!r} is none of {', '.join(STATES)}")
    number = whole_number(body["event"])
    contact = survivor(account, object_types()["contacts"], str(body["contact"]))
    if contact is None or not account.storage.query("SELECT 1 FROM marketing_events WHERE id = ?", [number]):
        raise KeyError(f"event {body['event']}, contact {body['contact']}")
    now = account.clock.now_ms()
    with account.storage.transaction("automation", "POST", "/control/participation") as transaction:
        row = [number, contact, body["state"], now, body.get("duration_s"), now]
        transaction.execute("INSERT OR REPLACE INTO participations VALUES (?, ?, ?, ?, ?, ?)", row)
        transaction.execute("UPDATE marketing_events SET updated_at = ? WHERE id = ?", [now, number])
        transaction.note("marketing_events", str(number), "update", {"contact": contact, "state": body["state"]})
    return {"event": str(number), "contact": contact}


def list_events(call: Call) -> Response:
    """Answer `GET /marketing/v3/marketing-events`: by id; the cursor is opaque."""
    limit = call.number("limit", PAGE_DEFAULT, PAGE_MAX)
    start = offset_of(call.request.first("after"))
    rows = call.storage.query("SELECT * FROM marketing_events ORDER BY id LIMIT ? OFFSET ?", [limit + 1, start])
    body: dict[str, Any] = {"results": [event_body(call, row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = {"next": next_page(call, cursor_at(start + limit))}
    return json_response(200, body)


def get_event(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /marketing/v3/marketing-events/{objectId}`. No recording of the 404."""
    return json_response(200, event_body(call, event_row(call, id)))


def event_row(call: Call, number: str) -> sqlite3.Row:
    """Find an event; raises ApiError 404."""
    rows = call.storage.query("SELECT * FROM marketing_events WHERE id = ?", [whole_number(number)])
    if not rows:
        raise not_found()
    return rows[0]


def event_body(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Show an event with its counters."""
    counts = counters(call, row["id"])
    return {
        "eventName": row["name"],
        "eventType": row["event_type"],
        "startDateTime": stamp(row["starts_at"]),
        "endDateTime": None,
        "eventOrganizer": row["organizer"],
        "eventDescription": None,
        "eventUrl": None,
        "eventCancelled": bool(row["cancelled"]),
        "eventCompleted": False,
        "customProperties": [],
        "objectId": str(row["id"]),
        "externalEventId": row["external_id"],
        "eventStatus": "CANCELLED" if row["cancelled"] else "ONGOING",
        "eventStatusV2": "cancelled" if row["cancelled"] else "ongoing",
        "appInfo": {"id": "123", "name": "Zoom"},
        "registrants": counts["registered"],
        "attendees": counts["attended"],
        "cancellations": counts["cancelled"],
        "noShows": counts["noShows"],
        "createdAt": stamp(row["created_at"]),
        "updatedAt": stamp(row["updated_at"]),
    }


def counters(call: Call, number: int) -> dict[str, int]:
    """Count an event's participations."""
    select = "SELECT state, count(*) FROM participations WHERE event_id = ? GROUP BY state"
    found = {row[0]: int(row[1]) for row in call.storage.query(select, [number])}
    states = {"attended": "ATTENDED", "cancelled": "CANCELLED", "noShows": "NO_SHOW"}
    return {name: found.get(state, 0) for name, state in states.items()} | {"registered": sum(found.values())}


def get_counters(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /marketing/v3/marketing-events/participations/{marketingEventId}`."""
    return json_response(200, counters(call, event_row(call, id)["id"]))


def list_participations(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /marketing/v3/marketing-events/participations/{marketingEventId}/breakdown`; state chooses."""
    row = event_row(call, id)
    limit = call.number("limit", PAGE_DEFAULT, PAGE_MAX)
    start, state = offset_of(call.request.first("after")), call.request.first("state")
    rows = call.storage.query(
        "SELECT * FROM participations WHERE event_id = ? AND (? IS NULL OR state = ?) ORDER BY contact_id",
        [row["id"], state, state],
    )
    shown = [participation_body(call, row, each) for each in rows[start : start + limit]]
    body: dict[str, Any] = {"total": len(rows), "results": shown}
    if len(rows) > start + limit:
        body["paging"] = {"next": next_page(call, cursor_at(start + limit))}
    return json_response(200, body)


def participation_body(call: Call, event: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
    """Show one contact's participation."""
    kind = object_types()["contacts"]
    number = survivor(call.account, kind, row["contact_id"]) or row["contact_id"]
    held = call.storage.get(kind.plural, number) or {}
    names = {name: held.get(name) or "" for name in ("email", "firstname", "lastname")}
    properties: dict[str, Any] = {"attendanceState": row["state"], "occurredAt": row["occurred_at"]}
    if row["duration_s"] is not None:
        properties["attendanceDurationSeconds"] = row["duration_s"]
    about = {"marketingEventId": str(event["id"]), "name": event["name"], "externalEventId": event["external_id"]}
    return {
        "id": f"{event['id']}{number}",
        "createdAt": stamp(row["created_at"]),
        "associations": {"contact": {"contactId": number, **names}, "marketingEvent": about},
        "properties": properties,
    }
