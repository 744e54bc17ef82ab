"""What Spark says otherwise, with its ANSI rules on or off. https://spark.apache.org/docs/4.0.0/sql-ref.html

Expects string, double, boolean, timestamp, array<string> and, for props, map<string, string>.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import exp

from scoring import portable
from scoring.expressions import case, number, raw_text
from scoring.patterns import rewritten

Rewrite = Callable[[Any, exp.Expr | None], exp.Expr]

# From here on every float64 is whole; FLOOR gives a bigint, which ends long before float64 does.
_ALL_WHOLE: Final = 2.0**52


def _floor(node: exp.Floor, parent: exp.Expr | None) -> exp.Expr:
    """Keep the floor of a rounded number, which is scaled up, a float64."""
    if not isinstance(node.this, exp.Add):
        return node
    small = exp.LT(this=exp.Abs(this=node.this.copy()), expression=number(_ALL_WHOLE))
    return case([(small, node)], node.this.copy())


def _elements(node: exp.Transform, parent: exp.Expr | None) -> exp.Expr:
    """Leave out null elements: with them, membership is unknown rather than false."""
    known = exp.not_(exp.column("element").is_(exp.null()))
    whole = exp.ArrayFilter(
        this=node.this, expression=exp.Lambda(this=known, expressions=[exp.to_identifier("element")])
    )
    return exp.Transform(this=whole, expression=node.expression)


def _try_cast(node: exp.TryCast, parent: exp.Expr | None) -> exp.Expr:
    """Write a cast that gives null for what it cannot read; a plain one ends the statement under ANSI rules."""
    if node.to.is_type("double"):
        return portable.number_of(node.this, lambda text: exp.cast(text, node.to))
    return portable.time_of(node.this, lambda text: exp.Anonymous(this="TRY_TO_TIMESTAMP", expressions=[text]))


def _matches(node: exp.RegexpLike, parent: exp.Expr | None) -> exp.Expr:
    pattern = rewritten(node.expression.this.removeprefix("(?i)"), "java")
    return exp.RegexpLike(this=node.this, expression=raw_text(pattern))


def _time(node: exp.UnixToTime, parent: exp.Expr | None) -> exp.Expr:
    return exp.Anonymous(this="TIMESTAMP_SECONDS", expressions=[node.this])


def _cached(node: exp.Create, parent: exp.Expr | None) -> exp.Expr:
    """Keep a result as a table does: Spark has no temporary tables, and a view would be calculated again and again."""
    return exp.Cache(this=node.this, expression=node.expression)


DATABRICKS: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {
        exp.Floor: _floor,
        exp.Lower: lambda node, parent: portable.lowered(node),
        exp.RegexpReplace: lambda node, parent: portable.trimmed(node),
        exp.RegexpLike: _matches,
        exp.Transform: _elements,
        exp.TryCast: _try_cast,
        exp.UnixToTime: _time,
    }
)
SPARK: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType({**DATABRICKS, exp.Create: _cached})
