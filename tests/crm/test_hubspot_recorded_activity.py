"""Forms, marketing events and lists as the real HubSpot told them, through the adapter.

Their lists are recorded; submissions and participations are not, and have the form of the vendor's reference.
"""

import json
from pathlib import Path

from connector.crm.base import Page
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from tests.crm.hubspot_recordings import Asked, Recorded, from_body, from_cassette, needs_recordings, replayed

pytestmark = needs_recordings

FORM, EVENT = "591e2731-c869-445d-b422-26f43145e9d2", "555442196839"
TYPES = ("hubspot", "captured", "flow", "blog_comment")


def adapter() -> HubSpotCrm:
    return connect(HubSpotSettings(access_token="pat-na1-made-up"))


def told(body: object) -> Recorded:
    return Recorded(200, json.dumps(body))


def last_page(recorded: Recorded) -> Recorded:
    """Cut what goes on after a recorded page."""
    return told({key: value for key, value in recorded.json().items() if key != "paging"})


def rows(pages: list[Page]) -> list[dict[str, object]]:
    return [row for page in pages for row in page.rows.to_pylist()]


def test_submissions_of_a_recorded_form_find_their_contact(tmp_path: Path) -> None:
    values = [{"name": "email", "value": "Lead@Example.com", "objectTypeId": "0-1"}, {"name": "message", "value": "x"}]
    one = {"conversionId": "c-1", "submittedAt": 1778543237075, "values": values, "pageUrl": "https://example.com/demo"}
    found = {"id": "51", "properties": {"email": "lead@example.com", "hs_additional_emails": None}}
    by_email = {
        "properties": ["email", "hs_additional_emails"],
        "propertiesWithHistory": [],
        "idProperty": "email",
        "inputs": [{"id": "lead@example.com"}],
    }
    listed = Asked("GET", "/marketing/v3/forms/", {"limit": "100", "formTypes": TYPES})
    path = f"/form-integrations/v1/submissions/forms/{FORM}"
    exchanges = [
        (listed, last_page(from_body("read/marketing-forms.json"))),
        (Asked("GET", path, {"limit": "50"}), told({"results": [one]})),
        (Asked("POST", "/crm/v3/objects/contacts/batch/read", body=by_email), told({"results": [found]})),
    ]
    with replayed(tmp_path, exchanges):
        crm = adapter()
        assert crm.describe("form:Tell me about yourself") is not None
        assert crm.describe("form:Another") is None
        fields = ["id", "submittedAt", "formName", "contactId", "email", "pageUrl"]
        (row,) = rows(list(crm.changes("form:*", fields, None)))
    assert row["id"] == f"{FORM}-c-1"
    assert (row["contactId"], row["email"], row["formName"]) == ("51", "lead@example.com", "Tell me about yourself")
    assert str(row["submittedAt"]).startswith("2026-05-11 23:47:17.075")


def test_a_recorded_marketing_event_tells_who_came(tmp_path: Path) -> None:
    came = {
        "id": "1",
        "createdAt": "2026-05-11T22:07:29.059Z",
        "associations": {"contact": {"contactId": "51", "email": "lead@example.com"}, "marketingEvent": {}},
        "properties": {"attendanceState": "ATTENDED", "occurredAt": 1778543237075, "attendanceDurationSeconds": 90},
    }
    events = last_page(from_body("read/marketing-events.json"))
    path = f"/marketing/v3/marketing-events/participations/{EVENT}/breakdown"
    page = Asked("GET", "/marketing/v3/marketing-events/", {"limit": "100"})
    exchanges = [
        (page, events),
        (Asked("GET", path, {"limit": "100"}), told({"results": [came], "total": 1})),
    ]
    with replayed(tmp_path, exchanges):
        crm = adapter()
        pages = list(crm.changes("marketing_event:*", ["id", "state", "contactId", "watchMinutes", "eventName"], None))
        again = list(crm.changes("marketing_event:*", ["id"], pages[-1].cursor))
    (row,) = rows(pages)
    assert row == {
        "id": f"{EVENT}-51-ATTENDED", "state": "ATTENDED", "contactId": "51", "watchMinutes": 1.5, "eventName": "Party",
    }  # fmt: skip
    assert rows(again) == []


def test_recorded_memberships_are_joinings(tmp_path: Path) -> None:
    found = from_cassette("contact_list_find.yml", "/lists/580")
    members = from_cassette("contacts_among_list.yml", "/lists/560/memberships")
    joined = last_page(members)
    exchanges = [
        (Asked("GET", "/crm/v3/lists/object-type-id/0-1/name/580", {}), Recorded(404, "{}")),
        (Asked("GET", "/crm/v3/lists/object-type-id/0-2/name/580", {}), Recorded(404, "{}")),
        (Asked("GET", "/crm/v3/lists/580", {}), found),
        (Asked("GET", "/crm/v3/lists/580/memberships/join-order", {"limit": "250"}), joined),
    ]
    with replayed(tmp_path, exchanges):
        crm = adapter()
        assert crm.describe("list:580") is not None
        read = rows(list(crm.changes("list:580", ["id", "joinedAt", "contactId", "listName"], None)))
    assert [row["contactId"] for row in read] == [one["recordId"] for one in members.json()["results"]]
    assert {row["listName"] for row in read} == {found.json()["list"]["name"]}
    assert all(row["joinedAt"] for row in read)
