"""What PostgreSQL says otherwise. https://www.postgresql.org/docs/15/index.html

Expects text, double precision, boolean, timestamptz (or timestamp in UTC), text[] and, for props, jsonb.
"""

from __future__ import annotations  # sqlglot 28 has no name for what is every node

import hashlib
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import exp

from scoring import portable
from scoring.expressions import Scalar, case, integer, number, raw_text
from scoring.patterns import rewritten
from scoring.schema import TABLES

Rewrite = Callable[[Any, "exp.Expr | None"], "exp.Expr"]

# Longer names are cut without a word: https://www.postgresql.org/docs/15/limits.html
_MOST_BYTES: Final = 63
_KEPT_BYTES: Final = 50
# PostgreSQL refuses results too small for float64. What is left after so many halvings changes no score.
_LEAST_EXPONENT: Final = -200.0
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In)


def _number(node: exp.Literal, parent: exp.Expr | None) -> exp.Expr:
    """Write a decimal as float64 where it would be calculated with as numeric."""
    if node.args.get("is_string") or not {"e", "E"} & set(node.this):
        return node
    plain = exp.Literal.number(node.this.removesuffix("E0"))
    return plain if isinstance(parent, _COMPARISONS) else exp.cast(plain, "double")


def _exponential(node: exp.Exp, parent: exp.Expr | None) -> exp.Expr:
    tiny = exp.LT(this=node.this.copy(), expression=_double(_LEAST_EXPONENT))
    return case([(tiny, _double(0.0))], node)


def _power(node: exp.Pow, parent: exp.Expr | None) -> exp.Expr:
    """Write a power of a literal as a function, because the operator binds tighter than what stands in it."""
    power = exp.Anonymous(this="POWER", expressions=[node.this, node.expression])
    base = float(next(node.this.find_all(exp.Literal)).this)
    if not 0.0 < base < 1.0:
        return power
    tiny = exp.GT(this=exp.Paren(this=node.expression.copy()), expression=_double(_LEAST_EXPONENT / math.log(base)))
    return case([(tiny, _double(0.0))], power)


def _double(value: float) -> Scalar:
    literal = number(value)
    inner = next(literal.find_all(exp.Literal))
    place = exp.cast(exp.Literal.number(inner.this.removesuffix("E0")), "double")
    return exp.Paren(this=exp.Neg(this=place)) if value < 0 else place


def _elements(node: exp.Transform, parent: exp.Expr | None) -> exp.Expr:
    """Write a lambda over a list as a sub-query; null stays null."""
    source = exp.Unnest(
        expressions=[node.this],
        alias=exp.TableAlias(this=exp.to_identifier("listed"), columns=[exp.to_identifier("element")]),
    )
    changed = exp.Array(expressions=[exp.select(node.expression.this).from_(source)])
    return case([(exp.not_(node.this.copy().is_(exp.null())), changed)])


def _contains(node: exp.ArrayContains, parent: exp.Expr | None) -> exp.Expr:
    """Write membership so that a null element is no match, and a null list null."""
    return exp.ArrayContainsAll(this=node.this, expression=exp.Array(expressions=[node.expression]))


def _property(node: exp.Bracket, parent: exp.Expr | None) -> exp.Expr:
    return exp.JSONExtractScalar(this=node.this, expression=node.expressions[0])


def _try_cast(node: exp.TryCast, parent: exp.Expr | None) -> exp.Expr:
    """Write a cast that gives null for what it cannot read; a plain one ends the statement."""
    if node.to.is_type("double"):
        return portable.number_of(node.this, lambda text: exp.cast(text, node.to))
    return portable.time_of(node.this, lambda text: case([(_is_in_month(node.this), exp.cast(text, node.to))]))


def _is_in_month(text: Scalar) -> Scalar:
    """Say whether the month has the day that a text in the form of ISO 8601 names."""
    first = exp.cast(exp.DPipe(this=_part(text, 1, 7), expression=raw_text("-01")), "date")
    month, day = (exp.Interval(this=raw_text("1"), unit=exp.var(unit)) for unit in ("month", "day"))
    last = exp.Extract(
        this=exp.var("day"), expression=exp.Sub(this=exp.Add(this=first, expression=month), expression=day)
    )
    return exp.LTE(this=exp.cast(_part(text, 9, 2), "int"), expression=last)


def _part(text: Scalar, start: int, length: int) -> Scalar:
    return exp.Substring(this=text.copy(), start=integer(start), length=integer(length))


def _matches(node: exp.RegexpLike, parent: exp.Expr | None) -> exp.Expr:
    pattern = rewritten(node.expression.this.removeprefix("(?i)"), "postgres")
    return exp.RegexpLike(this=node.this, expression=raw_text(pattern))


def _type(node: exp.DataType, parent: exp.Expr | None) -> exp.Expr:
    return exp.DataType.build("jsonb") if node.is_type("map") else node


def _stage(node: exp.CTE, parent: exp.Expr | None) -> exp.Expr:
    """Keep the planner from writing each pass into the next, which multiplies the expressions."""
    node.set("materialized", True)
    return node


def _order(node: exp.Ordered, parent: exp.Expr | None) -> exp.Expr:
    """Order texts by their bytes, whatever the database's collation is."""
    if isinstance(node.this, exp.Column) and _is_text(node.this.name):
        node.set("this", exp.Collate(this=node.this, expression=exp.to_identifier("C", quoted=True)))
    return node


def _is_text(name: str) -> bool:
    kinds = {table.columns[name] for table in TABLES.values() if name in table.columns}
    return kinds == {"text"}


def _name(node: exp.Identifier, parent: exp.Expr | None) -> exp.Expr:
    """Shorten a name that would be cut, keeping it unique."""
    encoded = node.this.encode()
    if len(encoded) <= _MOST_BYTES:
        return node
    kept = encoded[:_KEPT_BYTES].decode(errors="ignore")
    return exp.to_identifier(f"{kept}~{hashlib.sha256(encoded).hexdigest()[:8]}", quoted=True)


POSTGRES: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {
        exp.Literal: _number,
        exp.Exp: _exponential,
        exp.Pow: _power,
        exp.Lower: lambda node, parent: portable.lowered(node),
        exp.RegexpReplace: lambda node, parent: portable.trimmed(node),
        exp.RegexpLike: _matches,
        exp.Transform: _elements,
        exp.ArrayContains: _contains,
        exp.Bracket: _property,
        exp.TryCast: _try_cast,
        exp.DataType: _type,
        exp.CTE: _stage,
        exp.Ordered: _order,
        exp.Identifier: _name,
    }
)
