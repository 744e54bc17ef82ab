"""A Salesforce org's records as its pages show them: leads, contacts and accounts."""

import re
from collections import Counter
from collections.abc import Iterator

from connector.sandbox.pages.history import changes_of, latest
from connector.sandbox.pages.ranking import listed, ranked
from connector.sandbox.pages.scores import is_ours, scores_of
from connector.sandbox.pages.view import Activity, ListedRecord, ListView, Membership, RecordView, Row, Task
from connector.sandbox.pages.words import moment, spoken
from connector.sandbox.storage import Storage, quote

RECORD = re.compile(r"/lightning/r/(?P<object>\w+)/(?P<id>\w{15,18})/view/?")
LIST = re.compile(r"/lightning/o/(?P<object>\w+)/list/?")
OBJECTS = {"Lead": "Leads", "Contact": "Contacts", "Account": "Accounts"}
FACTS = {
    "Lead": ("Email", "Phone", "Status", "Rating", "LeadSource", "Industry", "NumberOfEmployees", "Country"),
    "Contact": ("Email", "Phone", "LeadSource", "Department", "MailingCountry"),
    "Account": ("Website", "Industry", "Type", "NumberOfEmployees", "AnnualRevenue", "BillingCountry"),
}
LABELS = {"LeadSource": "Source", "NumberOfEmployees": "Employees", "AnnualRevenue": "Revenue"}
LISTED_MAX, PEOPLE_MAX, ACTIVITIES_MAX = 100, 10, 12
ACTIVITY_SUBTYPES = ("Call", "Email", "ListEmail", "LinkedIn")
MEETINGS = """
SELECT COALESCE(ActivityDateTime, StartDateTime), 'meeting', Subject FROM Event
WHERE _deleted = 0 AND ? IN (WhoId, WhatId, AccountId)
"""
WEB = """
SELECT Occurred_At__c, Type__c, COALESCE(Asset__c, URL__c) FROM Web_Activity__c
WHERE _deleted = 0 AND ? IN (Lead__c, Contact__c, Account__c)
"""


