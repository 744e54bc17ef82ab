"""Associations, properties, owners, events and limits of the HubSpot sandbox."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.sandbox.hubspot.associations import seed_associations
from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.hubspot.ids import next_id, seed_id
from tests.sandbox.hubspot_portal import Portal

LINKS = "/crm/v4/associations/contacts/companies/batch"
SEARCH = "/crm/v3/objects/contacts/search"
PROPERTY = {
    "name": "leadlight_score",
    "label": "Score",
    "type": "number",
    "fieldType": "number",
    "groupName": "contactinformation",
}


def pair(from_id: str, to_id: str, type_id: int | None = None) -> dict[str, Any]:
    """Make an input that links two records."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}] if type_id else []
    return {"from": {"id": from_id}, "to": {"id": to_id}, "types": types}


def test_record_without_associations_makes_status_207() -> None:
    """Numbers on the wire, labels of the primary company, an entry per record without any."""
    portal = Portal()
    portal.link(1, 5, 50)
    portal.ensure("contacts", 6)
    response = portal.ask("POST", f"{LINKS}/read", {"inputs": [{"id": "5"}, {"id": "6"}, {"id": "x"}]})
    body = json.loads(response.body)
    assert response.status == 207
    assert body["results"][0]["to"] == [
        {
            "toObjectId": 50,
            "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
                {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
            ],
        }
    ]
    assert [each["context"]["fromObjectId"] for each in body["errors"]] == [["6"], ["x"]]
    assert portal.status("POST", f"{LINKS}/read", {"inputs": [{"id": "5"}]}) == 200
    assert portal.status("POST", f"{LINKS}/read", {"inputs": [{"id": str(n)} for n in range(1001)]}) == 400


def test_a_new_primary_takes_the_label_and_leaves_the_link() -> None:
    """Both directions change."""
    portal = Portal()
    portal.link(1, 5, 50)
    portal.ensure("companies", 51)
    assert portal.status("POST", f"{LINKS}/create", {"inputs": [pair("5", "51", 1)]}) == 201
    told = portal.read("GET", "/crm/v4/objects/contacts/5/associations/companies")["results"]
    assert {each["toObjectId"]: [kind["typeId"] for kind in each["associationTypes"]] for each in told} == {
        50: [279],
        51: [1, 279],
    }
    back = portal.read("GET", "/crm/v4/objects/companies/50/associations/contacts")["results"]
    assert [kind["typeId"] for kind in back[0]["associationTypes"]] == [280]


def test_inline_associations_tell_one_entry_per_type() -> None:
    """The same id comes twice for a primary company; no key where there are none."""
    portal = Portal()
    portal.link(1, 5, 50)
    portal.ensure("contacts", 6)
    one, two = portal.read("GET", "/crm/v3/objects/contacts", associations="companies,deals")["results"]
    assert one["associations"] == {
        "companies": {
            "results": [
                {"id": "50", "type": "contact_to_company"},
                {"id": "50", "type": "contact_to_company_unlabeled"},
            ]
        }
    }
    assert "associations" not in two


def test_associations_page_by_500() -> None:
    """A cursor goes back with its record."""
    portal = Portal()
    for n in range(501):
        portal.link(279, 5, 1000 + n)
    first = portal.read("POST", f"{LINKS}/read", {"inputs": [{"id": "5"}]})["results"][0]
    assert len(first["to"]) == 500
    after = first["paging"]["next"]["after"]
    rest = portal.read("POST", f"{LINKS}/read", {"inputs": [{"id": "5", "after": after}]})["results"][0]
    assert [each["toObjectId"] for each in rest["to"]] == [1500]


def test_default_links_archive_and_wrong_types() -> None:
    """The default call tells both ways; an archived pair is gone both ways; a type must fit its objects."""
    portal = Portal()
    portal.ensure("contacts", 5)
    portal.ensure("companies", 50)
    made = portal.read("POST", f"{LINKS}/associate/default", {"inputs": [pair("5", "50")]})
    assert [each["associationSpec"]["associationTypeId"] for each in made["results"]] == [279, 280]
    assert portal.status("POST", f"{LINKS}/create", {"inputs": [pair("5", "50", 204)]}) == 207
    gone = {"inputs": [{"from": {"id": "5"}, "to": [{"id": "50"}]}]}
    assert portal.status("POST", f"{LINKS}/archive", gone) == 204
    assert portal.read("GET", "/crm/v4/objects/companies/50/associations/contacts") == {"results": []}
    labels = portal.read("GET", "/crm/associations/2026-09/contacts/companies/labels")["results"]
    assert {(each["typeId"], each["label"]) for each in labels} == {(279, None), (1, "Primary")}


