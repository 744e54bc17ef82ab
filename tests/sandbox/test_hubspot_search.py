"""Searching in the HubSpot sandbox."""

from typing import Any

import pytest

from connector.sandbox.hubspot.wire import stamp
from tests.sandbox.hubspot_portal import Portal

PEOPLE = {
    "1": {"email": "ana@acme.com", "firstname": "Ana", "annualrevenue": "9", "lifecyclestage": "lead"},
    "2": {"email": "ben@acme.com", "firstname": "Ben", "annualrevenue": "10", "hs_buying_role": "CHAMPION;END_USER"},
    "3": {"email": "cy@other.org", "firstname": "", "closedate": "2026-03-01T00:00:00Z", "hs_email_optout": "true"},
    "10": {"firstname": "Dan", "annualrevenue": "100", "jobtitle": "VP of Sales-Ops"},
}


@pytest.fixture
def portal() -> Portal:
    """Hold four contacts, changed a day apart."""
    portal = Portal()
    for n, (number, properties) in enumerate(PEOPLE.items()):
        portal.hold("contacts", {"id": number, "properties": properties, "updatedAt": f"2026-01-0{n + 1}T00:00:00Z"})
    return portal


def found(portal: Portal, *filters: dict[str, Any], **more: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Search with one group of filters and give the ids."""
    return [each["id"] for each in portal.search("contacts", filterGroups=[{"filters": filters}], **more)["results"]]


def where(name: str, operator: str, *values: Any, high: Any = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Make one filter."""
    asked: dict[str, Any] = {"propertyName": name, "operator": operator}
    if operator in ("IN", "NOT_IN"):
        return asked | {"values": list(values)}
    asked |= {"value": values[0]} if values else {}
    return asked | ({"highValue": high} if high is not None else {})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (where("firstname", "EQ", "ana"), ["1"]),
        (where("firstname", "NEQ", "Ana"), ["2", "10"]),
        (where("annualrevenue", "EQ", "10.0"), ["2"]),
        (where("annualrevenue", "GT", "9"), ["2", "10"]),
        (where("annualrevenue", "GTE", 9), ["1", "2", "10"]),
        (where("annualrevenue", "LT", "10"), ["1"]),
        (where("annualrevenue", "LTE", "10"), ["1", "2"]),
        (where("annualrevenue", "BETWEEN", "9.5", high="100"), ["2", "10"]),
        (where("annualrevenue", "IN", "9", "100"), ["1", "10"]),
        (where("annualrevenue", "NOT_IN", "9"), ["2", "10"]),
        (where("email", "IN", "ana@acme.com", "cy@other.org"), ["1", "3"]),
        (where("email", "IN", "ANA@acme.com"), []),
        (where("email", "NOT_IN", "ana@acme.com"), ["2", "3"]),
        (where("firstname", "HAS_PROPERTY"), ["1", "2", "10"]),
        (where("firstname", "NOT_HAS_PROPERTY"), ["3"]),
        (where("email", "CONTAINS_TOKEN", "acme"), ["1", "2"]),
        (where("email", "CONTAINS_TOKEN", "*acme.com"), ["1", "2"]),
        (where("email", "CONTAINS_TOKEN", "acm"), []),
        (where("email", "CONTAINS_TOKEN", "acm*"), ["1", "2"]),
        (where("jobtitle", "CONTAINS_TOKEN", "sales"), ["10"]),
        (where("email", "NOT_CONTAINS_TOKEN", "acme"), ["3"]),
        (where("hs_buying_role", "IN", "END_USER", "BLOCKER"), ["2"]),
        (where("hs_email_optout", "EQ", True), ["3"]),
        (where("lifecyclestage", "EQ", "lead"), ["1"]),
        (where("closedate", "GTE", "1772323200000"), ["3"]),
        (where("closedate", "LT", "2026-03-01T00:00:00.001Z"), ["3"]),
        (where("hs_object_id", "GT", "2"), ["3", "10"]),
        (where("hs_object_id", "IN", "2", 10), ["2", "10"]),
        (where("lastmodifieddate", "GTE", "2026-01-03"), ["3", "10"]),
        (where("lastmodifieddate", "BETWEEN", "1767312000000", high="1767398400000"), ["2", "3"]),
    ],
)
def test_operators(portal: Portal, asked: dict[str, Any], expected: list[str]) -> None:
    """Numbers are compared as numbers, text in any case, times as moments; a missing value never matches."""
    assert found(portal, asked) == expected


