"""Forms, marketing events, property history, joining lists and privacy deletions in the HubSpot sandbox."""

from typing import Any

import pytest

from tests.sandbox.hubspot_portal import Portal

CONTACTS = "/crm/v3/objects/contacts"
SUBMISSIONS = "/form-integrations/v1/submissions/forms"


def contact(portal: Portal, **properties: Any) -> str:  # noqa: ANN401 - JSON
    return str(portal.read("POST", CONTACTS, {"properties": properties})["id"])


def control(portal: Portal, call: str, /, **body: object) -> dict[str, Any]:
    told: dict[str, Any] = portal.app.controls()[call](body)  # type: ignore[assignment]  # any JSON
    return told


def walk(portal: Portal, path: str, **query: str) -> list[dict[str, Any]]:
    """Follow a list to its end."""
    found: list[dict[str, Any]] = []
    page = portal.read("GET", path, **query)
    found += page["results"]
    while "paging" in page:
        page = portal.read("GET", path, **query, after=page["paging"]["next"]["after"])
        found += page["results"]
    return found


def test_submissions_are_told_newest_first_and_on_the_contact() -> None:
    portal = Portal()
    known = contact(portal, email="ann@acme.example")
    guide = control(portal, "form", name="Guide")["id"]
    for _ in range(5):
        told = control(portal, "submission", form=guide, email="Ann@acme.example", values={"budget": "1"})
        assert told["contact"] == known
        portal.clock.advance(60)
    found = walk(portal, f"{SUBMISSIONS}/{guide}", limit="2")
    stamps = [one["submittedAt"] for one in found]
    assert len(set(stamps)) == 5
    assert stamps == sorted(stamps, reverse=True)
    assert {"name": "budget", "value": "1", "objectTypeId": "0-1"} in found[0]["values"]
    names = "num_conversion_events,recent_conversion_event_name,hs_calculated_form_submissions"
    fields = portal.read("GET", f"{CONTACTS}/{known}", properties=names)["properties"]
    assert (fields["num_conversion_events"], fields["recent_conversion_event_name"]) == ("5", "Guide")
    assert fields["hs_calculated_form_submissions"].split(";") == [f"{guide}::{at}" for at in reversed(stamps)]


def test_a_submission_of_an_unknown_address_makes_a_contact() -> None:
    portal = Portal()
    guide = control(portal, "form", name="Guide")["id"]
    made = control(portal, "submission", form=guide, email="new@acme.example")["contact"]
    assert portal.read("GET", f"{CONTACTS}/{made}", properties="email")["properties"]["email"] == "new@acme.example"
    with pytest.raises(KeyError):
        control(portal, "submission", form="none", email="new@acme.example")


@pytest.mark.parametrize(("limit", "status"), [("50", 200), ("51", 400), ("0", 400)])
def test_a_page_of_submissions_has_at_most_fifty(limit: str, status: int) -> None:
    portal = Portal()
    guide = control(portal, "form", name="Guide")["id"]
    assert portal.status("GET", f"{SUBMISSIONS}/{guide}", limit=limit) == status
    assert portal.status("GET", f"{SUBMISSIONS}/none") == 404
    assert portal.status("GET", f"{SUBMISSIONS}/{guide}", after="no cursor") == 400


def test_forms_are_listed_by_type_page_after_page() -> None:
    portal = Portal()
    for number in range(5):
        control(portal, "form", name=f"F{number}", form_type="captured" if number % 2 else "hubspot")
    found = walk(portal, "/marketing/v3/forms", limit="2")
    assert [one["name"] for one in found] == ["F0", "F1", "F2", "F3", "F4"]
    assert [one["name"] for one in walk(portal, "/marketing/v3/forms/", formTypes="captured")] == ["F1", "F3"]
    assert portal.read("GET", f"/marketing/forms/2026-09-beta/{found[0]['id']}")["name"] == "F0"


def test_a_marketing_event_counts_and_names_who_took_part() -> None:
    portal = Portal()
    event = control(portal, "marketing_event", name="Scoring")["id"]
    people = [contact(portal, email=f"p{number}@acme.example") for number in range(4)]
    for number, state in zip(people, ("REGISTERED", "ATTENDED", "CANCELLED", "NO_SHOW"), strict=True):
        control(portal, "participation", event=event, contact=number, state="REGISTERED")
        control(portal, "participation", event=event, contact=number, state=state, duration_s=60)
    shown = portal.read("GET", f"/marketing/v3/marketing-events/{event}")
    assert [shown[name] for name in ("registrants", "attendees", "cancellations", "noShows")] == [4, 1, 1, 1]
    path = f"/marketing/v3/marketing-events/participations/{event}"
    assert portal.read("GET", path) == {"attended": 1, "cancelled": 1, "noShows": 1, "registered": 4}
    found = walk(portal, f"{path}/breakdown", limit="3")
    assert [one["associations"]["contact"]["contactId"] for one in found] == people
    (came,) = walk(portal, f"{path}/breakdown", state="ATTENDED")
    assert came["properties"]["attendanceDurationSeconds"] == 60
    assert portal.status("GET", "/marketing/v3/marketing-events/1/") == 404
    with pytest.raises(ValueError, match="ASLEEP"):
        control(portal, "participation", event=event, contact=people[0], state="ASLEEP")


