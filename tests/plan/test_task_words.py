"""What a task says, when it is due, and how it reaches each vendor's fields."""

from datetime import UTC, datetime, timedelta

import jinja2
import pytest

from connector.acting.actions import due_at, parse_duration, render_task, task_key, template_problems
from connector.acting.safe_text import safe_text
from connector.acting.tasks import task_write
from connector.hours import Calendar, parse_openings
from connector.plan import TaskChange
from connector.settings.acting import TaskAction
from mappings.loader import load_mapping

ACTION = TaskAction(
    subject="Call {{ name }}: {{ band }} ({{ score }})", due="1h", priority="High", body="{{ reasons }}"
)
WORDS = {
    "name": "Ana <b>",
    "company": "X & Co",
    "title": "",
    "band": "hot",
    "score": "60",
    "reasons": "+60 <i>",
    "owner": "",
}
CHANGE = TaskChange(
    "Lead", "00Q1", "band:hot", 1, "ll1-1", "hot", "005A", "001A", "2026-07-01T13:00:00Z", "hot", 60.0, "+60"
)


def test_text_of_the_crm_is_escaped_where_the_body_is_html() -> None:
    html = render_task(ACTION.subject, ACTION.body, WORDS, html_body=True)
    plain = render_task(ACTION.subject, ACTION.body, WORDS, html_body=False)
    assert (html.subject, html.body) == ("Call Ana <b>: hot (60)", "+60 &lt;i&gt;")
    assert plain.body == "+60 <i>"


def test_a_playbook_is_a_list_and_addresses_can_be_followed() -> None:
    lines = ["Ask {{ name }}", "https://wiki.example/{{ band }}?a=1&b=2", "see http://x y"]
    plain = render_task("s", "why", WORDS, html_body=False, playbook=lines)
    assert plain.body == "why\n\n- Ask Ana <b>\n- https://wiki.example/hot?a=1&b=2\n- see http://x y"
    html = render_task("s", "", WORDS, html_body=True, playbook=lines)
    link = '<a href="https://wiki.example/hot?a=1&b=2">https://wiki.example/hot?a=1&b=2</a>'
    assert html.body == f"<ul><li>Ask Ana &lt;b&gt;</li><li>{link}</li><li>see http://x y</li></ul>"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069 \u200eb\ufeff", "a b"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("a\r\nb\u2028c\x85d\re", "a\nb\nc\nd\ne"),
        ("\ud800x", " x"),
        ("نمی\u200cخواهم 👩\u200d🔬 Größe", "نمی\u200cخواهم 👩\u200d🔬 Größe"),
    ],
)
def test_what_does_not_show_is_taken_out(typed: str, shown: str) -> None:
    assert safe_text(typed) == shown
    assert render_task("s", "{{ name }}", {"name": typed}, html_body=False).body == shown.strip()


@pytest.mark.parametrize(
    ("due", "at"),
    [("2h", "2026-07-02T10:00"), ("1d", "2026-07-02T16:00"), ("3d", "2026-07-06T16:00"), ("1w", "2026-07-08T16:00")],
)
def test_a_deadline_counts_working_time(due: str, at: str) -> None:
    office = Calendar(UTC, parse_openings(["mon-fri 09:00-17:00"]))
    assert due_at(datetime(2026, 7, 1, 16, tzinfo=UTC), due, office) == datetime.fromisoformat(at).replace(tzinfo=UTC)


def test_a_subject_is_one_line() -> None:
    assert render_task("Call\n {{ name }} \t now", "", {"name": "A\r\nB"}, html_body=False).subject == "Call A B now"


@pytest.mark.parametrize(
    "template",
    ["{{ ''.__class__.__mro__ }}", "{{ name.__init__.__globals__ }}", "{{ self.__init__ }}", "{{ nothing }}"],
)
def test_templates_reach_nothing_but_their_words(template: str) -> None:
    with pytest.raises(jinja2.TemplateError):
        render_task(template, "", {"name": "Ana"}, html_body=False)


def test_all_problems_of_templates_are_named_with_the_words_there_are() -> None:
    problems = template_problems(
        "action.hot.task", {"subject": "{{ nmae }}", "body": "{% if %}", "other": "{{ name }}"}
    )
    assert len(problems) == 2
    assert problems[0].startswith("action.hot.task.subject")
    assert "reasons" in problems[0]
    assert problems[1].startswith("action.hot.task.body")


@pytest.mark.parametrize(
    ("text", "length"),
    [("30s", timedelta(seconds=30)), ("15m", timedelta(minutes=15)), ("1h", timedelta(hours=1)),
     ("2d", timedelta(days=2)), (" 1w ", timedelta(weeks=1)), ("0d", timedelta())],
)  # fmt: skip
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length
    assert due_at(datetime(2026, 7, 1, tzinfo=UTC), text) == datetime(2026, 7, 1, tzinfo=UTC) + length


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "1h30m", "1 h", "one hour", "1H"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


def test_a_key_is_the_same_everywhere_and_of_its_own_for_each_episode() -> None:
    parts = [
        ("salesforce", "Lead", "00Q1", "band:hot", 1),
        ("salesforce", "Lead", "00Q1", "band:hot", 2),
        ("salesforce", "Lead", "00Q1", "band:warm", 1),
        ("salesforce", "Contact", "00Q1", "band:hot", 1),
        ("hubspot", "Lead", "00Q1", "band:hot", 1),
    ]
    keys = [task_key(*each) for each in parts]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 36 for key in keys)
    assert task_key(*parts[0]) == keys[0]
    assert "00Q1" not in keys[0]


def test_a_salesforce_task_links_the_account_only_beside_a_contact() -> None:
    target = load_mapping("salesforce").write.task
    assert target is not None
    lead = task_write(target, CHANGE, ACTION, WORDS, html_body=False, account_link=False)
    contact = task_write(target, CHANGE, ACTION, WORDS, html_body=False, account_link=True)
    assert lead.key == ("Leadlight_Key__c", "ll1-1")
    assert lead.fields["WhoId"] == "00Q1"
    assert lead.fields["OwnerId"] == "005A"
    assert lead.fields["ActivityDate"] == "2026-07-01"
    assert "WhatId" not in lead.fields
    assert contact.fields["WhatId"] == "001A"
    assert lead.links == ()


def test_a_hubspot_task_is_linked_to_person_and_company() -> None:
    target = load_mapping("hubspot").write.task
    assert target is not None
    write = task_write(target, CHANGE, ACTION, WORDS, html_body=True, account_link=True)
    assert set(write.links) == {("contacts", "00Q1"), ("companies", "001A")}
    assert write.fields["hs_task_priority"] == "HIGH"
    assert write.fields["hs_timestamp"] == "2026-07-01T13:00:00Z"
    assert write.fields["hs_task_body"] == "+60 &lt;i&gt;"
