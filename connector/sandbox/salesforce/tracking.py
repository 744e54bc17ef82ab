"""Field history: a row for each tracked field that changes, as LeadHistory and its like hold them.

A lead, contact, account or opportunity that is made gets a row `created`, a lead that is converted `leadConverted`; an
owner is told by name as `Owner`. Rows carry the time of the change and never change. Not journaled. No recording: from
the vendor's object reference; which fields are tracked is the org's choice, here those of TRACKED.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import ObjectSpec
from connector.sandbox.salesforce.org import Org

HISTORIES: Mapping[str, tuple[str, str]] = {
    "Account": ("AccountHistory", "AccountId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}
TRACKED: Mapping[str, frozenset[str]] = {
    "Account": frozenset({"Type", "Industry", "NumberOfEmployees", "AnnualRevenue", "OwnerId"}),
    "Contact": frozenset({"Title", "LeadSource", "AccountId", "OwnerId"}),
    "Lead": frozenset({"Status", "Rating", "Title", "LeadSource", "OwnerId"}),
    "Opportunity": frozenset({"StageName", "Amount", "CloseDate", "OwnerId"}),
}
DATA_TYPES = {"reference": "EntityId", "picklist": "DynamicEnum", "currency": "Currency", "date": "DateOnly"}
COUNTER = "EntityHistory"  # these objects share a key prefix
COLUMNS = ("_id", "_created_at", "_modified_at", "_deleted", "_created_by", "_modified_by")
TOLD = ("Field", "DataType", "OldValue", "NewValue")
Row = tuple[str, str, Any, Any]


def track(
    org: Org,
    spec: ObjectSpec,
    subject_id: str,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    actor: str = "connector",
) -> None:
    """Write the rows of one change; call it in the transaction of the change, before its values are in place."""
    if spec.name not in HISTORIES:
        return
    name, parent = HISTORIES[spec.name]
    names = ", ".join((*COLUMNS, parent, *TOLD))
    marks = ", ".join("?" for _ in range(len(COLUMNS) + 1 + len(TOLD)))
    now = org.clock.now_ms()
    for row in _rows(org, spec, before, values):
        row_id = record_id(name, org.storage.next_number(COUNTER))
        told = [row_id, now, now, 0, actor, actor, subject_id, *row]
        org.storage.execute(f"INSERT INTO {name} ({names}) VALUES ({marks})", told)  # noqa: S608 - our own names


def _rows(org: Org, spec: ObjectSpec, before: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Row]:
    if not before:
        yield ("created", "Text", None, None)
        return
    if spec.name == "Lead" and values.get("IsConverted") and not before.get("IsConverted"):
        yield ("leadConverted", "Text", None, None)
    for field in sorted(TRACKED[spec.name] & values.keys()):
        old, new = before.get(field), values[field]
        if old == new:
            continue
        kind = DATA_TYPES.get(spec.fields[field].type, "Text")
        if field == "OwnerId":  # told twice: by the ids and by the names
            yield ("Owner", "Text", _owner(org, old), _owner(org, new))
            yield ("Owner", kind, old, new)
        else:
            yield (field, kind, old, new)


def _owner(org: Org, owner_id: str | None) -> str | None:
    user = org.storage.get("User", owner_id or "", deleted=True)
    if user is not None:
        return " ".join(part for part in (user["FirstName"], user["LastName"]) if part)
    queue = org.storage.get("Group", owner_id or "", deleted=True)
    return None if queue is None else str(queue["Name"])
