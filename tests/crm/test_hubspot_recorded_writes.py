"""Writing against what the real HubSpot answered: 207s, whole-batch refusals, conflicts, associations, properties."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.crm.base import Write, WriteResult
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from mappings.fields import NewField
from tests.crm.hubspot_recordings import Asked, Recorded, from_body, from_cassette, needs_recordings, replayed

pytestmark = needs_recordings

CONTACTS = "/crm/v3/objects/contacts/batch/"
TASKS = "/crm/v3/objects/tasks/batch/"


def adapter() -> HubSpotCrm:
    return connect(HubSpotSettings(access_token="pat-na1-made-up"))


def updated(*rows: tuple[str, str, dict[str, str]]) -> dict[str, Any]:
    """The body of a batch of (id, place, properties)."""
    return {"inputs": [{"id": one, "objectWriteTraceId": at, "properties": values} for one, at, values in rows]}


@pytest.mark.fault("F8")
def test_a_207_update_blames_the_missing_record_alone(tmp_path: Path) -> None:
    asked = updated(
        ("171591000199", "0", {"firstname": "Siena (updated)"}), ("unknownIdentifier888", "1", {"firstname": "x"})
    )
    answer = from_body("batch/update/contacts/err-partial-success.json", 207)
    with replayed(tmp_path, [(Asked("POST", CONTACTS + "update", body=asked), answer)]):
        crm = adapter()
        results = crm.write(
            [
                Write("contacts", {"firstname": "Siena (updated)"}, id="171591000199"),
                Write("contacts", {"firstname": "x"}, id="unknownIdentifier888"),
            ]
        )
    assert results[0] == WriteResult(id="171591000199")
    assert (results[1].code, results[1].retry) == ("OBJECT_NOT_FOUND", False)
    assert crm.calls.write == 1


def test_writes_of_one_record_are_merged_before_they_are_sent(tmp_path: Path) -> None:
    answer = from_body("batch/update/contacts/success.json")
    known = [one["id"] for one in answer.json()["results"]]
    asked = updated(*((one, str(at), {"a": "2", "b": "true", "c": ""}) for at, one in enumerate(known)))
    writes = [Write("contacts", {"a": 1, "b": True}, id=one) for one in known]
    again = [Write("contacts", {"a": 2.0, "c": None}, id=one) for one in known]
    with replayed(tmp_path, [(Asked("POST", CONTACTS + "update", body=asked), answer)]):
        results = adapter().write([*writes, *again])
    assert results == [WriteResult(id=one) for one in [*known, *known]]


@pytest.mark.fault("F20")
def test_a_property_that_no_row_may_hold_costs_one_call_more(tmp_path: Path) -> None:
    refused = from_body("batch/update/contacts/err-many-invalid-properties.json", 400)
    bad = {"first000name": "x", "last000name": "y"}
    first = updated(("1", "0", bad), ("171591000199", "1", {"firstname": "z"}), ("3", "2", {"last000name": "y"}))
    landed = from_body("batch/update/contacts/err-partial-success.json", 200).json()
    landed = {"status": "COMPLETE", "results": landed["results"]}
    exchanges = [
        (Asked("POST", CONTACTS + "update", body=first), refused),
        (
            Asked("POST", CONTACTS + "update", body=updated(("171591000199", "1", {"firstname": "z"}))),
            Recorded(200, json.dumps(landed)),
        ),
    ]
    with replayed(tmp_path, exchanges):
        results = adapter().write(
            [
                Write("contacts", bad, id="1"),
                Write("contacts", {"firstname": "z"}, id="171591000199"),
                Write("contacts", {"last000name": "y"}, id="3"),
            ]
        )
    assert [result.code for result in results] == ["PROPERTY_DOESNT_EXIST", None, "PROPERTY_DOESNT_EXIST"]
    assert results[0].message == 'Property "first000name" does not exist'


def test_a_bad_value_is_told_as_hubspot_tells_it_inside_its_message(tmp_path: Path) -> None:
    refused = from_cassette("meeting_error.yml", "/meetings")
    asked = updated(("1", "0", {"hs_meeting_start_time": "invalid"}))
    with replayed(tmp_path, [(Asked("POST", "/crm/v3/objects/meetings/batch/update", body=asked), refused)]):
        results = adapter().write([Write("meetings", {"hs_meeting_start_time": "invalid"}, id="1")])
    assert results[0].code == "INVALID_LONG"
    assert "invalid was not a valid long" in (results[0].message or "")


@pytest.mark.fault("F33")
def test_a_conflict_may_pass_later(tmp_path: Path) -> None:
    refused = from_body("batch/create/contacts/err-conflict.json", 409)
    asked = updated(("1", "0", {"email": "a@example.com"}))
    with replayed(tmp_path, [(Asked("POST", CONTACTS + "update", body=asked), refused)]):
        results = adapter().write([Write("contacts", {"email": "a@example.com"}, id="1")])
    assert (results[0].code, results[0].retry) == ("CONFLICT", True)


def keyed(name: str, *links: tuple[str, str]) -> Write:
    return Write("tasks", {"hs_task_subject": f"Call {name}"}, key=("leadlight_key", name), links=links)


def test_a_contact_who_came_in_between_is_told_and_left_as_they_are(tmp_path: Path) -> None:
    """The recorded batch holds two addresses; the first one is somebody's, whom no look before had found."""
    answer = from_body("batch/create/contacts/err-partial-success.json", 207)
    taken, new = "taken@example.com", "person@example.com"
    look = {
        "properties": ["email"],
        "propertiesWithHistory": [],
        "idProperty": "email",
        "inputs": [{"id": taken}, {"id": new}],
    }
    asked = {
        "inputs": [
            {"objectWriteTraceId": str(at), "properties": {"lastname": "Dyer", "email": who}, "associations": []}
            for at, who in enumerate((taken, new))
        ]
    }
    nobody = {"status": "COMPLETE", "results": [], "numErrors": 0, "errors": []}
    exchanges = [
        (Asked("POST", CONTACTS + "read", body=look), Recorded(200, json.dumps(nobody))),
        (Asked("POST", CONTACTS + "create", body=asked), answer),
    ]
    with replayed(tmp_path, exchanges):
        results = adapter().write([Write("contacts", {"lastname": "Dyer"}, key=("email", who)) for who in (taken, new)])
    assert results == [WriteResult(id="171591000198"), WriteResult(id="171596044870", created=True)]


