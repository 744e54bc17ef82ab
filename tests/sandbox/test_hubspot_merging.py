"""Merges, lifecycle stages and changing properties of the HubSpot sandbox."""

import json
import urllib.request
from typing import Any

import pytest
from hubspot.crm.contacts import ApiClient, Configuration
from hubspot.crm.contacts.api.basic_api import BasicApi

from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.server import SandboxOptions, start
from tests.sandbox.hubspot_portal import Portal

CONTACTS = "/crm/v3/objects/contacts"
KEY = "leadlight_key"


def record(portal: Portal, plural: str = "contacts", **properties: str) -> str:
    """Create a record."""
    return str(portal.read("POST", f"/crm/v3/objects/{plural}", {"properties": properties})["id"])


def task_for(portal: Portal, contact: str, key: str) -> str:
    """Create a task with a unique key, linked to a contact."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
    properties = {"hs_timestamp": "2026-07-02T00:00:00Z", "hs_task_subject": "Call", KEY: key}
    body = {"properties": properties, "associations": [{"to": {"id": contact}, "types": types}]}
    return str(portal.read("POST", "/crm/v3/objects/tasks", body)["id"])


def merge(portal: Portal, primary: str, secondary: str, plural: str = "contacts") -> dict[str, Any]:
    """Merge through the API."""
    body = {"primaryObjectId": primary, "objectIdToMerge": secondary}
    merged: dict[str, Any] = portal.read("POST", f"/crm/v3/objects/{plural}/merge", body)
    return merged


def linked(portal: Portal, number: str, to: str, plural: str = "contacts") -> dict[str, list[int]]:
    """Give the associated records of a record with their types."""
    found = portal.read("GET", f"/crm/v4/objects/{plural}/{number}/associations/{to}")["results"]
    return {str(each["toObjectId"]): [kind["typeId"] for kind in each["associationTypes"]] for each in found}


def test_a_merge_makes_a_new_record_of_both() -> None:
    """The primary's values first, then the secondary's; the furthest stage; the earliest creation."""
    portal = Portal()
    old = record(portal, email="ana@example.com", firstname="Ana", lifecyclestage="customer")
    portal.clock.advance(3600)
    new = record(portal, email="ana.b@example.com", lastname="Berg")
    merged = merge(portal, new, old)
    told = merged["properties"]
    assert merged["id"] not in (old, new)
    assert (told["email"], told["firstname"], told["lastname"]) == ("ana.b@example.com", "Ana", "Berg")
    assert told["lifecyclestage"] == "customer"
    assert merged["createdAt"] == "2026-07-01T12:00:00Z"
    assert set(told["hs_merged_object_ids"].split(";")) == {old, new}
    stamps = dict(each.split(":") for each in told["hs_calculated_merged_vids"].split(";"))
    assert stamps.keys() == {old, new}
    assert told["hs_all_contact_vids"].split(";")[0] == merged["id"]


def test_old_ids_lead_to_the_merged_record() -> None:
    """In reads and updates, through a chain of merges; lists and searches know the last one alone."""
    portal = Portal()
    one, two, three = (record(portal, firstname=name) for name in "abc")
    last = merge(portal, three, merge(portal, one, two)["id"])["id"]
    assert portal.read("GET", f"{CONTACTS}/{two}")["id"] == last
    batch = portal.read("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": one}, {"id": three}]})
    assert [each["id"] for each in batch["results"]] == [last]
    changed = portal.read("PATCH", f"{CONTACTS}/{one}", {"properties": {"phone": "1"}})
    assert (changed["id"], changed["properties"]["phone"]) == (last, "1")
    updated = portal.read("POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": two, "properties": {"phone": "2"}}]})
    assert [each["id"] for each in updated["results"]] == [last]
    assert [each["id"] for each in portal.read("GET", CONTACTS)["results"]] == [last]
    assert portal.read("GET", CONTACTS, archived="true")["results"] == []
    assert portal.search("contacts")["total"] == 1
    assert (
        len(
            portal.read("GET", f"{CONTACTS}/{last}", properties="hs_merged_object_ids")["properties"][
                "hs_merged_object_ids"
            ].split(";")
        )
        == 4
    )


def test_what_hangs_on_both_hangs_on_the_merged_one() -> None:
    """Tasks with their unique keys, events, list memberships, the primary's company as the primary one."""
    portal = Portal()
    portal.app.schema.add_property("tasks", KEY, "string", "text", unique=True)
    one, two = record(portal, firstname="a"), record(portal, firstname="b")
    tasks = {task_for(portal, one, "k1"), task_for(portal, two, "k2")}
    portal.link(1, one, 50)
    portal.link(1, two, 51)
    seed_events(portal.storage, [("e1", "e_visited_page", "contacts", int(two), 5, "{}")])
    asked = {"name": "Hot", "objectTypeId": "0-1", "processingType": "MANUAL"}
    number = portal.read("POST", "/crm/v3/lists", asked)["list"]["listId"]
    portal.read("PUT", f"/crm/v3/lists/{number}/memberships/add", [one, two])
    last = merge(portal, one, two)["id"]
    assert linked(portal, last, "tasks").keys() == tasks
    assert linked(portal, last, "companies") == {"50": [1, 279], "51": [279]}
    found = portal.read("GET", "/crm/v3/objects/tasks/k2", idProperty=KEY)
    assert found["id"] in tasks
    events = portal.read("GET", "/events/v3/events", objectType="contact", objectId=last)["results"]
    assert [each["id"] for each in events] == ["e1"]
    results = portal.read("GET", f"/crm/v3/lists/{number}/memberships")["results"]
    assert [each["recordId"] for each in results] == [last]


