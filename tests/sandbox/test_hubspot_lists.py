"""Lists of the HubSpot sandbox, through the vendor's library and by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm.contacts import ApiClient as ContactsClient
from hubspot.crm.contacts import Configuration as ContactsConfiguration
from hubspot.crm.contacts.api.basic_api import BasicApi
from hubspot.crm.lists import (
    ApiClient,
    ApiException,
    Configuration,
    ListCreateRequest,
    ListSearchRequest,
    MembershipChangeRequest,
)
from hubspot.crm.lists.api.lists_api import ListsApi
from hubspot.crm.lists.api.memberships_api import MembershipsApi

from connector.sandbox.hubspot.list_members import ids_of, within_limit
from connector.sandbox.hubspot.wire import ApiError
from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from tests.sandbox.hubspot_portal import Portal

LISTS = "/crm/v3/lists"
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """Serve an empty account."""
    with start(SandboxOptions("hubspot", world="empty")) as sandbox:
        yield sandbox


def client(sandbox: RunningSandbox) -> ApiClient:
    """Make the library's client for it."""
    configuration = Configuration(host=sandbox.ready["url"])
    configuration.access_token = sandbox.ready["token"]
    return ApiClient(configuration)


def contact(portal: Portal, **properties: str) -> str:
    """Create a contact."""
    return str(portal.read("POST", CONTACTS, {"properties": properties})["id"])


def manual(portal: Portal, name: str = "Hot leads", type_id: str = "0-1") -> str:
    """Make a manual list."""
    made = portal.read("POST", LISTS, {"name": name, "objectTypeId": type_id, "processingType": "MANUAL"})
    return str(made["list"]["listId"])


def filtered(processing: str, name: str, **operation: object) -> dict[str, Any]:
    """Make a list that holds contacts by one property."""
    condition = {"filterType": "PROPERTY", "property": name, "operation": operation}
    inner = {"filterBranches": [], "filterBranchType": "AND", "filters": [condition]}
    branch = {"filterBranches": [inner], "filterBranchType": "OR", "filters": []}
    asked = {"name": f"{processing} {name} {operation}", "objectTypeId": "0-1", "processingType": processing}
    return {**asked, "filterBranch": branch}


def members(portal: Portal, list_id: str) -> list[str]:
    """Give the records on a list."""
    return [each["recordId"] for each in portal.read("GET", f"{LISTS}/{list_id}/memberships")["results"]]


def test_the_library_makes_and_fills_a_list(running: RunningSandbox) -> None:
    """Create, find, add, remove, read, rename, delete and restore through the vendor's models."""
    with client(running) as api:
        lists, memberships = ListsApi(api), MembershipsApi(api)
        made = lists.create(ListCreateRequest(object_type_id="0-1", processing_type="MANUAL", name="Hot leads")).list
        ids = [record(running, f"c{n}@example.com") for n in range(3)]
        added = memberships.add(made.list_id, [*ids[:2], "999"])
        assert (added.records_ids_added, added.record_ids_missing) == (ids[:2], ["999"])
        change = MembershipChangeRequest(record_ids_to_add=[ids[2]], record_ids_to_remove=[ids[0], "998"])
        changed = memberships.add_and_remove(made.list_id, change)
        assert (changed.records_ids_added, changed.record_ids_removed) == (ids[2:], ids[:1])
        assert changed.record_ids_missing == ["998"]
        page = memberships.get_page(made.list_id, limit=1)
        rest = memberships.get_page(made.list_id, limit=1, after=page.paging.next.after)
        assert [each.record_id for each in page.results + rest.results] == ids[1:]
        assert (page.total, rest.paging) == (2, None)
        assert [each.list_id for each in memberships.get_lists("0-1", ids[1]).results] == [made.list_id]
        lists.update_name(made.list_id, list_name="Warm leads")
        assert lists.get_by_name(list_name="warm leads", object_type_id="0-1").list.list_id == made.list_id
        found = lists.do_search(ListSearchRequest(query="WARM"))
        assert [each.additional_properties["hs_list_size"] for each in found.lists] == ["2"]
        lists.remove(made.list_id)
        with pytest.raises(ApiException) as gone:
            lists.get_by_id(made.list_id)
        assert gone.value.status == 404
        lists.restore(made.list_id)
        assert lists.get_by_id(made.list_id).list.name == "Warm leads"


def record(sandbox: RunningSandbox, email: str) -> str:
    """Create a contact through the library."""
    configuration = ContactsConfiguration(host=sandbox.ready["url"])
    configuration.access_token = sandbox.ready["token"]
    with ContactsClient(configuration) as api:
        return str(BasicApi(api).create({"properties": {"email": email}}).id)


def test_an_answer_tells_only_what_changed() -> None:
    """Members already, and records that were never on the list, are passed over; ids may be numbers."""
    portal = Portal()
    one, two, number = contact(portal), contact(portal), manual(portal)
    assert portal.read("PUT", f"{LISTS}/{number}/memberships/add", [int(one)]) == {"recordsIdsAdded": [one]}
    assert portal.read("PUT", f"{LISTS}/{number}/memberships/add", [one]) == {}
    assert portal.read("PUT", f"{LISTS}/{number}/memberships/remove", [two]) == {}
    assert portal.read("PUT", f"{LISTS}/{number}/memberships/remove", [one]) == {"recordIdsRemoved": [one]}
    rows = [row for row in portal.storage.journal(0) if row["op"] == "associate"]
    assert [(row["object"], row["id"]) for row in rows] == [("contacts", one), ("contacts", one)]


