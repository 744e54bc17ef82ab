"""Occurrences of event types, for contacts and companies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa

from connector.crm.base import Page
from connector.crm.hubspot import columns
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.errors import Refused
from connector.crm.hubspot.session import Answer
from connector.errors import RetryableError

PAGES_PER_TABLE = 25
LATE = timedelta(hours=1)  # events are processed after they occur
OBJECT_TYPES = ("contact", "company")
ONE_PERSONS = ("email", "form")  # in the name of HubSpot's own types whose events are of contacts alone


@dataclass(frozen=True)
class Events:
    """Read one event type; fields are id, occurredAt, objectType, objectId and properties.NAME."""

    client: Client
    event_type: str
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read events that occurred since the cursor less the time they may be late; they may be in any order."""
        since_at = instant(cursor.since_at)
        occurred_after = None if since_at is None else stamp_of(since_at - LATE)
        pending = self._stages[self._stages.index(cursor.stage) :] if cursor.stage in self._stages else self._stages
        for object_type in pending:
            after = cursor.after if object_type == cursor.stage else None
            reached = replace(cursor, stage=object_type, after=after)
            for page in self._stage(reached, occurred_after):
                yield page
                reached = Cursor.parse(page.cursor, self.event_type)
            cursor = reached

    @property
    def _stages(self) -> tuple[str, ...]:
        alone = self.event_type.startswith("e_") and any(word in self.event_type for word in ONE_PERSONS)
        return OBJECT_TYPES[:1] if alone else OBJECT_TYPES

    def _stage(self, cursor: Cursor, occurred_after: str | None) -> Iterator[Page]:
        """Read the events of one object type, page after page."""
        stage, after, started_at = cursor.stage or OBJECT_TYPES[0], cursor.after, cursor.started_at
        bodies: list[bytes] = []
        while True:
            answer, after = self._answer(stage, occurred_after, after, resumed=not bodies and after == cursor.after)
            started_at = started_at or _date(answer)
            bodies.append(answer.body)
            if after is None or len(bodies) == PAGES_PER_TABLE:
                yield Page(self._table(bodies), cursor=_reached(cursor, self._stages, stage, started_at, after).text())
                bodies = []
            if after is None:
                return

    def _answer(
        self, object_type: str, occurred_after: str | None, after: str | None, *, resumed: bool
    ) -> tuple[Answer, str | None]:
        """Read a page and where the next one starts; a position kept from an earlier run may have expired."""
        try:
            answer = self.client.events_page(self.event_type, object_type, occurred_after, after)
        except Refused:
            if not resumed or after is None:
                raise
            answer = self.client.events_page(self.event_type, object_type, occurred_after, None)
        following = columns.next_after(answer.body)
        if following is not None and following == after:
            raise RetryableError(f"HubSpot events of type {self.event_type} answer the same page again")
        return answer, following

    def _table(self, bodies: list[bytes]) -> pa.Table:
        return columns.event_table(columns.event_rows(bodies, self.fields), self.fields)


@dataclass(frozen=True)
class EventsOfTypes:
    """Read several event types, one after the other, each with a cursor of its own."""

    client: Client
    event_types: tuple[str, ...]
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read the events of each type since it was read last; at least one page."""
        seen = dict(cursor.seen)
        for event_type in self.event_types:
            for page in Events(self.client, event_type, self.fields).pages(
                Cursor.parse(seen.get(event_type), event_type)
            ):
                seen[event_type] = page.cursor
                yield replace(page, cursor=Cursor(seen=seen).text())
        if not self.event_types:
            yield Page(columns.event_table(columns.event_rows([], self.fields), self.fields), cursor=cursor.text())


def _reached(cursor: Cursor, stages: Sequence[str], stage: str, started_at: str, after: str | None) -> Cursor:
    """Say how far the pull is: inside a stage, at the start of the next, or at its end."""
    if after is not None:
        return Cursor(cursor.since_at, started_at, stage, after)
    if stage != stages[-1]:
        return Cursor(cursor.since_at, started_at, stages[stages.index(stage) + 1])
    return Cursor(max(filter(None, (cursor.since_at, started_at)), key=_order))


def _order(stamp: str) -> float:
    moment = instant(stamp)
    return 0.0 if moment is None else moment.timestamp()


def _date(answer: Answer) -> str:
    if answer.server_time_at is None:
        raise RetryableError("HubSpot answered without a Date header, which the next pull starts from")
    return stamp_of(answer.server_time_at)
