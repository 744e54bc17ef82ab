"""The ids of records that changed since a time, through an index that lags, caps and moves while it is read.

A query yields at most 10,000 results, and a record that is edited while pages are read moves in the order of stamps,
so that the page after the next lacks one. So ids are read in ascending order, each query beyond the last id of the one
before: nothing moves in that order, and no query goes past its first page. What changes meanwhile is newer than the
start of the reading, and is found by the next one.
Source: https://developers.hubspot.com/docs/guides/api/crm/search
"""

from collections.abc import Iterator, Mapping
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

    def changed_since(self, since_at: datetime, after_id: str = "0") -> Iterator[list[Found]]:
        """Yield pages of records modified at or after since_at, by ascending ids above after_id."""
        from_ms = max(epoch_ms(since_at), 1000)  # HubSpot answers 500 for the epoch itself
        while True:
            page, more = self._page(from_ms, after_id)
            yield page
            if not more or not page:
                return
            after_id = str(max(int(found.id) for found in page))

    @property
    def _modified(self) -> str:
        return modified_property(self.object_type)

    def _page(self, from_ms: int, after_id: str) -> tuple[list[Found], bool]:
        """Read the first page above an id; tells whether there is more."""
        limits = ((self._modified, "GTE", str(from_ms)), ("hs_object_id", "GT", after_id))
        filters = [{"propertyName": name, "operator": operator, "value": value} for name, operator, value in limits]
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": [self._modified],
            "limit": SEARCH_PAGE,
        }
        answer = self.client.search(self.object_type, body).json()
        found = [self._found(one) for one in answer.get("results") or ()]
        if any(int(one.id) <= int(after_id) for one in found):
            raise RetryableError(f"HubSpot search of {self.object_type} answers the same page again")
        return found, ((answer.get("paging") or {}).get("next") or {}).get("after") is not None

    def _found(self, one: Mapping[str, Any]) -> Found:
        stamp = (one.get("properties") or {}).get(self._modified) or one.get("updatedAt")
        return Found(str(one["id"]), epoch_ms(datetime.fromisoformat(str(stamp))))


def epoch_ms(moment: datetime) -> int:
    """Count milliseconds since 1970, without the rounding of a float."""
    return (moment - EPOCH) // MS
