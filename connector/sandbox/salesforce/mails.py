"""Log mails as a mail add-in or Enhanced Email does: `POST /control/mail`, and say what became of one.

A mail is an EmailMessage, a closed task of the subtype Email that it names as its activity, and an
EmailMessageRelation for each side. No recording: from the vendor's object reference; which task fields an add-in fills
is from public questions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.sandbox.salesforce import rules
from connector.sandbox.salesforce.control_bodies import checked, record
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import stored
from connector.sandbox.salesforce.org import ADMIN_USER, Org
from connector.sandbox.storage import Transaction

FIRST_NUMBER = 1_000_000_000
PEOPLE = {"003": "Contact", "00Q": "Lead"}
CONTENT = {"subject": "Subject", "text": "TextBody", "html": "HtmlBody"}
SENT, READ = "3", "1"


def mail(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `POST /control/mail`: {person, at?, incoming?, subject?, text?, html?, copied?, activity?, actor?}.

    person and those of the list `copied` are leads or contacts; at is an ISO time, by default the org's. activity:
    false logs the mail without a task, as mails of cases are. Answers {mail_id, task_id}. Raises KeyError for a person
    who is not there, ValueError for a time without zone.
    """
    options = {"at", "incoming", "subject", "text", "html", "copied", "activity"}
    actor = checked(body, {"person"}, options)
    people = [_person(org, text) for text in (body["person"], *body.get("copied", ()))]
    at = stored(_time(body["at"])) if body.get("at") else stored(org.clock.now().replace(microsecond=0))
    with org.storage.transaction(actor, "POST", "/control/mail") as transaction:
        task_id = _task(org, transaction, people[0]["_id"], body, at) if body.get("activity", True) else None
        mail_id = _insert(
            org,
            transaction,
            "EmailMessage",
            {
                **{field: body.get(name) for name, field in CONTENT.items()},
                "ActivityId": task_id,
                "Incoming": int(bool(body.get("incoming"))),
                "Status": READ if body.get("incoming") else SENT,
                "MessageDate": at,
                "IsTracked": int(not body.get("incoming")),
            },
        )
        _relate(org, transaction, mail_id, people, incoming=bool(body.get("incoming")))
    return {"mail_id": mail_id, "task_id": task_id}


def mail_state(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `POST /control/mail_state`: {mail, opened_at?, bounced?, actor?}; a first opening stays the first.

    Answers {mail_id}. Raises KeyError for a mail that is not there, ValueError for a time without zone.
    """
    actor = checked(body, {"mail"}, {"opened_at", "bounced"})
    found = record(org, "EmailMessage", body["mail"])
    values: dict[str, Any] = {"IsBounced": 1} if body.get("bounced") else {}
    if body.get("opened_at"):
        opened_at = stored(_time(body["opened_at"]))
        values |= {"FirstOpenedDate": found["FirstOpenedDate"] or opened_at, "LastOpenedDate": opened_at}
    with org.storage.transaction(actor, "POST", "/control/mail_state") as transaction:
        transaction.update("EmailMessage", found["_id"], values)
    return {"mail_id": found["_id"]}


def _person(org: Org, text: object) -> dict[str, Any]:
    name = PEOPLE.get(str(text)[:3])
    if name is None:
        raise KeyError(f"{text} is no lead or contact")
    return record(org, name, text)


def _time(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError(f"{text}: a time needs its zone, such as 2026-07-01T12:00:00Z")
    return found


def _task(org: Org, transaction: Transaction, who_id: str, body: Mapping[str, Any], at: str) -> str:
    subject, text = body.get("subject"), body.get("text")
    values = {"WhoId": who_id, "Subject": f"Email: {subject}" if subject else "Email", "Description": text}
    values |= {"Status": "Completed", "Priority": "Normal", "TaskSubtype": "Email", "ActivityDate": at[:10]}
    values |= {"OwnerId": ADMIN_USER, "IsArchived": 0, "IsReminderSet": 0}
    derived = rules.derived(org, org.catalog.objects["Task"], {}, values)
    return _insert(org, transaction, "Task", {**values, **derived, "CompletedDateTime": at})


def _relate(org: Org, transaction: Transaction, mail_id: str, people: list[dict[str, Any]], *, incoming: bool) -> None:
    """Name the sender and the receivers; whom a sender copies is a receiver, too."""
    sides = ["FromAddress" if incoming else "ToAddress", *("CcAddress" for _ in people[1:])]
    told = [(person["_id"], side, person.get("Email")) for person, side in zip(people, sides, strict=True)]
    told.append((ADMIN_USER, "ToAddress" if incoming else "FromAddress", "admin@sandbox.invalid"))
    for relation_id, side, address in told:
        values = {"EmailMessageId": mail_id, "RelationId": relation_id, "RelationType": side}
        _insert(org, transaction, "EmailMessageRelation", {**values, "RelationAddress": address})


def _insert(org: Org, transaction: Transaction, name: str, values: Mapping[str, Any]) -> str:
    new_id = record_id(name, org.storage.next_number(name, first=FIRST_NUMBER))
    fixed = {
        field.name: stored(field.default)
        for field in org.catalog.objects[name].fields.values()
        if field.default is not None and field.column is not None
    }
    transaction.insert(name, new_id, {**fixed, **values})
    return new_id
