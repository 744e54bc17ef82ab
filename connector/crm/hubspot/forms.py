"""Form submissions, which HubSpot keeps apart from its records and tells per form, newest first.

A submission names an e-mail address and no contact. Which forms have news is asked of the contacts: their recent
conversion date can be searched, and hs_calculated_form_submissions tells forms and times. So a look costs the list of
forms and one search, whatever the number of forms, and a page or more for each form with news; once a day every form
is looked at, for submissions that no contact tells of. The first pull reads all submissions, 50 a call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.crm.base import Page
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor, instant, stamp_of
from connector.crm.hubspot.errors import Refused
from connector.crm.hubspot.rows import following, moment_of, table_of
from connector.crm.hubspot.search import SEARCH_CAP, SEARCH_PAGE, epoch_ms
from connector.errors import RetryableError
from mappings.fields import FieldKind

FIELDS: Mapping[str, FieldKind] = {
    "id": "text",
    "submittedAt": "datetime",
    "formId": "text",
    "formName": "text",
    "formType": "text",
    "pageUrl": "text",
    "email": "text",
    "contactId": "reference",
}
VALUES = "values."  # what a visitor wrote into a field of the form; only what a mapping names is kept
LATE = timedelta(hours=1)
FULL_LOOK = timedelta(days=1)
PAGES_PER_TABLE = 20
BATCH_READ = 100
SUBMISSIONS = "hs_calculated_form_submissions"
CONVERTED = "recent_conversion_date"

Row = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """Name a form."""

    id: str
    name: str
    type: str


@dataclass(frozen=True)
class News:
    """Say which forms have submissions since a time, and whose they are by form and milliseconds."""

    forms: frozenset[str]
    contacts: Mapping[tuple[str, int], str]


def all_forms(client: Client) -> tuple[Form, ...]:
    """List the forms of every type, archived ones left out."""
    found: list[Form] = []
    after: str | None = None
    while True:
        body = client.forms_page(after).json()
        found += [
            Form(str(one["id"]), str(one.get("name") or ""), str(one.get("formType") or "")) for one in body["results"]
        ]
        after = following(body, after, "list of forms")
        if after is None:
            return tuple(found)


def chosen(forms: Sequence[Form], wanted: str) -> tuple[Form, ...]:
    """Give the forms that a mapping asks for: `*`, a form's id, or its name in any letter case."""
    return tuple(form for form in forms if wanted in ("*", form.id) or form.name.lower() == wanted.lower())


