"""Reading what the real HubSpot answered, through the real client library."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.crm.base import Page
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.errors import AuthError
from tests.crm.hubspot_recordings import Asked, Recorded, from_body, from_cassette, needs_recordings, replayed

pytestmark = needs_recordings

PROPERTIES = "/crm/v3/properties/"
MEETING_FIELDS = ["id", "hs_meeting_title", "hs_meeting_start_time", "hubspot_owner_id"]
MEETING_PROPERTIES = ",".join(MEETING_FIELDS[1:])


def adapter() -> HubSpotCrm:
    return connect(HubSpotSettings(access_token="pat-na1-made-up"))


def definitions(*named: tuple[str, str]) -> Recorded:
    """Property definitions of the recorded form; no recording of meetings' or tasks' own exists."""
    results = [{"name": name, "label": name, "type": kind, "fieldType": "text"} for name, kind in named]
    return Recorded(200, json.dumps({"results": results}))


def meeting_definitions() -> tuple[Asked, Recorded]:
    return Asked("GET", PROPERTIES + "meetings"), definitions(
        ("hs_meeting_title", "string"), ("hs_meeting_start_time", "datetime"), ("hubspot_owner_id", "string")
    )


def ids(pages: list[Page]) -> list[str]:
    return [one for page in pages for one in page.rows["id"].to_pylist()]


def test_contacts_are_listed_page_after_page_and_typed(tmp_path: Path) -> None:
    fields = ["id", "email", "createdate", "firstname", "nosuch"]
    query = {"limit": "100", "properties": "email,createdate,firstname,nosuch", "archived": "False"}
    contact_properties = definitions(("email", "string"), ("createdate", "datetime"), ("firstname", "string"))
    first = from_cassette("Hubspot_Contact_all_with_a_limit_respects_the_limit.yml", "limit=1")
    second = from_cassette("Hubspot_Contact_all_with_an_offset_has_an_offset.yml", "after=")
    after = first.json()["paging"]["next"]["after"]
    last = Recorded(200, json.dumps({"results": second.json()["results"]}), second.headers)
    exchanges = [
        (Asked("GET", PROPERTIES + "contacts"), contact_properties),
        (Asked("GET", "/crm/v3/objects/contacts", query), first),
        (Asked("GET", "/crm/v3/objects/contacts", {**query, "after": after}), last),
    ]
    with replayed(tmp_path, exchanges):
        crm = adapter()
        pages = list(crm.changes("contacts", fields, None))
    rows = pages[0].rows
    assert len(pages) == 1
    assert rows["id"].to_pylist() == ["51", *(one["id"] for one in second.json()["results"])]
    assert rows["createdate"][0].as_py() == datetime(2018, 4, 9, 13, 17, 0, 224000, UTC)
    assert rows["firstname"][0].as_py() == "Brian"
    assert rows["nosuch"].null_count == rows.num_rows
    assert json.loads(pages[-1].cursor)["since_at"] == "2026-04-20T13:19:05Z"
    assert crm.calls.read == 3


def test_meetings_follow_after_and_an_empty_owner_is_null(tmp_path: Path) -> None:
    query = {"limit": "100", "properties": MEETING_PROPERTIES, "archived": "False"}
    first = from_cassette("meeting_all_limit.yml", "/meetings")
    second = from_cassette("meeting_all_limit_after.yml", "/meetings")
    end = second.json()
    end.pop("paging")
    with replayed(
        tmp_path,
        [
            meeting_definitions(),
            (Asked("GET", "/crm/v3/objects/meetings", query), first),
            (
                Asked("GET", "/crm/v3/objects/meetings", {**query, "after": "12642400565"}),
                Recorded(200, json.dumps(end), second.headers),
            ),
        ],
    ):
        pages = list(adapter().changes("meetings", MEETING_FIELDS, None))
    rows = pages[0].rows
    assert rows["hubspot_owner_id"][0].as_py() is None
    assert rows["hs_meeting_start_time"][0].as_py() == datetime(2021, 4, 20, 15, 33, 48, 273000, UTC)
    assert rows.num_rows == 5


def test_changes_are_searched_read_in_a_batch_and_archived_ones_deleted(tmp_path: Path) -> None:
    found = from_cassette("task_search.yml", "/tasks/search")
    asked = ["65090432307", "65476695429"]
    archived = {"results": [{"id": "7", "archived": True, "archivedAt": "2024-12-10T09:00:00Z"}]}
    search = {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1733824800000"},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": "0"},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_lastmodifieddate"],
        "limit": 200,
    }
    read = {
        "properties": ["hs_task_subject", "hs_task_status"],
        "propertiesWithHistory": [],
        "inputs": [{"id": one} for one in asked],
    }
    listing = {"limit": "100", "properties": "hs_object_id", "archived": "True"}
    with replayed(
        tmp_path,
        [
            (Asked("GET", PROPERTIES + "tasks"), definitions(("hs_task_subject", "string"))),
            (Asked("POST", "/crm/v3/objects/tasks/search", body=search), found),
            (Asked("POST", "/crm/v3/objects/tasks/batch/read", body=read), Recorded(200, found.body)),
            (Asked("GET", "/crm/v3/objects/tasks", listing), Recorded(200, json.dumps(archived))),
        ],
    ):
        cursor = json.dumps({"since_at": "2024-12-10T10:05:00Z"})
        pages = list(adapter().changes("tasks", ["id", "hs_task_subject", "hs_task_status"], cursor))
    assert ids(pages) == asked
    assert pages[0].rows["hs_task_status"].to_pylist() == ["COMPLETED", "NOT_STARTED"]
    assert [page.deleted for page in pages] == [(), ()]  # the archived one is older than the overlap


def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    refused = from_body("metadata-err-schemas-scope.json", 403)
    with replayed(tmp_path, [(Asked("GET", "/crm/v3/owners/", {"limit": "100", "archived": "False"}), refused)]):
        crm = adapter()
        with pytest.raises(AuthError, match="custom-object-read") as raised:
            crm.owners()
    assert "list of owners" in raised.value.message
    assert crm.calls.read == 1


def test_an_html_404_is_an_object_that_is_not_there(tmp_path: Path) -> None:
    missing = from_cassette("task_find.yml", "996174569112")
    assert "<html>" in missing.body
    with replayed(tmp_path, [(Asked("GET", PROPERTIES + "butterflies"), missing)]):
        assert adapter().describe("butterflies") is None
    with replayed(
        tmp_path, [(Asked("GET", PROPERTIES + "butterflies"), from_body("search/error-invalid-object.json", 400))]
    ):
        assert adapter().describe("butterflies") is None


def test_contacts_are_described(tmp_path: Path) -> None:
    recorded = from_body("metadata-contacts-properties-sampled.json")
    with replayed(tmp_path, [(Asked("GET", PROPERTIES + "contacts"), recorded)]):
        crm = adapter()
        info = crm.describe("contacts")
        assert crm.describe("contacts") is info
    assert info is not None
    writable = {name for name, known in info.fields.items() if known.updateable}
    expected = {
        one["name"]
        for one in recorded.json()["results"]
        if not one["calculated"] and not one["modificationMetadata"]["readOnlyValue"]
    }
    assert writable == expected
    assert info.fields["associations.companies"].references == ("companies",)


def test_the_account_is_checked(tmp_path: Path) -> None:
    recorded = from_body("post-auth/account-info.json")
    headers = {
        **recorded.headers,
        "X-Hubspot-Ratelimit-Daily": "250000",
        "X-Hubspot-Ratelimit-Daily-Remaining": "249980",
    }
    answer = Recorded(200, recorded.body, headers)
    with replayed(tmp_path, [(Asked("GET", "/account-info/v3/details"), answer)]):
        crm = adapter()
        connection = crm.check()
    assert (connection.org_id, connection.api_used, connection.api_limit) == ("12345678", 20, 250000)
    assert connection.server_time_at == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert crm.capabilities.url_of.format(instance="1", object="0-1", id="5") == (
        "https://app.hubspot.com/contacts/1/record/0-1/5"
    )


def test_owners_are_listed_active_and_archived(tmp_path: Path) -> None:
    active = from_cassette("owner_all.yml", "/owners")
    none = Recorded(200, '{"results":[]}')
    with replayed(
        tmp_path,
        [
            (Asked("GET", "/crm/v3/owners/", {"limit": "100", "archived": "False"}), active),
            (Asked("GET", "/crm/v3/owners/", {"limit": "100", "archived": "True"}), none),
        ],
    ):
        owners = adapter().owners()
    assert [owner.id for owner in owners] == [one["id"] for one in active.json()["results"]]
    assert owners[0].name == "First Last"
    assert all(owner.active and not owner.queue for owner in owners)


def test_events_are_read_for_contacts_and_companies(tmp_path: Path) -> None:
    visits = from_body("read/events/e_visited_page.json")
    query = {"eventType": "e_visited_page", "limit": "100"}
    deals = from_body("read/events/e_deal_closed.json")
    after = deals.json()["paging"]["next"]["after"]
    none = Recorded(200, '{"results":[]}')
    with replayed(
        tmp_path,
        [
            (Asked("GET", "/events/v3/events/", {**query, "objectType": "contact"}), deals),
            (Asked("GET", "/events/v3/events/", {**query, "objectType": "contact", "after": after}), visits),
            (Asked("GET", "/events/v3/events/", {**query, "objectType": "company"}), none),
        ],
    ):
        fields = ["id", "occurredAt", "objectType", "objectId", "properties.hs_title", "properties.hs_url"]
        pages = list(adapter().changes("event:e_visited_page", fields, None))
    rows = pages[0].rows
    assert rows["objectType"].to_pylist() == ["DEAL", "CONTACT", "CONTACT"]
    assert rows["properties.hs_title"].to_pylist() == [None, "Title ABC", "Title JKL"]
    assert rows["properties.hs_url"].null_count == 3
    assert rows["occurredAt"][1].as_py() == datetime(2026, 5, 11, 23, 47, 17, 75000, UTC)
    assert json.loads(pages[-1].cursor) == {"since_at": "2026-07-01T12:00:00Z"}
    assert json.loads(pages[0].cursor) == {"stage": "company", "started_at": "2026-07-01T12:00:00Z"}


def test_the_portal_stands_in_the_event_type(tmp_path: Path) -> None:
    none = Recorded(200, '{"results":[]}')
    query = {"eventType": "pe12345678_web_activity", "limit": "100", "occurredAfter": "2026-07-01T10:00:00Z"}
    with replayed(
        tmp_path,
        [
            (Asked("GET", "/account-info/v3/details"), from_body("post-auth/account-info.json")),
            (Asked("GET", "/events/v3/events/", {**query, "objectType": "contact"}), none),
            (Asked("GET", "/events/v3/events/", {**query, "objectType": "company"}), none),
        ],
    ):
        cursor = json.dumps({"since_at": "2026-07-01T11:00:00Z"})
        pages = list(adapter().changes("event:pe{portal}_web_activity", ["id", "properties.url"], cursor))
    assert [page.rows.num_rows for page in pages] == [0, 0]
