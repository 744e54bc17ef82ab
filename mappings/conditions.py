"""Evaluate a mapping's conditions over CRM rows, a whole column at a time."""

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import blank_to_null, cast, field_of
from mappings.spec import Condition, Scalar


def matches(condition: Condition | None, rows: pa.Table) -> pa.Array:
    """Tell per row whether the condition holds; never null. No condition holds everywhere."""
    if condition is None:
        return pa.repeat(pa.scalar(True), rows.num_rows)
    if condition.all_ is not None:
        return reduce(pc.and_, (matches(child, rows) for child in condition.all_), matches(None, rows))
    if condition.any_ is not None:
        return reduce(pc.or_, (matches(child, rows) for child in condition.any_), pc.invert(matches(None, rows)))
    if condition.not_ is not None:
        return pc.invert(matches(condition.not_, rows))
    return pc.fill_null(_leaf(condition, field_of(rows, condition.field or "")), False)


def _leaf(condition: Condition, column: pa.Array) -> pa.Array:
    column = blank_to_null(column)
    if condition.missing:
        return pc.is_null(column)
    if condition.present:
        return pc.is_valid(column)
    if condition.in_ is not None:
        return _within(column, condition.in_)
    if condition.starts_with is not None:
        return _starts(column, condition.starts_with)
    if condition.contains is not None:
        return _contains(column, condition.contains)
    if condition.at_least is not None:
        return pc.greater_equal(cast(column, "number"), condition.at_least)
    if condition.below is not None:
        return pc.less(cast(column, "number"), condition.below)
    if condition.is_not is not None:
        return pc.invert(_same(column, condition.is_not))
    return _same(column, condition.is_ if condition.is_ is not None else "")


def _text(column: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim_whitespace(cast(column, "text")))


def _same(column: pa.Array, wanted: Scalar) -> pa.Array:
    """Compare as numbers where both are; else as text, so that true equals "true"."""
    if not isinstance(wanted, bool | str) and not pa.types.is_boolean(column.type):
        return pc.equal(cast(column, "number"), float(wanted))
    return pc.equal(_text(column), str(wanted).strip().lower())


def _within(column: pa.Array, wanted: tuple[Scalar, ...]) -> pa.Array:
    return reduce(pc.or_kleene, (_same(column, value) for value in wanted), pa.repeat(pa.scalar(False), len(column)))


def _starts(column: pa.Array, wanted: str) -> pa.Array:
    return pc.starts_with(_text(column), wanted.strip().lower())


def _contains(column: pa.Array, wanted: str) -> pa.Array:
    return pc.match_substring(_text(column), wanted.strip().lower())


__all__ = ["matches"]
