"""Named systems whose signals come through HubSpot: from the portal to a score and its explanation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.provisioning import provision
from tests.loop.hubspot_activity import add, form, submit
from tests.loop.loops import CHIEF, Loop, copy_of, make_template
from tests.loop.signals import explained, model_of, scored, totals, use_model

SALES_QUALIFIED = """
[model]
id = "seed"

[combine]
gate_ceiling = 99

[[fit]]
id = "industry"
when = { field = "account.industry", in = ["COMPUTER_SOFTWARE", "INTERNET"] }
gate = true

[[fit]]
id = "size"
when = { field = "account.employees", gte = 200 }
gate = true

[[engagement]]
id = "demo"
label = "asked for a demo"
event = "demo_request"
points = 80

[[engagement]]
id = "call"
label = "spoke on the phone"
event = "call"
points = 30

[[band]]
id = "sales_qualified"
at_least = 100

[[band]]
id = "lead"
"""
AT = "2026-06-30T09:00:00Z"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("hubspot", tmp_path_factory.mktemp("hubspot-signals"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("hubspot", template, tmp_path / "loop") as loop:
        yield loop


def rule(name: str, event: str, where: str, points: float) -> str:
    """Write an engagement rule for some events of a type."""
    return f'[[engagement]]\nid = "{name}"\nevent = "{event}"\nwhere = {where}\npoints = {points}\ncap = 100'


def points(loop: Loop, who: str) -> dict[str, float]:
    """Give the points of each rule in somebody's explanation, which add up to the score."""
    person = loop.people()[who]["id"]
    found = {row["rule_id"]: float(row["points"]) for row in explained(loop, person)["contributions"]}
    assert totals(loop)[person] == sum(found.values())
    return found


@pytest.mark.signal("HubSpot")
def test_every_kind_of_activity_counts_and_ours_is_written_beside_hubspots_own(loop: Loop) -> None:
    counted = {"call": 1, "meeting": 2, "email_sent": 3, "email_open": 4, "note": 5, "message": 6, "task_done": 7}
    counted |= {"demo_request": 8, "webinar_attended": 9, "page_view": 10, "invited_team": 11}
    stage = '[[fit]]\nid = "stage"\nwhen = { field = "lifecycle_stage", is = "opportunity" }\npoints = 12'
    use_model(loop, model_of(counted, stage, '[events]\ncustom = ["invited_team"]'))
    provision(loop.config)
    person = loop.people()["p15"]
    for plural, logged in {
        "calls": {},
        "meetings": {},
        "emails": {"hs_email_direction": "EMAIL", "hs_email_status": "SENT"},
        "notes": {},
        "communications": {"hs_communication_channel_type": "SMS"},
        "tasks": {"hs_task_status": "COMPLETED"},
    }.items():
        number = add(loop, plural, "p15", hs_timestamp=AT, **logged)
        if plural == "emails":
            opened = {"actor": "automation", "object": plural, "id": number, "fields": {"hs_email_open_count": 1}}
            loop.control("edit", opened)
    submit(loop, form(loop, "Request a demo"), "p15@acme.example")
    webinar = loop.control("marketing_event", {"name": "Scoring"})["id"]
    loop.control("participation", {"event": webinar, "contact": person["id"], "state": "ATTENDED"})
    for kind in ("e_visited_page", "pe4242424_invited_team"):
        loop.control("event", {"event_type": kind, "id": person["id"], "properties": {"hs_url": "/pricing"}})
    loop.edit(person, lifecyclestage="opportunity", hubspotscore="55")
    loop.advance(60)
    loop.sync()
    assert points(loop, "p15") == {**counted, "stage": 12}
    fields = loop.people()["p15"]["fields"]
    assert (fields["leadlight_score"], fields["hubspotscore"]) == (str(sum(counted.values()) + 12), "55")