class SalesforcePages:
    """Read what the pages of one org show."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, path: str) -> RecordView | ListView | None:
        """Read what a path shows; null where the path is none of a page's. Raises KeyError for an unknown record."""
        record, listing = RECORD.fullmatch(path), LIST.fullmatch(path)
        if record and record["object"] in OBJECTS:
            return self._record(record["object"], record["id"])
        if listing and listing["object"] in OBJECTS:
            return self._list(listing["object"])
        return None

    def _list(self, name: str) -> ListView:
        rows, total = ranked(self._storage, name, self._open_ones(name), [], LISTED_MAX)
        others = tuple((label, list_url(other)) for other, label in OBJECTS.items())
        return ListView("Salesforce", OBJECTS[name], tuple(self._listed(name, rows)), total, others)

    def _open_ones(self, name: str) -> str:
        return "COALESCE(IsConverted, 0) = 0" if name == "Lead" else "1"

    def _listed(self, name: str, rows: list[Row]) -> Iterator[ListedRecord]:
        column = "WhatId" if name == "Account" else "WhoId"
        waiting = self._storage.query(
            f"SELECT {column} FROM Task WHERE _deleted = 0 AND Status <> 'Completed' AND {column} IS NOT NULL"  # noqa: S608 - one of two constants
        )
        tasks = Counter(str(row[0]) for row in waiting)
        for row in rows:
            yield listed(row, lambda each: self._described(name, each), tasks)

    def _described(self, name: str, row: Row) -> tuple[str, str, str, str]:
        detail = ", ".join(filter(None, (row.get("Title"), self._company(name, row)[0])))
        if name == "Account":
            detail = str(row.get("Industry") or "")
        return record_url(name, str(row["_id"])), full_name(row), detail, self._owner(row.get("OwnerId"))

    def _record(self, name: str, record_id: str) -> RecordView:
        row = self._storage.get(name, record_id) or self._of_short_id(name, record_id)
        company, company_url = self._company(name, row)
        record_id = str(row["_id"])
        tasks = self._tasks(record_id)
        return RecordView(
            crm="Salesforce",
            kind=name,
            name=full_name(row),
            title=str(row.get("Title") or ""),
            company=company,
            company_url=company_url,
            owner=self._owner(row.get("OwnerId")),
            list_url=list_url(name),
            facts=tuple((LABELS.get(each, each), str(row[each])) for each in FACTS[name] if row.get(each)),
            scores=scores_of(row),
            tasks=tuple(shown_task(task, self._owner(task["OwnerId"])) for task in tasks if is_task(task)),
            activities=self._activities(record_id, [task for task in tasks if not is_task(task)]),
            memberships=self._campaigns(record_id),
            changes=changes_of(self._storage, name, record_id, self._spell),
            people=self._people(record_id) if name == "Account" else (),
        )

    def _of_short_id(self, name: str, record_id: str) -> Row:
        rows = self._storage.query(
            f"SELECT * FROM {quote(name)} WHERE substr(_id, 1, 15) = ? AND _deleted = 0",  # noqa: S608 - quoted identifiers
            [record_id],
        )
        if not rows:
            raise KeyError(record_id)
        return dict(rows[0])

    def _company(self, name: str, row: Row) -> tuple[str, str]:
        if name == "Contact" and row.get("AccountId"):
            account = self._storage.get("Account", row["AccountId"])
            return (str(account["Name"]), record_url("Account", row["AccountId"])) if account else ("", "")
        return str(row.get("Company") or ""), ""

    def _owner(self, owner_id: str | None) -> str:
        user = self._storage.get("User", owner_id or "")
        queue = None if user else self._storage.get("Group", owner_id or "")
        if user:
            return full_name(user) + ("" if user.get("IsActive", 1) != 0 else " (inactive)")
        return f"{queue['Name']} (queue)" if queue else ""

    def _spell(self, field: str, value: str) -> tuple[str, str]:
        told = self._owner(value) or value if field == "OwnerId" else value
        return LABELS.get(field, spoken(field)), told

    def _tasks(self, record_id: str) -> list[Row]:
        rows = self._storage.query(
            "SELECT * FROM Task WHERE _deleted = 0 AND (WhoId = ? OR WhatId = ?) ORDER BY _created_at DESC",
            [record_id, record_id],
        )
        return [dict(row) for row in rows]

    def _activities(self, record_id: str, logged: list[Row]) -> tuple[Activity, ...]:
        times = ("CompletedDateTime", "ActivityDate")
        found = [
            (next((row[name] for name in times if row.get(name)), None), row["TaskSubtype"], row["Subject"])
            for row in logged
        ]
        for statement in (MEETINGS, WEB):
            found += [tuple(row) for row in self._storage.query(statement, [record_id])]
        return latest(found, ACTIVITIES_MAX)

    def _campaigns(self, record_id: str) -> tuple[Membership, ...]:
        rows = self._storage.query(
            "SELECT c.Name, m.Status FROM CampaignMember m JOIN Campaign c ON c._id = m.CampaignId"
            " WHERE m._deleted = 0 AND (m.LeadId = ? OR m.ContactId = ?) ORDER BY m._created_at DESC",
            [record_id, record_id],
        )
        return tuple(Membership(row[0], row[1] or "") for row in rows)

    def _people(self, account_id: str) -> tuple[ListedRecord, ...]:
        rows, _ = ranked(self._storage, "Contact", "AccountId = ?", [account_id], PEOPLE_MAX)
        return tuple(self._listed("Contact", rows))


def record_url(name: str, record_id: str) -> str:
    """Give a record's own address."""
    return f"/lightning/r/{name}/{record_id}/view"


def list_url(name: str) -> str:
    """Give the address of an object's list."""
    return f"/lightning/o/{name}/list"


def full_name(row: Row) -> str:
    """Name a person, or whatever has a name of its own."""
    joined = " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))
    return joined or str(row.get("Name") or row["_id"])


def is_task(row: Row) -> bool:
    """Tell a task that is to be done from a logged call or mail."""
    return is_ours(row) or row.get("TaskSubtype") not in ACTIVITY_SUBTYPES


def shown_task(row: Row, owner: str) -> Task:
    """Show one task."""
    return Task(
        subject=str(row.get("Subject") or "(no subject)"),
        status=str(row.get("Status") or ""),
        priority=str(row.get("Priority") or ""),
        owner=owner,
        due_at=moment(row["ActivityDate"]) if row.get("ActivityDate") else None,
        whole_day=True,
        lines=tuple(str(row.get("Description") or "").splitlines()),
        closed=row.get("Status") == "Completed",
        ours=is_ours(row),
    )
