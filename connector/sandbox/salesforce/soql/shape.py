"""Turn rows into the nested records of an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADDRESS_KEYS = ("city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street")

Row = Sequence[Any]


@dataclass(frozen=True)
class Shape:
    """Say where a record's values lie in a row: from `first` on, its id and then one column per key.

    keys begins with `attributes`, whose column is the id. object is null where the column after the keys tells the
    type; shown_as replaces it in `attributes.type`. addresses: key to the columns of ADDRESS_KEYS.
    """

    object: str | None
    first: int
    keys: tuple[str, ...]
    booleans: tuple[str, ...] = ()
    addresses: tuple[tuple[str, tuple[int, ...]], ...] = ()
    parents: tuple[tuple[str, "Shape | Choice"], ...] = ()
    shown_as: str | None = None


@dataclass(frozen=True)
class Choice:
    """Say which shape a TYPEOF parent has: the first whose id is set."""

    branches: tuple[Shape, ...]


def build(shape: Shape, rows: Sequence[Row], base: str) -> list[dict[str, Any]]:
    """Build the records of a page; base is the path in front of `Lead/00Q…`."""
    simple = not (shape.booleans or shape.addresses or shape.parents)
    kind, keys = shape.object, shape.keys
    prefix = f"{base}{kind}/"
    records = []
    for row in rows:
        record = dict(zip(keys, row, strict=False))
        record["attributes"] = {"type": kind, "url": prefix + row[0]}
        if not simple:
            _finish(shape, record, row, base)
        records.append(record)
    return records


def nested(shape: "Shape | Choice", row: Row, base: str) -> dict[str, Any] | None:
    """Build a parent's record, or null where the lookup is empty."""
    if isinstance(shape, Choice):
        found = (nested(branch, row, base) for branch in shape.branches)
        return next((record for record in found if record is not None), None)
    record_id = row[shape.first]
    if record_id is None:
        return None
    kind = shape.object or row[shape.first + len(shape.keys)]
    target = "Group" if kind == "Queue" else kind
    record = dict(zip(shape.keys, row[shape.first :], strict=False))
    record["attributes"] = {"type": shape.shown_as or target, "url": f"{base}{target}/{record_id}"}
    _finish(shape, record, row, base)
    return record


def _finish(shape: Shape, record: dict[str, Any], row: Row, base: str) -> None:
    for key in shape.booleans:
        record[key] = bool(record[key])
    for key, columns in shape.addresses:
        record[key] = address([row[column] for column in columns])
    for key, parent in shape.parents:
        record[key] = nested(parent, row, base)


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
