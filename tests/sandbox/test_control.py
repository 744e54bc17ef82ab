"""The control API's shapes: journal, stats, clock, settings, edits, records."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from connector.sandbox.traffic import is_read, shape_of

CONTACTS = "/crm/v3/objects/contacts"
JOURNAL_KEYS = {"n", "at", "actor", "method", "path", "status", "object", "id", "op", "before", "after"}


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start(SandboxOptions("hubspot", people=20)) as running:
        yield running


def ask(address: str, method: str = "GET", body: object = None, token: str | None = None) -> Any:  # noqa: ANN401 - any JSON
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {**headers, "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def control(sandbox: RunningSandbox, path: str, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - any JSON
    return ask(sandbox.ready["control_url"] + path, method, body)


def crm(sandbox: RunningSandbox, path: str, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - any JSON
    return ask(sandbox.ready["url"] + path, method, body, sandbox.ready["token"])


def refused(sandbox: RunningSandbox, path: str, method: str = "POST", body: object = None) -> tuple[int, list[str]]:
    with pytest.raises(urllib.error.HTTPError) as error:
        control(sandbox, path, method, body)
    with error.value as answer:
        return answer.code, json.load(answer)["problems"]


def first_contact(sandbox: RunningSandbox) -> dict[str, Any]:
    records: list[dict[str, Any]] = control(sandbox, "/control/records?object=contacts")
    return records[0]


def test_records_are_as_the_crm_holds_them(sandbox: RunningSandbox) -> None:
    record = first_contact(sandbox)
    assert set(record) == {"id", "fields", "created_by", "modified_by", "deleted"}
    assert (record["created_by"], record["modified_by"], record["deleted"]) == ("seed", "seed", False)
    assert record["fields"]["canonical_id"] == "p0000000"
    assert refused(sandbox, "/control/records?object=unicorns", "GET")[0] == 404
    assert refused(sandbox, "/control/records", "GET")[0] == 400


def test_journal_tells_before_and_after_and_who(sandbox: RunningSandbox) -> None:
    record = first_contact(sandbox)
    before = record["fields"]["country"]
    crm(sandbox, f"{CONTACTS}/{record['id']}", "PATCH", {"properties": {"country": "Norway"}})
    edit = {"actor": "human", "object": "contacts", "id": record["id"], "fields": {"country": "Sweden"}}
    assert control(sandbox, "/control/edit", "POST", edit) == {"object": "contacts", "id": record["id"]}
    connector, human = control(sandbox, "/control/journal")
    assert set(connector) == JOURNAL_KEYS
    assert [row["actor"] for row in (connector, human)] == ["connector", "human"]
    assert [row["op"] for row in (connector, human)] == ["update", "update"]
    assert (connector["status"], connector["path"]) == (200, f"{CONTACTS}/{record['id']}")
    assert (connector["before"]["country"], connector["after"]["country"]) == (before, "Norway")
    assert (human["before"]["country"], human["after"]["country"]) == ("Norway", "Sweden")
    assert connector["at"].startswith("2026-07-01T12:00:")
    assert connector["at"].endswith("Z")
    assert control(sandbox, f"/control/journal?after={connector['n']}") == [human]
    assert first_contact(sandbox)["modified_by"] == "human"


def test_reads_are_journaled_and_counted(sandbox: RunningSandbox) -> None:
    record = first_contact(sandbox)
    crm(sandbox, f"{CONTACTS}/{record['id']}")
    crm(sandbox, f"{CONTACTS}/search", "POST", {"filterGroups": []})
    crm(sandbox, f"{CONTACTS}/{record['id']}", "PATCH", {"properties": {"country": "Norway"}})
    stats = control(sandbox, "/control/stats")
    assert (stats["requests"], stats["reads"], stats["writes"], stats["commits"]) == (3, 2, 1, 1)
    assert stats["by_path"] == {f"{CONTACTS}/search": 1, f"{CONTACTS}/{{id}}": 2}
    assert [row["op"] for row in control(sandbox, "/control/journal")] == ["read", "read", "update"]


def test_clock(sandbox: RunningSandbox) -> None:
    assert control(sandbox, "/control/clock")["now"].startswith("2026-07-01T12:00:")
    assert control(sandbox, "/control/clock", "POST", {"advance_s": 3600})["now"].startswith("2026-07-01T13:00:")
    moved = control(sandbox, "/control/clock", "POST", {"now": "2027-01-02T03:04:05+01:00"})
    assert moved["now"].startswith("2027-01-02T02:04:0")
    request = urllib.request.Request(sandbox.ready["control_url"] + "/control/clock")
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Date"].startswith("Sat, 02 Jan 2027 02:04:")
        assert answer.headers["Date"].endswith(" GMT")
    assert refused(sandbox, "/control/clock", body={})[0] == 400
    assert refused(sandbox, "/control/clock", body={"now": "noon"})[0] == 400
    assert refused(sandbox, "/control/clock", body={"advance_s": "1"})[0] == 400


def test_settings(sandbox: RunningSandbox) -> None:
    given = {"search_lag_s": 2, "daily_quota": 10, "hidden_fields": ["contacts.phone"], "automations": {"a": {}}}
    settings = control(sandbox, "/control/settings", "POST", given)
    untouched: dict[str, Any] = {
        "read_lag_s": 0.0,
        "rate_per_10s": None,
        "inactive_users": [],
        "granted_scopes": None,
        "refusals": {},
    }
    assert settings.items() >= {**given, **untouched}.items()
    assert control(sandbox, "/control/settings", "POST", {"daily_quota": None})["daily_quota"] is None
    status, problems = refused(sandbox, "/control/settings", body={"lag": 1, "quota": 2})
    assert (status, len(problems)) == (400, 2)
    mistakes: list[dict[str, Any]] = [
        {"search_lag_s": -1},
        {"hidden_fields": "phone"},
        {"automations": []},
        {"rate_per_10s": True},
        {"refusals": {"UNICORN": 1}},
        {"refusals": {"LOCKED": -1}},
    ]
    for wrong in mistakes:
        assert refused(sandbox, "/control/settings", body=wrong)[0] == 400
    assert control(sandbox, "/control/settings")["search_lag_s"] == 2


def test_edits_that_cannot_be(sandbox: RunningSandbox) -> None:
    record = first_contact(sandbox)
    good = {"actor": "human", "object": "contacts", "id": record["id"], "fields": {"country": "Norway"}}
    assert refused(sandbox, "/control/edit", body={**good, "id": "1"})[0] == 404
    assert refused(sandbox, "/control/edit", body={**good, "object": "unicorns"})[0] == 404
    assert refused(sandbox, "/control/edit", body={**good, "fields": {"horn": "1"}})[0] == 404
    assert refused(sandbox, "/control/edit", body={**good, "fields": {"lifecyclestage": "wizard"}})[0] == 400
    status, problems = refused(sandbox, "/control/edit", body={"actor": "connector"})
    assert (status, len(problems)) == (400, 4)
    assert [row["op"] for row in control(sandbox, "/control/journal")] == []


def test_calls_that_do_not_exist(sandbox: RunningSandbox) -> None:
    assert refused(sandbox, "/control/unicorns", "GET")[0] == 404
    assert refused(sandbox, "/control/journal?after=x", "GET")[0] == 400
    request = urllib.request.Request(sandbox.ready["control_url"] + "/control/edit", b"{", method="POST")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    with error.value as answer:
        assert answer.code == 400


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/crm/v3/objects/contacts/12345", "/crm/v3/objects/contacts/{id}"),
        ("/crm/objects/2026-09/contacts/ana@x.example", "/crm/objects/2026-09/contacts/{id}"),
        ("/services/data/v59.0/sobjects/Lead/00QSb0000000001AAA", "/services/data/v59.0/sobjects/Lead/{id}"),
        (
            "/services/data/v59.0/sobjects/Lead/Leadlight_Key__c/a|b",
            "/services/data/v59.0/sobjects/Lead/Leadlight_Key__c/{id}",
        ),
        (
            "/services/data/v59.0/sobjects/Web_Activity__c/describe",
            "/services/data/v59.0/sobjects/Web_Activity__c/describe",
        ),
        ("/services/data/v59.0/query/0r8Sb0000000001AAA-2000", "/services/data/v59.0/query/{id}"),
        (
            "/services/data/v59.0/jobs/ingest/750Sb0000000001AAA/successfulResults",
            "/services/data/v59.0/jobs/ingest/{id}/successfulResults",
        ),
        ("/services/data/v59.0/composite/sobjects", "/services/data/v59.0/composite/sobjects"),
    ],
)
def test_paths_lose_their_identifiers(path: str, shape: str) -> None:
    assert shape_of(path) == shape


def test_what_counts_as_a_read() -> None:
    reads = [
        ("GET", "/services/data/v59.0/query/"),
        ("POST", "/services/oauth2/token"),
        ("POST", "/oauth/2026-03/token"),
        ("POST", "/services/data/v59.0/jobs/query"),
        ("POST", "/crm/v3/objects/contacts/search"),
        ("POST", "/crm/v3/objects/contacts/batch/read"),
        ("POST", "/crm/v4/associations/contacts/companies/batch/read"),
    ]
    writes = [
        ("PATCH", "/services/data/v59.0/composite/sobjects"),
        ("POST", "/services/data/v59.0/composite/sobjects"),
        ("POST", "/services/data/v59.0/jobs/ingest"),
        ("POST", "/crm/v3/objects/contacts/batch/upsert"),
        ("DELETE", "/crm/v3/objects/contacts/1"),
    ]
    assert all(is_read(*call) for call in reads)
    assert not any(is_read(*call) for call in writes)
