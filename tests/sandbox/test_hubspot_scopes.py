"""Scopes, and refusals on request, of the HubSpot sandbox."""

import json
import urllib.request
from typing import Any

import pytest
from hubspot.oauth import ApiClient, Configuration
from hubspot.oauth.api.access_tokens_api import AccessTokensApi

from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from tests.sandbox.hubspot_portal import TOKEN, Portal

CONTACTS = "/crm/v3/objects/contacts"
TASK = {"properties": {"hs_timestamp": "2026-07-02T00:00:00Z", "hs_task_subject": "Call"}}
INFO = "/oauth/v2/private-apps/get/access-token-info"


def narrowed(*scopes: str) -> Portal:
    """Make an account whose token has these scopes."""
    portal = Portal()
    portal.switches.granted_scopes = frozenset(scopes)
    return portal


def lacking(portal: Portal, method: str, path: str, body: object = None) -> list[str]:
    """Name the scopes that a 403 asks for; empty where the call was let through."""
    response = portal.ask(method, path, body)
    content = json.loads(response.body) if response.body else {}
    if content.get("category") != "MISSING_SCOPES":
        return []
    assert response.status == 403
    scopes: list[str] = content["errors"][0]["context"]["requiredGranularScopes"]
    return scopes


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", CONTACTS, ["crm.objects.contacts.read"]),
        ("POST", f"{CONTACTS}/search", ["crm.objects.contacts.read"]),
        ("POST", f"{CONTACTS}/batch/read", ["crm.objects.contacts.read"]),
        ("POST", f"{CONTACTS}/batch/update", ["crm.objects.contacts.write"]),
        ("PATCH", "/crm/objects/2026-09/companies/1", ["crm.objects.companies.write"]),
        ("POST", "/crm/v3/objects/tasks", ["crm.objects.contacts.write"]),
        ("GET", "/crm/v3/objects/0-5", ["tickets"]),
        ("POST", "/crm/v4/associations/contacts/deals/batch/read", ["crm.objects.contacts.read"]),
        ("GET", "/crm/v3/properties/contacts", ["crm.schemas.contacts.read", "crm.objects.contacts.read"]),
        ("POST", "/crm/v3/properties/deals", ["crm.schemas.deals.write"]),
        ("GET", "/crm/v3/owners/", ["crm.objects.owners.read"]),
        ("GET", "/events/v3/events", ["business-intelligence"]),
    ],
)
def test_a_call_names_the_scope_that_it_lacks(method: str, path: str, scopes: list[str]) -> None:
    """By object and by reading or writing, on both kinds of paths."""
    assert lacking(narrowed("crm.objects.deals.read"), method, path, {}) == scopes
    assert lacking(narrowed("crm.objects.deals.read", scopes[0]), method, path, {}) == []
    assert lacking(Portal(), method, path, {}) == []


def test_both_ends_of_an_association_need_their_scope() -> None:
    """All that is lacking is named at once."""
    portal = narrowed()
    told = lacking(portal, "POST", "/crm/v4/associations/contacts/companies/batch/create", {"inputs": []})
    assert told == ["crm.objects.contacts.write", "crm.objects.companies.write"]


def test_what_needs_no_scope_stays_open() -> None:
    """The account's details do; a refused write leaves nothing behind."""
    portal = narrowed("crm.objects.contacts.read")
    assert portal.status("GET", "/account-info/v3/details") == 200
    assert portal.status("POST", "/crm/v3/objects/tasks", TASK) == 403
    assert portal.app.records("tasks") == []


def test_a_private_app_asks_for_its_scopes() -> None:
    """Without a header; an unknown token is not found."""
    portal = narrowed("crm.objects.contacts.read", "crm.lists.read")
    response = portal.ask("POST", INFO, {"tokenKey": TOKEN}, token="none")
    told = json.loads(response.body)
    assert (response.status, told["hubId"]) == (200, 4242424)
    assert told["scopes"] == ["crm.lists.read", "crm.objects.contacts.read"]
    assert portal.status("POST", INFO, {"tokenKey": "pat-na1-other"}) == 404
    assert portal.status("POST", INFO, {}) == 400
    whole = Portal().read("POST", INFO, {"tokenKey": TOKEN})["scopes"]
    assert {"crm.schemas.companies.write", "crm.lists.write", "automation.sequences.enrollments.write"} <= set(whole)


