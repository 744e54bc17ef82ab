"""Forms, and what visitors submitted through them.

The list of forms is recorded. Submissions are not: from the vendor's reference of the forms API, version 1: newest
first, at most 50 a page, `submittedAt` in milliseconds, `after` opaque. That a submission makes the contact where no
address fits, and bumps its conversion properties, is from the vendor's help pages; the value of
hs_calculated_form_submissions (`guid::milliseconds`, joined by `;`) is as public code reads it. Forms are made, and
submitted, by people: `POST /control/form`, `POST /control/submission`.
"""

import base64
import binascii
import json
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.definitions import USER_ID
from connector.sandbox.hubspot.objects import object_types
from connector.sandbox.hubspot.reading import further_addresses, next_page
from connector.sandbox.hubspot.wire import ApiError, json_response, stamp, stored_stamp, validation_error
from connector.sandbox.hubspot.writing import insert, resolve, update
from connector.sandbox.storage import Storage, Transaction

FORMS_MAX, FORMS_DEFAULT = 500, 20
SUBMISSIONS_MAX, SUBMISSIONS_DEFAULT = 50, 20
REMEMBERED = 800
NAMESPACE = uuid.UUID("6d4d44f9-5c1f-4c0c-8a52-1f6a0c7d3b11")
FORMS = """
CREATE TABLE IF NOT EXISTS forms (number INTEGER PRIMARY KEY, guid TEXT UNIQUE, name TEXT, form_type TEXT,
  created_at INTEGER, updated_at INTEGER, archived INTEGER)
"""
SUBMISSIONS = """
CREATE TABLE IF NOT EXISTS form_submissions (guid TEXT, submitted_at INTEGER, conversion_id TEXT, page_url TEXT,
  fields TEXT, PRIMARY KEY (guid, submitted_at, conversion_id)) WITHOUT ROWID
"""
STYLE = {
    "fontFamily": "arial, helvetica, sans-serif",
    "backgroundWidth": "100%",
    "labelTextColor": "#33475b",
    "labelTextSize": "11px",
    "helpTextColor": "#7C98B6",
    "helpTextSize": "11px",
    "legalConsentTextColor": "#33475b",
    "legalConsentTextSize": "14px",
    "submitColor": "#ff7a59",
    "submitAlignment": "left",
    "submitFontColor": "#ffffff",
    "submitSize": "12px",
}
CONFIGURATION = {
    "language": "en",
    "cloneable": True,
    "postSubmitAction": {"type": "thank_you", "value": ""},
    "editable": True,
    "archivable": True,
    "recaptchaEnabled": False,
    "notifyContactOwner": False,
    "notifyRecipients": [USER_ID],
    "createNewContactForNewEmail": False,
    "prePopulateKnownValues": True,
    "allowLinkToResetKnownValues": False,
    "embedType": "V3",
}


def install(storage: Storage) -> None:
    """Make the tables."""
    for statement in (FORMS, SUBMISSIONS):
        storage.execute(statement)


