"""Sequences, and enrolling contacts in them.

No recording: from the vendor's guide to sequences and its reference; the reasons of refusals are the names on its help
page "contact can't be enrolled in this sequence", their bodies are the sandbox's own. Sequences themselves are made by
people: `POST /control/sequence`.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.objects import object_types
from connector.sandbox.hubspot.reading import next_page, survivor
from connector.sandbox.hubspot.wire import ApiError, json_response, not_found, stamp, validation_error, whole_number
from connector.sandbox.storage import Storage, Transaction

PAGE_DEFAULT, PAGE_MAX = 20, 100
NUMBER_FROM = 400_000_001
SEQUENCES = """
CREATE TABLE IF NOT EXISTS sequences (id INTEGER PRIMARY KEY, name TEXT, user_id TEXT, created_at INTEGER)
"""
ENROLLMENTS = """
CREATE TABLE IF NOT EXISTS enrollments (id INTEGER PRIMARY KEY, sequence_id INTEGER, contact_id TEXT, user_id TEXT,
  sender TEXT, to_email TEXT, enrolled_at INTEGER, ended_at INTEGER)
"""
ACTIVE = "SELECT * FROM enrollments WHERE contact_id = ? AND ended_at IS NULL"


def install(storage: Storage) -> None:
    """Make the tables."""
    for statement in (SEQUENCES, ENROLLMENTS):
        storage.execute(statement)


def make_sequence(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/sequence`: {name, user_id?}, as a person does; raises KeyError and ValueError."""
    if unknown := sorted(body.keys() - {"name", "user_id"}):
        raise ValueError(f"{', '.join(unknown)}: unknown, expected name, user_id")
    users = sorted(account.user_ids().values())
    user = str(body.get("user_id") or (users[0] if users else ""))
    with account.storage.transaction("human", "POST", "/control/sequence") as transaction:
        number = account.storage.next_number("sequence_id", NUMBER_FROM)
        row = [number, str(body["name"]), user, account.clock.now_ms()]
        transaction.execute("INSERT INTO sequences VALUES (?, ?, ?, ?)", row)
        transaction.note("sequences", str(number), "create", {"name": row[1]})
    return {"id": str(number), "user_id": user}


def end_enrollment(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/unenroll`: {contact, actor?}: the contact answered, or a person took it out.

    Raises KeyError where the contact is in no sequence.
    """
    contact = str(body["contact"])
    rows = account.storage.query(ACTIVE, [contact])
    if not rows:
        raise KeyError(f"{contact} is in no sequence")
    with account.storage.transaction(str(body.get("actor", "human")), "POST", "/control/unenroll") as transaction:
        transaction.execute("UPDATE enrollments SET ended_at = ? WHERE id = ?", [account.clock.now_ms(), rows[0]["id"]])
        mark(transaction, contact, enrolled=False)
    return {"id": str(rows[0]["id"]), "contact": contact}


def mark(transaction: Transaction, contact: str, *, enrolled: bool) -> None:
    """Tell on the contact whether it is in a sequence."""
    told = {"hs_sequences_is_enrolled": "true" if enrolled else "false"}
    transaction.update("contacts", contact, told | {"hs_sequences_actively_enrolled_count": str(int(enrolled))})


def list_sequences(call: Call) -> Response:
    """Answer `GET /automation/v4/sequences?userId=…`."""
    user_of(call)
    limit = call.number("limit", PAGE_DEFAULT, PAGE_MAX)
    after = whole_number(call.request.first("after") or "0")
    if after is None:
        raise validation_error(f"Invalid after value: {call.request.first('after')}")
    rows = call.storage.query("SELECT * FROM sequences ORDER BY id")
    rest = [row for row in rows if row["id"] > after]
    body: dict[str, Any] = {"total": len(rows), "results": [sequence_body(row) for row in rest[:limit]]}
    if len(rest) > limit:
        body["paging"] = {"next": next_page(call, str(rest[limit - 1]["id"]))}
    return json_response(200, body)


def get_sequence(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /automation/v4/sequences/{id}?userId=…`; the sandbox keeps no steps."""
    user_of(call)
    return json_response(200, sequence_body(sequence_row(call, id)) | {"steps": []})


def user_of(call: Call) -> str:
    """Read the user that a call speaks for; raises ApiError where it names none of the account's."""
    user = call.request.first("userId")
    if not user:
        raise validation_error("userId is a required query parameter")
    if user not in call.account.user_ids().values():
        raise validation_error(f"User {user} does not exist or has no seat that includes sequences.")
    return user


def sequence_row(call: Call, number: str) -> sqlite3.Row:
    """Find a sequence; raises ApiError 404."""
    rows = call.storage.query("SELECT * FROM sequences WHERE id = ?", [whole_number(number)])
    if not rows:
        raise ApiError(404, f"Sequence {number} does not exist.", "OBJECT_NOT_FOUND", context={"sequenceId": [number]})
    return rows[0]


def sequence_body(row: sqlite3.Row) -> dict[str, str]:
    """Show a sequence."""
    made = stamp(row["created_at"])
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "createdAt": made,
        "updatedAt": made,
        "userId": row["user_id"],
    }


