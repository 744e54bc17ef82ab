"""Columns of CRM rows as Arrow arrays of the canonical types; knows nothing of mappings files.

Unknown is null: blank text, NaN and text that does not read as the wanted type become null.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from scoring.schema import ColumnType

ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", "UTC"),
    "list": pa.list_(pa.string()),
    "map": pa.string(),
}
"""Arrow type of each canonical column type; a map travels as JSON text."""
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def field_of(rows: pa.Table, name: str) -> pa.Array:
    """Give one CRM field of the rows as one array; a column that is not there is unknown throughout."""
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    column = rows.column(name)
    array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def blank_to_null(array: pa.Array) -> pa.Array:
    """Replace blank text, NaN and empty lists by null."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(array)), 0)
    elif pa.types.is_floating(array.type):
        blank = pc.is_nan(array)
    elif pa.types.is_list(array.type):
        blank = pc.equal(pc.list_value_length(array), 0)
    else:
        return array
    if not pc.any(blank).as_py():
        return array
    # taking null indices works for lists too, where if_else does not in old Arrow versions
    return array.take(pc.if_else(pc.fill_null(blank, False), None, pa.array(range(len(array)), pa.int64())))


def map_distinct(array: pa.Array, function: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Run a function once per distinct text and spread the results; null stays null."""
    encoded = array.cast(pa.string()).dictionary_encode()
    mapped = [None if value is None else function(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(mapped, kind).take(encoded.indices)


def _parse_time(text: str) -> datetime | None:
    """Read ISO 8601 (no zone means UTC, a date its midnight) or epoch milliseconds."""
    try:
        if text.strip().isdigit():
            return datetime.fromtimestamp(int(text) // 1000, UTC)
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse_number(text: str) -> float | None:
    try:
        parsed = float(text)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def _parse_boolean(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def as_text(array: pa.Array) -> pa.Array:
    """Cast to text; whole numbers lose their `.0`, since vendors type some ids as numbers; a list gives its first."""
    if pa.types.is_list(array.type):
        return as_text(first_of_list(array))
    if pa.types.is_floating(array.type):
        whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), 2.0**53))
        integers = pc.if_else(whole, array, None).cast(pa.int64()).cast(pa.string())
        return pc.if_else(whole, integers, array.cast(pa.string()))
    if pa.types.is_timestamp(array.type):
        return pc.binary_join_element_wise(array.cast(pa.timestamp("s")).cast(pa.string()), "Z", "")
    return array.cast(pa.string())


def as_datetime(array: pa.Array) -> pa.Array:
    """Cast to UTC in whole seconds (floored); text as ISO or epoch ms, numbers as epoch ms."""
    if pa.types.is_floating(array.type) or pa.types.is_integer(array.type):
        array = pc.floor(array).cast(pa.int64()).cast(pa.timestamp("ms", "UTC"))
    elif not pa.types.is_timestamp(array.type):
        array = map_distinct(array, _parse_time, ARROW_TYPES["datetime"])
    # without a zone Arrow floors without a zone database, which small containers lack
    plain = array.cast(pa.timestamp("us"))
    return pc.floor_temporal(plain, unit="second").cast(ARROW_TYPES["datetime"])


def as_number(array: pa.Array) -> pa.Array:
    """Cast to float64; text that is no finite number becomes null."""
    if pa.types.is_string(array.type):
        return map_distinct(array, _parse_number, pa.float64())
    return array.cast(pa.float64())


def as_boolean(array: pa.Array) -> pa.Array:
    """Cast to boolean; text reads true/yes/1 and false/no/0."""
    if pa.types.is_boolean(array.type):
        return array
    return map_distinct(as_text(array), _parse_boolean, pa.bool_())


def as_list(array: pa.Array) -> pa.Array:
    """Cast to a list of text; a scalar becomes a list of one."""
    if pa.types.is_list(array.type):
        return array.cast(ARROW_TYPES["list"])
    text = as_text(array)
    offsets = pc.cumulative_sum(pc.cast(pc.is_valid(text), pa.int32()))
    starts = pa.concat_arrays([pa.array([0], pa.int32()), offsets])
    lists = pa.ListArray.from_arrays(starts, text.drop_null())
    return blank_to_null(lists)


def first_of_list(array: pa.Array) -> pa.Array:
    """Take the first element of each list; null where there is none."""
    return pc.list_element(blank_to_null(array), 0)


_CASTS: Final[Mapping[str, Callable[[pa.Array], pa.Array]]] = {
    "text": as_text,
    "map": as_text,
    "number": as_number,
    "boolean": as_boolean,
    "datetime": as_datetime,
    "list": as_list,
}


def cast(array: pa.Array, kind: ColumnType) -> pa.Array:
    """Bring an array to a canonical type; what does not read as it becomes null."""
    return blank_to_null(_CASTS[kind](blank_to_null(array)))


__all__ = ["ARROW_TYPES", "blank_to_null", "cast", "field_of", "map_distinct"]