def test_the_versions_of_a_property_are_told_newest_first_with_who_wrote_them() -> None:
    portal = Portal()
    number = contact(portal, email="ann@acme.example", jobtitle="Clerk")
    portal.clock.advance(60)
    portal.app.edit("human", "contacts", number, {"jobtitle": "Director"})
    portal.clock.advance(60)
    portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"jobtitle": "Chief"}})
    inputs = {"propertiesWithHistory": ["jobtitle", "city", "nosuch"], "inputs": [{"id": number}]}
    (record,) = portal.read("POST", f"{CONTACTS}/batch/read", inputs)["results"]
    told = record["propertiesWithHistory"]
    assert [(one["value"], one["sourceType"]) for one in told["jobtitle"]] == [
        ("Chief", "INTEGRATION"),
        ("Director", "CRM_UI"),
        ("Clerk", "INTEGRATION"),
    ]
    assert told["city"] == []
    assert "nosuch" not in told
    (listed,) = portal.read("GET", CONTACTS, propertiesWithHistory="jobtitle", limit="50")["results"]
    assert listed["propertiesWithHistory"]["jobtitle"] == told["jobtitle"]
    assert portal.status("GET", CONTACTS, propertiesWithHistory="jobtitle", limit="51") == 400
    many = {"propertiesWithHistory": ["jobtitle"], "inputs": [{"id": str(n)} for n in range(51)]}
    assert "is 50." in portal.read("POST", f"{CONTACTS}/batch/read", many)["message"]


def test_a_cursor_of_joining_stands_although_others_leave() -> None:
    portal = Portal()
    ids = [contact(portal) for _ in range(5)]
    body = {"name": "L", "objectTypeId": "0-1", "processingType": "MANUAL"}
    path = f"/crm/v3/lists/{portal.read('POST', '/crm/v3/lists', body)['list']['listId']}/memberships"
    for number in reversed(ids):
        portal.read("PUT", f"{path}/add", [number])
        portal.clock.advance(60)
    first = portal.read("GET", f"{path}/join-order", limit="2")
    assert [one["recordId"] for one in first["results"]] == [ids[4], ids[3]]
    portal.read("PUT", f"{path}/remove", [ids[4]])
    after = first["paging"]["next"]["after"]
    rest = portal.read("GET", f"{path}/join-order", after=after)["results"]
    assert [one["recordId"] for one in rest] == [ids[2], ids[1], ids[0]]
    assert portal.status("GET", f"{path}/join-order", after="MQ==") == 400


def test_who_was_deleted_for_privacy_is_nowhere_and_archived_ones_are() -> None:
    portal = Portal()
    gone, archived = contact(portal, email="gone@acme.example"), contact(portal)
    control(portal, "event", event_type="e_visited_page", id=gone)
    assert (
        portal.status("POST", f"{CONTACTS}/gdpr-delete", {"objectId": "gone@acme.example", "idProperty": "email"})
        == 204
    )
    assert portal.status("DELETE", f"{CONTACTS}/{archived}") == 204
    assert [one["id"] for one in portal.read("GET", CONTACTS, archived="true")["results"]] == [archived]
    assert portal.status("GET", f"{CONTACTS}/{gone}") == 404
    assert portal.search("contacts")["total"] == 0
    assert portal.read("GET", "/events/v3/events", objectType="contact", objectId=gone)["results"] == []
    assert portal.status("POST", f"{CONTACTS}/gdpr-delete", {"objectId": gone}) == 204
    assert portal.status("POST", "/crm/v3/objects/companies/gdpr-delete", {"objectId": "1"}) == 400
    (held,) = [one for one in portal.app.records("contacts") if one["id"] == gone]
    assert held["fields"]["email"] is None
    assert portal.status("POST", CONTACTS, {"properties": {"email": "Gone@acme.example"}}) == 400
    assert portal.status("POST", CONTACTS, {"properties": {"email": "new@acme.example"}}) == 201


def test_a_merged_contact_is_found_by_the_addresses_of_both() -> None:
    portal = Portal()
    winner, loser = contact(portal, email="one@acme.example"), contact(portal, email="two@acme.example")
    merged = control(portal, "merge", object="contacts", winner=winner, losers=[loser])["id"]
    inputs = {"idProperty": "email", "inputs": [{"id": "Two@acme.example"}, {"id": "none@acme.example"}]}
    answer = portal.read("POST", f"{CONTACTS}/batch/read", {**inputs, "properties": ["hs_additional_emails"]})
    assert [(one["id"], one["properties"]["hs_additional_emails"]) for one in answer["results"]] == [
        (merged, "two@acme.example")
    ]
    assert answer["errors"][0]["context"]["ids"] == ["none@acme.example"]


def test_a_workflow_starts_once_when_a_property_takes_its_value() -> None:
    portal = Portal()
    portal.switches.automations["workflow"] = {"when": {"hs_lead_status": "NEW"}, "set": {"hs_buying_role": "CHAMPION"}}
    number = contact(portal)
    portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"hs_lead_status": "NEW"}})
    assert (
        portal.read("GET", f"{CONTACTS}/{number}", properties="hs_buying_role")["properties"]["hs_buying_role"]
        == "CHAMPION"
    )
    portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"hs_buying_role": ""}})
    portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"hs_lead_status": "NEW"}})
    assert not portal.read("GET", f"{CONTACTS}/{number}", properties="hs_buying_role")["properties"]["hs_buying_role"]
    assert [row["actor"] for row in portal.storage.journal(0) if row["op"] == "update"].count("automation") == 1