@pytest.mark.fault("F13")
def test_a_task_is_created_once_and_linked_also_where_it_exists(tmp_path: Path) -> None:
    """The created task is the recorded one; no recording holds an upsert, so `new` and the key are added."""
    task = from_cassette("task.yml", "/tasks").json()
    task["properties"]["leadlight_key"] = "new"
    task["new"] = True
    read = {
        "properties": ["leadlight_key"],
        "propertiesWithHistory": [],
        "idProperty": "leadlight_key",
        "inputs": [{"id": "old"}, {"id": "new"}],
    }
    found = {"results": [{"id": "7", "properties": {"leadlight_key": "old"}}], "errors": [], "numErrors": 1}
    upsert = {
        "inputs": [
            {
                "id": "new",
                "idProperty": "leadlight_key",
                "objectWriteTraceId": "1",
                "properties": {"hs_task_subject": "Call new", "leadlight_key": "new"},
            }
        ]
    }
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
    links = {
        "inputs": [
            {"from": {"id": "7"}, "to": {"id": "1"}, "types": kinds},
            {"from": {"id": task["id"]}, "to": {"id": "1234"}, "types": kinds},
        ]
    }
    refused = from_cassette("Hubspot_Association_batch_create_with_an_invalid_ID_returns_false.yml", "/associations/")
    assert refused.status == 207
    exchanges = [
        (Asked("POST", TASKS + "read", body=read), Recorded(207, json.dumps(found))),
        (Asked("POST", TASKS + "upsert", body=upsert), Recorded(200, json.dumps({"results": [task]}))),
        (Asked("POST", "/crm/v4/associations/tasks/contacts/batch/create", body=links), refused),
    ]
    with replayed(tmp_path, exchanges):
        crm = adapter()
        results = crm.write([keyed("old", ("contacts", "1")), keyed("new", ("contacts", "1234")), keyed("old")])
    assert results[0] == WriteResult(id="7", created=False)
    assert (results[1].id, results[1].created, results[1].code) == (task["id"], True, "LINK_REFUSED")
    assert results[2] == WriteResult(id="7", created=False)
    assert (crm.calls.read, crm.calls.write) == (1, 2)


