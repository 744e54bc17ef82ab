"""Who registered for a marketing event, attended it, cancelled or stayed away: webinars, fairs, any app's events.

HubSpot keeps one state per contact and event, the latest. Whoever was seen registered before stays so in the store; a
portal that is read whole later shows attendance alone. A look costs the list of events, 100 a call, and the
participations of those whose counters or stamp changed since.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.crm.base import Page
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.rows import following, moment_of, table_of
from connector.crm.hubspot.search import epoch_ms
from connector.errors import RetryableError
from mappings.fields import FieldKind

FIELDS: Mapping[str, FieldKind] = {
    "id": "text",
    "occurredAt": "datetime",
    "state": "text",
    "contactId": "reference",
    "watchMinutes": "number",
    "eventId": "text",
    "eventName": "text",
    "eventType": "text",
    "eventOrganizer": "text",
    "eventCancelled": "boolean",
}
COUNTERS = ("registrants", "attendees", "cancellations", "noShows")

Row = dict[str, Any]


def all_events(client: Client) -> tuple[Mapping[str, Any], ...]:
    """List the marketing events with their counters."""
    found: list[Mapping[str, Any]] = []
    after: str | None = None
    while True:
        body = client.marketing_events_page(after).json()
        found += [one for one in body.get("results") or () if one.get("objectId")]
        after = following(body, after, "list of marketing events")
        if after is None:
            return tuple(found)


def chosen(events: Sequence[Mapping[str, Any]], wanted: str) -> tuple[Mapping[str, Any], ...]:
    """Give the events that a mapping asks for: `*`, an event's id, or its name."""
    return tuple(one for one in events if wanted in ("*", one.get("eventName"), str(one["objectId"])))


@dataclass(frozen=True)
class Participations:
    """Read the participations of some events."""

    client: Client
    events: Sequence[Mapping[str, Any]]
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read those of events that changed since they were looked at last."""
        marks = {str(event["objectId"]): _mark(event) for event in self.events}
        for event in self.events:
            number = str(event["objectId"])
            if cursor.seen.get(number) != marks[number]:
                for rows in self._of(event):
                    yield self._page(rows, cursor)
        yield self._page([], replace(cursor, since_at=self._answered_at(), seen=marks))

    def _of(self, event: Mapping[str, Any]) -> Iterator[list[Row]]:
        after: str | None = None
        while True:
            body = self.client.participations_page(str(event["objectId"]), after).json()
            yield [row for one in body.get("results") or () if (row := _row(event, one)) is not None]
            after = following(body, after, "participations of a marketing event")
            if after is None:
                return

    def _page(self, rows: list[Row], cursor: Cursor) -> Page:
        return Page(table_of(rows, {name: FIELDS.get(name, "text") for name in self.fields}), cursor=cursor.text())

    def _answered_at(self) -> str:
        answered_at = self.client.session.answered_at
        if answered_at is None:
            raise RetryableError("HubSpot answered without a Date header")
        return stamp_of(answered_at)


def _mark(event: Mapping[str, Any]) -> str:
    """Write down what changes when somebody's participation does."""
    counts = ".".join(str(event.get(name) or 0) for name in COUNTERS)
    return f"{event.get('updatedAt') or ''} {counts}"


def _row(event: Mapping[str, Any], one: Mapping[str, Any]) -> Row | None:
    properties, contact = one.get("properties") or {}, (one.get("associations") or {}).get("contact") or {}
    state, number = properties.get("attendanceState"), contact.get("contactId")
    if not state or not number:
        return None
    created_at = instant(one.get("createdAt"))
    occurred_ms = properties.get("occurredAt") or (epoch_ms(created_at) if created_at else None)
    watched_s = properties.get("attendanceDurationSeconds")
    return {
        "id": f"{event['objectId']}-{number}-{state}",
        "occurredAt": moment_of(occurred_ms),
        "state": state,
        "contactId": number,
        "watchMinutes": None if watched_s is None else watched_s / 60,
        "eventId": event["objectId"],
        "eventName": event.get("eventName"),
        "eventType": event.get("eventType"),
        "eventOrganizer": event.get("eventOrganizer"),
        "eventCancelled": bool(event.get("eventCancelled")),
    }
