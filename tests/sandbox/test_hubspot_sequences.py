"""Sequences of the HubSpot sandbox. No library serves them: plain requests."""

import json
from typing import Any

import pytest

from tests.sandbox.hubspot_portal import Portal

SEQUENCES = "/automation/v4/sequences"
ENROLL = f"{SEQUENCES}/enrollments"
SENDER = "rep@example.com"


def staffed() -> tuple[Portal, str, str]:
    """Make an account with a user, a sequence and a contact."""
    portal = Portal()
    portal.own(7, 61, SENDER)
    number = str(portal.app.controls()["sequence"]({"name": "Nurture"})["id"])  # type: ignore[index]  # JSON
    made = portal.read("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ana@example.com"}})
    return portal, number, str(made["id"])


def enroll(portal: Portal, sequence: str, contact: str, sender: str = SENDER, user: str = "61") -> Any:  # noqa: ANN401 - JSON
    """Enrol a contact: the status, and the answer or the reason of its refusal."""
    body = {"contactId": contact, "sequenceId": sequence, "senderEmail": sender}
    response = portal.ask("POST", ENROLL, body, {"userId": [user]})
    content = json.loads(response.body)
    return response.status, content["errors"][0]["code"] if "errors" in content else content


def test_sequences_are_listed_page_by_page() -> None:
    """For a user of the account, on version 4 and on the dated path."""
    portal, first, _ = staffed()
    second = portal.app.controls()["sequence"]({"name": "Win back"})
    page = portal.read("GET", f"{SEQUENCES}/", userId="61", limit="1")
    rest = portal.read(
        "GET", "/automation/sequences/2026-03", userId="61", limit="1", after=page["paging"]["next"]["after"]
    )
    assert [each["name"] for each in page["results"] + rest["results"]] == ["Nurture", "Win back"]
    assert page["results"][0]["id"] == first != second
    assert portal.read("GET", f"{SEQUENCES}/{first}", userId="61")["name"] == "Nurture"
    assert portal.status("GET", SEQUENCES) == 400
    assert portal.status("GET", SEQUENCES, userId="99") == 400
    assert portal.status("GET", f"{SEQUENCES}/1", userId="61") == 404


def test_a_contact_is_in_one_sequence_at_a_time() -> None:
    """Told on the contact and by the status call; again once it is out."""
    portal, number, contact = staffed()
    status, told = enroll(portal, number, contact)
    assert (status, told["toEmail"]) == (200, "ana@example.com")
    active = portal.read("GET", f"{ENROLL}/contact/{contact}")
    assert (active["id"], active["sequenceName"], active["enrolledByEmail"]) == (told["id"], "Nurture", SENDER)
    assert portal.app.records("contacts")[0]["fields"]["hs_sequences_is_enrolled"] == "true"
    assert enroll(portal, number, contact) == (400, "ALREADY_ENROLLED")
    portal.app.controls()["unenroll"]({"contact": contact})
    assert portal.status("GET", f"{ENROLL}/contact/{contact}") == 404
    assert portal.app.records("contacts")[0]["fields"]["hs_sequences_is_enrolled"] == "false"
    assert enroll(portal, number, contact)[0] == 200


def test_enrolments_that_cannot_be() -> None:
    """Opted out, without an address, from an address that is nobody's, by no user, unknown."""
    portal, number, contact = staffed()
    assert enroll(portal, number, contact, sender="other@example.com") == (400, "SENDER_NOT_CONNECTED")
    assert enroll(portal, number, contact, user="99")[0] == 400
    assert enroll(portal, "1", contact)[0] == 404
    assert enroll(portal, number, "1")[0] == 404
    portal.app.edit("human", "contacts", contact, {"hs_email_optout": "true"})
    assert enroll(portal, number, contact) == (400, "UNSUBSCRIBED")
    portal.app.edit("human", "contacts", contact, {"hs_email_optout": "", "email": ""})
    assert enroll(portal, number, contact) == (400, "NO_EMAIL_ADDRESS")
    assert portal.status("POST", ENROLL, {"contactId": contact, "sequenceId": number}, userId="61") == 400
    assert portal.storage.query("SELECT * FROM enrollments") == []


def test_a_merge_keeps_the_enrolment() -> None:
    """It goes on for the merged contact."""
    portal, number, contact = staffed()
    enroll(portal, number, contact)
    other = portal.read("POST", "/crm/v3/objects/contacts", {"properties": {"email": "b@example.com"}})["id"]
    body = {"primaryObjectId": other, "objectIdToMerge": contact}
    merged = portal.read("POST", "/crm/v3/objects/contacts/merge", body)["id"]
    assert portal.read("GET", f"{ENROLL}/contact/{merged}")["sequenceId"] == number
    assert enroll(portal, number, contact) == (400, "ALREADY_ENROLLED")


def test_control_calls_that_cannot_be() -> None:
    """Unknown keys, and a contact that is in no sequence."""
    portal, _, contact = staffed()
    with pytest.raises(ValueError, match="step"):
        portal.app.controls()["sequence"]({"name": "x", "step": 1})
    with pytest.raises(KeyError):
        portal.app.controls()["unenroll"]({"contact": contact})
