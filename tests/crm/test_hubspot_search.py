"""Finding what changed through a search that caps, repeats, disorders and crowds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm.base import CallCounter
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.search import SEARCH_CAP, Search
from connector.errors import RetryableError
from tests.crm.hubspot_recordings import Reply, reply, served

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Index:
    """Answer searches over (id, modified in ms) as HubSpot's index does."""

    records: Sequence[tuple[int, int]]
    searches: list[dict[str, Any]] = field(default_factory=list)
    disorder: bool = False
    answers: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
        self.searches.append(body)
        found = self._found(body)
        start = int(body.get("after", 0))
        if start + body["limit"] > SEARCH_CAP:
            return reply(400, {"status": "error", "message": "too far", "category": "VALIDATION_ERROR"})
        page = found[start : start + body["limit"]]
        if self.disorder:
            page = page[::-1]
        answer: dict[str, Any] = {"total": len(found), "results": [self._result(*one) for one in page]}
        if start + len(page) < len(found):
            answer["paging"] = {"next": {"after": str(start + len(page))}}
        return reply(200, answer)

    def _found(self, body: dict[str, Any]) -> list[tuple[int, int]]:
        query = json.dumps([body["filterGroups"], body["sorts"]])
        if query not in self.answers:
            matching = (one for one in self.records if self._matches(one, body))
            self.answers[query] = sorted(matching, key=self._order(body))
        return self.answers[query]

    def _matches(self, one: tuple[int, int], body: dict[str, Any]) -> bool:
        actual = {"hs_object_id": one[0], "lastmodifieddate": one[1]}
        rules = {"GTE": int.__ge__, "GT": int.__gt__, "EQ": int.__eq__}
        return all(
            rules[rule["operator"]](actual[rule["propertyName"]], int(rule["value"]))
            for rule in body["filterGroups"][0]["filters"]
        )

    def _order(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 - a sort key
        by_id = body["sorts"][0]["propertyName"] == "hs_object_id"
        return (lambda one: one[0]) if by_id else (lambda one: (one[1], one[0]))

    def _result(self, record_id: int, modified_ms: int) -> dict[str, Any]:
        stamp = (EPOCH + timedelta(milliseconds=modified_ms)).isoformat(timespec="milliseconds")
        return {"id": str(record_id), "properties": {"lastmodifieddate": stamp.replace("+00:00", "Z")}}


def found_in(index: Index, since_ms: int) -> set[int]:
    with served(index) as url:
        client = Client(HubSpotSettings(access_token="t", base_url=url, search_per_s=10_000), CallCounter())
        pages = Search(client, "contacts").changed_since(EPOCH + timedelta(milliseconds=since_ms))
        return {int(one.id) for page in pages for one in page}


@pytest.mark.fault("F18", "I5")
@pytest.mark.parametrize("disorder", [False, True])
def test_more_than_a_query_yields_are_all_found(disorder: bool) -> None:
    records = [(number, 1_700_000_000_000 + number // 3) for number in range(1, 12_001)]
    index = Index(records, disorder=disorder)
    assert found_in(index, 1_700_000_000_000) == {one for one, _ in records}
    assert len(index.searches) <= 61 + 2


@pytest.mark.fault("F17", "F18")
def test_a_crowded_millisecond_is_read_like_any_other() -> None:
    crowd = [(number, 1_700_000_000_005) for number in range(1, 10_502)]
    around = [(20_001, 1_700_000_000_004), (20_002, 1_700_000_000_006), (20_003, 1_700_000_000_003)]
    index = Index([*crowd, *around])
    assert found_in(index, 1_700_000_000_004) == {one for one, _ in [*crowd, *around[:2]]}


@pytest.mark.fault("F18", "I5")
def test_records_that_change_while_pages_are_read_push_no_other_out() -> None:
    records = {number: 1_700_000_000_000 + number for number in range(1, 2001)}

    class Moving(Index):
        """Let some records of the pages read so far change before each answer, and answer from what is there then."""

        def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
            for number in range(1, 2001, 7):
                records[number] += 1_000_000
            self.records, self.answers = list(records.items()), {}
            return super().__call__(method, path, body)

    assert found_in(Moving([]), 1_700_000_000_000) == set(records)


def test_a_page_that_comes_again_is_no_progress() -> None:
    first = {"results": [{"id": "7", "properties": {"lastmodifieddate": "2026-07-01T00:00:00Z"}}]}
    again = {**first, "paging": {"next": {"after": "200"}}}
    with served(lambda *_: reply(200, again)) as url:
        client = Client(HubSpotSettings(access_token="t", base_url=url, search_per_s=10_000), CallCounter())
        pages = Search(client, "contacts").changed_since(EPOCH)
        assert [one.id for one in next(pages)] == ["7"]
        with pytest.raises(RetryableError, match="same page again"):
            next(pages)


def test_nothing_changed() -> None:
    index = Index([])
    assert found_in(index, 0) == set()
    assert index.searches[0]["filterGroups"][0]["filters"][0]["value"] == "1000"


def adapter(url: str) -> HubSpotCrm:
    return connect(HubSpotSettings(access_token="t", base_url=url, search_per_s=10_000, rate_per_10s=100_000))


@dataclass
class Portal:
    """Answer the calls of an incremental pull of contacts."""

    index: Index
    archived: list[dict[str, Any]] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    definitions: tuple[str, ...] = ("email", "hs_merged_object_ids")

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
        self.calls.append(path.split("?")[0])
        if path.startswith("/crm/v3/properties/"):
            return reply(200, {"results": [{"name": name, "type": "string"} for name in self.definitions]})
        if path.endswith("/search"):
            return self.index(method, path, body)
        if path.endswith("/batch/read"):
            return self._read(body)
        return reply(200, {"results": self.archived})

    def _read(self, body: dict[str, Any]) -> Reply:
        asked = [one["id"] for one in body["inputs"]]
        results = []
        for one in asked:
            if one not in self.missing:
                record_id = self.merged.get(one, one)
                losers = ";".join(loser for loser, winner in self.merged.items() if winner == record_id) or None
                values = {"email": f"{record_id}@example.com", "hs_merged_object_ids": losers}
                results.append({"id": record_id, "properties": values})
        gone = [one for one in asked if one in self.missing]
        if not gone:
            return reply(200, {"results": results})
        error = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": gone}}
        return reply(207, {"results": results, "errors": [error], "numErrors": 1})


CURSOR = json.dumps({"since_at": "2026-07-01T11:50:00Z"})
NOW_MS = int(datetime(2026, 7, 1, 11, 50, tzinfo=UTC).timestamp() * 1000)


def test_changed_records_come_in_tables_and_each_once() -> None:
    portal = Portal(Index([(number, NOW_MS + number) for number in range(1, 2501)]))
    with served(portal) as url:
        pages = list(adapter(url).changes("contacts", ["id", "email"], CURSOR))
    read = [one for page in pages for one in page.rows["id"].to_pylist()]
    assert sorted(map(int, read)) == list(range(1, 2501))
    assert [page.rows.num_rows for page in pages] == [1000, 1000, 500, 0]
    told = [json.loads(page.cursor) for page in pages]
    assert [(cursor["since_at"], cursor.get("after")) for cursor in told] == [
        ("2026-07-01T11:50:00Z", "1000"),
        ("2026-07-01T11:50:00Z", "2000"),
        ("2026-07-01T11:50:00Z", "2500"),
        ("2026-07-01T12:00:00Z", None),
    ]
    assert pages[0].rows.column_names == ["id", "email"]
    assert portal.calls.count("/crm/v3/objects/contacts/batch/read") == 25


@pytest.mark.fault("F12", "F18")
def test_a_reading_that_was_cut_off_goes_on_behind_the_last_id() -> None:
    portal = Portal(Index([(number, NOW_MS + number) for number in range(1, 2501)]))
    with served(portal) as url:
        stopped = next(iter(adapter(url).changes("contacts", ["id", "email"], CURSOR)))
        rest = list(adapter(url).changes("contacts", ["id", "email"], stopped.cursor))
    read = [one for page in rest for one in page.rows["id"].to_pylist()]
    assert list(map(int, read)) == list(range(1001, 2501))
    assert json.loads(rest[-1].cursor)["since_at"] == json.loads(stopped.cursor)["started_at"]


@pytest.mark.fault("F22")
def test_what_is_gone_or_merged_away_is_deleted() -> None:
    portal = Portal(Index([(number, NOW_MS) for number in (1, 2, 3, 4)]), merged={"2": "9", "77": "4"}, missing={"3"})
    with served(portal) as url:
        pages = list(adapter(url).changes("contacts", ["id", "email"], CURSOR))
    assert pages[0].rows["id"].to_pylist() == ["1", "9", "4"]
    assert sorted(pages[0].deleted) == ["2", "3", "77"]


def test_archived_records_are_deleted_and_a_long_list_is_read_less_often() -> None:
    archived = [
        {"id": "5", "archivedAt": "2026-07-01T11:55:00Z"},
        {"id": "6", "archivedAt": "2026-06-01T11:55:00Z"},
        {"id": "7"},
    ]
    portal = Portal(Index([]), archived=archived)
    with served(portal) as url:
        page = list(adapter(url).changes("contacts", ["id"], CURSOR))[-1]
        assert page.deleted == ("5", "7")
        stored = json.loads(page.cursor)
        assert (stored["swept_at"], stored["sweep_pages"]) == ("2026-07-01T12:00:00Z", 1)
        portal.calls.clear()
        busy = json.dumps({**stored, "since_at": "2026-07-01T11:50:00Z", "sweep_pages": 20})
        page = list(adapter(url).changes("contacts", ["id"], busy))[-1]
    assert page.deleted == ()
    assert "/crm/v3/objects/contacts" not in portal.calls
    assert json.loads(page.cursor)["sweep_pages"] == 20


@pytest.mark.fault("F16", "I9")
def test_a_cursor_from_the_future_neither_fails_nor_hides_what_changes() -> None:
    portal = Portal(Index([(1, NOW_MS + 60_000 * 8)]))
    with served(portal) as url:
        pages = list(adapter(url).changes("contacts", ["id"], json.dumps({"since_at": "2999-12-31T00:00:00Z"})))
    assert pages[0].rows["id"].to_pylist() == ["1"]
    assert json.loads(pages[-1].cursor)["since_at"] == "2026-07-01T12:00:00Z"
