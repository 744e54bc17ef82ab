"""The adapter against the sandbox: pulls equal what the CRM holds, writes land once whatever happens on the way."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import stamina

from connector.crm.base import Page, Write
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.errors import AuthError, QuotaExhausted, RetryableError
from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from mappings.fields import NewField

KEY = NewField("tasks", "leadlight_key", "Key", "text", "once", unique=True)
SCORE = NewField("contacts", "leadlight_score", "Score", "number", "0 to 100")
BAND = NewField("contacts", "leadlight_band", "Band", "option", "what it means", options=("hot", "cold"))
CONTACT_FIELDS = ("id", "email", "firstname", "createdate", "leadlight_score", "associations.companies")


@dataclass(frozen=True)
class Portal:
    """A running sandbox and an adapter that talks to it."""

    ready: dict[str, Any]
    crm: HubSpotCrm

    def control(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.ready['control_url']}/control/{path}"
        with urllib.request.urlopen(urllib.request.Request(address, data, method=method)) as answer:
            return json.loads(answer.read())

    def records(self, object_type: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"records?object={object_type}")
        return [one for one in found if not one["deleted"]]

    def fault(self, path: str, when: str, **act: object) -> None:
        rule = {"match": {"method": "POST", "path_re": path, "nth": 1}, "when": when, "act": act}
        self.control("POST", "faults", [rule])

    def contacts(self, count: int) -> list[str]:
        made = [Write("contacts", {"firstname": f"P{n}"}, key=("email", f"p{n}@acme.example")) for n in range(count)]
        return [str(result.id) for result in self.crm.write(made)]


def portal_of(sandbox: RunningSandbox) -> Portal:
    ready = sandbox.ready
    settings = HubSpotSettings(
        access_token=ready["token"], base_url=ready["url"], rate_per_10s=100_000, search_per_s=1000, read_timeout_s=5
    )
    portal = Portal(ready, connect(settings))
    portal.control("POST", "settings", {"rate_per_10s": 0})
    return portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    with start(SandboxOptions("hubspot", world="empty")) as sandbox, stamina.set_testing(True, attempts=4):
        made = portal_of(sandbox)
        made.crm.provision([KEY, SCORE, BAND])
        yield made


@pytest.fixture(scope="module")
def demo() -> Iterator[Portal]:
    with start(SandboxOptions("hubspot", people=300)) as sandbox:
        yield portal_of(sandbox)


def rows(pages: list[Page]) -> list[dict[str, Any]]:
    return [row for page in pages for row in page.rows.to_pylist()]


@pytest.mark.parametrize("object_type", ["contacts", "companies", "deals", "calls", "emails", "meetings"])
def test_a_full_pull_holds_every_record(demo: Portal, object_type: str) -> None:
    before = demo.crm.calls.read
    pulled = rows(list(demo.crm.changes(object_type, ["id", "createdate", "associations.contacts"], None)))
    held = {one["id"] for one in demo.records(object_type)}
    assert {row["id"] for row in pulled} == held
    assert len(pulled) == len(held) > 0
    assert demo.crm.calls.read - before <= 1 + -(-len(held) // 100)


def test_associations_agree_in_both_directions(demo: Portal) -> None:
    contacts = rows(list(demo.crm.changes("contacts", ["id", "associations.companies"], None)))
    companies = rows(list(demo.crm.changes("companies", ["id", "associations.contacts"], None)))
    there = {(row["id"], one) for row in contacts for one in row["associations.companies"]}
    back = {(one, row["id"]) for row in companies for one in row["associations.contacts"]}
    assert there == back
    assert there


def test_events_are_of_people_that_exist(demo: Portal) -> None:
    fields = ["id", "occurredAt", "objectType", "objectId", "properties.type", "properties.url"]
    events = rows(list(demo.crm.changes("event:pe{portal}_web_activity", fields, None)))
    people = {one["id"] for one in demo.records("contacts")}
    assert events
    assert len({event["id"] for event in events}) == len(events)
    assert {event["objectId"] for event in events if event["objectType"] == "CONTACT"} <= people
    assert all(event["occurredAt"] is not None and event["properties.type"] for event in events)


def test_nothing_changed_costs_a_search_and_a_sweep(demo: Portal) -> None:
    cursor = list(demo.crm.changes("contacts", ["id"], None))[-1].cursor
    before = demo.crm.calls.read
    pages = list(demo.crm.changes("contacts", ["id"], cursor))
    assert rows(pages) == []
    assert demo.crm.calls.read - before == 2


def test_the_account_says_its_id_and_its_limit(demo: Portal) -> None:
    connection = demo.crm.check()
    assert connection.org_id.isdigit()
    assert connection.api_limit is not None
    assert any(owner.active for owner in demo.crm.owners())


def test_what_a_person_changed_and_deleted_is_pulled(portal: Portal) -> None:
    ids = portal.contacts(30)
    cursor = list(portal.crm.changes("contacts", CONTACT_FIELDS, None))[-1].cursor
    portal.control("POST", "clock", {"advance_s": 3600})
    portal.control("POST", "edit", {"object": "contacts", "id": ids[7], "fields": {"firstname": "Zoe"}})
    portal.crm.write([Write("contacts", {"leadlight_score": 42.5}, id=ids[8])])
    portal.control("POST", "clock", {"advance_s": 600})
    pages = list(portal.crm.changes("contacts", CONTACT_FIELDS, cursor))
    changed = {row["id"]: row for row in rows(pages)}
    assert set(changed) >= {ids[7], ids[8]}
    assert changed[ids[7]]["firstname"] == "Zoe"
    assert changed[ids[8]]["leadlight_score"] == 42.5
    again = list(portal.crm.changes("contacts", CONTACT_FIELDS, pages[-1].cursor))
    assert rows(again) == []


@pytest.mark.fault("F17")
def test_a_late_index_hides_nothing_for_long(portal: Portal) -> None:
    ids = portal.contacts(3)
    portal.control("POST", "clock", {"advance_s": 3600})
    portal.control("POST", "settings", {"search_lag_s": 30})
    cursor = list(portal.crm.changes("contacts", CONTACT_FIELDS, None))[-1].cursor
    portal.crm.write([Write("contacts", {"leadlight_score": 1}, id=ids[0])])
    first = list(portal.crm.changes("contacts", CONTACT_FIELDS, cursor))
    portal.control("POST", "clock", {"advance_s": 31})
    second = list(portal.crm.changes("contacts", CONTACT_FIELDS, first[-1].cursor))
    assert [row["leadlight_score"] for row in rows([*first, *second]) if row["id"] == ids[0]][-1] == 1


def tasks(ids: list[str]) -> list[Write]:
    fields = {"hs_task_subject": "Call", "hs_timestamp": "2026-07-02T12:00:00Z", "hs_task_status": "NOT_STARTED"}
    return [Write("tasks", fields, key=("leadlight_key", f"k{one}"), links=(("contacts", one),)) for one in ids]


@pytest.mark.fault("F3", "F4", "F7", "F13", "I1")
@pytest.mark.parametrize("path", ["batch/upsert", "batch/read", "associations/tasks"])
@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
@pytest.mark.parametrize("act", [{"drop": True}, {"reset": True}, {"status": 503, "body": "<html>no</html>"}])
def test_a_task_is_made_once_whatever_is_lost(portal: Portal, path: str, when: str, act: dict[str, object]) -> None:
    ids = portal.contacts(5)
    portal.fault(path, when, **act)
    first = portal.crm.write(tasks(ids))
    second = portal.crm.write(tasks(ids))
    assert all(result.ok for result in [*first, *second])
    assert [result.id for result in first] == [result.id for result in second]
    pulled = rows(list(portal.crm.changes("tasks", ["id", "leadlight_key", "associations.contacts"], None)))
    assert sorted(row["leadlight_key"] for row in pulled) == sorted(f"k{one}" for one in ids)
    assert all(row["associations.contacts"] == [row["leadlight_key"].removeprefix("k")] for row in pulled)
    changes = [row["op"] for row in portal.control("GET", "journal?after=0") if row["object"] == "tasks"]
    assert "update" not in changes  # it would undo what a person did to the task in between


@pytest.mark.fault("F24")
def test_a_task_that_a_person_closed_stays_closed(portal: Portal) -> None:
    ids = portal.contacts(1)
    made = portal.crm.write(tasks(ids))[0]
    closed = {"hs_task_status": "COMPLETED", "hs_task_subject": "Done that"}
    portal.control("POST", "edit", {"object": "tasks", "id": made.id, "fields": closed})
    assert portal.crm.write(tasks(ids))[0].id == made.id
    held = portal.records("tasks")[0]["fields"]
    assert (held["hs_task_status"], held["hs_task_subject"]) == ("COMPLETED", "Done that")


@pytest.mark.fault("F8")
def test_scores_land_but_for_the_rows_that_cannot(portal: Portal) -> None:
    ids = portal.contacts(120)
    writes = [Write("contacts", {"leadlight_score": n, "leadlight_band": "hot"}, id=one) for n, one in enumerate(ids)]
    writes[13] = Write("contacts", {"leadlight_band": "lukewarm"}, id=ids[13])
    writes[77] = Write("contacts", {"leadlight_score": 1}, id="999999999999")
    results = portal.crm.write(writes)
    assert [n for n, result in enumerate(results) if not result.ok] == [13, 77]
    assert (results[13].code, results[77].code) == ("INVALID_OPTION", "OBJECT_NOT_FOUND")
    held = {one["id"]: one["fields"]["leadlight_score"] for one in portal.records("contacts")}
    assert all(float(held[one]) == n for n, one in enumerate(ids) if n not in (13, 77))


def test_every_request_is_counted(portal: Portal) -> None:
    before, counted = portal.control("GET", "stats"), replace(portal.crm.calls)
    ids = portal.contacts(150)
    portal.crm.write(tasks(ids[:20]))
    list(portal.crm.changes("contacts", CONTACT_FIELDS, None))
    after, calls = portal.control("GET", "stats"), replace(portal.crm.calls)
    assert after["reads"] - before["reads"] == calls.read - counted.read
    assert after["writes"] - before["writes"] == calls.write - counted.write


def test_the_vendors_rate_is_kept_without_a_429() -> None:
    with start(SandboxOptions("hubspot", world="empty")) as sandbox:
        ready = sandbox.ready
        crm = connect(HubSpotSettings(access_token=ready["token"], base_url=ready["url"]))
        with pytest.raises(AuthError):
            connect(HubSpotSettings(access_token="wrong", base_url=ready["url"])).check()
        list(crm.changes("contacts", ["id"], json.dumps({"since_at": "2026-06-01T00:00:00Z"})))
    assert crm.calls.read == 3


@pytest.mark.fault("F2")
def test_the_daily_quota_stops_the_run(portal: Portal) -> None:
    portal.control("POST", "settings", {"daily_quota": 1, "rate_per_10s": 0})
    with pytest.raises(QuotaExhausted):
        list(portal.crm.changes("contacts", ["id"], None))
    counted = portal.crm.calls.read
    with pytest.raises(QuotaExhausted):
        portal.crm.owners()
    assert portal.crm.calls.read == counted + 1


def test_a_stopped_sandbox_is_a_passing_fault() -> None:
    with start(SandboxOptions("hubspot", world="empty")) as sandbox:
        portal = portal_of(sandbox)
        portal.crm.check()
    with stamina.set_testing(True, attempts=2), pytest.raises(RetryableError):
        portal.crm.check()


def test_a_records_address_opens_its_page(portal: Portal) -> None:
    """What the report and the tasks link to is what a person sees, on this machine without TLS."""
    (number,) = portal.contacts(1)
    instance = portal.crm.check().org_id
    address = portal.crm.capabilities.url_of.format(instance=instance, object="contacts", id=number)
    assert address.startswith(portal.ready["url"])
    with urllib.request.urlopen(address) as answer:
        assert "<h1>P0</h1>" in answer.read().decode()
