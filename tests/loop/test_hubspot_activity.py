"""What HubSpot keeps beside its records, from the sandbox through the adapter to a score."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import vcr

from connector.provisioning import provision
from connector.reading import open_reading
from tests.loop.hubspot_activity import add, asked, events, form, scopes_without, score, submit
from tests.loop.loops import Loop, copy_of, make_template

MODEL = """
[model]
id = "activity"

[decay]
default = { half_life = "30d" }

[[engagement]]
id = "demo"
label = "asked for a demo"
event = "demo_request"
points = 40

[[engagement]]
id = "form"
label = "submitted a form"
event = "form_submission"
points = 5
cap = 20

[[band]]
id = "hot"
at_least = 30

[[band]]
id = "cold"
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("hubspot", tmp_path_factory.mktemp("hubspot-activity"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("hubspot", template, tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL, encoding="utf-8")
        provision(loop.config)
        yield loop


def test_a_submitted_form_scores_the_contact(loop: Loop) -> None:
    demo, guide = form(loop, "Request a demo"), form(loop, "Buyer's guide")
    submit(loop, demo, "p09@acme.example")
    submit(loop, guide, "P10@acme.example")
    submit(loop, guide, "p10@acme.example")
    loop.sync()
    people = loop.people()
    assert [
        (row["type"], row["person_id"], row["asset"]) for row in events(loop, "demo_request", "form_submission")
    ] == [
        ("demo_request", people["p09"]["id"], "Request a demo"),
        ("form_submission", people["p10"]["id"], "Buyer's guide"),
        ("form_submission", people["p10"]["id"], "Buyer's guide"),
    ]
    assert (score(loop, "p09"), score(loop, "p10")) == (40, 10)


def test_who_is_known_by_a_form_alone_is_scored_too(loop: Loop) -> None:
    loop.sync()
    submit(loop, form(loop, "Request a demo"), "nobody.yet@new.example")
    assert loop.sync().status == "ok"
    (contact,) = [one for one in loop.records("contacts") if one["fields"]["email"] == "nobody.yet@new.example"]
    assert (contact["fields"]["firstname"], contact["fields"]["leadlight_score"]) == (None, "40")


def test_a_form_without_news_costs_nothing_after_the_first_look(loop: Loop) -> None:
    guids = [form(loop, f"Form {number}") for number in range(120)]
    submit(loop, guids[3], "p09@acme.example")
    loop.advance(2 * 3600)
    loop.sync()
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 0
    assert asked(loop, mark, "/marketing/v3/forms") == 2
    submit(loop, guids[7], "p11@acme.example")
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 1
    assert score(loop, "p11") == 5
    loop.advance(25 * 3600)
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 120  # once a day each is looked at


def test_without_its_scope_forms_are_left_out_calmly(loop: Loop) -> None:
    form(loop, "Request a demo")
    scopes_without(loop, "forms")
    assert loop.sync().status == "ok"
    assert events(loop, "demo_request") == []


AT = "2026-06-30T09:00:00Z"
TEXT = "between you and me"
CALLS = 8  # of the world
NOON_US = 1_782_907_200 * 10**6  # when the sandbox starts
MAIL = ("email_sent", "email_open", "email_click", "email_reply", "email_bounce")
TEXTS = {
    "notes": ("hs_note_body",),
    "calls": ("hs_call_body",),
    "meetings": ("hs_meeting_body", "hs_internal_meeting_notes"),
    "emails": ("hs_email_text", "hs_email_html", "hs_email_headers"),
    "communications": ("hs_communication_body",),
    "tasks": ("hs_task_body",),
}


def test_what_sales_people_log_becomes_events(loop: Loop) -> None:
    add(loop, "notes", "p09", hs_timestamp=AT, hs_note_body=TEXT)
    for channel in ("SMS", "WHATS_APP", "LINKEDIN_MESSAGE", "CUSTOM_CHANNEL_CONVERSATION"):
        logged = {"hs_communication_channel_type": channel, "hs_communication_logged_from": "CRM"}
        add(loop, "communications", "p10", hs_timestamp=AT, hs_communication_body=TEXT, **logged)
    done = {"hs_task_subject": "Send the offer", "hs_task_type": "EMAIL", "hs_task_status": "COMPLETED"}
    add(loop, "tasks", "p11", hs_timestamp="2026-06-20T09:00:00Z", hs_task_body=TEXT, **done)
    add(loop, "tasks", "p11", hs_timestamp=AT, hs_task_subject="Open still")
    loop.sync(backfill=True)
    people = loop.people()
    found = events(loop, "note", "message", "social_engagement", "chat", "task_done")
    assert [(row["type"], row["person_id"], row["source"]) for row in found if row["type"] != "task_done"] == [
        ("message", people["p10"]["id"], "SMS"),
        ("message", people["p10"]["id"], "WHATS_APP"),
        ("social_engagement", people["p10"]["id"], "LINKEDIN_MESSAGE"),
        ("chat", people["p10"]["id"], None),
        ("note", people["p09"]["id"], None),
    ]
    (task,) = events(loop, "task_done")
    assert (task["person_id"], task["asset"]) == (people["p11"]["id"], "Send the offer")
    assert 0 <= task["at_us"] - NOON_US < 3600 * 10**6  # when it was done, not when it was due


def test_a_task_of_ours_that_is_done_is_no_touch(loop: Loop) -> None:
    submit(loop, form(loop, "Request a demo"), "p09@acme.example")
    loop.sync(backfill=True)
    (task,) = loop.tasks()
    loop.control(
        "edit", {"actor": "human", "object": "tasks", "id": task["id"], "fields": {"hs_task_status": "COMPLETED"}}
    )
    loop.advance(60)
    loop.sync()
    assert loop.tasks()[0]["fields"]["hs_task_status"] == "COMPLETED"
    assert events(loop, "task_done") == []


def test_opens_and_clicks_of_a_mail_count_beside_it(loop: Loop) -> None:
    sent = add(loop, "emails", "p12", hs_timestamp=AT, hs_email_direction="EMAIL", hs_email_status="SENT")
    loop.sync()
    assert [row["type"] for row in events(loop, *MAIL)] == ["email_sent"]
    counts = {"hs_email_open_count": 3, "hs_email_click_count": 1}
    loop.control("edit", {"actor": "automation", "object": "emails", "id": sent, "fields": counts})
    add(loop, "emails", "p12", hs_timestamp=AT, hs_email_direction="EMAIL", hs_email_status="BOUNCED")
    add(loop, "emails", "p12", hs_timestamp=AT, hs_email_direction="INCOMING_EMAIL")
    loop.advance(60)
    loop.sync()
    found = sorted((row["type"], row["value"]) for row in events(loop, *MAIL))
    assert found == [
        ("email_bounce", None),
        ("email_click", 1),
        ("email_open", 3),
        ("email_reply", None),
        ("email_sent", None),
    ]


def test_leads_are_verdicts_and_deals_are_in_the_accounts_own_currency(loop: Loop) -> None:
    add(loop, "leads", "p09", hs_lead_name="P09", hs_pipeline_stage="qualified-stage-id")
    lost = {"hs_pipeline_stage": "unqualified-stage-id", "hs_lead_disqualification_reason": "NO_BUDGET"}
    add(loop, "leads", "p10", hs_lead_name="P10", **lost)
    add(loop, "leads", "p11", hs_lead_name="P11")
    deal = add(loop, "deals", "p12", dealname="D", amount="1000", dealstage="closedwon", deal_currency_code="GBP")
    rate = {"hs_exchange_rate": 1.25}
    loop.control("edit", {"actor": "automation", "object": "deals", "id": deal, "fields": rate})
    loop.sync()
    people = loop.people()
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("outcomes")
        rows = engine.execute(f"SELECT kind, person_id, reason, amount FROM {relation} ORDER BY kind").fetchall()  # noqa: S608 - our own files
    assert rows == [
        ("accepted", people["p09"]["id"], None, None),
        ("closed_won", people["p12"]["id"], None, 1250),
        ("opportunity_created", people["p12"]["id"], None, 1250),
        ("rejected", people["p10"]["id"], "NO_BUDGET", None),
    ]


def synced_answers(loop: Loop, file: Path) -> dict[str, list[str]]:
    """Sync once and give every answer that came over the wire, by path."""
    with vcr.VCR(record_mode="all", decode_compressed_response=True).use_cassette(str(file)) as wire:
        loop.sync()
    found: dict[str, list[str]] = {}
    for request, response in zip(wire.requests, wire.responses, strict=True):
        body = response["body"]["string"]
        found.setdefault(request.path, []).append(body.decode() if isinstance(body, bytes) else body)
    return found


def test_the_text_of_what_people_write_never_leaves_the_crm(loop: Loop, tmp_path: Path) -> None:
    for turn, who in enumerate(("p09", "p10")):
        for plural, names in TEXTS.items():
            add(loop, plural, who, hs_timestamp=AT, **dict.fromkeys(names, TEXT))
        held = [one["fields"] for one in loop.records("notes")]
        assert all(fields["hs_body_preview"] == TEXT for fields in held)  # the CRM repeats texts under other names
        loop.advance(60)
        answers = synced_answers(loop, tmp_path / f"wire{turn}.yaml")
        assert {f"/crm/v3/objects/{plural}" + "/batch/read" * turn for plural in TEXTS} <= answers.keys()
        assert [path for path, bodies in answers.items() if any(TEXT in body for body in bodies)] == []
    assert len(events(loop, "note", "message", "call", "meeting")) == 8 + CALLS
    assert not any(TEXT.encode() in path.read_bytes() for path in loop.folder.rglob("*.parquet"))
