"""Conditions as SQL: one function per family of operators."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sqlglot import exp

from scoring.conditions import Condition, negates, operand_type
from scoring.expressions import (
    Scalar,
    either,
    every,
    holds,
    integer,
    number,
    raw_text,
    text,
)
from scoring.schema import ColumnType
from scoring.values import Operand

Lists = Mapping[str, frozenset[str]]


class Scope(Protocol):
    """Where a condition reads its fields: a subject's features, or an event's columns."""

    def value(self, field: str, wanted: ColumnType) -> Scalar:
        """Give a field as the wanted type, null when unknown: text normalised, times in seconds since 1970."""

    def haystack(self, field: str) -> Scalar:
        """Give a text lowered, trimmed or not: enough to look for a trimmed text inside it."""

    def head(self, field: str) -> Scalar:
        """Give a text lowered and trimmed, on the left at least: enough to look for a trimmed text at its start."""

    def column_type(self, field: str) -> ColumnType:
        """Give the type of a field; `map` for a property, which is of any type."""

    def age_s(self, field: str) -> Scalar:
        """Give the age of a time at as_of, in whole seconds."""


def predicate(condition: Condition, scope: Scope, lists: Lists) -> Scalar:
    """Write a condition as a truth value that is never unknown: an unknown field makes its comparison false."""
    return _combined(condition, scope, lists, two_valued=True)


def branch(condition: Condition, scope: Scope, lists: Lists) -> Scalar:
    """Write a condition for a branch of a CASE, which takes null as false by itself; only `not` needs more."""
    return _combined(condition, scope, lists, two_valued=negates(condition))


def tri_state(condition: Condition, scope: Scope, lists: Lists) -> Scalar:
    """Write a condition so that it is null where unknown fields decide it, for a gate that lets the unknown pass."""
    return _combined(condition, scope, lists, two_valued=False)


def _combined(condition: Condition, scope: Scope, lists: Lists, *, two_valued: bool) -> Scalar:
    if condition.not_ is not None:
        return exp.not_(exp.paren(_combined(condition.not_, scope, lists, two_valued=two_valued)))
    if condition.all_ is not None:
        return every([_combined(part, scope, lists, two_valued=two_valued) for part in condition.all_])
    if condition.any_ is not None:
        return either([_combined(part, scope, lists, two_valued=two_valued) for part in condition.any_])
    comparison = _comparison(condition, scope, lists)
    certain = not two_valued or condition.operator in ("missing", "present")
    return comparison if certain else holds(comparison)


def _comparison(leaf: Condition, scope: Scope, lists: Lists) -> Scalar:
    field = leaf.field or ""
    match leaf.operator:
        case "missing":
            return scope.value(field, _own_type(scope, field)).is_(exp.null())
        case "present":
            return exp.not_(scope.value(field, _own_type(scope, field)).is_(exp.null()))
        case "is_" | "is_not" | "in_" | "not_in":
            return _equality(leaf, scope)
        case "gt" | "gte" | "lt" | "lte" | "between":
            return _order(leaf, scope)
        case "older_than" | "newer_than":
            return _age(leaf, scope)
        case "in_list":
            entries = sorted({entry.strip().lower() for entry in lists[leaf.in_list or ""]} - {""})
            return scope.value(field, "text").isin(*map(text, entries)) if entries else _never(scope, field)
        case _:
            return _within_text_or_list(leaf, scope)


def _own_type(scope: Scope, field: str) -> ColumnType:
    column_type = scope.column_type(field)
    return "text" if column_type == "map" else column_type


def _never(scope: Scope, field: str) -> Scalar:
    """False for every known value, null for an unknown one."""
    return scope.value(field, "text").eq(raw_text(""))


def _equality(leaf: Condition, scope: Scope) -> Scalar:
    value = scope.value(leaf.field or "", operand_type(leaf.operands[0]))
    operands = [_literal(operand) for operand in leaf.operands]
    match leaf.operator:
        case "is_":
            return value.eq(operands[0])
        case "is_not":
            return value.neq(operands[0])
        case "in_":
            return value.isin(*operands)
        case _:
            return exp.not_(value.isin(*operands))


def _order(leaf: Condition, scope: Scope) -> Scalar:
    value = scope.value(leaf.field or "", operand_type(leaf.operands[0]))
    first, *rest = (_literal(operand) for operand in leaf.operands)
    match leaf.operator:
        case "gt":
            return value > first
        case "gte":
            return value >= first
        case "lt":
            return value < first
        case "lte":
            return value <= first
        case _:
            return exp.paren(exp.and_(value >= first, value.copy() <= rest[0]))


def _age(leaf: Condition, scope: Scope) -> Scalar:
    age = scope.age_s(leaf.field or "")
    if leaf.older_than is not None:
        return age >= integer(leaf.older_than)
    return exp.paren(exp.and_(age >= integer(0), age.copy() < integer(leaf.newer_than or 0)))


def _within_text_or_list(leaf: Condition, scope: Scope) -> Scalar:
    field = leaf.field or ""
    needles = [text(str(operand)) for operand in leaf.operands]
    if scope.column_type(field) == "list":
        values = scope.value(field, "list")
        return exp.paren(either([exp.ArrayContains(this=values.copy(), expression=needle) for needle in needles]))
    match leaf.operator:
        case "starts_with":
            return exp.StartsWith(this=scope.head(field), expression=needles[0])
        case "matches":
            # Flags stand in the pattern, because engines disagree on how else to pass them.
            expression = raw_text(f"(?i){leaf.matches}")
            return exp.RegexpLike(this=scope.value(field, "text"), expression=expression)
        case _:
            found = [exp.StrPosition(this=scope.haystack(field), substr=needle) > integer(0) for needle in needles]
            return exp.paren(either(found))


def _literal(value: Operand) -> Scalar:
    match value:
        case bool():
            return exp.true() if value else exp.false()
        case float():
            return number(value)
        case datetime():
            seconds = integer(int(value.timestamp()))
            seconds.add_comments([value.isoformat()])
            return seconds
        case _:
            return text(str(value))
