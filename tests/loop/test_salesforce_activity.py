"""Salesforce's own records of activity reach the score; what people wrote in them is never asked for."""

from typing import Any

import pytest
import requests

from tests.loop.loops import Loop
from tests.loop.signals import events_behind, model_of, scored, totals, use_model

pytestmark = pytest.mark.parametrize("crm", ["salesforce"])
MAILS = {"email_sent": 1, "email_reply": 10, "email_open": 100, "email_bounce": -1000}


FREE_TEXT = ("TextBody", "HtmlBody", "Headers", "Description")


def mail(loop: Loop, person: dict[str, Any], **told: Any) -> str:  # noqa: ANN401 - what the control call takes
    """Log a mail with somebody; gives its id."""
    return str(loop.control("mail", {"person": person["id"], "at": "2026-06-30T12:00:00Z", **told})["mail_id"])


@pytest.mark.signal("Salesforce (Sales Cloud)")
def test_mails_count_once_though_a_task_logs_them_too(fresh: Loop) -> None:
    use_model(fresh, model_of(MAILS))
    person = fresh.people()["p20"]
    sent = mail(fresh, person, subject="Our offer")
    mail(fresh, person, subject="Re: Our offer", incoming=True)
    scored(fresh)
    assert totals(fresh)[person["id"]] == 11
    fresh.control("mail_state", {"mail": sent, "opened_at": "2026-06-30T13:00:00Z"})
    fresh.advance(60)
    scored(fresh, changed_only=True)
    assert totals(fresh)[person["id"]] == 111
    assert events_behind(fresh, person["id"]) == {"email_open": 1, "email_reply": 1, "email_sent": 1}


def test_whom_a_mail_is_copied_to_and_mails_without_a_task_count_too(fresh: Loop) -> None:
    use_model(fresh, model_of(MAILS))
    people = fresh.people()
    mail(fresh, people["p20"], subject="Hello", copied=[people["p21"]["id"]])
    mail(fresh, people["p22"], subject="Help", incoming=True, activity=False)
    scored(fresh)
    assert [totals(fresh)[people[who]["id"]] for who in ("p20", "p21", "p22")] == [1, 1, 10]


def test_a_mail_that_came_back_is_held_against_its_address(fresh: Loop) -> None:
    use_model(fresh, model_of(MAILS))
    person = fresh.people()["p20"]
    fresh.control("mail_state", {"mail": mail(fresh, person, subject="Hello"), "bounced": True})
    scored(fresh)
    assert totals(fresh)[person["id"]] == -999


def test_a_mail_that_is_deleted_leaves_history_with_its_task(fresh: Loop) -> None:
    use_model(fresh, model_of(MAILS))
    person = fresh.people()["p20"]
    sent = mail(fresh, person, subject="Hello")
    scored(fresh)
    task = fresh.records("Task")[-1]["id"]
    fresh.control("edit", {"actor": "human", "object": "EmailMessage", "id": sent, "fields": {"IsDeleted": True}})
    fresh.advance(60)
    scored(fresh, changed_only=True)
    assert totals(fresh)[person["id"]] == 1  # the task alone tells it now
    fresh.ask("DELETE", f"/services/data/v62.0/sobjects/Task/{task}")
    fresh.advance(60)
    scored(fresh, changed_only=True)
    assert totals(fresh)[person["id"]] == 0


def test_what_people_wrote_is_never_asked_for(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    person = fresh.people()["p20"]
    mail(fresh, person, subject="Hello", text="our secret", html="<p>our secret</p>")
    done = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "WhoId": person["id"]}
    fresh.ask("POST", "/services/data/v62.0/sobjects/Task", json=done | {"Description": "our secret"})
    asked: list[str] = []
    send = requests.Session.send

    def noting(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as requests has it
        asked.append(f"{request.url} {request.body!r}")
        return send(session, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", noting)
    scored(fresh)
    assert any("FROM+EmailMessage" in text for text in asked)
    assert not [text for text in asked if any(field in text for field in FREE_TEXT)]
    kept = b"".join(path.read_bytes() for path in (fresh.folder / "leadlight-store").rglob("*") if path.is_file())
    assert b"our secret" not in kept
