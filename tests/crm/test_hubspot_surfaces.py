"""Forms, event types, lists and histories over a socket: interruptions, hints that fail, positions that expired."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.crm.base import Page
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.errors import RetryableError
from tests.crm.hubspot_recordings import Reply, reply, served

FIELDS = ["id", "submittedAt", "formId", "contactId", "email"]
NOON_MS = 1_782_907_200_000  # 2026-07-01T12:00Z
DAY_MS = 86_400_000
SUBMISSIONS = "/form-integrations/v1/submissions/forms/"


@dataclass
class Portal:
    """Answer two forms of 1,200 submissions each, a minute apart, newest first; asked holds the paths."""

    hints: Callable[[int], Reply] = lambda since_ms: reply(200, {"results": []})
    asked: list[str] = field(default_factory=list)
    broken_after: int | None = None
    total: int = 1200

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path == "/marketing/v3/forms/":
            forms = [{"id": f"form-{n}", "name": f"Form {n}", "formType": "hubspot"} for n in range(2)]
            return reply(200, {"results": forms})
        if parts.path.endswith("/contacts/search"):
            return self.hints(int(body["filterGroups"][0]["filters"][0]["value"]))
        if parts.path.endswith("/batch/read"):
            found = [
                {"id": one["id"].partition("@")[0][1:], "properties": {"email": one["id"]}} for one in body["inputs"]
            ]
            return reply(200, {"results": found})
        if parts.path.startswith(SUBMISSIONS):
            return self.submissions(parts.path.removeprefix(SUBMISSIONS), parse_qs(parts.query))
        return reply(404, {})

    def submissions(self, form: str, query: dict[str, list[str]]) -> Reply | None:
        start = int(query.get("after", ["0"])[0])
        if self.broken_after is not None and start >= self.broken_after:
            return reply(500, {"message": "broken"})
        shown = [self.submission(form, number) for number in range(start, min(start + 50, self.total))]
        more = {"paging": {"next": {"after": str(start + 50)}}} if start + 50 < self.total else {}
        return reply(200, {"results": shown, **more})

    def submission(self, form: str, number: int) -> dict[str, Any]:
        values = [{"name": "email", "value": f"p{number}@acme.example"}]
        return {"conversionId": f"c{number}", "submittedAt": NOON_MS - number * 60_000, "values": values, "pageUrl": ""}

    def looks(self) -> list[str]:
        return [path.removeprefix(SUBMISSIONS) for path in self.asked if path.startswith(SUBMISSIONS)]


@pytest.fixture
def open_crm() -> Iterator[Callable[[Portal], HubSpotCrm]]:
    opened = []

    def make(portal: Portal) -> HubSpotCrm:
        server = served(portal)
        base_url = server.__enter__()
        settings = HubSpotSettings(access_token="t", base_url=base_url, rate_per_10s=100_000, search_per_s=1000)
        crm = connect(settings)
        crm.client.session.sleep = lambda seconds: None
        opened.append((server, crm))
        return crm

    yield make
    for server, crm in opened:
        crm.close()
        server.__exit__(None, None, None)


Open = Callable[[Portal], HubSpotCrm]


def ids(pages: list[Page]) -> list[str]:
    return [one for page in pages for one in page.rows["id"].to_pylist()]


def test_a_first_pull_that_broke_goes_on_in_the_form_where_it_stopped(open_crm: Open) -> None:
    portal = Portal(broken_after=1050)
    crm = open_crm(portal)
    with pytest.raises(RetryableError):
        list(crm.changes("form:*", FIELDS, None))
    whole = list(open_crm(Portal()).changes("form:*", FIELDS, None))
    assert len(set(ids(whole))) == len(ids(whole)) == 2400
    portal.broken_after = None
    portal.asked.clear()
    stopped = whole[0].cursor
    assert json.loads(stopped)["after"] == "1000"
    rest = list(crm.changes("form:*", FIELDS, stopped))
    assert set(ids(whole[:1])) | set(ids(rest)) == set(ids(whole))
    assert portal.looks().count("form-0") == 4


def test_only_forms_that_contacts_tell_of_are_read_and_only_what_is_new(open_crm: Open) -> None:
    told = {"hs_calculated_form_submissions": f"form-1::{NOON_MS};form-0::1"}
    hinted = Portal(hints=lambda since_ms: reply(200, {"results": [{"id": "77", "properties": told}]}))
    cursor = json.dumps({"since_at": "2026-07-01T12:30:00Z", "swept_at": "2030-01-01T00:00:00Z"})
    pages = list(open_crm(hinted).changes("form:*", FIELDS, cursor))
    assert hinted.looks() == ["form-1"]
    rows = [row for page in pages for row in page.rows.to_pylist()]
    assert len(rows) == 31  # half an hour, and the hour before it
    assert {row["id"]: row["contactId"] for row in rows}["form-1-c0"] == "77"  # told by the contact itself
    assert {row["id"]: row["contactId"] for row in rows}["form-1-c5"] == "5"  # found by its address


@pytest.mark.parametrize(
    "answer",
    [
        reply(400, {"category": "VALIDATION_ERROR", "message": "no such property"}),
        reply(200, {"results": [], "paging": {"next": {"after": "x"}}}),
    ],
)
def test_without_hints_every_form_is_looked_at(open_crm: Open, answer: Reply) -> None:
    turns = iter(range(1000))

    def hints(since_ms: int) -> Reply:
        status, headers, body = answer
        return status, headers, body.replace(b'"x"', f'"{next(turns)}"'.encode())

    portal = Portal(hints=hints)
    cursor = json.dumps({"since_at": "2026-07-01T12:30:00Z", "swept_at": "2030-01-01T00:00:00Z"})
    assert len(set(ids(list(open_crm(portal).changes("form:*", FIELDS, cursor))))) == 62
    assert portal.looks() == ["form-0", "form-1"]


def test_each_form_is_looked_at_once_a_day(open_crm: Open) -> None:
    portal = Portal()
    crm = open_crm(portal)
    cursor = json.dumps({"since_at": "2026-07-01T12:30:00Z", "swept_at": "2020-01-01T00:00:00Z"})
    swept = list(crm.changes("form:*", FIELDS, cursor))[-1].cursor
    assert portal.looks() == ["form-0", "form-1"]
    portal.asked.clear()
    list(crm.changes("form:*", FIELDS, swept))
    assert portal.looks() == []
