"""A HubSpot account's records as its pages show them: contacts and companies."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from connector.sandbox.pages.history import changes_of, latest
from connector.sandbox.pages.ranking import listed, ranked
from connector.sandbox.pages.scores import is_ours, scores_of
from connector.sandbox.pages.view import Activity, ListedRecord, ListView, Membership, RecordView, Row, Task
from connector.sandbox.pages.words import moment, spoken
from connector.sandbox.storage import Storage, quote

RECORD = re.compile(r"/contacts/(?P<portal>\d+)/record/(?P<type>\d+-\d+|\w+)/(?P<id>\d+)/?")
LIST = re.compile(r"/contacts/(?P<portal>\d+)/objects/(?P<type>\d+-\d+|\w+)/views/all/list/?")
TYPES = {"0-1": "contacts", "contacts": "contacts", "0-2": "companies", "companies": "companies"}
IDS = {"contacts": "0-1", "companies": "0-2"}
KINDS = {"contacts": ("Contact", "Contacts"), "companies": ("Company", "Companies")}
FACTS = {
    "contacts": {
        "email": "Email",
        "phone": "Phone",
        "lifecyclestage": "Lifecycle stage",
        "hs_lead_status": "Lead status",
        "hs_analytics_source": "Source",
        "country": "Country",
    },
    "companies": {
        "domain": "Domain",
        "industry": "Industry",
        "type": "Type",
        "numberofemployees": "Employees",
        "annualrevenue": "Revenue",
        "country": "Country",
    },
}
ENGAGEMENTS = {
    "calls": ("call", "hs_call_title"),
    "emails": ("email", "hs_email_subject"),
    "meetings": ("meeting", "hs_meeting_title"),
    "notes": ("note", "hs_note_body"),
}
LISTED_MAX, PEOPLE_MAX, ACTIVITIES_MAX = 100, 10, 12
NAMED = {
    "list_id": "SELECT name FROM lists WHERE list_id = ?",
    "sequence_id": "SELECT name FROM sequences WHERE id = ?",
}
LINKED = "SELECT DISTINCT to_id FROM associations WHERE from_type = ? AND to_type = ? AND from_id = ?"

Members = Callable[[str, str], list[tuple[str, str]]]
"""Give the names of the lists that a record (object, id) is on, each with what kind of list it is."""

Label = Callable[[str, str, str], str]
"""Give a value (of an object's property) as people read it: an option's label, or the value."""


class HubSpotPages:
    """Read what the pages of one account show."""

    def __init__(self, storage: Storage, portal_id: int, members: Members, label: Label) -> None:
        self._storage, self._portal_id, self._members, self._label = storage, portal_id, members, label

    def find(self, path: str) -> RecordView | ListView | None:
        """Read what a path shows; null where the path is none of a page's. Raises KeyError for an unknown record."""
        record, listing = RECORD.fullmatch(path), LIST.fullmatch(path)
        found = record or listing
        if found is None or found["portal"] != str(self._portal_id) or found["type"] not in TYPES:
            return None
        plural = TYPES[found["type"]]
        return self._record(plural, record["id"]) if record else self._list(plural)

    def record_url(self, plural: str, number: object) -> str:
        """Give a record's own address."""
        return f"/contacts/{self._portal_id}/record/{IDS[plural]}/{number}"

    def list_url(self, plural: str) -> str:
        """Give the address of an object's list."""
        return f"/contacts/{self._portal_id}/objects/{IDS[plural]}/views/all/list"

    def _list(self, plural: str) -> ListView:
        rows, total = ranked(self._storage, plural, "1", [], LISTED_MAX)
        others = tuple((label, self.list_url(other)) for other, (_, label) in KINDS.items())
        return ListView("HubSpot", KINDS[plural][1], tuple(self._listed(plural, rows)), total, others)

    def _listed(self, plural: str, rows: list[Row]) -> Iterator[ListedRecord]:
        waiting = self._storage.query(
            "SELECT DISTINCT a.to_id, t._id FROM associations a JOIN tasks t ON t._id = CAST(a.from_id AS TEXT)"
            " WHERE a.from_type = 'tasks' AND a.to_type = ? AND t._deleted = 0 AND t.hs_task_status <> 'COMPLETED'",
            [plural],
        )
        tasks = Counter(str(row[0]) for row in waiting)
        for row in rows:
            yield listed(row, lambda each: self._described(plural, each), tasks)

    def _described(self, plural: str, row: Row) -> tuple[str, str, str, str]:
        detail = ", ".join(filter(None, (row.get("jobtitle"), self._company(plural, row)[0])))
        if plural == "companies":
            detail = str(row.get("industry") or "").replace("_", " ").capitalize()
        return self.record_url(plural, row["_id"]), full_name(row), detail, self._owner(row.get("hubspot_owner_id"))

    def _record(self, plural: str, number: str) -> RecordView:
        merged = self._storage.query("SELECT new_id FROM merged_ids WHERE object = ? AND old_id = ?", [plural, number])
        number = merged[0][0] if merged else number
        row = self._storage.get(plural, number)
        if row is None:
            raise KeyError(number)
        company, company_url = self._company(plural, row)
        return RecordView(
            crm="HubSpot",
            kind=KINDS[plural][0],
            name=full_name(row),
            title=str(row.get("jobtitle") or ""),
            company=company,
            company_url=company_url,
            owner=self._owner(row.get("hubspot_owner_id")),
            list_url=self.list_url(plural),
            facts=tuple(self._spell(plural, name, str(row[name])) for name in FACTS[plural] if row.get(name)),
            scores=scores_of(row),
            tasks=tuple(self._tasks(plural, number)),
            activities=self._activities(plural, number),
            memberships=self._memberships(plural, number),
            changes=changes_of(self._storage, plural, number, partial(self._spell, plural)),
            people=self._people(number) if plural == "companies" else (),
        )

    def _company(self, plural: str, row: Row) -> tuple[str, str]:
        if plural != "contacts":
            return "", ""
        found = self._storage.query(
            "SELECT to_id FROM associations WHERE from_type = 'contacts' AND to_type = 'companies' AND from_id = ?"
            " ORDER BY type_id LIMIT 1",
            [int(row["_id"])],
        )
        company = self._storage.get("companies", str(found[0][0])) if found else None
        if company is None:
            return str(row.get("company") or ""), ""
        return full_name(company), self.record_url("companies", company["_id"])

    def _owner(self, owner_id: str | None) -> str:
        owner = self._storage.get("owners", owner_id or "", deleted=True)
        if owner is None:
            return ""
        named = " ".join(filter(None, (owner["firstName"], owner["lastName"]))) or str(owner["email"] or owner["_id"])
        return f"{named} (inactive)" if owner["_deleted"] else named

    def _spell(self, plural: str, field: str, value: str) -> tuple[str, str]:
        if field == "hubspot_owner_id":
            return "Owner", self._owner(value) or value
        if field in NAMED:
            rows = self._storage.query(NAMED[field], [value])
            return "", rows[0][0] if rows else value
        return FACTS[plural].get(field, spoken(field)), self._label(plural, field, value)

    def _linked(self, plural: str, number: str, target: str) -> list[Row]:
        found = self._storage.query(LINKED, [plural, target, int(number)])
        marks = ", ".join("?" for _ in found)
        rows = self._storage.query(
            f"SELECT * FROM {quote(target)} WHERE _deleted = 0 AND _id IN ({marks}) ORDER BY _created_at DESC",  # noqa: S608 - quoted identifiers
            [str(row[0]) for row in found],
        )
        return [dict(row) for row in rows]

    def _tasks(self, plural: str, number: str) -> Iterator[Task]:
        for row in self._linked(plural, number, "tasks"):
            yield Task(
                subject=str(row["hs_task_subject"] or "(no subject)"),
                status=str(row["hs_task_status"] or "").replace("_", " ").capitalize(),
                priority=str(row["hs_task_priority"] or "").replace("NONE", "").capitalize(),
                owner=self._owner(row["hubspot_owner_id"]),
                due_at=moment(row["hs_timestamp"]) if row["hs_timestamp"] else None,
                whole_day=False,
                lines=tuple(plain_lines(str(row["hs_task_body"] or ""))),
                closed=row["hs_task_status"] == "COMPLETED",
                ours=is_ours(row),
            )

    def _activities(self, plural: str, number: str) -> tuple[Activity, ...]:
        found = [
            (row["hs_timestamp"], kind, row[words])
            for target, (kind, words) in ENGAGEMENTS.items()
            for row in self._linked(plural, number, target)
        ]
        events = self._storage.query(
            "SELECT occurred_at, event_type, properties FROM event_occurrences WHERE object_type = ? AND object_id = ?"
            " ORDER BY occurred_at DESC LIMIT ?",
            [plural, int(number), ACTIVITIES_MAX],
        )
        return latest([*found, *(event_words(*row) for row in events)], ACTIVITIES_MAX)

    def _memberships(self, plural: str, number: str) -> tuple[Membership, ...]:
        lists = [Membership(name, detail) for name, detail in self._members(plural, number)]
        rows = self._storage.query(
            "SELECT s.name, e.ended_at FROM enrollments e JOIN sequences s ON s.id = e.sequence_id"
            " WHERE ? = 'contacts' AND e.contact_id = ? ORDER BY e.id DESC",
            [plural, number],
        )
        return (*lists, *(Membership(row[0], "sequence, ended" if row[1] else "sequence, active") for row in rows))

    def _people(self, number: str) -> tuple[ListedRecord, ...]:
        linked = "CAST(_id AS INTEGER) IN (SELECT to_id FROM associations WHERE from_type = 'companies'"
        where = f"{linked} AND to_type = 'contacts' AND from_id = ?)"
        rows, _ = ranked(self._storage, "contacts", where, [int(number)], PEOPLE_MAX)
        return tuple(self._listed("contacts", rows))


def full_name(row: Row) -> str:
    """Name a person by name or address, a company by its name or domain."""
    joined = " ".join(filter(None, (row.get("firstname"), row.get("lastname"))))
    return joined or str(row.get("name") or row.get("email") or row.get("domain") or row["_id"])


def plain_lines(text: str) -> Iterator[str]:
    """Read a body that may be HTML as lines of text, which the page escapes once more."""
    broken = re.sub(r"(?i)<br\s*/?>|</p>|</li>", "\n", text)
    for line in re.sub(r"<[^>]+>", "", broken).splitlines():
        if line.strip():
            yield line.strip()


def event_words(occurred_at: int, event_type: str, properties: str) -> tuple[int, str, str]:
    """Say what an event was."""
    told = json.loads(properties)
    kind = told.get("type") or re.sub(r"^(e|pe\d+)_", "", event_type)
    return occurred_at, kind, told.get("asset") or told.get("hs_url") or told.get("url") or ""
