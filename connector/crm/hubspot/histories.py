"""What properties held before and since when: the versions that HubSpot keeps of them (45 of a contact's, else 20).

A first pull costs a call for every 50 records, later ones a search and a call for every 50 records that changed at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.crm.base import Page
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.read import OVERLAP
from connector.crm.hubspot.rows import following, table_of
from connector.crm.hubspot.search import Search, epoch_ms
from connector.errors import RetryableError
from mappings.fields import FieldKind

FIELDS: Mapping[str, FieldKind] = {
    "id": "text",
    "recordId": "reference",
    "property": "text",
    "old": "text",
    "new": "text",
    "changedAt": "datetime",
    "sourceType": "text",
}
BATCH = 50  # the vendor's limit where histories are asked for

Row = dict[str, Any]


def named(name: str) -> tuple[str, tuple[str, ...]]:
    """Take `OBJECT:PROPERTY,PROPERTY` apart."""
    object_type, _, properties = name.partition(":")
    return object_type, tuple(one.strip() for one in properties.split(",") if one.strip())


@dataclass(frozen=True)
class Histories:
    """Read the versions of some properties of one object."""

    client: Client
    object_type: str
    properties: tuple[str, ...]
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read all versions, going on where a pull was interrupted; later those of records that changed."""
        return self._everything(cursor) if cursor.since_at is None else self._changed(cursor)

    def _everything(self, cursor: Cursor) -> Iterator[Page]:
        started_at, after = cursor.started_at or self._answered_at(), cursor.after
        while True:
            body = self.client.history_page(self.object_type, self.properties, after).json()
            after = following(body, after, f"list of {self.object_type}")
            reached = Cursor(started_at=started_at, after=after) if after else Cursor(since_at=started_at)
            yield self._page(body.get("results") or (), reached)
            if after is None:
                return

    def _changed(self, cursor: Cursor) -> Iterator[Page]:
        since_at = instant(cursor.since_at)
        if since_at is None:
            raise AssertionError("a cursor of changes has a time")
        found: dict[str, None] = {}
        for page in Search(self.client, self.object_type).changed_since(since_at - OVERLAP):
            found |= {one.id: None for one in page}
        reached, ids = self._answered_at(), list(found)
        for start in range(0, len(ids), BATCH):
            inputs = [{"id": one} for one in ids[start : start + BATCH]]
            body = {"properties": [], "propertiesWithHistory": list(self.properties), "inputs": inputs}
            yield self._page(self.client.batch_read(self.object_type, body).json().get("results") or (), cursor)
        yield self._page((), Cursor(since_at=reached))

    def _page(self, records: Sequence[Mapping[str, Any]], cursor: Cursor) -> Page:
        rows = [row for record in records for row in _versions(record)]
        return Page(table_of(rows, {name: FIELDS.get(name, "text") for name in self.fields}), cursor=cursor.text())

    def _answered_at(self) -> str:
        if self.client.session.answered_at is None:
            raise RetryableError("HubSpot answered without a Date header, which the next pull starts from")
        return stamp_of(self.client.session.answered_at)


def _versions(record: Mapping[str, Any]) -> Iterator[Row]:
    """Give a row for each version, with the value of the one before; null where there was none."""
    number = str(record["id"])
    for name, told in (record.get("propertiesWithHistory") or {}).items():
        held = [(datetime.fromisoformat(str(one["timestamp"])), one) for one in told if one.get("timestamp")]
        before: str | None = None
        for changed_at, one in sorted(held, key=lambda pair: pair[0]):
            value = one.get("value") or None
            own = {"id": f"{number}-{name}-{epoch_ms(changed_at)}", "recordId": number, "property": name}
            yield own | {"old": before, "new": value, "changedAt": changed_at, "sourceType": one.get("sourceType")}
            before = value
