"""What marketing and chat tools leave in Salesforce reaches the score: members, synced fields, conversations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox.server import Crm
from tests.loop.loops import Loop, copy_of, make_template
from tests.loop.signals import events_behind, explained, model_of, scored, totals, use_model
from tests.loop.test_salesforce_conversions import API

NEGATIVE = """
[[fit]]
id = "acton"
label = "Act-On's own score"
field = "acton_score"
brackets = [ { below = 50, points = 0 }, { points = 20 } ]

[[fit]]
id = "cold"
label = "Act-On: no longer reacts"
when = { field = "acton_stage", is = "Inactive" }
points = -15

[[fit]]
id = "drift"
label = "qualified in the chat"
when = { field = "drift_qualification", is = "qualified" }
points = 8
"""
GRADED = """
[[engagement]]
id = "registered"
label = "signed up for a webinar"
event = "webinar_registered"
points = 5

[[engagement]]
id = "attended"
label = "came to a webinar"
event = "webinar_attended"
points = 15

[[engagement]]
id = "stayed"
label = "stayed for half an hour"
event = "webinar_attended"
where = { field = "value", gte = 30 }
points = 10
"""
CHAT = """
[[engagement]]
id = "chat"
label = "talked in the chat"
event = "chat"
points = 5

[[engagement]]
id = "pricing_chat"
label = "talked in the chat on the pricing page"
event = "chat"
where = { field = "url", contains = "/pricing" }
points = 20
"""
MINUTES = """
extends = "salesforce"

[[read.CampaignMember.event]]
when = { field = "Status", is = "Attended" }
type = "webinar_attended"
asset = "Campaign.Name"
value = "Watch_Minutes__c"
occurred_at = "Campaign.StartDate"

[[read.CampaignMember.event]]
when = { field = "Status", in = ["Registered", "No Show"] }
type = "webinar_registered"
asset = "Campaign.Name"

[read.Lead.fields]
acton_score = "Acton_Score__c"
acton_stage = "Acton_Stage__c"
drift_qualification = "Drift_Qualification__c"
"""


def write_people(folder: Path) -> None:
    """Write four leads with the fields that marketing tools sync."""
    folder.mkdir(parents=True)
    rows = ["p0,lead,p0@acme.example,Acme,80,Active,", "p1,lead,p1@acme.example,Acme,80,Inactive,qualified"]
    rows += ["p2,lead,p2@acme.example,Acme,20,Inactive,", "p3,lead,p3@acme.example,Acme,,,"]
    header = "person_id,kind,email,company,acton_score,acton_stage,drift_qualification"
    (folder / "people.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("salesforce", tmp_path_factory.mktemp("marketing"), write_people)


@pytest.fixture
def crm() -> Crm:
    return "salesforce"


@pytest.fixture
def marketed(template: Path, tmp_path: Path) -> Iterator[Loop]:
    """Give an org whose mapping reads the tools' fields."""
    with copy_of("salesforce", template, tmp_path / "loop") as loop:
        use_mapping(loop, MINUTES)
        add_number(loop, "CampaignMember", "Watch_Minutes__c")
        yield loop


def add_number(loop: Loop, name: str, field: str) -> None:
    """Make a field as an administrator does, and let our user see it."""
    metadata = {"label": field.removesuffix("__c"), "type": "Number", "precision": 5, "scale": 0}
    body = {"FullName": f"{name}.{field}", "Metadata": metadata}
    loop.ask("POST", "/services/data/v62.0/tooling/sobjects/CustomField", json=body)
    ours = next(row["id"] for row in loop.records("PermissionSet") if row["fields"]["Label"] == "Leadlight")
    grant = {"ParentId": ours, "SobjectType": name, "Field": f"{name}.{field}"}
    loop.ask("POST", f"{API}FieldPermissions", json=grant | {"PermissionsRead": True, "PermissionsEdit": True})


def use_mapping(loop: Loop, text: str) -> None:
    """Put a mapping of one's own in place of the packaged one."""
    (loop.folder / "own.toml").write_text(text, encoding="utf-8")
    config = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(config.replace('mapping = "salesforce"', 'mapping = "own.toml"'), encoding="utf-8")


def webinar(loop: Loop, start: str = "2026-06-20") -> str:
    """Make a webinar's campaign, with the statuses that the vendor's sync makes; gives its id."""
    return str(
        loop.ask("POST", f"{API}Campaign", json={"Name": "Demo day", "Type": "Webinar", "StartDate": start})["id"]
    )