@pytest.mark.signal("HubSpot workflows / SQL >100 + industry + size rule (seed 2)")
def test_above_a_hundred_in_the_right_industry_and_size_starts_a_workflow(loop: Loop) -> None:
    use_model(loop, SALES_QUALIFIED)
    config = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(config.replace('"hot"', '"sales_qualified"'), encoding="utf-8")
    provision(loop.config)
    started = {"when": {"leadlight_band": "sales_qualified"}, "set": {"hs_lead_status": "OPEN"}}
    loop.control("settings", {"automations": {"workflow": started}})
    company = loop.records("companies")[0]
    demo = form(loop, "Request a demo")
    for who in ("p03", "p23", "p15"):  # p15 has no company
        submit(loop, demo, f"{who}@acme.example")
        add(loop, "calls", who, hs_timestamp=AT)
    loop.sync()
    assert {loop.people()[who]["fields"]["leadlight_band"] for who in ("p03", "p23", "p15")} == {"lead"}
    told = {"industry": "COMPUTER_SOFTWARE", "numberofemployees": "250"}
    loop.control("edit", {"actor": "human", "object": "companies", "id": company["id"], "fields": told})
    loop.advance(60)
    loop.sync()
    people = loop.people()
    bands = {who: people[who]["fields"]["leadlight_band"] for who in ("p03", "p23", "p15")}
    assert bands == {"p03": "sales_qualified", "p23": "sales_qualified", "p15": "lead"}
    assert [people[who]["fields"]["hs_lead_status"] for who in ("p03", "p23", "p15")] == ["OPEN", "OPEN", None]
    assert points(loop, "p03") == {"demo": 80, "call": 30}


@pytest.mark.signal("Drift, Intercom (chat)")
def test_a_chat_on_the_pricing_page_counts_more_than_another(loop: Loop) -> None:
    pricing = rule("pricing", "chat", '{ field = "url", contains = "/pricing" }', 20)
    use_model(loop, model_of({"chat": 5}, pricing))
    people = loop.people()
    logged = {"hs_communication_channel_type": "CUSTOM_CHANNEL_CONVERSATION", "hs_communication_logged_from": "CRM"}
    add(loop, "communications", "p15", hs_timestamp=AT, **logged)
    for kind, who, url in (("drift_conversation", "p16", "/pricing"), ("intercom_conversation", "p17", "/blog")):
        told = {"event_type": f"pe4242424_{kind}", "id": people[who]["id"], "properties": {"url": url}}
        loop.control("event", told)
    loop.advance(60)
    scored(loop)
    assert [points(loop, who) for who in ("p15", "p16", "p17")] == [
        {"chat": 5},
        {"chat": 5, "pricing": 20},
        {"chat": 5},
    ]


@pytest.mark.signal("Zoom (webinars; also ICP example)")
def test_who_stays_in_a_webinar_counts_more_than_who_registers(loop: Loop) -> None:
    stayed = rule("stayed", "webinar_attended", '{ field = "value", gte = 30 }', 15)
    fit = f'[[fit]]\nid = "icp"\nwhen = {{ field = "title", is = "{CHIEF}" }}\npoints = 7'
    use_model(loop, model_of({"webinar_registered": 2, "webinar_attended": 10, "webinar_no_show": -1}, stayed, fit))
    people = loop.people()
    webinar = loop.control("marketing_event", {"name": "Scoring in practice", "organizer": "Zoom"})["id"]
    for who in ("p00", "p15", "p16", "p17"):
        loop.control("participation", {"event": webinar, "contact": people[who]["id"], "state": "REGISTERED"})
    loop.advance(60)
    scored(loop)
    for who, state, watched_s in (("p00", "ATTENDED", 2700), ("p15", "ATTENDED", 300), ("p16", "NO_SHOW", None)):
        told = {"event": webinar, "contact": people[who]["id"], "state": state, "duration_s": watched_s}
        loop.control("participation", told)
    loop.advance(60)
    scored(loop)
    assert points(loop, "p00") == {"webinar_registered": 2, "webinar_attended": 10, "stayed": 15, "icp": 7}
    assert points(loop, "p15") == {"webinar_registered": 2, "webinar_attended": 10}
    assert points(loop, "p16") == {"webinar_registered": 2, "webinar_no_show": -1}
    assert points(loop, "p17") == {"webinar_registered": 2}