def enroll(call: Call) -> Response:
    """Answer `POST /automation/v4/sequences/enrollments?userId=…`: 200; one active enrolment per contact."""
    call.kind = object_types()["contacts"]
    user = user_of(call)
    body = call.body("contactId", "senderEmail", "sequenceId")
    sequence = sequence_row(call, str(body["sequenceId"]))
    contact = survivor(call.account, call.kind, str(body["contactId"]))
    if contact is None:
        raise not_found()
    sender = str(body["senderEmail"])
    if not call.storage.query("SELECT 1 FROM owners WHERE email = ? COLLATE NOCASE AND _deleted = 0", [sender]):
        raise refused(contact, "SENDER_NOT_CONNECTED", f"{sender} is not connected as a personal email.")
    email = recipient(call, contact)
    now = call.account.clock.now_ms()
    with call.writing(200) as transaction:
        number = call.storage.next_number("enrollment_id", NUMBER_FROM)
        row = [number, sequence["id"], contact, user, sender, email, now, None]
        transaction.execute("INSERT INTO enrollments VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        mark(transaction, contact, enrolled=True)
        transaction.associate("contacts", contact, {"sequence_id": str(sequence["id"]), "enrollment_id": str(number)})
    at = stamp(now)
    return json_response(200, {"id": str(number), "toEmail": email, "enrolledAt": at, "updatedAt": at})


def recipient(call: Call, contact: str) -> str:
    """Give the address that a contact is written to; raises ApiError where it cannot be enrolled."""
    row = call.storage.get("contacts", contact) or {}
    if call.storage.query(ACTIVE, [contact]):
        raise refused(contact, "ALREADY_ENROLLED", f"Contact {contact} is already enrolled in a sequence.")
    if row.get("hs_email_optout") == "true":
        raise refused(contact, "UNSUBSCRIBED", f"Contact {contact} has opted out of all email.")
    if not row.get("email"):
        raise refused(contact, "NO_EMAIL_ADDRESS", f"Contact {contact} has no email address.")
    return str(row["email"])


def refused(contact: str, reason: str, message: str) -> ApiError:
    """Refuse an enrolment."""
    errors = [{"message": message, "code": reason, "context": {"contactId": [contact]}}]
    return validation_error(message, subCategory=f"Sequences.{reason}", errors=errors)


def enrollment_of(call: Call, contact_id: str) -> Response:
    """Answer `GET /automation/v4/sequences/enrollments/contact/{contactId}`: 404 where there is no active one."""
    call.kind = object_types()["contacts"]
    rows = call.storage.query(
        "SELECT e.*, s.name, o.email AS user_email FROM enrollments e JOIN sequences s ON s.id = e.sequence_id"
        " LEFT JOIN owners o ON CAST(o.userId AS TEXT) = e.user_id WHERE e.contact_id = ? AND e.ended_at IS NULL",
        [survivor(call.account, call.kind, contact_id)],
    )
    if not rows:
        raise ApiError(404, f"Contact {contact_id} is not enrolled in a sequence.", "OBJECT_NOT_FOUND")
    row = rows[0]
    at = stamp(row["enrolled_at"])
    body = {"id": str(row["id"]), "toEmail": row["to_email"], "enrolledAt": at, "updatedAt": at}
    who = {"enrolledBy": row["user_id"], "enrolledByEmail": row["user_email"]}
    return json_response(200, body | who | {"sequenceId": str(row["sequence_id"]), "sequenceName": row["name"]})
