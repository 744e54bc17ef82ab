"""What each named system knows reaches a score by its ready feed, and explain tells it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.sandbox.server import Crm
from tests.feeds.drops import AT, csv_text, drop, feed, score, table
from tests.loop.loops import Loop, add_model, copy_of
from tests.loop.test_account_models import company_record

PEOPLE = """
[model]
id = "people"

[decay]
default = "none"

[[fit]]
id = "senior"
label = "VP or C-level"
when = { field = "seniority", in = ["vp", "c_level"] }
points = 20

[[fit]]
id = "ltb"
label = "likely to buy, says MadKudu"
when = { all = [{ field = "madkudu_fit_segment", is = "very good" }, { field = "madkudu_likelihood_score", gte = 80 }] }
points = 13

[[engagement]]
id = "activated"
event = "trial_start"
points = 30

[[engagement]]
id = "invited"
label = "invited colleagues"
event = "invite"
where = { field = "value", gte = 3 }
points = 12

[[engagement]]
id = "using_more"
event = "product_usage"
where = { field = "props.trend", gte = 1.5 }
points = 9

[[engagement]]
id = "unhappy"
label = "urgent ticket"
event = "ticket"
where = { field = "props.priority", in = ["urgent", "high"] }
points = -15

[[engagement]]
id = "watched"
label = "watched most of a webinar"
event = "webinar_attended"
where = { field = "value", gte = 40 }
points = 10

[[engagement]]
id = "took_part"
event = "webinar_attended"
where = { any = [{ field = "props.polls", gte = 2 }, { field = "props.questions", gte = 1 }] }
points = 8

[[engagement]]
id = "pricing_chat"
label = "asked about prices in a chat"
event = "chat"
where = { field = "url", contains = "pricing" }
points = 25

[[band]]
id = "hot"
at_least = 90

[[band]]
id = "all"
"""
ACCOUNTS = """
[model]
id = "companies"
subject = "account"

[events]
custom = ["partner_overlap"]

[decay]
default = "none"

[[fit]]
id = "in_market"
label = "in market, says 6sense"
when = { all = [
  { field = "sixsense_buying_stage", in = ["decision", "purchase"] },
  { field = "sixsense_profile_fit", is = "strong" },
  { field = "sixsense_intent_score", gte = 80 },
  { field = "sixsense_qualified_at", newer_than = "90d" },
] }
points = 22

[[fit]]
id = "qualified"
label = "qualified, says Demandbase"
when = { all = [
  { field = "demandbase_qualification_score", gte = 70 },
  { field = "demandbase_intent_strength", is = "high" },
] }
points = 17

[[fit]]
id = "large"
field = "employees"
brackets = [{ below = 1000, points = 1 }, { points = 11 }]

[[engagement]]
id = "surging_broadly"
label = "surges on a quarter of the topics"
event = "intent_surge"
where = { all = [
  { field = "source", is = "bombora" },
  { field = "value", gte = 60 },
  { field = "props.topic_share", gte = 0.25 },
] }
within = "14d"
points = 14
cap = 14
third_party = true

[[engagement]]
id = "researching"
label = "two topics, says DemandScience"
event = "intent_surge"
where = { field = "source", is = "demandscience" }
at_least = 2
distinct = "asset"
award = "once"
points = 6
third_party = true

[[engagement]]
id = "partner"
label = "customer of a partner"
event = "partner_overlap"
where = { field = "props.population", is = "customers" }
points = 16
cap = 16

[[band]]
id = "all"
"""
INTENT = """
[model]
id = "intent"
subject = "account"

[[engagement]]
id = "bought"
event = "intent_surge"
points = 30
third_party = true

[[band]]
id = "call"
at_least = 20
needs = { engagement_at_least = 20 }

[[band]]
id = "watch"
"""
ENRICHED = """
[[enrich]]
attribute = "seniority"
of = "people"
vendors = ["clearbit", "zoominfo", "apollo", "upcell", "crm"]

