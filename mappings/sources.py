"""Columns out of a mapping's sources: the first CRM field that is set, transformed and of the wanted type."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import ARROW_TYPES, as_text, blank_to_null, cast, field_of, map_distinct
from mappings.conditions import matches
from mappings.normal.channels import PARTS
from mappings.spec import Source
from mappings.transforms import TRANSFORMS, bound
from scoring.schema import ColumnType


def first_set(sources: Sequence[Source], rows: pa.Table, kind: ColumnType | None) -> pa.Array:
    """Give one array of the wanted type; per row the first source that is known there.

    kind null (a custom column) keeps the type that the CRM or the transform gives.
    """
    found = list(_candidates(sources, rows))
    kind = kind or _natural_kind(found[0].type)
    arrays = [cast(array, kind) for array in found]
    return arrays[0] if len(arrays) == 1 else pc.coalesce(*arrays)


def links(sources: Sequence[Source], rows: pa.Table) -> pa.Array:
    """Give record ids per row: text, or lists of text where any source is a list (HubSpot associations)."""
    found = list(_candidates(sources, rows))
    if not any(pa.types.is_list(array.type) for array in found):
        return first_set(sources, rows, "text")
    lists = [cast(array, "list") for array in found]
    return lists[0] if len(lists) == 1 else _coalesce_lists(lists)


def _candidates(sources: Sequence[Source], rows: pa.Table) -> Iterator[pa.Array]:
    for source in sources:
        for array in _fields(source, rows):
            yield array if source.when is None else _only_where(array, matches(source.when, rows))


def _fields(source: Source, rows: pa.Table) -> Iterator[pa.Array]:
    if source.value is not None:
        constant = float(source.value) if type(source.value) is int else source.value
        yield pa.repeat(pa.scalar(constant), rows.num_rows)
    arrays = [blank_to_null(field_of(rows, name)) for name in source.from_]
    for array in [_together(arrays)] if source.together else arrays:
        if source.transform is None:
            yield array
        else:
            function, kind = bound(source.transform, source.lists), TRANSFORMS[source.transform][1]
            yield map_distinct(as_text(array), function, ARROW_TYPES[kind])


def _together(arrays: Sequence[pa.Array]) -> pa.Array:
    """Write what is known of several fields as one text, an unknown one as nothing between two bars."""
    texts = [as_text(array) for array in arrays]
    return pc.binary_join_element_wise(*texts, PARTS, null_handling="replace", null_replacement="")


def _only_where(array: pa.Array, mask: pa.Array) -> pa.Array:
    return array.take(pc.if_else(mask, pa.array(range(len(array)), pa.int64()), None))


def _coalesce_lists(lists: Sequence[pa.Array]) -> pa.Array:
    """Take the first known list per row; pc.coalesce knows no lists in old Arrow versions."""
    size = len(lists[0])
    places = [
        pc.if_else(pc.is_valid(array), pa.array(range(n * size, (n + 1) * size), pa.int64()), None)
        for n, array in enumerate(lists)
    ]
    return pa.concat_arrays(lists).take(pc.coalesce(*places))


def _natural_kind(kind: pa.DataType) -> ColumnType:
    if pa.types.is_list(kind):
        return "list"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_timestamp(kind):
        return "datetime"
    return "number" if pa.types.is_floating(kind) or pa.types.is_integer(kind) else "text"


__all__ = ["first_set", "links"]
