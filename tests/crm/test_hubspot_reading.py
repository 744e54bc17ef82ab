"""First pulls over a socket: pages into tables, interruptions, wide records, events that go on where they stopped."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.crm.hubspot.cursor import Cursor
from connector.crm.hubspot.describe import event_info
from connector.errors import AuthError, ConfigError, RetryableError
from tests.crm.hubspot_recordings import Reply, reply, served


def adapter(url: str, list_page: int = 100) -> HubSpotCrm:
    settings = HubSpotSettings(access_token="t", base_url=url, rate_per_10s=100_000, list_page=list_page)
    return connect(settings)


class Portal:
    """Answer lists of `count` records, batch reads, associations and events; the last argument of a call is noted."""

    def __init__(self, count: int, names: tuple[str, ...] = ("email",), page: int = 100) -> None:
        self.count, self.names, self.page = count, names, page
        self.calls: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.expired: set[str] = set()

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
        address = urlsplit(path)
        self.calls.append(address.path)
        self.queries.append(parse_qs(address.query))
        if address.path.startswith("/crm/v3/properties/"):
            return reply(200, {"results": [{"name": name, "type": "string"} for name in self.names]})
        if address.path.endswith("/batch/read"):
            return self._batch(address.path, body)
        return self._page(self.queries[-1])

    def _batch(self, path: str, body: dict[str, Any]) -> Reply:
        if "/associations/" in path:
            results = [{"from": {"id": one["id"]}, "to": [{"toObjectId": 500}]} for one in body["inputs"]]
            return reply(200, {"results": results})
        results = [self._record(int(one["id"]), body["properties"]) for one in reversed(body["inputs"])]
        return reply(200, {"results": results})

    def _page(self, query: dict[str, list[str]]) -> Reply:
        after = query.get("after", ["1"])[0]
        if after in self.expired:
            return reply(400, {"status": "error", "message": "The after cursor has expired"})
        first = int(after)
        last = min(first + self.page - 1, self.count)
        names = query.get("properties", [""])[0].split(",")
        answer: dict[str, Any] = {"results": [self._record(one, names) for one in range(first, last + 1)]}
        if last < self.count:
            answer["paging"] = {"next": {"after": str(last + 1)}}
        return reply(200, answer)

    def _record(self, number: int, names: list[str]) -> dict[str, Any]:
        values = {name: f"{name} {number}" for name in names}
        link = {"results": [{"id": str(number * 10), "type": "contact_to_company"}]}
        return {"id": str(number), "properties": values, "objectId": str(number), "associations": {"companies": link}}


def test_a_full_pull_takes_no_call_more_than_pages_and_describe() -> None:
    portal = Portal(2600)
    with served(portal) as url:
        crm = adapter(url)
        pages = list(crm.changes("contacts", ["id", "email", "associations.companies"], None))
    assert [page.rows.num_rows for page in pages] == [2500, 100]
    assert crm.calls.read == len(portal.calls) == 26 + 1
    assert pages[1].rows["associations.companies"][0].as_py() == ["25010"]
    assert portal.queries[1]["properties"] == ["email"]
    assert portal.queries[1]["associations"] == ["companies"]


@pytest.mark.fault("F18", "I9")
def test_an_interrupted_first_pull_goes_on_where_it_stopped() -> None:
    portal = Portal(2600)
    with served(portal) as url:
        stopped = next(iter(adapter(url).changes("contacts", ["id"], None)))
        portal.calls.clear()
        rest = list(adapter(url).changes("contacts", ["id"], stopped.cursor))
    assert json.loads(stopped.cursor) == {"after": "2501", "started_at": "2026-07-01T12:00:00Z"}
    assert rest[0].rows["id"].to_pylist() == [str(number) for number in range(2501, 2601)]
    assert portal.calls.count("/crm/v3/objects/contacts") == 1
    assert json.loads(rest[-1].cursor)["since_at"] == "2026-07-01T12:00:00Z"


def test_an_empty_object_is_one_empty_page() -> None:
    with served(Portal(0)) as url:
        pages = list(adapter(url).changes("deals", ["id", "email"], ""))
    assert [page.rows.num_rows for page in pages] == [0]
    assert pages[0].rows.column_names == ["id", "email"]


def test_properties_too_many_for_an_address_are_read_in_batches() -> None:
    names = tuple(f"a_property_with_a_rather_long_name_{number:04}" for number in range(260))
    portal = Portal(150, names)
    with served(portal) as url:
        pages = list(adapter(url).changes("contacts", ["id", *names, "associations.companies"], None))
    rows = pages[0].rows
    assert sorted(map(int, rows["id"].to_pylist())) == list(range(1, 151))
    at = rows["id"].to_pylist().index("42")
    assert rows[names[7]][at].as_py() == f"{names[7]} 42"
    assert rows["associations.companies"][at].as_py() == ["420"]
    assert portal.calls.count("/crm/v3/objects/contacts/batch/read") == 2
    assert all(len(query.get("properties", [""])[0]) < 100 for query in portal.queries)


def test_a_list_that_does_not_move_is_not_read_for_ever() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        return reply(200, {"results": [], "paging": {"next": {"after": "5"}}})

    with served(answering) as url:
        for object_type in ("contacts", "event:e_visited_page"):
            with pytest.raises(RetryableError, match="same page again"):
                list(adapter(url).changes(object_type, ["id"], None))
        with pytest.raises(RetryableError, match="same page again"):
            adapter(url).owners()


@pytest.mark.fault("F18")
def test_an_interrupted_pull_of_events_goes_on_and_survives_an_expired_position() -> None:
    portal = Portal(2600)
    fields = ["id", "occurredAt", "objectId"]
    with served(portal) as url:
        stopped = next(iter(adapter(url).changes("event:e_visited_page", fields, None)))
        resumed = list(adapter(url).changes("event:e_visited_page", fields, stopped.cursor))
        portal.expired.add("2501")
        again = next(iter(adapter(url).changes("event:e_visited_page", fields, stopped.cursor)))
    assert [page.rows.num_rows for page in resumed] == [100, 2500, 100]
    assert again.rows.num_rows == 2500
    assert json.loads(resumed[-1].cursor) == {"since_at": "2026-07-01T12:00:00Z"}


def test_an_object_that_the_token_cannot_see_is_told() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        error = {"message": "scopes", "context": {"requiredGranularScopes": ["crm.schemas.deals.read"]}}
        return reply(403, {"status": "error", "category": "MISSING_SCOPES", "errors": [error]})

    with served(answering) as url:
        crm = adapter(url)
        assert crm.describe("deals") is None
        with pytest.raises(AuthError, match="deals"):
            next(iter(crm.changes("deals", ["id"], None)))


def test_event_types_have_any_property() -> None:
    info = event_info("event:e_visited_page")
    assert info.fields["occurredAt"].kind == "datetime"
    assert info.fields["properties.hs_url"].kind == "text"
    assert "email" not in info.fields
    assert list(info.fields) == ["id", "occurredAt", "eventType", "objectType", "objectId"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"since_at": 5}', '{"since_at": "yesterday"}', '{"since_at": "2026-01-01"}']
)
def test_a_spoiled_cursor_is_told_before_anything_is_asked(text: str) -> None:
    with pytest.raises(ConfigError, match="pull contacts anew"):
        next(iter(adapter("http://127.0.0.1:9").changes("contacts", ["id"], text)))


def test_a_cursor_of_a_later_version_is_read() -> None:
    assert Cursor.parse('{"since_at": "2026-01-01T00:00:00Z", "novelty": 1}', "x").since_at == "2026-01-01T00:00:00Z"


def test_a_failed_page_ends_the_pull_with_what_was_stored() -> None:
    portal = Portal(2600)

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        return reply(502, "<html>bad gateway</html>") if "after=2501" in path else portal(method, path, body)

    with served(answering) as url, stamina.set_testing(True, attempts=2):
        pulling = iter(adapter(url).changes("contacts", ["id"], None))
        assert next(pulling).rows.num_rows == 2500
        with pytest.raises(RetryableError):
            next(pulling)
