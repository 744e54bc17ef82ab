"""Reading what changed: REST pages below a threshold of rows, Bulk API 2.0 above.

A pull starts at the watermark minus an overlap, for a transaction may commit minutes after the stamp its rows carry;
rows are therefore repeated, never missed. The next watermark is the server's clock at the start of the pull.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import pyarrow as pa

from connector.crm.base import Page
from connector.crm.salesforce.bulk_query import bulk_tables
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.gateway import Gateway, server_time
from connector.crm.salesforce.purged import purged
from connector.crm.salesforce.selection import Batch, Selection, newest_position, page_of, read_json_page
from connector.crm.salesforce.soql import Position, changed_since, select
from connector.crm.salesforce.wire import Answer, Request
from connector.errors import BatchRefused, ConfigError, LeadlightError, RetryableError

OVERLAP = timedelta(minutes=5)
URI_LIMIT = 15_000  # characters of an encoded query; the vendor refuses 16 KB of URI and headers
RESTARTS = 3


@dataclass(frozen=True)
class Watermark:
    """Say from when a pull reads and when it started, both UTC by the server's clock."""

    since: datetime | None
    started_at: datetime | None

    def at(self, read_until: datetime | None) -> str:
        """Write the cursor that stands for all rows up to a stamp; it never moves backwards, nor past the start."""
        reached = min(read_until, self.started_at) if read_until and self.started_at else None
        latest = max((each for each in (self.since, reached) if each is not None), default=None)
        return "" if latest is None else cursor_of(latest)

    def final(self, newest_at: datetime | None) -> str:
        """Write the cursor of the whole pull; without a server time the newest stamp has to do."""
        latest = max((each for each in (self.since, self.started_at or newest_at) if each is not None), default=None)
        return "" if latest is None else cursor_of(latest)


def cursor_of(instant: datetime) -> str:
    """Write a cursor."""
    return json.dumps({"stamp": instant.isoformat()})


def since_of(cursor: str | None) -> datetime | None:
    """Read a cursor; null and the empty text mean that all has to be read."""
    if not cursor:
        return None
    try:
        return datetime.fromisoformat(json.loads(cursor)["stamp"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{cursor!r} is not a Salesforce cursor; pull this object anew") from None


@dataclass(frozen=True)
class Pull:
    """Hold what every step of one pull needs."""

    gateway: Gateway
    selection: Selection
    since: datetime | None

    def query(self, after: Position | None = None, *, ordered: bool = True) -> str:
        """Write the query; a Bulk query is faster without an order."""
        stamp = self.selection.stamp
        start = self.since - OVERLAP if self.since else None
        # the first pull need not hear of what was deleted before it
        alive_only = self.selection.deletable and self.since is None
        where = changed_since(stamp, start, after, alive_only=alive_only)
        return select(self.selection.columns, self.selection.object, where, (stamp, "Id") if ordered else ())

    def first(self, after: Position | None = None) -> tuple[Batch, datetime | None]:
        """Read the first page of the query, and the server's time."""
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
        request = Request("GET", "queryAll/", params={"q": self.query(after)})
        return self.gateway.call(request, lambda answer: (self._batch(answer), server_time_of(answer)))

    def following(self, path: str) -> Batch:
        """Read the page that an earlier one names."""
        return self.gateway.call(Request("GET", path), self._batch)

    def _batch(self, answer: Answer) -> Batch:
        return read_json_page(answer.body, self.selection.columns)


def server_time_of(answer: Answer) -> datetime | None:
    """Read the server's clock from an answer."""
    return server_time(answer.headers.get("Date", ""))


def pages(gateway: Gateway, selection: Selection, cursor: str | None) -> Iterator[Page]:
    """Read what changed since the cursor; raises ConfigError where Salesforce refuses the query."""
    pull = Pull(gateway, selection, since_of(cursor))
    try:
        if len(quote_plus(pull.query())) > URI_LIMIT:
            yield from _long_query_pages(pull)
        else:
            yield from _short_query_pages(pull)
    except BatchRefused as refused:
        raise as_config_error(refused, f"{selection.object} cannot be read") from None


def _short_query_pages(pull: Pull) -> Iterator[Page]:
    batch, started_at = pull.first()
    if pull.since and started_at and pull.since - OVERLAP > started_at:  # the clock was set back: it counts from here
        pull = replace(pull, since=started_at)
        batch, started_at = pull.first()
    watermark = Watermark(pull.since, started_at)
    yield from _purged_page(pull, watermark)
    if batch.total > pull.gateway.settings.bulk_read_above:
        try:
            tables = bulk_tables(pull.gateway, pull.query(ordered=False), pull.selection)
        except BatchRefused:  # an object that Bulk does not serve, or an org without it: go on with the page at hand
            tables = None
        if tables is not None:
            del batch
            yield from _bulk_pages(tables, pull, watermark)
            return
    yield from _rest_pages(pull, batch, watermark)


def _purged_page(pull: Pull, watermark: Watermark) -> Iterator[Page]:
    """Name people and companies that were deleted for good, which no query shows; what still lives comes after."""
    if pull.since is not None and watermark.started_at is not None and "MasterRecordId" in pull.selection.columns:
        ids = purged(pull.gateway, pull.selection.object, pull.since - OVERLAP, watermark.started_at)
        empty = pa.schema([(name, pull.selection.columns[name]) for name in pull.selection.requested]).empty_table()
        yield Page(empty, ids, watermark.at(None))


def _long_query_pages(pull: Pull) -> Iterator[Page]:
    """Read by Bulk, whose query travels in a body; the server's time is that of the last answer before it."""
    pull.gateway.json(Request("GET", "limits/"))
    watermark = Watermark(pull.since, pull.gateway.calls.server_time_at)
    yield from _bulk_pages(bulk_tables(pull.gateway, pull.query(ordered=False), pull.selection), pull, watermark)


def _bulk_pages(tables: Iterator[tuple[pa.Table, bool]], pull: Pull, watermark: Watermark) -> Iterator[Page]:
    """Results come in no order, so that only the last page moves the cursor."""
    for table, is_last in tables:
        yield page_of(table, pull.selection, watermark.final(None) if is_last else watermark.at(None))


def _rest_pages(pull: Pull, batch: Batch, watermark: Watermark) -> Iterator[Page]:
    position: Position | None = None
    restarts = 0
    while True:
        position = newest_position(batch.table, pull.selection) or position
        read_until = position.stamp if position else None
        cursor = watermark.at(read_until) if batch.next else watermark.final(read_until)
        yield page_of(batch.table, pull.selection, cursor)
        if batch.next is None:
            return
        try:
            batch = pull.following(batch.next)
        except BatchRefused as refused:
            restarts += 1
            if refused.code != "INVALID_QUERY_LOCATOR" or position is None or restarts > RESTARTS:
                raise _lost_place(refused) from None
            batch, _ = pull.first(after=position)


def _lost_place(refused: BatchRefused) -> LeadlightError:
    if refused.code == "INVALID_QUERY_LOCATOR":
        return RetryableError(f"Salesforce keeps dropping the place in a query: {refused.message}")
    return refused
