"""What Spark says otherwise, with its ANSI rules on or off. https://spark.apache.org/docs/4.0.0/sql-ref.html

Expects string, double, boolean, timestamp, array<string> and, for props, map<string, string>.
"""

from __future__ import annotations  # sqlglot 28 has no name for what is every node

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import exp

from scoring import portable
from scoring.expressions import case, number, raw_text
from scoring.patterns import rewritten

Rewrite = Callable[[Any, "exp.Expr | None"], "exp.Expr"]

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


def _long(node: exp.Union, parent: exp.Expr | None) -> exp.Expr:
    """Read a table once where a union reads it for every part; Spark would plan what is behind it as often."""
    parts = _parts(node)
    if isinstance(parent, exp.Union) or not all(_reads_alone(part) for part in parts):
        return node
    names = parts[0].named_selects
    rows = [case([(part.args["where"].this, exp.Struct(expressions=_aliased(part)))]) for part in parts]
    alias = exp.TableAlias(
        this=exp.to_identifier("line"), columns=[exp.to_identifier(name, quoted=True) for name in names]
    )
    exploded = exp.Lateral(this=exp.Inline(this=exp.Array(expressions=rows)), view=True, alias=alias)
    line = exp.Column(this=exp.Star(), table=exp.to_identifier("line"))
    query = exp.select(line).from_(parts[0].args["from_"].this, copy=False)
    query.set("laterals", [exploded])
    # What its condition leaves out is a null struct, which becomes a row of nulls.
    return query.where(exp.not_(exp.column(names[0], table="line", quoted=True).is_(exp.null())), copy=False)


def _parts(node: exp.Expr) -> list[exp.Select]:
    if isinstance(node, exp.Union):
        return [*_parts(node.this), *_parts(node.expression)]
    return [node] if isinstance(node, exp.Select) else []


def _reads_alone(part: exp.Select) -> bool:
    said = {name for name, value in part.args.items() if value}
    return said == {"expressions", "from_", "where"} and isinstance(part.args["from_"].this, exp.Table)


def _aliased(part: exp.Select) -> list[exp.Expr]:
    return [
        one if isinstance(one, exp.Alias) else exp.alias_(one, name, quoted=True)
        for one, name in zip(part.expressions, part.named_selects, strict=True)
    ]


DATABRICKS: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {
        exp.Floor: _floor,
        exp.Lower: lambda node, parent: portable.lowered(node),
        exp.RegexpReplace: lambda node, parent: portable.trimmed(node),
        exp.RegexpLike: _matches,
        exp.Transform: _elements,
        exp.TryCast: _try_cast,
        exp.UnixToTime: _time,
        exp.Union: _long,
    }
)
SPARK: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType({**DATABRICKS, exp.Create: _cached})
