"""Records of one object: everything through the list, later changes through search and batch reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.compute as pc

from connector.crm.base import Moved, Page
from connector.crm.hubspot import columns
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.errors import problems_of
from connector.crm.hubspot.links import read_links
from connector.crm.hubspot.search import Search, epoch_ms
from connector.crm.hubspot.session import Answer
from connector.errors import RetryableError
from mappings.fields import FieldKind

PAGES_PER_TABLE = 25
BATCH_READ = 100
RECORDS_PER_TABLE = 1000  # also the most that one read of associations takes
URL_BYTES = 8000  # HubSpot answers 414 with HTML somewhere above
OVERLAP = timedelta(minutes=5)
SWEEP_PACE = timedelta(minutes=1)  # for each page that the last sweep of archived records took
MERGED = "hs_merged_object_ids"


@dataclass(frozen=True)
class Stream:
    """Read one object's records with the given fields."""

    client: Client
    object_type: str
    fields: tuple[str, ...]
    kinds: Mapping[str, FieldKind]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read on from the cursor; a first pull that was interrupted goes on where it stopped."""
        return self.everything(cursor) if cursor.since_at is None else self.changed(cursor)

    def everything(self, cursor: Cursor) -> Iterator[Page]:
        """List all records by ascending id; the list is stable under inserts."""
        started_at, after = cursor.started_at, cursor.after
        wide = self._is_wide()
        asked = (not wide and columns.property_names(self.fields)) or ["hs_object_id"]
        bodies: list[bytes] = []
        while True:
            answer = self.client.list_page(self.object_type, asked, self._linked, after)
            started_at = started_at or _stamp(answer.server_time_at)
            bodies.append(answer.body)
            previous, after = after, columns.next_after(answer.body)
            if after is not None and after == previous:
                raise RetryableError(f"HubSpot list of {self.object_type} answers the same page again")
            if after is None or len(bodies) == PAGES_PER_TABLE:
                rows = self._wide_rows(bodies) if wide else self._listed(bodies)
                yield Page(rows, cursor=_first_pull(started_at, after).text())
                bodies = []
            if after is None:
                return

    def changed(self, cursor: Cursor) -> Iterator[Page]:
        """Search what changed since the cursor less the overlap, read it, then look for archived records.

        A reading that was cut off goes on behind the last id, and ends with the time that it started at.
        """
        since_at = _moment(cursor.since_at)
        started_at, last_id = cursor.started_at, cursor.after or "0"
        waiting: list[str] = []
        for found in Search(self.client, self.object_type).changed_since(since_at - OVERLAP, last_id):
            started_at = started_at or self._answered_at()
            if since_at - OVERLAP > _moment(started_at):  # the server's clock was set back: its time counts from here
                yield from self.changed(replace(cursor, since_at=started_at, started_at=None, after=None))
                return
            waiting += sorted((one.id for one in found), key=int)
            while len(waiting) >= RECORDS_PER_TABLE:
                ready, waiting = waiting[:RECORDS_PER_TABLE], waiting[RECORDS_PER_TABLE:]
                yield self._page(ready, replace(cursor, started_at=started_at, after=ready[-1]))
        if waiting:
            yield self._page(waiting, replace(cursor, started_at=started_at, after=waiting[-1]))
        ended = replace(cursor, since_at=_later(cursor.since_at, started_at), started_at=None, after=None)
        yield self._sweep(cursor, ended)

    def by_id(self, ids: Sequence[str]) -> pa.Table:
        """Read records as they are now; those that are gone or were merged into another are absent."""
        bodies, _ = self._read(list(dict.fromkeys(ids)))
        rows = columns.record_rows(bodies, self.fields)
        table = columns.record_table(rows, self.fields, self.kinds)
        return table.filter(pc.is_in(table["id"], pa.array(ids, pa.string())))

    def look(self, ids: Sequence[str]) -> Page:
        """Read records by id with their associations; deleted are those that HubSpot says it has no record of.

        One that was merged is neither: it is found under its survivor's id.
        """
        bodies: list[bytes] = []
        lost: list[str] = []
        for asked, answer in self._answers(ids):
            bodies.append(answer.body)
            lost += _named_missing(answer.json(), asked) if answer.status == 207 else []
        rows = columns.record_rows(bodies, self.fields)
        rows = rows.filter(pc.is_in(pc.struct_field(rows, "id"), pa.array(ids, pa.string())))
        return Page(self._linked_table(rows), tuple(lost))

    @property
    def _linked(self) -> list[str]:
        return columns.association_types(self.fields)

    def _answered_at(self) -> str:
        """Read the Date of the latest answer."""
        return _stamp(self.client.session.answered_at)

    def _is_wide(self) -> bool:
        """Tell whether the properties would make the address of a list too long."""
        return sum(len(quote_plus(name)) + 3 for name in self.fields) > URL_BYTES

    def _listed(self, bodies: Sequence[bytes]) -> pa.Table:
        rows = columns.record_rows(bodies, self.fields)
        return columns.record_table(rows, self.fields, self.kinds, self._completed(rows))

    def _completed(self, rows: pa.StructArray) -> columns.Links:
        """Read the associations of records that have more than a list shows."""
        parts = {to: columns.unfinished(rows, to) for to in self._linked}
        return {to: read_links(self.client, self.object_type, to, ids) for to, ids in parts.items() if ids}

    def _wide_rows(self, bodies: Sequence[bytes]) -> pa.Table:
        """Read the properties of listed ids in batches; the list keeps giving the associations."""
        narrow = ["id", *(name for name in self.fields if name.startswith(columns.ASSOCIATIONS))]
        rows = columns.record_rows(bodies, narrow)
        listed = columns.record_table(rows, narrow, {}, self._completed(rows))
        ids = listed["id"].to_pylist()
        links = {to: dict(zip(ids, listed[columns.ASSOCIATIONS + to].to_pylist(), strict=True)) for to in self._linked}
        read, _ = self._read(ids)
        return columns.record_table(columns.record_rows(read, self.fields), self.fields, self.kinds, links)

    def _page(self, ids: Sequence[str], cursor: Cursor) -> Page:
        """Read records by id; the ids that are gone or were merged away are deleted."""
        bodies, deleted = self._read(ids)
        rows = columns.record_rows(bodies, self._with_merged())
        table = self._linked_table(rows)
        moved = tuple(self._moved(rows))
        gone = [*deleted, *(one.id for one in moved)]
        alive = set(pc.struct_field(rows, "id").to_pylist())
        return Page(table, tuple(dict.fromkeys(one for one in gone if one not in alive)), cursor.text(), moved)

    def _linked_table(self, rows: pa.StructArray) -> pa.Table:
        """Type rows whose answer tells no associations, and read these."""
        ids = pc.struct_field(rows, "id").to_pylist()
        links = {to: read_links(self.client, self.object_type, to, ids) for to in self._linked}
        return columns.record_table(rows, self.fields, self.kinds, links)

    def _with_merged(self) -> tuple[str, ...]:
        return (*self.fields, MERGED) if MERGED in self.kinds and MERGED not in self.fields else self.fields

    def _moved(self, rows: pa.StructArray) -> Iterator[Moved]:
        """List the ids that were merged into the records read; a loser vanishes without a trace of its own."""
        if MERGED not in self._with_merged():
            return
        ids, merged = pc.struct_field(rows, "id"), pc.struct_field(rows, ["properties", MERGED])
        for survivor, losers in zip(ids.to_pylist(), merged.to_pylist(), strict=True):
            names = [one.strip() for one in (losers or "").split(";") if one.strip()]
            yield from (Moved(one, self.object_type, survivor) for one in names)

    def _read(self, ids: Sequence[str]) -> tuple[list[bytes], list[str]]:
        """Read records in batches; returns the bodies and the ids that do not exist any more."""
        bodies, deleted = [], []
        for asked, answer in self._answers(ids):
            bodies.append(answer.body)
            deleted += _missing(answer, asked)
        return bodies, deleted

    def _answers(self, ids: Sequence[str]) -> Iterator[tuple[Sequence[str], Answer]]:
        """Read records in batches, each with the ids that were asked for."""
        properties = columns.property_names(self._with_merged())
        for start in range(0, len(ids), BATCH_READ):
            asked = ids[start : start + BATCH_READ]
            body = {"properties": properties, "propertiesWithHistory": [], "inputs": [{"id": one} for one in asked]}
            yield asked, self.client.batch_read(self.object_type, body)

    def _sweep(self, cursor: Cursor, ended: Cursor) -> Page:
        """Look for archived records, which neither search nor list shows.

        The list of archived records has no order in time and is read whole, so the more pages it has, the less often.
        """
        empty = columns.record_table(columns.record_rows([], self.fields), self.fields, self.kinds)
        now = _moment(ended.since_at)
        swept_at = min(_moment(cursor.swept_at or cursor.since_at), now)  # the server's clock may have been set back
        if cursor.sweep_pages > 1 and now - swept_at < cursor.sweep_pages * SWEEP_PACE:
            return Page(empty, cursor=ended.text())
        bodies = self._archived()
        archived = columns.archived_rows(bodies).to_pylist()
        deleted = [one["id"] for one in archived if _since(one["archivedAt"], swept_at - OVERLAP)]
        final = replace(ended, swept_at=ended.since_at, sweep_pages=len(bodies))
        return Page(empty, tuple(deleted), final.text())

    def _archived(self) -> list[bytes]:
        bodies: list[bytes] = []
        after: str | None = None
        while not bodies or after is not None:
            answer = self.client.archived_page(self.object_type, after)
            bodies.append(answer.body)
            previous, after = after, columns.next_after(answer.body)
            if after is not None and after == previous:
                raise RetryableError(f"HubSpot list of archived {self.object_type} answers the same page again")
        return bodies


def _first_pull(started_at: str | None, after: str | None) -> Cursor:
    if after is None:
        return Cursor(since_at=started_at, swept_at=started_at)
    return Cursor(started_at=started_at, after=after)


def _missing(answer: Answer, asked: Sequence[str]) -> list[str]:
    """List the asked ids that HubSpot says are gone, or that came back under the id of a merge's survivor."""
    if answer.status == 207:
        parsed = answer.json()
        named = _named_missing(parsed, asked)
        found = [str(one["id"]) for one in parsed.get("results") or ()]
    else:
        named = []
        found = pc.struct_field(columns.record_rows([answer.body], ["id"]), "id").to_pylist()
    wanted = set(asked)
    survivors = any(one not in wanted for one in found)
    unanswered = wanted.difference(found) if survivors else set()
    return [one for one in asked if one in unanswered or one in named]


def _named_missing(body: Mapping[str, Any], asked: Sequence[str]) -> list[str]:
    named = {one for problem in problems_of(body) for one in problem.ids if "NOT_FOUND" in problem.code}
    return [one for one in asked if one in named]


def _since(stamp: str | None, limit: datetime) -> bool:
    return stamp is None or epoch_ms(datetime.fromisoformat(stamp)) >= epoch_ms(limit)


def _later(first: str | None, second: str | None) -> str:
    return stamp_of(max(_moment(first), _moment(second or first)))


def _moment(stamp: str | None) -> datetime:
    moment = instant(stamp)
    if moment is None:
        raise AssertionError("a cursor of changes has a time")
    return moment


def _stamp(answered_at: datetime | None) -> str:
    if answered_at is None:
        raise RetryableError("HubSpot answered without a Date header, which the next pull starts from")
    return stamp_of(answered_at)