def test_archiving_a_record_drops_its_links() -> None:
    """The other side no longer tells it."""
    portal = Portal()
    portal.link(204, 9, 5)
    portal.status("DELETE", "/crm/v3/objects/tasks/9")
    assert portal.read("GET", "/crm/v4/objects/contacts/5/associations/tasks") == {"results": []}


def test_seeded_links_go_both_ways() -> None:
    """Many pairs at once, with the primary label."""
    portal = Portal()
    portal.ensure("companies", 50)
    seed_associations(portal.storage, "contacts", "companies", [("5", "50"), ("6", "50")], primary=True)
    told = portal.read("GET", "/crm/v4/objects/companies/50/associations/contacts")["results"]
    assert [(each["toObjectId"], [kind["typeId"] for kind in each["associationTypes"]]) for each in told] == [
        (5, [2, 280]),
        (6, [2, 280]),
    ]


def test_seeded_and_created_ids_never_meet() -> None:
    """Seeded ids depend on nothing but object and index, and grow with it."""
    portal = Portal()
    assert seed_id("contacts", 0) == "200000000001"
    assert int(seed_id("contacts", 999_999)) < int(next_id(portal.storage, "contacts")) < int(seed_id("companies", 0))


def test_property_life() -> None:
    """Created, told, refused as taken, written, archived, unknown again."""
    portal = Portal()
    created = portal.ask("POST", "/crm/v3/properties/contacts", PROPERTY)
    assert created.status == 201
    taken = portal.ask("POST", "/crm/v3/properties/0-1", PROPERTY)
    body = json.loads(taken.body)
    assert (taken.status, body["subCategory"]) == (409, "Properties.PROPERTY_WITH_NAME_EXISTS")
    assert portal.status("POST", "/crm/v3/objects/contacts", {"properties": {"leadlight_score": "5"}}) == 201
    assert portal.read("GET", "/crm/v3/properties/contacts/leadlight_score")["type"] == "number"
    assert portal.status("DELETE", "/crm/v3/properties/contacts/leadlight_score") == 204
    assert portal.status("GET", "/crm/v3/properties/contacts/leadlight_score") == 404
    assert portal.status("POST", "/crm/v3/objects/contacts", {"properties": {"leadlight_score": "5"}}) == 400
    assert portal.status("DELETE", "/crm/v3/properties/contacts/email") == 400
    ops = [(row["op"], row["id"]) for row in portal.storage.journal(0) if row["object"] == "properties"]
    assert ops == [("create", "contacts.leadlight_score"), ("delete", "contacts.leadlight_score")]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Leadlight_Score"},
        {"name": "1score"},
        {"name": "x" * 101},
        {"type": "text"},
        {"fieldType": "text"},
        {"groupName": "nonsense"},
        {"type": "bool", "fieldType": "booleancheckbox"},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "a", "value": "a"}] * 2},
    ],
)
def test_property_definitions_are_checked(change: dict[str, Any]) -> None:
    """Names, types, groups and options."""
    assert Portal().status("POST", "/crm/v3/properties/contacts", {**PROPERTY, **change}) == 400


def test_group_names_are_unique() -> None:
    """A second one gets 409."""
    portal = Portal()
    group = {"name": "leadlight", "label": "Leadlight"}
    assert portal.status("POST", "/crm/v3/properties/contacts/groups", group) == 201
    assert portal.status("POST", "/crm/v3/properties/contacts/groups", group) == 409
    assert portal.status("POST", "/crm/v3/properties/contacts", {**PROPERTY, "groupName": "leadlight"}) == 201


def test_custom_properties_outlive_the_process() -> None:
    """They are read back from the file with their options and uniqueness."""
    portal = Portal()
    portal.app.schema.add_property("tasks", "leadlight_key", "string", "text", unique=True)
    portal.app.schema.add_options("companies", "industry", ["Beekeeping"])
    portal.app.install()
    assert portal.app.schema.of("tasks")["leadlight_key"].unique
    assert portal.status("POST", "/crm/v3/objects/companies", {"properties": {"industry": "Beekeeping"}}) == 201


def test_owners_page_and_are_found_by_user() -> None:
    """Ids ascending as numbers; the address in any case."""
    portal = Portal()
    for number, user in ((9, 1), (10, 2), (11, 3)):
        portal.own(number, user)
    page = portal.read("GET", "/crm/v3/owners", limit="2")
    rest = portal.read("GET", "/crm/v3/owners/", limit="2", after=page["paging"]["next"]["after"])
    assert [each["id"] for each in page["results"] + rest["results"]] == ["9", "10", "11"]
    assert portal.read("GET", "/crm/v3/owners/2", idProperty="userId")["id"] == "10"
    assert portal.read("GET", "/crm/v3/owners", email="OWNER9@example.com")["results"][0]["id"] == "9"
    assert portal.status("GET", "/crm/v3/owners/404") == 404