def test_a_call_takes_100_000_ids() -> None:
    """One more is refused."""
    ids = [str(n) for n in range(100_000)]
    assert ids_of(ids) == ids
    with pytest.raises(ApiError) as refused:
        within_limit([*ids, "x"])
    assert refused.value.status == 400
    assert Portal().status("PUT", f"{LISTS}/1/memberships/add", [{}]) == 400


def test_a_dynamic_list_follows_its_records() -> None:
    """It takes nobody by hand; each change counts at once."""
    portal = Portal()
    one, two = contact(portal, country="Norway"), contact(portal, country="Sweden")
    asked = filtered("DYNAMIC", "country", operationType="MULTISTRING", operator="IS_EQUAL_TO", values=["Norway"])
    made = portal.read("POST", LISTS, asked)["list"]
    assert made["processingStatus"] == "PROCESSING"
    assert members(portal, made["listId"]) == [one]
    portal.status("PATCH", f"{CONTACTS}/{two}", {"properties": {"country": "Norway"}})
    assert members(portal, made["listId"]) == [one, two]
    portal.status("DELETE", f"{CONTACTS}/{one}")
    assert members(portal, made["listId"]) == [two]
    assert portal.status("PUT", f"{LISTS}/{made['listId']}/memberships/add", [one]) == 400


@pytest.mark.parametrize(
    ("name", "operation", "found"),
    [
        ("annualrevenue", {"operationType": "NUMBER", "operator": "IS_GREATER_THAN", "value": 50}, ["big"]),
        ("annualrevenue", {"operationType": "ALL_PROPERTY", "operator": "IS_UNKNOWN"}, ["none"]),
        (
            "annualrevenue",
            {"operationType": "NUMBER", "operator": "IS_BETWEEN", "lowerBound": 1, "upperBound": 50},
            ["small"],
        ),
        (
            "lifecyclestage",
            {"operationType": "ENUMERATION", "operator": "IS_ANY_OF", "values": ["customer", "other"]},
            ["big"],
        ),
        (
            "country",
            {
                "operationType": "STRING",
                "operator": "IS_NOT_EQUAL_TO",
                "value": "Norway",
                "includeObjectsWithNoValueSet": True,
            },
            ["small", "none"],
        ),
    ],
)
def test_filters_choose(name: str, operation: dict[str, Any], found: list[str]) -> None:
    """Numbers, options, texts, and records without a value."""
    portal = Portal()
    ids = {
        contact(portal, annualrevenue="500", country="Norway", lifecyclestage="customer"): "big",
        contact(portal, annualrevenue="5", country="Sweden"): "small",
        contact(portal): "none",
    }
    made = portal.read("POST", LISTS, filtered("DYNAMIC", name, **operation))["list"]
    assert [ids[each] for each in members(portal, made["listId"])] == found


def test_a_snapshot_is_taken_once() -> None:
    """Its filters choose when it is made, then people and apps do."""
    portal = Portal()
    one, two = contact(portal, country="Norway"), contact(portal)
    asked = filtered("SNAPSHOT", "country", operationType="STRING", operator="IS_EQUAL_TO", value="Norway")
    number = portal.read("POST", LISTS, asked)["list"]["listId"]
    portal.status("PATCH", f"{CONTACTS}/{one}", {"properties": {"country": "Sweden"}})
    portal.status("PUT", f"{LISTS}/{number}/memberships/add", [two])
    assert members(portal, number) == [one, two]


def test_join_order_and_lists_of_lists() -> None:
    """By the time of joining; one list fills another, and all of it can be taken off."""
    portal = Portal()
    ids, number, other = [contact(portal) for _ in range(3)], manual(portal), manual(portal, "Other")
    for each in reversed(ids):
        portal.clock.advance(1)
        portal.status("PUT", f"{LISTS}/{number}/memberships/add", [each])
    order = portal.read("GET", f"{LISTS}/{number}/memberships/join-order", limit="2")
    rest = portal.read(
        "GET", f"{LISTS}/{number}/memberships/join-order", limit="2", after=order["paging"]["next"]["after"]
    )
    assert [each["recordId"] for each in order["results"] + rest["results"]] == ids[::-1]
    assert portal.status("PUT", f"{LISTS}/{other}/memberships/add-from/{number}") == 204
    assert members(portal, other) == ids
    assert portal.status("DELETE", f"{LISTS}/{other}/memberships") == 204
    assert members(portal, other) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"processingType": "STATIC"},
        {"objectTypeId": "0-99"},
        {"name": "hot LEADS"},
        {"processingType": "DYNAMIC"},
        {"filterBranch": {"filterBranchType": "OR"}},
    ],
)
def test_definitions_are_checked(wrong: dict[str, Any]) -> None:
    """Types, objects, names in use, and filters where they do not belong."""
    portal = Portal()
    manual(portal, "Hot leads")
    good = {"name": "New", "objectTypeId": "0-1", "processingType": "MANUAL"}
    assert portal.status("POST", LISTS, {**good, **wrong}) == 400
    assert portal.status("POST", LISTS, {**good, "name": "Hot leads", "objectTypeId": "0-2"}) == 200
