"""The rows an org has from its first day: its organization, users, profile and the queue for unassigned leads."""

from typing import Any

from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import stored
from connector.sandbox.salesforce.org import (
    ADMIN_USER,
    AUTOMATED_USER,
    INTEGRATION_USER,
    PERSON_USER,
    UNASSIGNED_QUEUE,
    Org,
)
from connector.sandbox.salesforce.profiles import FIRST_DAY_MS, INTEGRATION_PROFILE, STANDARD_PROFILE
from connector.sandbox.storage import quote

ACTOR_IDS = {
    "connector": INTEGRATION_USER,
    "seed": ADMIN_USER,
    "human": PERSON_USER,
    "automation": AUTOMATED_USER,
}


def install_rows(org: Org) -> None:
    """Insert what is missing."""
    connector = _user("Leadlight", "Connector", org.credentials.username, "CloudIntegrationUser")
    connector["ProfileId"] = INTEGRATION_PROFILE
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("Organization", org.credentials.org_id, {"Name": "Leadlight Sandbox", "Country": "US"}),
        ("Profile", STANDARD_PROFILE, {"Name": "Standard User", "UserType": "Standard"}),
        ("Profile", INTEGRATION_PROFILE, {"Name": "Leadlight Integration", "UserType": "Standard"}),
        ("User", org.credentials.user_id, connector),
        ("User", ADMIN_USER, _user("Ada", "Admin", "admin@sandbox.invalid", "Standard")),
        ("User", PERSON_USER, _user("Pat", "Person", "pat@sandbox.invalid", "Standard")),
        ("User", AUTOMATED_USER, _user(None, "Automated Process", "auto@sandbox.invalid", "AutomatedProcess")),
        ("Group", UNASSIGNED_QUEUE, {"Name": "Unassigned Leads", "DeveloperName": "Unassigned_Leads", "Type": "Queue"}),
        ("QueueSobject", record_id("QueueSobject", 1), {"QueueId": UNASSIGNED_QUEUE, "SobjectType": "Lead"}),
    ]
    for name, row_id, fields in rows:
        if org.storage.get(name, row_id, deleted=True) is None:
            _insert(org, name, row_id, fields)


def _user(first: str | None, last: str, username: str, kind: str) -> dict[str, Any]:
    return {
        "FirstName": first,
        "LastName": last,
        "Username": username,
        "Email": username,
        "Alias": last[:8].lower(),
        "CommunityNickname": last,
        "UserType": kind,
        "ProfileId": STANDARD_PROFILE if kind != "AutomatedProcess" else None,
    }


def _insert(org: Org, name: str, row_id: str, fields: dict[str, Any]) -> None:
    spec = org.catalog.objects[name]
    defaults = {
        key: stored(field.default)
        for key, field in spec.fields.items()
        if field.default is not None and field.column is not None
    }
    values = {**defaults, **fields}
    columns = ", ".join(quote(key) for key in values)
    marks = ", ".join("?" for _ in values)
    statement = (
        f"INSERT INTO {quote(name)} (_id, _created_at, _modified_at, _deleted, _created_by, _modified_by, {columns})"  # noqa: S608 - quoted names
        f" VALUES (?, ?, ?, 0, 'seed', 'seed', {marks})"
    )
    org.storage.execute(statement, [row_id, FIRST_DAY_MS, FIRST_DAY_MS, *values.values()])