def test_companies_merge_with_their_people() -> None:
    """Each contact keeps its primary company, which now is the merged one."""
    portal = Portal()
    one, two = record(portal, "companies", name="Acme"), record(portal, "companies", name="Acme Ltd", domain="a.com")
    portal.link(1, 5, one)
    portal.link(1, 6, two)
    merged = merge(portal, one, two, "companies")
    assert (merged["properties"]["name"], merged["properties"]["domain"]) == ("Acme", "a.com")
    assert linked(portal, merged["id"], "contacts", "companies") == {"5": [2, 280], "6": [2, 280]}
    assert "hs_calculated_merged_vids" not in merged["properties"]


def test_merges_that_cannot_be() -> None:
    """Unknown records, a record with itself, activities; nothing is written."""
    portal = Portal()
    one = record(portal, firstname="a")
    for body, status in (
        ({"primaryObjectId": one, "objectIdToMerge": "1"}, 404),
        ({"primaryObjectId": one, "objectIdToMerge": one}, 400),
        ({"primaryObjectId": one}, 400),
    ):
        assert portal.status("POST", f"{CONTACTS}/merge", body) == status
    same = {"primaryObjectId": "1", "objectIdToMerge": "2"}
    assert portal.status("POST", "/crm/v3/objects/tasks/merge", same) == 400
    assert portal.read("GET", f"{CONTACTS}/{one}")["id"] == one


def test_the_library_and_a_person_merge() -> None:
    """The vendor's own call, and the control call that keeps the primary's id as in former years."""
    with start(SandboxOptions("hubspot", world="empty")) as running:
        configuration = Configuration(host=running.ready["url"])
        configuration.access_token = running.ready["token"]
        with ApiClient(configuration) as api:
            basic = BasicApi(api)
            ids = [basic.create({"properties": {"firstname": name}}).id for name in "abc"]
            merged = basic.merge({"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
            assert merged.properties["firstname"] == "a"
            asked = {"object": "contacts", "winner": ids[2], "losers": [ids[0]], "keep_id": True}
            assert control(running.ready["control_url"], "merge", asked) == {"object": "contacts", "id": ids[2]}
            assert basic.get_by_id(ids[1]).id == ids[2]
        journal = control(running.ready["control_url"], "journal")
        assert {row["actor"] for row in journal if row["path"] == "/control/merge"} == {"human"}


def control(address: str, name: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Ask the control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/control/{name}", data)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"object": "contacts", "winner": "1"}, ValueError),
        ({"object": "contacts", "winner": "one", "losers": ["one"]}, ValueError),
        ({"object": "contacts", "winner": "one", "losers": ["two"], "actor": "seed"}, ValueError),
        ({"object": "contacts", "winner": "one", "losers": ["two"], "primary": "one"}, ValueError),
        ({"object": "contacts", "winner": "one", "losers": ["two", "404"]}, KeyError),
        ({"object": "tasks", "winner": "one", "losers": ["two"]}, KeyError),
    ],
)
def test_merges_that_nobody_can_make(body: dict[str, Any], error: type[Exception]) -> None:
    """All or nothing: a loser that is not there leaves the others as they were."""
    portal = Portal()
    ids = {name: record(portal, firstname=name) for name in ("one", "two")}
    asked = {key: ids.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
    asked |= {"losers": [ids.get(each, each) for each in body["losers"]]} if "losers" in body else {}
    with pytest.raises(error):
        portal.app.controls()["merge"](asked)
    assert [each["id"] for each in portal.read("GET", CONTACTS)["results"]] == list(ids.values())


def stage(portal: Portal, number: str) -> object:
    """Read a contact's lifecycle stage."""
    return portal.read("GET", f"{CONTACTS}/{number}", properties="lifecyclestage")["properties"]["lifecyclestage"]


def test_lifecycle_stages_go_forward() -> None:
    """A way back is passed over in silence, in batches too, unless the stage was cleared; other values land."""
    portal = Portal()
    number = record(portal, lifecyclestage="opportunity")
    answer = portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": "lead", "phone": "1"}})
    assert (answer["properties"]["lifecyclestage"], answer["properties"]["phone"]) == ("opportunity", "1")
    batch = {"inputs": [{"id": number, "properties": {"lifecyclestage": "lead"}}]}
    assert portal.status("POST", f"{CONTACTS}/batch/update", batch) == 200
    assert stage(portal, number) == "opportunity"
    for value in ("", "lead", "customer"):
        portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": value}})
        assert stage(portal, number) == value
    portal.app.edit("human", "contacts", number, {"lifecyclestage": "subscriber"})
    assert stage(portal, number) == "subscriber"


@pytest.mark.parametrize("value", ["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "CONNECTED", "BAD_TIMING"])
def test_lead_status_has_its_options(value: str) -> None:
    """The vendor's own ones, which may go any way."""
    portal = Portal()
    number = record(portal, hs_lead_status="UNQUALIFIED")
    assert portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": {"hs_lead_status": value}}) == 200
    assert portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": {"hs_lead_status": "HOT"}}) == 400


def change(portal: Portal, op: str, name: str = "leadlight_score", **more: str) -> None:
    """Change a property as an administrator does."""
    portal.app.controls()["schema"]({"object": "contacts", "property": name, "op": op, **more})


def drifting() -> tuple[Portal, str]:
    """Make an account with two own properties and a contact."""
    portal = Portal()
    portal.app.schema.add_property("contacts", "leadlight_score", "number", "number")
    portal.app.schema.add_property("contacts", "leadlight_band", "enumeration", "select", options=["hot", "cold"])
    return portal, record(portal, leadlight_score="5", leadlight_band="hot")


def write(portal: Portal, number: str, **properties: str) -> int:
    """Update a contact and tell the status."""
    return portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": properties})


def shown(portal: Portal, number: str, name: str) -> object:
    """Read one property; "left out" where an answer does not have it."""
    return portal.read("GET", f"{CONTACTS}/{number}", properties=name)["properties"].get(name, "left out")


def test_a_deleted_property_is_left_out_of_reads_and_refused_in_writes() -> None:
    """It comes back with its values, also after a restart in between."""
    portal, number = drifting()
    change(portal, "delete")
    portal.app.install()
    assert shown(portal, number, "leadlight_score") == "left out"
    assert write(portal, number, leadlight_score="6") == 400
    assert portal.status("GET", "/crm/v3/properties/contacts/leadlight_score") == 404
    change(portal, "restore")
    assert shown(portal, number, "leadlight_score") == "5"
    assert write(portal, number, leadlight_score="6") == 200
    rows = [(row["actor"], row["op"], row["id"]) for row in portal.storage.journal(0) if row["object"] == "properties"]
    assert rows == [("human", "delete", "contacts.leadlight_score"), ("human", "create", "contacts.leadlight_score")]


def test_read_only_renamed_and_retyped_properties() -> None:
    """Definitions tell it, writes meet it, restoring undoes it."""
    portal, number = drifting()
    change(portal, "readonly")
    told = portal.read("GET", "/crm/v3/properties/contacts/leadlight_score")
    assert told["modificationMetadata"]["readOnlyValue"] is True
    assert write(portal, number, leadlight_score="6") == 400
    change(portal, "restore")
    change(portal, "retype", to="string")
    assert portal.read("GET", "/crm/v3/properties/contacts/leadlight_score")["fieldType"] == "text"
    change(portal, "rename", to="score_old")
    assert (shown(portal, number, "leadlight_score"), shown(portal, number, "score_old")) == ("left out", "5")
    change(portal, "restore")
    assert portal.read("GET", "/crm/v3/properties/contacts/leadlight_score")["type"] == "number"


def test_a_dropped_option_is_refused_and_held_values_stay() -> None:
    """Only new writes of it fail."""
    portal, number = drifting()
    portal.app.controls()["schema"](
        {"object": "contacts", "field": "leadlight_band", "op": "drop_option", "option": "hot"}
    )
    assert shown(portal, number, "leadlight_band") == "hot"
    assert write(portal, number, leadlight_band="hot") == 400
    assert write(portal, number, leadlight_band="cold") == 200
    change(portal, "restore", "leadlight_band")
    assert write(portal, number, leadlight_band="hot") == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"object": "contacts", "property": "leadlight_score", "op": "burn"}, ValueError),
        ({"object": "contacts", "property": "leadlight_score", "op": "rename"}, ValueError),
        ({"object": "contacts", "property": "leadlight_score", "op": "rename", "to": "email"}, ValueError),
        ({"object": "contacts", "property": "leadlight_score", "op": "retype", "to": "blob"}, ValueError),
        ({"object": "contacts", "property": "leadlight_band", "op": "drop_option", "option": "warm"}, ValueError),
        ({"object": "contacts", "property": "leadlight_score", "op": "delete", "actor": "seed"}, ValueError),
        ({"object": "contacts", "property": "nope", "op": "delete"}, KeyError),
        ({"object": "contacts", "property": "leadlight_score", "op": "restore"}, KeyError),
        ({"object": "unicorns", "property": "horn", "op": "delete"}, KeyError),
    ],
)
def test_schema_changes_that_cannot_be(body: dict[str, Any], error: type[Exception]) -> None:
    """Nothing changes."""
    portal, number = drifting()
    with pytest.raises(error):
        portal.app.controls()["schema"](body)
    assert write(portal, number, leadlight_score="6", leadlight_band="cold") == 200