def member(loop: Loop, campaign: str, person: str, status: str, **more: object) -> None:
    body = {"CampaignId": campaign, "LeadId": person, "Status": status, **more}
    loop.ask("POST", f"{API}CampaignMember", json=body)


@pytest.mark.signal("Act-On")
def test_a_tools_own_score_and_stage_count_and_silence_is_held_against_people(marketed: Loop) -> None:
    use_model(marketed, model_of({}, NEGATIVE))
    scored(marketed)
    ids = {who: person["id"] for who, person in marketed.people().items()}
    assert {who: totals(marketed)[ids[who]] for who in ids} == {"p0": 20, "p1": 13, "p2": -15, "p3": 0}
    told = {row["label"]: row["points"] for row in explained(marketed, ids["p1"])["contributions"]}
    assert told == {"Act-On's own score": 20, "Act-On: no longer reacts": -15, "qualified in the chat": 8}


@pytest.mark.signal("Zoom (webinars; also ICP example)")
def test_who_came_to_a_webinar_and_stayed_gets_graded_points(marketed: Loop) -> None:
    use_model(marketed, model_of({}, GRADED))
    people, campaign = marketed.people(), webinar(marketed)
    ids = {who: person["id"] for who, person in people.items()}
    member(marketed, campaign, ids["p0"], "Attended", Watch_Minutes__c=45)
    member(marketed, campaign, ids["p1"], "Attended", Watch_Minutes__c=5)
    member(marketed, campaign, ids["p2"], "No Show")
    member(marketed, campaign, ids["p3"], "Sent")
    scored(marketed)
    assert {who: totals(marketed)[ids[who]] for who in ids} == {"p0": 25, "p1": 15, "p2": 5, "p3": 0}
    (row,) = [row for row in explained(marketed, ids["p1"])["contributions"] if row["rule_id"] == "attended"]
    assert row["last_at"] == "2026-06-20T00:00:00Z"  # the day of the webinar, not that of the sign-up


@pytest.mark.signal("Drift, Intercom (chat)")
def test_conversations_count_and_most_of_all_on_the_pricing_page(marketed: Loop) -> None:
    use_model(marketed, model_of({}, CHAT))
    ids = {who: person["id"] for who, person in marketed.people().items()}
    for who, subject in (("p0", "Drift Conversation"), ("p1", "Intercom conversation"), ("p2", "Chat transcript")):
        done = {"Subject": subject, "Status": "Completed", "WhoId": ids[who], "TaskSubtype": "Task"}
        marketed.ask("POST", f"{API}Task", json=done)
    body = {"Lead__c": ids["p3"], "Type__c": "chat", "Occurred_At__c": "2026-06-30T12:00:00Z"}
    marketed.ask("POST", f"{API}Web_Activity__c", json=body | {"URL__c": "https://acme.example/pricing"})
    scored(marketed)
    assert {who: totals(marketed)[ids[who]] for who in ids} == {"p0": 5, "p1": 5, "p2": 5, "p3": 25}
    assert events_behind(marketed, ids["p3"]) == {"chat": 1, "pricing_chat": 1}


def test_a_mailing_and_a_series_are_what_they_are(marketed: Loop) -> None:
    use_mapping(marketed, 'extends = "salesforce"')
    use_model(marketed, model_of({"email_sent": 1, "email_click": 10, "form_submission": 100, "meeting": 1000}))
    ids = {who: person["id"] for who, person in marketed.people().items()}
    mailing = marketed.ask("POST", f"{API}Campaign", json={"Name": "News", "Type": "Email"})["id"]
    fair = marketed.ask("POST", f"{API}Campaign", json={"Name": "Fair", "Type": "Trade Show"})["id"]
    member(marketed, mailing, ids["p0"], "Sent")
    member(marketed, mailing, ids["p1"], "Responded")
    member(marketed, fair, ids["p2"], "Responded")
    member(marketed, fair, ids["p3"], "Sent")
    at = {"StartDateTime": "2026-06-30T12:00:00Z", "EndDateTime": "2026-06-30T13:00:00Z", "Subject": "Weekly"}
    for is_series in (True, False):
        marketed.ask("POST", f"{API}Event", json={"WhoId": ids["p3"], "IsRecurrence": is_series, **at})
    scored(marketed)
    assert {who: totals(marketed)[ids[who]] for who in ids} == {"p0": 1, "p1": 10, "p2": 100, "p3": 1000}
