"""The pages of both sandboxes: what a sales person sees of a record and of a list."""

import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from connector.sandbox.http import Request
from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.pages import words
from connector.sandbox.pages.door import PageDoor
from connector.sandbox.pages.hubspot import HubSpotPages
from connector.sandbox.pages.salesforce import SalesforcePages
from connector.sandbox.pages.scores import reasons, score_columns
from connector.sandbox.pages.view import ListView, RecordView
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.server import SandboxOptions, start
from tests.sandbox.hubspot_portal import Portal
from tests.sandbox.salesforce_org import OrgInMemory

WHY = "+24.4 asked for a demo (last 25 Jun); +12 company size; -2.1 email limit"
OWN = {
    "leadlight_score": "92",
    "leadlight_band": "hot",
    "leadlight_fit": "A",
    "leadlight_engagement": "1",
    "leadlight_priority": "292",
    "leadlight_why": WHY,
    "leadlight_model": "b2b@c9c3ba2c07de",
    "leadlight_scored_at": "2026-07-01T11:00:00Z",
    "leadlight_expansion_score": "15",
    "leadlight_expansion_band": "cold",
}
NUMBERS = ("score", "priority")
CONTACT, LIST = "/contacts/4242424/record/0-1/{}", "/contacts/4242424/objects/0-1/views/all/list"
EVIL = "<script>alert(1)</script>"


def portal() -> Portal:
    """Make an account with our properties."""
    made = Portal()
    for name in OWN:
        kind = "number" if name.endswith(NUMBERS) else "datetime" if name.endswith("_at") else "string"
        field = {"number": "number", "datetime": "date", "string": "text"}[kind]
        made.app.schema.add_property("contacts", name, kind, field)
    made.app.schema.add_property("tasks", "leadlight_key", "string", "text", unique=True)
    made.own(7)
    return made


def person(made: Portal, **properties: str) -> str:
    """Create a contact."""
    return str(made.read("POST", "/crm/v3/objects/contacts", {"properties": properties})["id"])


def task(made: Portal, contact: str, subject: str, **properties: str) -> str:
    """Create a task of a contact."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
    told = {"hs_timestamp": "2026-07-01T13:00:00Z", "hs_task_subject": subject, "hubspot_owner_id": "7", **properties}
    body = {"properties": told, "associations": [{"to": {"id": contact}, "types": types}]}
    return str(made.read("POST", "/crm/v3/objects/tasks", body)["id"])


def hubspot_pages(made: Portal) -> HubSpotPages:
    """Read an account's pages."""
    return HubSpotPages(made.storage, made.app.portal_id, made.app.lists_of, made.app.label_of)


def record(pages: HubSpotPages | SalesforcePages, path: str) -> RecordView:
    """Read a record's page."""
    found = pages.find(path)
    assert isinstance(found, RecordView)
    return found


def listing(pages: HubSpotPages | SalesforcePages, path: str) -> ListView:
    """Read a list's page."""
    found = pages.find(path)
    assert isinstance(found, ListView)
    return found


def html(made: Portal, path: str) -> str:
    """Open a page."""
    response = PageDoor(hubspot_pages(made).find, made.clock).answer(Request("GET", path, {}, {}, b""))
    assert response is not None
    return response.body.decode()


class Words(HTMLParser):
    """Read what a page says, and which elements it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.elements: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and where it leads."""
        self.elements.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.said.append(data.strip())