def test_events_page_by_time_without_gaps() -> None:
    """Many at one moment are told once each; bounds are exclusive; either order."""
    portal = Portal()
    moments = (1000 + n // 50 for n in range(250))
    rows = [(f"e{n:03}", "e_visited_page", "contacts", 5, ms, "{}") for n, ms in enumerate(moments)]
    seed_events(portal.storage, rows)
    for sort in ("occurredAt", "-occurredAt"):
        seen: list[str] = []
        query = {"eventType": "e_visited_page", "limit": "100", "sort": sort}
        page = portal.read("GET", "/events/v3/events", **query)
        while True:
            seen += [each["id"] for each in page["results"]]
            if "paging" not in page:
                break
            page = portal.read("GET", "/events/v3/events", **query, after=page["paging"]["next"]["after"])
        assert seen == sorted(seen, reverse=sort.startswith("-"))
        assert len(set(seen)) == 250
    within = {"occurredAfter": "1970-01-01T00:00:01.000Z", "occurredBefore": "1970-01-01T00:00:01.002Z"}
    told = portal.read("GET", "/events/v3/events", **within)["results"]
    assert {each["occurredAt"] for each in told} == {"1970-01-01T00:00:01.001Z"}
    assert portal.read("GET", "/events/v3/events", objectType="contact", objectId="6")["results"] == []
    assert portal.status("GET", "/events/v3/events", objectId="6") == 400
    assert portal.status("GET", "/events/v3/events", limit="101") == 400


def test_event_types_name_custom_ones() -> None:
    """HubSpot's own and those that occurred."""
    portal = Portal()
    seed_events(portal.storage, [(str(n), "pe1_trial", "contacts", 5, n, "{}") for n in range(2)])
    types = portal.read("GET", "/events/v3/events/event-types")["eventTypes"]
    assert "e_visited_page" in types
    assert types.count("pe1_trial") == 1


def refusal(portal: Portal, method: str, path: str) -> tuple[int, str]:
    """Ask, and give status and policy."""
    response = portal.ask(method, path, {} if method == "POST" else None)
    return response.status, json.loads(response.body).get("policyName", "")


def test_ten_second_bucket_rolls() -> None:
    """The 191st call within ten seconds is refused; associations in batches and searches are outside."""
    portal = Portal()
    for _ in range(190):
        assert portal.status("GET", "/crm/v3/owners") == 200
    assert refusal(portal, "GET", "/crm/v3/owners") == (429, "TEN_SECONDLY_ROLLING")
    assert portal.status("POST", SEARCH, {}) == 200
    assert portal.status("POST", f"{LINKS}/read", {"inputs": []}) == 200
    portal.clock.advance(10)
    response = portal.ask("GET", "/crm/v3/owners")
    assert (response.status, response.headers["X-HubSpot-RateLimit-Remaining"]) == (200, "189")


def test_search_bucket_is_per_second() -> None:
    """Five, then 429; rate_per_10s of 0 lifts it as well."""
    portal = Portal()
    for _ in range(5):
        assert portal.status("POST", SEARCH, {}) == 200
    assert refusal(portal, "POST", SEARCH) == (429, "SECONDLY")
    portal.clock.advance(1)
    assert portal.status("POST", SEARCH, {}) == 200
    portal.switches.rate_per_10s = 0
    assert {portal.status("POST", SEARCH, {}) for _ in range(20)} == {200}
    assert {portal.status("GET", "/crm/v3/owners") for _ in range(300)} == {200}


def test_daily_quota_ends_at_midnight() -> None:
    """All calls count, searches too; account info tells the use."""
    portal = Portal()
    portal.clock.set(datetime(2026, 7, 1, 23, 59, tzinfo=UTC))
    portal.switches.daily_quota = 3
    usage = portal.read("GET", "/account-info/v3/api-usage/daily/private-apps")["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"], usage["resetsAt"]) == (3, 1, "2026-07-02T00:00:00Z")
    portal.status("POST", SEARCH, {})
    last = portal.ask("GET", "/crm/v3/owners")
    assert last.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    assert refusal(portal, "GET", "/crm/v3/owners") == (429, "DAILY")
    portal.clock.advance(61)
    assert portal.status("GET", "/crm/v3/owners") == 200
