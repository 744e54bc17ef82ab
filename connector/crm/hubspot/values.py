"""HubSpot's texts to typed columns, and typed values to HubSpot's texts."""

import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from connector.crm.base import JsonScalar
from mappings.fields import FieldKind

INSTANT = pa.timestamp("us", "UTC")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
EPOCH_MS = r"^-?\d{1,15}$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cast(texts: pa.Array, kind: FieldKind) -> pa.Array:
    """Type one column of texts; what is empty or cannot be read is null."""
    texts = _blank_to_null(texts)
    match kind:
        case "number":
            return _numbers(texts)
        case "boolean":
            return _booleans(texts)
        case "datetime":
            return _instants(texts)
        case "date":
            return _days(texts)
        case "text" | "option" | "reference":
            return texts


def to_text(value: JsonScalar) -> str:
    """Write a value as HubSpot takes it; null clears the property.

    Raises ValueError for a number that is not finite.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number HubSpot can hold")
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _blank_to_null(texts: pa.Array) -> pa.Array:
    blank = pc.equal(texts, "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), texts) if pc.any(blank).as_py() else texts


def _only(texts: pa.Array, pattern: str) -> pa.Array:
    """Keep the texts that match and make the others null."""
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, pa.scalar(None, pa.string()))


def _numbers(texts: pa.Array) -> pa.Array:
    try:
        numbers = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        numbers = pc.cast(_only(pc.utf8_trim_whitespace(texts), NUMBER), pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _booleans(texts: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(texts)
    is_true = pc.equal(lower, "true")
    return pc.if_else(pc.or_(is_true, pc.equal(lower, "false")), is_true, pa.scalar(None, pa.bool_()))


def _instants(texts: pa.Array) -> pa.Array:
    """Read ISO 8601 with a zone; else epoch milliseconds and days at midnight UTC, which some computed values are."""
    try:
        return pc.cast(texts, INSTANT)
    except pa.ArrowInvalid:
        pass
    from_ms = pc.cast(pc.cast(_only(texts, EPOCH_MS), pa.int64()), pa.timestamp("ms", "UTC"))
    days = pc.binary_join_element_wise(_only(texts, DAY), "T00:00:00Z", "")
    rest = pc.if_else(pc.match_substring_regex(texts, EPOCH_MS), pa.scalar(None, pa.string()), texts)
    try:
        return pc.coalesce(pc.cast(from_ms, INSTANT), pc.cast(pc.coalesce(days, rest), INSTANT))
    except pa.ArrowInvalid:
        return pa.array([_instant(text) for text in texts.to_pylist()], INSTANT)


def _instant(text: str | None) -> datetime | None:
    """Read one text that the columns could not."""
    if text is None:
        return None
    try:
        if text.lstrip("-").isdigit():
            return EPOCH + timedelta(milliseconds=int(text))
        parsed = datetime.fromisoformat(text)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _days(texts: pa.Array) -> pa.Array:
    """Keep YYYY-MM-DD; the day of an instant is that of UTC, as HubSpot holds dates at midnight UTC."""
    is_day = pc.match_substring_regex(texts, DAY)
    if pc.all(is_day).as_py() is not False:
        return texts
    instants = _instants(pc.if_else(is_day, pa.scalar(None, pa.string()), texts))
    return pc.if_else(is_day, texts, pc.strftime(instants, "%Y-%m-%d"))
