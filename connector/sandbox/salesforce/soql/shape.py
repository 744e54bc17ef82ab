"""Turn rows into the nested records of an answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

ADDRESS_KEYS = ("city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street")

Row = Sequence[Any]
Column = tuple[Any, ...]


@dataclass(frozen=True)
class Shape:
    """Say where a record's values lie in a row: from `first` on, its id and then one column per key.

    keys begins with `attributes`, whose column is the id. object is null where the column after the keys tells the
    type; shown_as replaces it in `attributes.type`. stamps are in milliseconds. addresses: key to the columns of
    ADDRESS_KEYS.
    """

    object: str | None
    first: int
    keys: tuple[str, ...]
    booleans: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    addresses: tuple[tuple[str, tuple[int, ...]], ...] = ()
    parents: tuple[tuple[str, "Shape | Choice"], ...] = ()
    shown_as: str | None = None


@dataclass(frozen=True)
class Choice:
    """Say which shape a TYPEOF parent has: the first whose id is set."""

    branches: tuple[Shape, ...]


def build(shape: Shape, rows: Sequence[Row], base: str) -> list[dict[str, Any]]:
    """Build the records of a page; base is the path in front of `Lead/00Q…`."""
    columns = list(zip(*rows, strict=True))
    return [record for record in _records(shape, columns, base) if record is not None] if rows else []


def _records(shape: "Shape | Choice", columns: Sequence[Column], base: str) -> list[dict[str, Any] | None]:
    """Build one record per row, null where its id is; whole columns at a time, for speed."""
    if isinstance(shape, Choice):
        branches = (_records(branch, columns, base) for branch in shape.branches)
        return [next((record for record in row if record is not None), None) for row in zip(*branches, strict=True)]
    first, keys = shape.first, shape.keys
    ids = columns[first]
    values: dict[str, Iterable[Any]] = dict(zip(keys, columns[first : first + len(keys)], strict=True))
    values["attributes"] = _attributes(shape, columns, base)
    for key in shape.booleans:
        values[key] = map(bool, values[key])
    for key in shape.stamps:
        values[key] = [None if at_ms is None else stamp_text(at_ms) for at_ms in values[key]]
    for key, parts in shape.addresses:
        values[key] = map(address, zip(*(columns[part] for part in parts), strict=True))
    for key, parent in shape.parents:
        values[key] = _records(parent, columns, base)
    made = (dict(zip(keys, row, strict=True)) for row in zip(*values.values(), strict=True))
    return [None if record_id is None else record for record_id, record in zip(ids, made, strict=True)]


def _attributes(shape: Shape, columns: Sequence[Column], base: str) -> list[dict[str, Any]]:
    ids = columns[shape.first]
    if shape.object is not None:
        kind, prefix = shape.object, f"{base}{shape.object}/"
        return [{"type": kind, "url": f"{prefix}{record_id}"} for record_id in ids]
    kinds = ["Group" if kind == "Queue" else kind for kind in columns[shape.first + len(shape.keys)]]
    return [
        {"type": shape.shown_as or kind, "url": f"{base}{kind}/{record_id}"}
        for kind, record_id in zip(kinds, ids, strict=True)
    ]


def stamp_text(at_ms: int) -> str:
    """Write a system date, which the CRM keeps to the second; far faster than SQLite's own formatting."""
    minute, second = divmod(at_ms // 1000, 60)
    return f"{_minute_text(minute)}:{second:02d}.000+0000"


@lru_cache(maxsize=65_536)
def _minute_text(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M")


def address(values: Sequence[Any]) -> dict[str, Any] | None:
    """Build a compound address of the values of ADDRESS_KEYS, or null where all are."""
    return dict(zip(ADDRESS_KEYS, values, strict=True)) if any(value is not None for value in values) else None


def group_records(keys: Sequence[str], booleans: Mapping[int, bool], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Build the rows of an aggregate query."""
    made = []
    for row in rows:
        values = [bool(value) if booleans.get(index) else value for index, value in enumerate(row)]
        made.append({"attributes": {"type": "AggregateResult"}, **dict(zip(keys, values, strict=True))})
    return made