def control(running: RunningSandbox, **settings: object) -> Any:  # noqa: ANN401 - JSON
    """Set settings of a running sandbox."""
    data = json.dumps(settings).encode()
    address = f"{running.ready['control_url']}/control/settings"
    with urllib.request.urlopen(urllib.request.Request(address, data, method="POST")) as answer:
        return json.load(answer)


def test_the_library_reads_a_tokens_scopes() -> None:
    """Through the vendor's own models, with the scopes that a control setting granted."""
    with start(SandboxOptions("hubspot", world="empty")) as running:
        assert control(running)["granted_scopes"] is None
        assert control(running, granted_scopes=["crm.lists.read"])["granted_scopes"] == ["crm.lists.read"]
        configuration = Configuration(host=running.ready["url"])
        told = AccessTokensApi(ApiClient(configuration)).get(running.ready["token"])
        assert (told.scopes, told.hub_id, told.token_type) == (["crm.lists.read"], 4242424, "access")
        assert control(running, granted_scopes=None)["granted_scopes"] is None
        assert control(running, refusals={"LOCKED": 2})["refusals"] == {"LOCKED": 2}


@pytest.mark.parametrize(("name", "status", "category"), [("LOCKED", 423, "LOCKED"), ("CONFLICT", 409, "CONFLICT")])
def test_the_next_writes_are_refused(name: str, status: int, category: str) -> None:
    """Reads and searches pass; so many writes do not, and leave nothing behind."""
    portal = Portal()
    portal.switches.refusals = {name: 2}
    assert portal.status("GET", CONTACTS) == 200
    assert portal.status("POST", f"{CONTACTS}/search", {}) == 200
    first = portal.ask("POST", CONTACTS, {"properties": {"firstname": "Ana"}})
    assert (first.status, json.loads(first.body)["category"]) == (status, category)
    assert portal.status("POST", f"{CONTACTS}/batch/create", {"inputs": []}) == status
    assert portal.app.records("contacts") == []
    assert portal.status("POST", CONTACTS, {"properties": {"firstname": "Ana"}}) == 201


def test_a_locked_record_holds_up_its_batch() -> None:
    """Nothing of the batch is written until the record is free; other records are."""
    portal = Portal()
    one, two = (portal.read("POST", CONTACTS, {"properties": {"firstname": name}})["id"] for name in "ab")
    portal.switches.locked_records = {f"contacts/{two}": 2}
    batch = {"inputs": [{"id": number, "properties": {"firstname": "new"}} for number in (one, two)]}
    assert portal.status("POST", f"{CONTACTS}/batch/update", batch) == 423
    assert portal.status("DELETE", f"{CONTACTS}/{two}") == 423
    assert [each["fields"]["firstname"] for each in portal.app.records("contacts")] == ["a", "b"]
    assert portal.status("PATCH", f"{CONTACTS}/{one}", {"properties": {"firstname": "new"}}) == 200
    assert portal.status("POST", f"{CONTACTS}/batch/update", batch) == 200


def test_a_migration_tells_how_long_to_wait() -> None:
    """Every call gets 477 with Retry-After in seconds."""
    portal = Portal()
    portal.switches.refusals, portal.switches.retry_after_s = {"MIGRATING": 1}, 86_400
    response = portal.ask("GET", CONTACTS)
    assert (response.status, response.headers["Retry-After"]) == (477, "86400")
    assert portal.status("GET", CONTACTS) == 200


@pytest.mark.parametrize(
    ("policy", "path", "spared"),
    [
        ("DAILY", CONTACTS, None),
        ("TEN_SECONDLY_ROLLING", CONTACTS, f"{CONTACTS}/search"),
        ("SECONDLY", f"{CONTACTS}/search", "/crm/v3/objects/contacts/batch/read"),
    ],
)
def test_a_spent_limit_names_its_policy(policy: str, path: str, spared: str | None) -> None:
    """Retry-After comes where the settings ask for it, and only then."""
    portal = Portal()
    portal.switches.refusals = {policy: 2}
    if spared:
        assert portal.status("POST", spared, {"inputs": []}) == 200
    method = "POST" if path.endswith("search") else "GET"
    bare = portal.ask(method, path, {})
    assert (bare.status, json.loads(bare.body)["policyName"]) == (429, policy)
    assert "Retry-After" not in bare.headers
    portal.switches.retry_after_s = 7
    assert portal.ask(method, path, {}).headers["Retry-After"] == "7"
    assert portal.status(method, path, {}) == 200