def test_groups_are_joined_by_or_and_filters_by_and(portal: Portal) -> None:
    """A top-level list of filters is one more group."""
    body = {
        "filterGroups": [
            {"filters": [where("firstname", "EQ", "Ana"), where("annualrevenue", "GT", "50")]},
            {"filters": [where("firstname", "EQ", "Dan"), where("annualrevenue", "GT", "50")]},
        ]
    }
    assert [each["id"] for each in portal.search("contacts", **body)["results"]] == ["10"]
    body["filters"] = [where("firstname", "EQ", "Ben")]
    assert [each["id"] for each in portal.search("contacts", **body)["results"]] == ["2", "10"]


def test_sorts_and_text_query(portal: Portal) -> None:
    """One sort, as an object or a name; without one, by id as a number."""
    assert found(portal) == ["1", "2", "3", "10"]
    newest = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]
    assert found(portal, sorts=newest) == ["10", "3", "2", "1"]
    assert found(portal, where("annualrevenue", "GT", 0), sorts=["-annualrevenue"]) == ["10", "2", "1"]
    assert found(portal, query="acme") == ["1", "2"]


def test_associations_are_a_property_of_searches(portal: Portal) -> None:
    """Records linked to a record of another object."""
    portal.link(279, "2", 77)
    assert found(portal, where("associations.company", "EQ", 77)) == ["2"]
    assert found(portal, where("associations.company", "IN", "78")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"after": 10_000, "limit": 1},
        {"after": 9_900, "limit": 200},
        {"sorts": ["email", "phone"]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 5}] * 4},
        {"filters": [where("nonsense", "EQ", "1")]},
        {"filters": [where("email", "LIKE", "1")]},
        {"filters": [where("email", "EQ")]},
        {"filters": [where("email", "IN")]},
        {"filters": [where("annualrevenue", "GT", "much")]},
        {"filters": [where("lastmodifieddate", "GT", "soon")]},
        {"query": "x" * 3001},
    ],
)
def test_refusals(portal: Portal, body: dict[str, Any]) -> None:
    """Limits of groups, filters, sorts, pages and values."""
    assert portal.status("POST", "/crm/v3/objects/contacts/search", body) == 400


def test_ten_thousand_results_are_the_end() -> None:
    """The total is told in full; the last page ends at 10,000 and still names a next one that is refused."""
    portal = Portal()
    portal.storage.seed("contacts", [], ((str(n), n, n) for n in range(1, 10_202)))
    last = portal.search("contacts", limit=200, after="9800")
    assert (last["total"], len(last["results"]), last["paging"]["next"]["after"]) == (10_201, 200, "10000")
    assert portal.status("POST", "/crm/v3/objects/contacts/search", {"limit": 200, "after": "10000"}) == 400


def test_pages_are_offsets() -> None:
    """No link; no paging on the last page."""
    portal = Portal()
    portal.storage.seed("contacts", [], ((str(n), n, n) for n in range(1, 6)))
    page = portal.search("contacts", limit="2")
    assert page["paging"] == {"next": {"after": "2"}}
    assert "paging" not in portal.search("contacts", limit="2", after="4")


def test_index_lags_behind_writes() -> None:
    """A record changed within the lag is not found yet, though reads know it; archived ones never are."""
    portal = Portal()
    portal.switches.search_lag_s = 30
    number = portal.read("POST", "/crm/v3/objects/contacts", {"properties": {"firstname": "Ana"}})["id"]
    assert portal.search("contacts")["total"] == 0
    assert portal.status("GET", f"/crm/v3/objects/contacts/{number}") == 200
    portal.clock.advance(31)
    assert portal.search("contacts")["total"] == 1
    changed = portal.read("PATCH", f"/crm/v3/objects/contacts/{number}", {"properties": {"firstname": "Anna"}})
    assert portal.search("contacts")["total"] == 0
    portal.clock.advance(31)
    assert portal.search("contacts")["results"][0]["updatedAt"] == changed["updatedAt"]
    portal.status("DELETE", f"/crm/v3/objects/contacts/{number}")
    portal.clock.advance(31)
    assert portal.search("contacts")["total"] == 0


def test_times_are_told_without_empty_milliseconds() -> None:
    """Three digits or none."""
    assert (stamp(1735689599000), stamp(1735689599007)) == ("2024-12-31T23:59:59Z", "2024-12-31T23:59:59.007Z")


def test_total_follows_every_change(portal: Portal) -> None:
    """The same search counts anew after a write, a person's edit and a seeding."""
    asked = where("firstname", "HAS_PROPERTY")
    totals = [portal.search("contacts", filters=[asked])["total"]]
    portal.app.edit("human", "contacts", "1", {"firstname": ""})
    totals.append(portal.search("contacts", filters=[asked])["total"])
    portal.hold("contacts", {"id": "11", "properties": {"firstname": "Eve"}})
    totals.append(portal.search("contacts", filters=[asked])["total"])
    portal.status("DELETE", "/crm/v3/objects/contacts/2")
    totals.append(portal.search("contacts", filters=[asked])["total"])
    assert totals == [3, 2, 3, 2]
