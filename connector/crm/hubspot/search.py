"""The ids of records that changed since a time, through an index that lags, caps and repeats itself.

A query yields at most 10,000 results, may be out of order, and thousands of records can share one millisecond. So a
query is restarted from the oldest stamp of its last page, and where a window does not get past its first millisecond,
that millisecond is read by ascending id. Records may be yielded again; nothing is left out.
Source: https://developers.hubspot.com/docs/guides/api/crm/search
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.values import EPOCH
from connector.errors import RetryableError

SEARCH_PAGE = 200
SEARCH_CAP = 10_000
MS = timedelta(milliseconds=1)


def modified_property(object_type: str) -> str:
    """Name the property that holds the modified stamp."""
    return "lastmodifieddate" if object_type == "contacts" else "hs_lastmodifieddate"


@dataclass(frozen=True)
class Found:
    """Name a changed record; modified_ms is in epoch milliseconds."""

    id: str
    modified_ms: int


@dataclass(frozen=True)
class Search:
    """Search one object type by its modified stamp."""

    client: Client
    object_type: str

    def changed_since(self, since_at: datetime) -> Iterator[list[Found]]:
        """Yield pages of records modified at or after since_at, roughly in the order of their stamps."""
        from_ms: int | None = max(epoch_ms(since_at), 1000)  # HubSpot answers 500 for the epoch itself
        while from_ms is not None:
            from_ms = yield from self._window(from_ms)

    def _window(self, from_ms: int) -> Generator[list[Found], None, int | None]:
        """Yield the pages of one query and return the stamp to go on from; null when all was read."""
        after: str | None = None
        page: list[Found] = []
        for _ in range(SEARCH_CAP // SEARCH_PAGE):
            page, after = self._page([self._filter("GTE", from_ms)], self._modified, after)
            yield page
            if after is None:
                return None
        next_ms = min((found.modified_ms for found in page), default=from_ms)
        if next_ms > from_ms:
            return next_ms
        yield from self._millisecond(from_ms)
        return from_ms + 1

    def _millisecond(self, at_ms: int) -> Iterator[list[Found]]:
        """Yield the records of one crowded millisecond by ascending id."""
        last_id = "0"
        while True:
            above = {"propertyName": "hs_object_id", "operator": "GT", "value": last_id}
            page, after = self._page([self._filter("EQ", at_ms), above], "hs_object_id", None)
            yield page
            if after is None or not page:
                return
            last_id = str(max(int(found.id) for found in page))

    @property
    def _modified(self) -> str:
        return modified_property(self.object_type)

    def _filter(self, operator: str, stamp_ms: int) -> dict[str, str]:
        return {"propertyName": self._modified, "operator": operator, "value": str(stamp_ms)}

    def _page(self, filters: list[dict[str, str]], sort: str, after: str | None) -> tuple[list[Found], str | None]:
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": [self._modified],
            "limit": SEARCH_PAGE,
        }
        if after is not None:
            body["after"] = after
        answer = self.client.search(self.object_type, body).json()
        following = ((answer.get("paging") or {}).get("next") or {}).get("after")
        if following is not None and str(following) == after:
            raise RetryableError(f"HubSpot search of {self.object_type} answers the same page again")
        found = [self._found(one) for one in answer.get("results") or ()]
        return found, None if following is None else str(following)

    def _found(self, one: Mapping[str, Any]) -> Found:
        stamp = (one.get("properties") or {}).get(self._modified) or one.get("updatedAt")
        return Found(str(one["id"]), epoch_ms(datetime.fromisoformat(str(stamp))))


def epoch_ms(moment: datetime) -> int:
    """Count milliseconds since 1970, without the rounding of a float."""
    return (moment - EPOCH) // MS
