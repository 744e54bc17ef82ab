"""Columns of plain files, brought to the types that rows are made of.

Unknown is null, NaN, and an empty or blank text. CSV values come as text and are typed by the column's name, custom
ones by all their values; Parquet keeps its own types.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from connector.sandbox.world.rows import CustomKind

ColumnKind = Literal["text", "number", "boolean", "datetime", "list", "map"]

NUMBER = r"^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
LONG_DIGITS = r"^[+-]?[0-9]{16,}"  # an identifier: a float would not hold it
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
SHORT_TEXT = 255
WORDS = {"true": True, "false": False}


def read_values(column: pa.ChunkedArray, kind: ColumnKind | CustomKind) -> list[Any]:
    """Give a column's values as rows hold them; raises ValueError naming the first value that does not fit."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        seconds = [None if value is None else value // 1_000_000 for value in column.to_pylist()]
        return seconds if kind == "datetime" else [None if at is None else iso_text(at) for at in seconds]
    read = READERS["text" if kind == "long_text" else kind]
    return [read(value) for value in column.to_pylist()]


def to_text(value: object) -> str | None:
    """Read a text; a list is joined with `;`."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (list, tuple)):
        return ";".join(str(item) for item in value if item is not None)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.strip() else None


def to_number(value: object) -> float | None:
    """Read a number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = float(str(value))
    if math.isinf(number):
        raise ValueError(f"{value!r} is not a finite number")
    return None if math.isnan(number) else number


def to_boolean(value: object) -> bool | None:
    """Read true or false, letter case ignored."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text and text not in WORDS:
        raise ValueError(f"{value!r} is neither true nor false")
    return WORDS.get(text)


def to_second(value: object) -> int | None:
    """Read an ISO 8601 time as whole seconds since 1970; UTC where it names no zone."""
    if value is None or not str(value).strip():
        return None
    at = datetime.fromisoformat(str(value).strip())
    return math.floor((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp())


def to_map(value: object) -> str | None:
    """Read a map as the JSON text of an object."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        if not isinstance(json.loads(value), dict):
            raise ValueError(f"{value[:60]!r} is not a JSON object")
        return value
    pairs = value.items() if isinstance(value, Mapping) else value
    known = {key: item for key, item in pairs if item is not None} if isinstance(pairs, Iterable) else {}
    return json.dumps(known, ensure_ascii=False, default=str) if known else None


READERS: Mapping[str, Callable[[object], Any]] = {
    "text": to_text,
    "list": to_text,
    "number": to_number,
    "boolean": to_boolean,
    "datetime": to_second,
    "map": to_map,
}


def iso_text(second: int) -> str:
    """Write a time for a column that holds text."""
    return datetime.fromtimestamp(second, tz=UTC).isoformat().replace("+00:00", "Z")


def custom_kind(column: pa.ChunkedArray) -> CustomKind:
    """Tell what a custom column holds: by its type, and texts by all their values."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return "text"
    return text_kind(column)


def text_kind(column: pa.ChunkedArray) -> CustomKind:
    """Tell what a column of texts holds; a leading zero or more than 15 digits keep it text."""
    trimmed = pc.utf8_trim_whitespace(column)
    filled = trimmed.filter(pc.not_equal(trimmed, ""))
    if len(filled) == 0:
        return "text"
    if fits(filled, NUMBER) and not pc.any(pc.match_substring_regex(filled, LONG_DIGITS)).as_py():
        return "number"
    if fits(filled, "^(true|false)$"):
        return "boolean"
    if fits(filled, TIME):
        return "datetime"
    longest = pc.max(pc.utf8_length(filled)).as_py()
    return "long_text" if longest > SHORT_TEXT else "text"


def fits(column: pa.ChunkedArray, pattern: str) -> bool:
    """Tell whether all texts match a pattern, letter case ignored."""
    return bool(pc.all(pc.match_substring_regex(column, pattern, ignore_case=True)).as_py())