[[enrich]]
attribute = "employees"
of = "accounts"
vendors = ["clearbit", "crm"]
transform = "number"
"""
COLUMNS = {
    "sixsense": ("accounts", {"sixsense_buying_stage": "text", "sixsense_profile_fit": "text",
                              "sixsense_intent_score": "number", "sixsense_qualified_at": "datetime"}),
    "demandbase": ("accounts", {"demandbase_qualification_score": "number", "demandbase_intent_strength": "text"}),
    "madkudu": ("people", {"madkudu_fit_segment": "text", "madkudu_likelihood_score": "number"}),
}  # fmt: skip


def at(who: int) -> str:
    return f"p{who:02d}@acme.example"


def intent(domain: str, topic: str, value: int, day: str = "2026-06-28") -> dict[str, object]:
    return {"Domain": domain, "Topic Name": topic, "Composite Score": value, "Date": day}


def usage(who: int, event: str, **more: object) -> dict[str, object]:
    return {"email": at(who), "event": event, "name": "export", "occurred_at": "2026-06-25T10:00:00Z"} | {
        name: more.get(name) for name in ("count", "trend", "plan")
    }


def webinar(who: int, minutes: object, polls: object, questions: object, attended: str = "Yes") -> dict[str, object]:
    joined = "06/20/2026 03:01:12 PM" if attended == "Yes" else ""
    return {
        "Attended": attended, "Email": at(who), "Topic": "Scoring", "Join Time": joined,
        "Registration Time": "06/10/2026 03:01:12 PM", "Time in Session (minutes)": minutes,
        "Polls Answered": polls, "Questions Asked": questions,
    }  # fmt: skip


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


DROPS: dict[str, tuple[object, str]] = {
    "bombora": ([intent("acme.example", "CRM", 82), intent("acme.example", "Routing", 64),
                 intent("acme.example", "Payroll", 59), *(intent("else.example", f"Topic {n}", 40) for n in range(5))],
                "surge.csv"),
    "6sense": ([{"6sense Domain": "acme.example", "Account Buying Stage": "Decision", "Account Intent Score": 88,
                 "Account Profile Fit": "Strong", "6QA": "true", "6QA Start Date": "2026-06-10", "Date": "2026-06-28"}],
               "accounts.csv"),
    "demandbase": ([{"Website": "https://www.acme.example/", "Qualification Score": 83, "Intent Strength": "High",
                     "Engagement Minutes (3 mo.)": 120, "Date": "06/28/2026"}], "list.csv"),
    "demandscience": ([{"Domain": "acme.example", "Intent Topic": topic, "Date": "2026-06-27"}
                       for topic in ("CRM", "Forms")], "intent.csv"),
    "clearbit": (lines({"email": at(8), "person": {"employment": {"title": "Vice President Sales", "seniority": "vp"}},
                        "company": {"domain": "acme.example", "metrics": {"employees": 1200}},
                        "indexedAt": "2026-06-20T00:00:00Z"}), "people.jsonl"),
    "zoominfo": ([{"Email Address": at(9), "Job Title": "Chief Revenue Officer", "Management Level": "C-Level"}],
                 "contacts.csv"),
    "apollo": ([{"Email": at(10), "Title": "VP Marketing", "Seniority": "Vp", "# Employees": ""}], "people.csv"),
    "upcell": (lines({"work_email": at(11), "job_title": "CTO", "enriched_at": "2026-06-29T00:00:00Z"}), "rows.jsonl"),
    "product_usage": ([usage(12, "activated", plan="team"), usage(12, "invited", count=4), usage(12, "used", trend=2.1),
                       usage(13, "invited", count=1), usage(13, "used", trend=0.4)], "usage.csv"),
    "zendesk": (lines({"id": 1, "created_at": "2026-06-20T00:00:00Z", "priority": "urgent", "requester_email": at(14)},
                      {"id": 2, "created_at": "2026-06-20T00:00:00Z", "priority": "low", "requester_email": at(15)}),
                "tickets.jsonl"),
    "zoom": ("Attendee Report\nTopic,Webinar ID\nScoring,1\nAttendee Details,\n" + csv_text(
        [webinar(16, 55, 3, 0), webinar(17, 12, 0, 1), webinar(18, "", "", "", "No")]), "attendees.csv"),
    "crossbeam": ([{"Account Website": "acme.example", "Partner Name": "Partnerly", "Partner Population": "Customers",
                    "Date": "2026-06-01"}], "overlaps.csv"),
    "drift": (lines({"conversation_id": "d1", "email": at(19), "started_at": 1782000000000,
                     "page_url": "https://leadlight.example/pricing"}), "chats.jsonl"),
    "intercom": (lines({"id": "n1", "topic": "conversation.user.created", "created_at": 1782000000, "data": {"item": {
        "source": {"author": {"email": at(20)}, "url": "https://leadlight.example/pricing?x=1"}}}},
        {"id": "n2", "topic": "company.created", "created_at": 1782000000}), "notes.jsonl"),
    "madkudu": ([{"email": at(21), "mk_customer_fit_segment": "very good", "mk_likelihood_to_buy_score": 91},
                 {"email": at(22), "mk_customer_fit_segment": "low", "mk_likelihood_to_buy_score": 91}], "scores.csv"),
}  # fmt: skip


@pytest.fixture(scope="module", params=["salesforce", "hubspot"])
def fed_loop(
    request: pytest.FixtureRequest, template_of: Callable[[Crm], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loop]:
    """Give a CRM in which a file of every ready feed was read and everybody scored."""
    with copy_of(request.param, template_of(request.param), tmp_path_factory.mktemp("signals") / "loop") as loop:
        (loop.folder / "model.toml").write_text(PEOPLE, encoding="utf-8")
        add_model(loop.config, "companies.toml", ACCOUNTS)
        add_model(loop.config, "intent.toml", INTENT)
        for name, (content, file) in DROPS.items():
            drop(loop, name, content, file)  # type: ignore[arg-type] # text or rows
            feed(loop, name.replace("6sense", "sixsense"), use=name, path=f"./drop/{name}")
        more = [
            f'[[enrich]]\nattribute = "{column}"\nof = "{of}"\nvendors = ["{vendor}"]\nkind = "{kind}"\n'
            for vendor, (of, columns) in COLUMNS.items()
            for column, kind in columns.items()
        ]
        with loop.config.open("a", encoding="utf-8") as file_:
            file_.write(ENRICHED + "\n".join(more))
        outcome = score(loop)
        assert outcome.switched_off == ()
        yield loop


def explained(loop: Loop, record: str, model: str = "people") -> dict[str, float]:
    """Give the points of every rule that explain tells of a record."""
    asked = ["explain", record, "--config", str(loop.config), "--model", model, "--as-of", AT.isoformat(), "--json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    told: dict[str, Any] = json.loads(answer.stdout)
    found = {row["rule_id"]: row["points"] for row in told["contributions"]}
    assert told["total"] == sum(found.values())
    return found


def points(loop: Loop, who: int) -> dict[str, float]:
    """Give the points of a person by number."""
    return explained(loop, loop.people()[f"p{who:02d}"]["id"])


def company(loop: Loop) -> dict[str, float]:
    """Give the points of the company that has people in it."""
    return explained(loop, company_record(loop)["id"], "companies")


@pytest.mark.signal("6sense")
def test_6sense_stage_fit_intent_and_qualified_date(fed_loop: Loop) -> None:
    assert company(fed_loop)["in_market"] == 22


@pytest.mark.signal("Demandbase")
def test_demandbase_qualification_and_strength(fed_loop: Loop) -> None:
    assert company(fed_loop)["qualified"] == 17


@pytest.mark.signal("Bombora")
def test_bombora_scores_of_60_on_a_quarter_of_the_topics(fed_loop: Loop) -> None:
    assert company(fed_loop)["surging_broadly"] == 14
    topics = {row["asset"]: json.loads(row["props"]) for row in table(fed_loop, "events") if row["source"] == "bombora"}
    assert topics == {"CRM": {"topic_share": "0.25"}, "Routing": {"topic_share": "0.25"}}


@pytest.mark.signal("DemandScience")
def test_demandscience_needs_two_topics(fed_loop: Loop) -> None:
    assert company(fed_loop)["researching"] == 6


@pytest.mark.signal("6sense", "Demandbase", "Bombora", "DemandScience")
def test_bought_intent_alone_crosses_no_band(fed_loop: Loop) -> None:
    acme = company_record(fed_loop)["id"]
    (row,) = [row for row in table(fed_loop, "account_scores@intent") if row["subject_id"] == acme]
    assert (row["total"] >= 20, row["band"]) == (True, "watch")


@pytest.mark.signal("Clearbit, ZoomInfo, Apollo")
def test_what_enrichment_says_of_a_clerk_counts(fed_loop: Loop) -> None:
    assert [points(fed_loop, who) for who in (8, 9, 10, 13)] == [{"senior": 20}, {"senior": 20}, {"senior": 20}, {}]
    assert company(fed_loop)["large"] == 11


@pytest.mark.signal("upcell Prospector / Multi-vendor Enrichment")
def test_what_upcell_says_of_a_clerk_counts(fed_loop: Loop) -> None:
    assert points(fed_loop, 11) == {"senior": 20}
    (row,) = [row for row in table(fed_loop, "attributes") if row["vendor"] == "upcell" and row["name"] == "title"]
    assert (row["value"], row["observed_at"].isoformat()) == ("CTO", "2026-06-29T00:00:00+00:00")


def test_product_usage_counts_activation_invites_and_trend(fed_loop: Loop) -> None:
    assert points(fed_loop, 12) == {"activated": 30, "invited": 12, "using_more": 9}
    assert points(fed_loop, 13) == {}


@pytest.mark.signal("Zendesk (tickets; also careers-page example)")
def test_zendesk_tickets_by_their_severity(fed_loop: Loop) -> None:
    assert (points(fed_loop, 14), points(fed_loop, 15)) == ({"unhappy": -15}, {})


@pytest.mark.signal("Zoom (webinars; also ICP example)")
def test_zoom_watch_time_polls_and_questions(fed_loop: Loop) -> None:
    found = [points(fed_loop, who) for who in (16, 17, 18)]
    assert found == [{"watched": 10, "took_part": 8}, {"took_part": 8}, {}]
    types = {row["type"] for row in table(fed_loop, "events") if row["source"] == "zoom"}
    assert types == {"webinar_attended", "webinar_registered"}


@pytest.mark.signal("Crossbeam")
def test_crossbeam_overlap_with_a_partners_customers(fed_loop: Loop) -> None:
    assert company(fed_loop)["partner"] == 16


@pytest.mark.signal("Drift, Intercom (chat)")
def test_a_chat_on_the_page_of_prices_is_high_intent(fed_loop: Loop) -> None:
    assert (points(fed_loop, 19), points(fed_loop, 20)) == ({"pricing_chat": 25}, {"pricing_chat": 25})


@pytest.mark.signal("MadKudu")
def test_madkudu_segment_and_score(fed_loop: Loop) -> None:
    assert (points(fed_loop, 21), points(fed_loop, 22)) == ({"ltb": 13}, {})
