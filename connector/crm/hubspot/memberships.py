"""When records joined a list (HubSpot now calls lists segments), in the order in which they did.

Who leaves a list has joined it all the same: leaving is told nowhere. A look costs one call to find the list and one
for the page on which the last one ended; once a day the list is read whole, 250 a call, as its cursors are opaque.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.crm.base import Page
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.errors import Refused
from connector.crm.hubspot.rows import following, table_of
from connector.errors import RetryableError
from mappings.fields import FieldKind

FIELDS: Mapping[str, FieldKind] = {
    "id": "text",
    "joinedAt": "datetime",
    "contactId": "reference",
    "companyId": "reference",
    "listId": "text",
    "listName": "text",
}
HOLDERS = {"0-1": "contactId", "0-2": "companyId"}
WHOLE_LOOK = timedelta(days=1)

Row = dict[str, Any]


def find_list(client: Client, name: str) -> Mapping[str, Any] | None:
    """Find a list of contacts or companies by its name, else by its id; null where there is none."""
    for type_id in HOLDERS:
        try:
            return _body(client.list_named(type_id, name).json())
        except Refused as error:
            if error.status != 404:
                raise
    if not name.isdigit():
        return None
    try:
        return _body(client.list_by_id(name).json())
    except Refused:
        return None


def _body(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = answer.get("list") or answer
    return found


@dataclass(frozen=True)
class Memberships:
    """Read who joined a list."""

    client: Client
    found: Mapping[str, Any]
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read on from the page on which the last look ended; the whole list where that was a day ago."""
        try:
            yield from self._from(cursor, whole=self._whole(cursor))
        except Refused:
            if cursor.after is None:
                raise
            yield from self._from(cursor, whole=True)  # a position kept from an earlier run may have expired

    def _whole(self, cursor: Cursor) -> bool:
        swept_at, now = instant(cursor.swept_at), self.client.session.answered_at
        return swept_at is None or now is None or now - swept_at >= WHOLE_LOOK

    def _from(self, cursor: Cursor, *, whole: bool) -> Iterator[Page]:
        after = None if whole else cursor.after
        while True:
            body = self.client.joined_page(str(self.found["listId"]), after).json()
            rows = [self._row(one) for one in body.get("results") or ()]
            further = following(body, after, "list memberships")
            now = self._answered_at()
            swept_at = now if whole else cursor.swept_at
            reached = cursor if further else Cursor(since_at=now, after=after, swept_at=swept_at)
            yield Page(table_of(rows, {name: FIELDS.get(name, "text") for name in self.fields}), cursor=reached.text())
            if further is None:
                return
            after = further

    def _row(self, one: Mapping[str, Any]) -> Row:
        record, joined_at = str(one["recordId"]), datetime.fromisoformat(str(one["membershipTimestamp"]))
        holder = HOLDERS.get(str(self.found.get("objectTypeId")), "contactId")
        own = {"id": f"{self.found['listId']}-{record}-{int(joined_at.timestamp())}", "joinedAt": joined_at}
        return own | {holder: record, "listId": self.found["listId"], "listName": self.found.get("name")}

    def _answered_at(self) -> str:
        if self.client.session.answered_at is None:
            raise RetryableError("HubSpot answered without a Date header")
        return stamp_of(self.client.session.answered_at)
