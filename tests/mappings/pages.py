"""Pages of CRM rows as an adapter builds them, and what the packaged mappings make of them."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from mappings.model import Mapping
from mappings.read import to_canonical
from mappings.wanted import fields_to_read
from scoring.schema import TABLES

TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", "UTC"),
    "list": pa.list_(pa.string()),
    "map": pa.string(),
}
NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
TIMES = {"CreatedDate", "CompletedDateTime", "StartDateTime", "Occurred_At__c", "createdate", "closedate"}
TIMES |= {"hs_timestamp", "hs_meeting_start_time", "occurredAt"}
NUMBERS = {"NumberOfEmployees", "AnnualRevenue", "Value__c", "Amount", "numberofemployees", "annualrevenue", "amount"}
FLAGS = {"HasOptedOutOfEmail", "IsClosed", "IsWon", "IsChild", "HasResponded", "Is_Bot__c", "hs_email_optout"}
FLAGS |= {"hs_is_closed", "hs_is_closed_won"}


def arrow_type(field: str) -> pa.DataType:
    if field.startswith("associations."):
        return pa.list_(pa.string())
    if field in TIMES:
        return pa.timestamp("us", "UTC")
    return pa.float64() if field in NUMBERS else pa.bool_() if field in FLAGS else pa.string()


def page(mapping: Mapping, name: str, *records: dict[str, Any]) -> pa.Table:
    """Build the rows of a page as an adapter would: every field asked for, typed, null where a record has none."""
    columns = {
        field: pa.array([record.get(field) for record in records], arrow_type(field))
        for field in fields_to_read(mapping, name)
    }
    unknown = {field for record in records for field in record} - set(columns)
    assert not unknown
    return pa.table(columns)


def canonical(mapping: Mapping, name: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Map records and check the types of what comes back."""
    table = mapping.read[name].table
    rows = to_canonical(mapping, name, page(mapping, name, *records))[table]
    for column in rows.schema:
        kind = TABLES[table].columns.get(column.name, "text" if column.name == "outcome_id" else None)
        assert kind is None or column.type == TYPES[kind], column.name
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed
