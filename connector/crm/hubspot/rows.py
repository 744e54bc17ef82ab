"""What surfaces that are no CRM objects share: rows to typed tables, times, and cursors of pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from connector.crm.hubspot.values import EPOCH, INSTANT
from connector.errors import RetryableError
from mappings.fields import FieldKind

TYPES: Mapping[FieldKind, pa.DataType] = {"datetime": INSTANT, "number": pa.float64(), "boolean": pa.bool_()}


def table_of(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, FieldKind]) -> pa.Table:
    """Make a typed table of rows; what a row lacks is null, and text is what a value reads as."""
    return pa.table(
        {
            name: pa.array([_value(row.get(name), kind) for row in rows], TYPES.get(kind, pa.string()))
            for name, kind in kinds.items()
        }
    )


def _value(value: Any, kind: FieldKind) -> Any:  # noqa: ANN401 - a JSON value, made to fit its column
    if value is None or kind in TYPES:
        return value
    return str(value)


def moment_of(at_ms: int | None) -> datetime | None:
    """Take milliseconds since 1970 to UTC."""
    return None if not at_ms else EPOCH + timedelta(milliseconds=at_ms)


def following(body: Mapping[str, Any], after: str | None, asks: str) -> str | None:
    """Find where the next page starts; raises RetryableError where it is the same again."""
    found = ((body.get("paging") or {}).get("next") or {}).get("after")
    if found is not None and str(found) == after:
        raise RetryableError(f"HubSpot {asks} answers the same page again")
    return None if found is None else str(found)