def test_a_hubspot_contact_shows_all_that_a_rep_needs() -> None:
    """Scores of both models, tasks, lists, activities, changes with who made them."""
    made = portal()
    number = person(made, firstname="Ana", lastname="Berg", jobtitle="CEO", hubspot_owner_id="7", **OWN)
    made.link(1, number, 50)
    made.app.edit("human", "companies", "50", {"name": "Acme"})
    task(made, number, "Call Ana", leadlight_key="k1", hs_task_body="<p>Pricing page</p><p>Demo</p>")
    done = task(made, number, "Old call")
    made.app.edit("human", "tasks", done, {"hs_task_status": "COMPLETED"})
    seed_events(made.storage, [("e", "e_visited_page", "contacts", int(number), 1000, '{"hs_url": "https://a.b/c"}')])
    hot = {"name": "Hot leads", "objectTypeId": "0-1", "processingType": "MANUAL"}
    hot_id = made.read("POST", "/crm/v3/lists", hot)["list"]["listId"]
    made.read("PUT", f"/crm/v3/lists/{hot_id}/memberships/add", [number])
    made.app.edit("human", "contacts", number, {"leadlight_score": "50"})
    view = record(hubspot_pages(made), CONTACT.format(number))
    assert (view.name, view.title, view.company, view.owner) == ("Ana Berg", "CEO", "Acme", "First Last")
    assert view.company_url == "/contacts/4242424/record/0-2/50"
    primary, expansion = view.scores
    assert (primary.value, primary.band, primary.fit, primary.engagement) == ("50", "hot", "A", "1")
    assert [(each.points, each.lowers) for each in primary.reasons] == [
        ("+24.4", False),
        ("+12", False),
        ("-2.1", True),
    ]
    assert (primary.model, primary.scored_at) == ("b2b (c9c3ba2)", datetime(2026, 7, 1, 11, tzinfo=UTC))
    assert (expansion.name, expansion.value, expansion.band) == ("Expansion", "15", "cold")
    (waiting,), (closed,) = view.open_tasks, view.closed_tasks
    assert (waiting.subject, waiting.owner, waiting.ours, waiting.lines) == (
        "Call Ana",
        "First Last",
        True,
        ("Pricing page", "Demo"),
    )
    assert (closed.subject, closed.ours) == ("Old call", False)
    assert [(each.kind, each.text) for each in view.activities] == [("visited page", "a.b/c")]
    assert [(each.name, each.detail) for each in view.memberships] == [("Hot leads", "manual list")]
    assert (view.changes[0].actor, view.changes[0].what) == ("A person", (("Score", "92", "50"),))
    assert (view.changes[1].actor, view.changes[1].what) == ("Leadlight", (("Added to list", "", "Hot leads"),))
    assert [each.actor for each in view.changes[2:]] == ["Leadlight"]


def test_changes_are_told_in_peoples_words() -> None:
    """Owners by name, options by label; what follows from a change is left out."""
    made = portal()
    made.own(8, email="eva@example.com")
    made.storage.execute("UPDATE owners SET firstName = 'Eva' WHERE _id = '8'")
    number = person(made, firstname="Ana", hubspot_owner_id="7")
    made.app.edit("automation", "contacts", number, {"hubspot_owner_id": "8", "lifecyclestage": "salesqualifiedlead"})
    view = record(hubspot_pages(made), CONTACT.format(number))
    assert (view.changes[0].actor, set(view.changes[0].what)) == (
        "An automation",
        {("Owner", "First Last", "Eva Last"), ("Lifecycle stage", "Lead", "Sales Qualified Lead")},
    )
    assert ("Lifecycle stage", "Sales Qualified Lead") in view.facts


def test_a_hubspot_list_is_the_work_queue() -> None:
    """The highest priority first, then who has none; tasks that are open; merged-away records are gone."""
    made = portal()
    ids = {name: person(made, firstname=name) for name in ("none", "cold", "hot", "away")}
    for name, priority in (("cold", "9"), ("hot", "292"), ("away", "300")):
        values = {"leadlight_priority": priority, "leadlight_band": name, "leadlight_score": priority}
        made.app.edit("human", "contacts", ids[name], values)
    task(made, ids["hot"], "Call")
    task(made, ids["hot"], "Done", hs_task_status="COMPLETED")
    made.app.controls()["merge"]({"object": "contacts", "winner": ids["hot"], "losers": [ids["away"]], "keep_id": 1})
    view = listing(hubspot_pages(made), LIST)
    assert [(each.name, each.band, each.tasks) for each in view.rows] == [
        ("hot", "hot", 1),
        ("cold", "cold", 0),
        ("none", "", 0),
    ]
    assert (view.total, view.rows[0].url) == (3, CONTACT.format(ids["hot"]))
    assert record(hubspot_pages(made), CONTACT.format(ids["away"])).name == "hot"


def test_a_company_shows_its_people() -> None:
    """In the order of their priority."""
    made = portal()
    for name, priority in (("low", "9"), ("high", "10")):
        made.link(1, person(made, firstname=name, leadlight_priority=priority, leadlight_score=priority), 50)
    view = record(hubspot_pages(made), "/contacts/4242424/record/companies/50")
    assert [each.name for each in view.people] == ["high", "low"]


def org() -> OrgInMemory:
    """Make an org with our fields."""
    made = OrgInMemory()
    for name in OWN:
        field = "_".join(part.capitalize() for part in name.split("_")) + "__c"
        spec = (
            FieldSpec(field, "double", precision=18, scale=2)
            if name.endswith(NUMBERS)
            else FieldSpec(field, "string", 255)
        )
        made.app.add_custom_field("Lead", spec)
    made.add_text_field("Task", "Leadlight_Key__c", key=True)
    return made


def own_fields(**more: object) -> Mapping[str, Any]:
    """Give our values under Salesforce's names."""
    named = {"_".join(part.capitalize() for part in name.split("_")) + "__c": value for name, value in OWN.items()}
    return named | more


def test_a_salesforce_lead_shows_all_that_a_rep_needs() -> None:
    """Score, owner, tasks due by the day, campaigns, logged calls and meetings, web activity."""
    made = org()
    owner = made.put("User", {"FirstName": "Eva", "LastName": "Lind"})
    person_fields = {"FirstName": "Ana", "LastName": "Berg", "Title": "CEO", "Company": "Acme", "OwnerId": owner}
    lead = made.put("Lead", own_fields(**person_fields))
    due = {"WhoId": lead, "Subject": "Call Ana", "ActivityDate": "2026-07-01", "OwnerId": owner}
    made.put("Task", {**due, "Status": "Not Started", "Leadlight_Key__c": "k", "Description": "Pricing\nDemo"})
    logged = {"WhoId": lead, "TaskSubtype": "Call", "Status": "Completed", "ActivityDate": "2026-06-30"}
    made.put("Task", {**logged, "Subject": "Left a message"})
    made.put("Event", {"WhoId": lead, "Subject": "Tour", "StartDateTime": "2026-06-29T10:00:00.000+0000"})
    campaign = made.put("Campaign", {"Name": "Webinar"})
    made.put("CampaignMember", {"CampaignId": campaign, "LeadId": lead, "Status": "Attended"})
    made.app.edit("human", "Lead", lead, {"Title": "Founder"})
    view = record(SalesforcePages(made.storage), f"/lightning/r/Lead/{lead}/view")
    assert (view.name, view.title, view.company, view.owner) == ("Ana Berg", "Founder", "Acme", "Eva Lind")
    assert [(each.name, each.value) for each in view.scores] == [("", "92"), ("Expansion", "15")]
    assert [(each.subject, each.whole_day, each.ours, each.lines) for each in view.tasks] == [
        ("Call Ana", True, True, ("Pricing", "Demo"))
    ]
    assert [(each.kind, each.text) for each in view.activities] == [("call", "Left a message"), ("meeting", "Tour")]
    assert [(each.name, each.detail) for each in view.memberships] == [("Webinar", "Attended")]
    assert view.changes[0].what == (("Title", "CEO", "Founder"),)
    short = record(SalesforcePages(made.storage), f"/lightning/r/Lead/{lead[:15]}/view")
    assert short.name == "Ana Berg"


def test_a_salesforce_list_leaves_converted_leads_out() -> None:
    """Queues are told as such."""
    made = org()
    made.put("Lead", {"LastName": "Gone", "IsConverted": 1, "Leadlight_Priority__c": 400})
    queue = made.put("Group", {"Name": "Inbound", "Type": "Queue"})
    made.put("Lead", {"LastName": "Low", "OwnerId": queue, "Leadlight_Priority__c": 9.0, "Leadlight_Score__c": 9.0})
    made.put("Lead", {"LastName": "High", "Leadlight_Priority__c": 10.0, "Leadlight_Score__c": 10.0})
    view = listing(SalesforcePages(made.storage), "/lightning/o/Lead/list")
    assert [(each.name, each.owner, each.score) for each in view.rows] == [
        ("High", "", "10"),
        ("Low", "Inbound (queue)", "9"),
    ]


def test_nothing_that_a_record_holds_becomes_markup() -> None:
    """Names, subjects and bodies are text; a page has no script and asks for nothing."""
    made = portal()
    number = person(made, firstname=EVIL, leadlight_why=f"+1 {EVIL}", leadlight_score="1", jobtitle='"><img src=x>')
    task(made, number, EVIL, hs_task_body=f"&lt;script&gt; {EVIL}")
    for path in (CONTACT.format(number), LIST):
        page = html(made, path)
        read = Words(page)
        assert not read.elements & {"script", "img", "iframe", "object", "form", "base"}
        assert EVIL in read.said
        assert all(address.startswith(("/", "data:")) for address in read.addresses)
        assert not re.search(r"\son\w+=|url\(|@import", page)