@dataclass(frozen=True)
class Submissions:
    """Read the submissions of some forms."""

    client: Client
    forms: tuple[Form, ...]
    fields: tuple[str, ...]

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Read everything form by form, going on where it was interrupted; later what is new."""
        return self._everything(cursor) if cursor.since_at is None else self._changed(cursor)

    def _everything(self, cursor: Cursor) -> Iterator[Page]:
        started_at = cursor.started_at or self._answered_at()
        order = [form.id for form in self.forms]
        start = order.index(cursor.stage) if cursor.stage in order else 0
        after = cursor.after if cursor.stage in order else None
        for form in self.forms[start:]:
            for rows, reached in self._form(form, after, None):
                yield self._page(rows, {}, Cursor(started_at=started_at, stage=form.id, after=reached))
            after = None
        yield self._page([], {}, Cursor(since_at=started_at, swept_at=started_at))

    def _changed(self, cursor: Cursor) -> Iterator[Page]:
        since_at = instant(cursor.since_at)
        if since_at is None:
            raise AssertionError("a cursor of changes has a time")
        swept_at = instant(cursor.swept_at) or since_at
        from_ms = epoch_ms(since_at - LATE)
        news = self._news(from_ms) if self.forms else News(frozenset(), {})
        started_at = self._answered_at()
        full = news is None or _moment(started_at) - swept_at >= FULL_LOOK
        known = news.contacts if news else {}
        for form in self.forms:
            if full or (news and form.id in news.forms):
                for rows, _ in self._form(form, None, from_ms):
                    yield self._page(rows, known, cursor)
        yield self._page([], {}, replace(cursor, since_at=started_at, swept_at=started_at if full else cursor.swept_at))

    def _news(self, from_ms: int) -> News | None:
        """Ask the contacts which forms have news; null where too many were converted, or none can be asked."""
        forms: set[str] = set()
        contacts: dict[tuple[str, int], str] = {}
        after: str | None = None
        for _ in range(SEARCH_CAP // SEARCH_PAGE):
            try:
                body = self.client.search("contacts", _search(from_ms, after)).json()
            except Refused:
                return None
            for one in body.get("results") or ():
                for form, at_ms in submitted((one.get("properties") or {}).get(SUBMISSIONS)):
                    if at_ms >= from_ms:
                        forms.add(form)
                        contacts[form, at_ms] = str(one["id"])
            after = following(body, after, "search of converted contacts")
            if after is None:
                return News(frozenset(forms), contacts)
        return None

    def _form(self, form: Form, after: str | None, from_ms: int | None) -> Iterator[tuple[list[Row], str | None]]:
        """Read one form's submissions down to a time, with where the reading goes on."""
        rows: list[Row] = []
        for _ in iter(int, 1):
            body = self.client.submissions_page(form.id, after).json()
            results = body.get("results") or []
            rows += [_row(form, one) for one in results if from_ms is None or _submitted_ms(one) >= from_ms]
            after = following(body, after, f"submissions of form {form.id}")
            older = from_ms is not None and any(_submitted_ms(one) < from_ms for one in results)
            if after is None or older:
                break
            if len(rows) >= PAGES_PER_TABLE * 50:
                yield rows, after
                rows = []
        yield rows, None

    def _page(self, rows: list[Row], known: Mapping[tuple[str, int], str], cursor: Cursor) -> Page:
        """Make a page, with the contact of each submission as far as there is one."""
        for row in rows:
            row["contactId"] = known.get((row["formId"], row["at_ms"]))
        unknown = dict.fromkeys(
            row["email"] for row in rows if row["contactId"] is None and "@" in (row["email"] or "")
        )
        by_email = contacts_by_email(self.client, list(unknown)) if "contactId" in self.fields else {}
        for row in rows:
            row["contactId"] = row["contactId"] or by_email.get(row["email"] or "")
        kinds = {name: FIELDS.get(name, "text") for name in self.fields}
        return Page(table_of(rows, kinds), cursor=cursor.text())

    def _answered_at(self) -> str:
        answered_at = self.client.session.answered_at
        if answered_at is None:
            raise RetryableError("HubSpot answered without a Date header, which the next pull starts from")
        return stamp_of(answered_at)


def contacts_by_email(client: Client, addresses: Sequence[str]) -> dict[str, str]:
    """Find contacts by address, further addresses of theirs included; unknown ones are absent."""
    found: dict[str, str] = {}
    asked = ["email", "hs_additional_emails"]
    for start in range(0, len(addresses), BATCH_READ):
        inputs = [{"id": one} for one in addresses[start : start + BATCH_READ]]
        body = {"properties": asked, "propertiesWithHistory": [], "idProperty": "email", "inputs": inputs}
        for one in client.batch_read("contacts", body).json().get("results") or ():
            properties = one.get("properties") or {}
            names = ";".join(properties.get(name) or "" for name in asked).lower().split(";")
            found |= dict.fromkeys(filter(None, names), str(one["id"]))
    return found


def submitted(text: str | None) -> Iterator[tuple[str, int]]:
    """Read `guid::milliseconds;…`; what does not read so is passed over."""
    for part in (text or "").split(";"):
        form, _, at_ms = part.strip().partition(":")
        if form and at_ms.lstrip(":").isdigit():
            yield form, int(at_ms.lstrip(":"))


def _search(from_ms: int, after: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "filterGroups": [
            {"filters": [{"propertyName": CONVERTED, "operator": "GTE", "value": str(max(from_ms, 1000))}]}
        ],
        "sorts": [{"propertyName": CONVERTED, "direction": "ASCENDING"}],
        "properties": [SUBMISSIONS],
        "limit": SEARCH_PAGE,
    }
    return body if after is None else body | {"after": after}


def _row(form: Form, one: Mapping[str, Any]) -> Row:
    given = {str(each.get("name")): each.get("value") for each in one.get("values") or ()}
    at_ms = _submitted_ms(one)
    email = str(given.get("email") or "").strip().lower() or None
    own = {"id": f"{form.id}-{one.get('conversionId') or at_ms}", "at_ms": at_ms, "submittedAt": moment_of(at_ms)}
    about = {"formId": form.id, "formName": form.name, "formType": form.type, "pageUrl": one.get("pageUrl") or None}
    return {**{f"{VALUES}{name}": value for name, value in given.items()}, **own, **about, "email": email}


def _submitted_ms(one: Mapping[str, Any]) -> int:
    return int(one.get("submittedAt") or 0)


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