def make_form(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/form`: {name, form_type?}; tells the form's id."""
    if unknown := sorted(body.keys() - {"name", "form_type"}):
        raise ValueError(f"{', '.join(unknown)}: unknown, expected name, form_type")
    with account.storage.transaction("human", "POST", "/control/form") as transaction:
        number, now_ms = account.storage.next_number("form_id"), account.clock.now_ms()
        guid = str(uuid.uuid5(NAMESPACE, str(number)))
        row = [number, guid, str(body["name"]), str(body.get("form_type", "hubspot")), now_ms, now_ms, 0]
        transaction.execute("INSERT INTO forms VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        transaction.note("forms", guid, "create", {"name": row[2]})
    return {"id": guid}


def submit_form(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/submission`: {form, email, page_url?, values?}; tells the contact's id.

    Raises KeyError for an unknown form.
    """
    if unknown := sorted(body.keys() - {"form", "email", "page_url", "values"}):
        raise ValueError(f"{', '.join(unknown)}: unknown, expected form, email, page_url, values")
    rows = account.storage.query("SELECT * FROM forms WHERE guid = ?", [str(body["form"])])
    if not rows:
        raise KeyError(str(body["form"]))
    given = {"email": str(body["email"]), **(body.get("values") or {})}
    fields = json.dumps([{"name": name, "value": str(value), "objectTypeId": "0-1"} for name, value in given.items()])
    with account.storage.transaction("human", "POST", "/control/submission") as transaction:
        now_ms, number = account.clock.now_ms(), account.storage.next_number("conversion_id")
        conversion = str(uuid.uuid5(NAMESPACE, f"conversion {number}"))
        transaction.execute(
            "INSERT INTO form_submissions VALUES (?, ?, ?, ?, ?)",
            [rows[0]["guid"], now_ms, conversion, body.get("page_url"), fields],
        )
        contact = converted(account, transaction, rows[0], given["email"], now_ms)
    return {"id": conversion, "contact": contact}


def converted(account: Account, transaction: Transaction, form: sqlite3.Row, email: str, now_ms: int) -> str:
    """Tell of a submission on the contact of an address, which is made where there is none; gives its id."""
    kind = object_types()["contacts"]
    number = resolve(account, kind, email, "email") or further_addresses(account, [email]).get(email.lower())
    if number is None:
        number = insert(account, transaction, kind, {"email": email.lower(), "hs_object_source": "FORM"})
    before = account.storage.get(kind.plural, number) or {}
    known = [each for each in str(before.get("hs_calculated_form_submissions") or "").split(";") if each]
    known = [*known, f"{form['guid']}::{now_ms}"][-REMEMBERED:]
    told = {
        "hs_calculated_form_submissions": ";".join(known),
        "recent_conversion_date": stored_stamp(now_ms),
        "recent_conversion_event_name": form["name"],
        "num_conversion_events": str(int(before.get("num_conversion_events") or 0) + 1),
        "num_unique_conversion_events": str(len({each.partition(":")[0] for each in known})),
    }
    if not before.get("first_conversion_date"):
        told |= {"first_conversion_date": stored_stamp(now_ms), "first_conversion_event_name": form["name"]}
    update(account, transaction, kind, number, told, by_person=True)
    return number


def list_forms(call: Call) -> Response:
    """Answer `GET /marketing/v3/forms`: in the order they were made; formTypes and archived choose."""
    limit = call.number("limit", FORMS_DEFAULT, FORMS_MAX)
    start = offset_of(call.request.first("after"))
    rows = call.storage.query("SELECT * FROM forms WHERE archived = ? ORDER BY number", [int(call.flag("archived"))])
    types = call.names("formTypes")
    found = [row for row in rows if types is None or row["form_type"] in types]
    body: dict[str, Any] = {"results": [form_body(row) for row in found[start : start + limit]]}
    if len(found) > start + limit:
        body["paging"] = {"next": next_page(call, cursor_at(start + limit))}
    return json_response(200, body)


def get_form(call: Call, id: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /marketing/v3/forms/{id}`. No recording of the 404."""
    return json_response(200, form_body(form_row(call, id)))


def form_row(call: Call, guid: str) -> sqlite3.Row:
    """Find a form; raises ApiError 404."""
    rows = call.storage.query("SELECT * FROM forms WHERE guid = ?", [guid])
    if not rows:
        raise ApiError(404, f"No form found with guid {guid}", "OBJECT_NOT_FOUND")
    return rows[0]


def form_body(row: sqlite3.Row) -> dict[str, Any]:
    """Show a form; the sandbox keeps no fields of it."""
    return {
        "id": row["guid"],
        "name": row["name"],
        "createdAt": stamp(row["created_at"]),
        "updatedAt": stamp(row["updated_at"]),
        "archived": bool(row["archived"]),
        "fieldGroups": [{"groupType": "default_group", "richTextType": "text"}],
        "configuration": CONFIGURATION,
        "displayOptions": {
            "renderRawHtml": False,
            "theme": "default_style",
            "submitButtonText": "Submit",
            "style": STYLE,
            "cssClass": None,
        },
        "legalConsentOptions": {"type": "none"},
        "formType": row["form_type"],
    }


def list_submissions(call: Call, guid: str) -> Response:
    """Answer `GET /form-integrations/v1/submissions/forms/{guid}`: newest first."""
    form_row(call, guid)
    limit = call.number("limit", SUBMISSIONS_DEFAULT, SUBMISSIONS_MAX)
    values: list[Any] = [guid]
    where, after = "guid = ?", call.request.first("after")
    if after:
        where += " AND (submitted_at, conversion_id) < (?, ?)"
        at_ms, _, conversion = decoded(after).partition("|")
        values += [int(at_ms or 0), conversion]
    rows = call.storage.query(
        f"SELECT * FROM form_submissions WHERE {where} ORDER BY submitted_at DESC, conversion_id DESC LIMIT ?",  # noqa: S608 - constant texts
        [*values, limit + 1],
    )
    body: dict[str, Any] = {"results": [submission_body(row) for row in rows[:limit]]}
    if len(rows) > limit:
        last = rows[limit - 1]
        body["paging"] = {"next": next_page(call, encoded(f"{last['submitted_at']}|{last['conversion_id']}"))}
    return json_response(200, body)


def submission_body(row: sqlite3.Row) -> dict[str, Any]:
    """Show one submission."""
    return {
        "conversionId": row["conversion_id"],
        "submittedAt": row["submitted_at"],
        "values": json.loads(row["fields"]),
        "pageUrl": row["page_url"] or "",
    }


def encoded(text: str) -> str:
    """Make an opaque cursor."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def decoded(after: str) -> str:
    """Read a cursor; raises ApiError where it is none of ours."""
    try:
        return base64.urlsafe_b64decode(after).decode()
    except (binascii.Error, ValueError) as error:
        raise validation_error(f"Invalid after value: {after}") from error


def cursor_at(offset: int) -> str:
    """Make the opaque cursor that stands at a place of a list."""
    return encoded(str(offset))


def offset_of(after: str | None) -> int:
    """Read the place that a cursor stands at; raises ApiError."""
    text = decoded(after) if after else "0"
    if not text.isdigit():
        raise validation_error(f"Invalid after value: {after}")
    return int(text)