def test_associations_of_changed_records_are_read_through_a_207(tmp_path: Path) -> None:
    recorded = from_body("search/contacts/contacts-to-companies.json", 207)
    batch = from_body("read/objects-api/contacts-batch.json").json()
    batch["results"] = [{**batch["results"][0], "id": "501"}, {**batch["results"][1], "id": "103107104018"}]
    asked = ["501", "103107104018"]
    search = {"total": 2, "results": [{"id": one, "updatedAt": "2026-05-21T22:45:00.229Z"} for one in asked]}
    body = {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1779403800000"},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": "0"},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["lastmodifieddate"],
        "limit": 200,
    }
    inputs = [{"id": one} for one in asked]
    read = {"properties": ["email"], "propertiesWithHistory": [], "inputs": inputs}
    archived = Asked(
        "GET", "/crm/v3/objects/contacts", {"limit": "100", "properties": "hs_object_id", "archived": "True"}
    )
    with replayed(
        tmp_path,
        [
            (Asked("GET", "/crm/v3/properties/contacts"), Recorded(200, '{"results":[]}')),
            (Asked("POST", "/crm/v3/objects/contacts/search", body=body), Recorded(200, json.dumps(search))),
            (Asked("POST", CONTACTS + "read", body=read), Recorded(200, json.dumps(batch))),
            (
                Asked("POST", "/crm/v4/associations/contacts/companies/batch/read", body={"inputs": inputs}),
                recorded,
            ),
            (archived, Recorded(200, '{"results":[]}')),
        ],
    ):
        cursor = json.dumps({"since_at": "2026-05-21T22:55:00Z"})
        pages = list(adapter().changes("contacts", ["id", "email", "associations.companies"], cursor))
    assert pages[0].rows["associations.companies"].to_pylist() == [["29022297485"], []]


def test_properties_that_exist_are_left_as_they_are(tmp_path: Path) -> None:
    """The recorded 207 says that age__c and interests__c exist: as after a race with another run's provisioning."""
    answer = from_body("custom/update/3-response-batch-create-properties.json", 207)
    wanted = [
        NewField("contacts", "age__c", "Age", "number", "Years"),
        NewField("contacts", "interests__c", "Interests", "option", "Topics", options=("art",)),
        NewField("contacts", "hobby__c", "Hobby", "text", "Key", unique=True),
        NewField("contacts", "isready__c", "Ready", "boolean", "Ready"),
    ]
    group = {"name": "leadlight", "label": "Leadlight", "displayOrder": -1}
    common = {"groupName": "leadlight", "formField": False}
    options = [
        {"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False},
        {"label": "No", "value": "false", "displayOrder": 1, "hidden": False},
    ]
    art = [{"label": "art", "value": "art", "displayOrder": 0, "hidden": False}]
    rows = [
        ("age__c", "Age", "number", "number", "Years", {}),
        ("interests__c", "Interests", "enumeration", "select", "Topics", {"options": art}),
        ("hobby__c", "Hobby", "string", "text", "Key", {}),
        ("isready__c", "Ready", "bool", "booleancheckbox", "Ready", {"options": options}),
    ]
    inputs = [
        {
            "name": name,
            "label": label,
            "type": kind,
            "fieldType": widget,
            "description": text,
            "hasUniqueValue": name == "hobby__c",
            **common,
            **more,
        }
        for name, label, kind, widget, text, more in rows
    ]
    exists = Recorded(409, '{"status":"error","category":"OBJECT_ALREADY_EXISTS","message":"exists"}')
    with replayed(
        tmp_path,
        [
            (Asked("GET", "/crm/v3/properties/contacts"), Recorded(200, '{"results":[]}')),
            (Asked("POST", "/crm/v3/properties/contacts/groups", body=group), exists),
            (Asked("POST", "/crm/v3/properties/contacts/batch/create", body={"inputs": inputs}), answer),
        ],
    ):
        created, existing = adapter().provision(wanted)
    assert created == ["contacts.hobby__c", "contacts.isready__c"]
    assert existing == ["contacts.age__c", "contacts.interests__c"]