def test_a_page_says_what_is_late_and_what_is_missing() -> None:
    """An overdue task; a contact without a score, an owner or a task."""
    made = portal()
    busy, idle = person(made, firstname="Ana"), person(made, firstname="Bo")
    task(made, busy, "Call", hs_timestamp="2026-06-30T09:00:00Z")
    late = " ".join(Words(html(made, CONTACT.format(busy))).said)
    assert "Overdue, was due yesterday 09:00" in late
    quiet = " ".join(Words(html(made, CONTACT.format(idle))).said)
    for said in ("Not scored yet.", "Nothing to do.", "No activity.", "On none.", "Nobody"):
        assert said in quiet


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_pages_are_no_traffic_and_need_no_login(crm: Any) -> None:  # noqa: ANN401 - one of two words
    """The CRM's own address serves them; faults, counts and journal know nothing of it."""
    with start(SandboxOptions(crm, world="demo", people=15)) as running:
        context = ssl_context(running.ready["ca_file"])
        path = "/lightning/o/Lead/list" if crm == "salesforce" else LIST
        with urllib.request.urlopen(running.ready["url"] + path, context=context) as answer:
            page, headers = answer.read().decode(), answer.headers
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        first = next(
            each for each in Words(page).addresses if ("/view" in each and "list" not in each) or "/record/" in each
        )
        with urllib.request.urlopen(running.ready["url"] + first, context=context) as answer:
            assert "Last changes" in answer.read().decode()
        unknown = first.replace(first.split("/")[-2 if crm == "salesforce" else -1], "9" * 15)
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(running.ready["url"] + unknown, context=context)
        with missing.value as refused:
            assert refused.code == 404
        for name in ("stats", "journal"):
            with urllib.request.urlopen(f"{running.ready['control_url']}/control/{name}") as answer:
                told = answer.read()
            assert (b'"requests": 0' in told) if name == "stats" else told == b"[]"


def ssl_context(ca_file: str | None) -> Any:  # noqa: ANN401 - a TLS context or none
    """Trust the sandbox's own authority."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else None


@pytest.mark.parametrize(
    "path", ["/crm/v3/objects/contacts", "/contacts/1/record/0-1/5", "/contacts/4242424/record/0-3/5", "/contacts/v1/x"]
)
def test_other_paths_are_left_to_the_app(path: str) -> None:
    """Another account's pages, other objects, the API."""
    assert hubspot_pages(portal()).find(path) is None
    assert SalesforcePages(org().storage).find(path) is None


def test_our_fields_are_found_by_their_names() -> None:
    """Of every model, in both vendors' spellings; others are not ours."""
    columns = [
        "Leadlight_Score__c",
        "leadlight_band",
        "Leadlight_Expansion_Scored_At__c",
        "My_Score__c",
        "leadlight_key",
    ]
    assert score_columns(columns) == {
        "": {"score": "Leadlight_Score__c", "band": "leadlight_band"},
        "expansion": {"scored_at": "Leadlight_Expansion_Scored_At__c"},
    }
    assert [(each.points, each.text) for each in reasons("+3 a; no points here;")] == [
        ("+3", "a"),
        ("", "no points here"),
    ]


def test_an_owner_who_left_is_told_as_such() -> None:
    """In both CRMs: nobody of that name will call."""
    made = portal()
    number = person(made, firstname="Ana", hubspot_owner_id="7")
    made.storage.execute("UPDATE owners SET _deleted = 1")
    assert record(hubspot_pages(made), CONTACT.format(number)).owner == "First Last (inactive)"
    other = org()
    gone = other.put("User", {"FirstName": "Eva", "LastName": "Lind", "IsActive": False})
    lead = other.put("Lead", {"LastName": "Berg", "OwnerId": gone})
    assert record(SalesforcePages(other.storage), f"/lightning/r/Lead/{lead}/view").owner == "Eva Lind (inactive)"


def test_times_are_told_as_people_do() -> None:
    """Days by their names, then dates."""
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    days = [words.due(now.replace(day=day), now) for day in (1, 2, 9)]
    assert days == ["today 12:00", "tomorrow 12:00", "Thu 9 Jul 12:00"]
    assert words.is_overdue(now.replace(hour=11), now)
    assert not words.is_overdue(now.replace(hour=11), now, whole_day=True)
    told = [words.ago(datetime(2026, month, 25, tzinfo=UTC), now) for month in (6, 1)]
    assert told == ["6 d ago", "25 Jan"]
    assert words.moment("2026-07-01T12:00:00.000+0000") == now == words.moment(1_782_907_200_000)
