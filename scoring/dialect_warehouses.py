"""What Snowflake, BigQuery and Trino say otherwise, from their manuals; nothing here was run on them.

https://docs.snowflake.com/en/sql-reference, https://cloud.google.com/bigquery/docs/reference/standard-sql,
https://trino.io/docs/current/functions.html
"""

from __future__ import annotations  # sqlglot 28 has no name for what is every node

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import exp

from scoring import portable
from scoring.expressions import case, integer, raw_text
from scoring.patterns import rewritten

Rewrite = Callable[[Any, "exp.Expr | None"], "exp.Expr"]


def _last_part(node: exp.SplitPart, parent: exp.Expr | None) -> exp.Expr:
    """Write what follows the last separator, which must be a single letter."""
    pattern = raw_text(f"[^{node.args['delimiter'].this}]*$")
    return exp.Anonymous(this="REGEXP_EXTRACT", expressions=[node.this, pattern])


def _bigquery_property(node: exp.Bracket, parent: exp.Expr | None) -> exp.Expr:
    key = node.expressions[0].this.replace("\\", "\\\\").replace('"', '\\"')
    return exp.Anonymous(this="JSON_VALUE", expressions=[node.this, raw_text(f'$."{key}"')])


def _bigquery_seconds(node: exp.TimeToUnix, parent: exp.Expr | None) -> exp.Expr:
    return exp.Anonymous(this="UNIX_SECONDS", expressions=[node.this])


def _bigquery_elements(node: exp.Transform, parent: exp.Expr | None) -> exp.Expr:
    source = exp.Unnest(expressions=[node.this], alias=exp.TableAlias(columns=[exp.to_identifier("element")]))
    changed = exp.Array(expressions=[exp.select(node.expression.this).from_(source)])
    return case([(exp.not_(node.this.copy().is_(exp.null())), changed)])


def _bigquery_name(node: exp.Identifier, parent: exp.Expr | None) -> exp.Expr:
    """Write a name without what BigQuery forbids in one; other letters become their codes, so names stay apart."""
    plain = re.sub(r"[^A-Za-z0-9_]", lambda found: "__" if found[0] == "." else f"_x{ord(found[0]):x}_", node.this)
    return node if plain == node.this else exp.to_identifier(plain, quoted=True)


def _snowflake_property(node: exp.Bracket, parent: exp.Expr | None) -> exp.Expr:
    return exp.cast(node, "text")


def _snowflake_matches(node: exp.RegexpLike, parent: exp.Expr | None) -> exp.Expr:
    """Look for a pattern anywhere; REGEXP_LIKE would want all of the text to match."""
    pattern = raw_text(node.expression.this.removeprefix("(?i)"))
    arguments = [node.this, pattern, integer(1), integer(1), integer(0), raw_text("i")]
    return exp.GT(this=exp.Anonymous(this="REGEXP_INSTR", expressions=arguments), expression=integer(0))


def _trino_property(node: exp.Bracket, parent: exp.Expr | None) -> exp.Expr:
    """Take a property that may be absent; the brackets end the statement where it is."""
    return exp.Anonymous(this="ELEMENT_AT", expressions=[node.this, node.expressions[0]])


def _trino_matches(node: exp.RegexpLike, parent: exp.Expr | None) -> exp.Expr:
    return exp.RegexpLike(
        this=node.this, expression=raw_text(rewritten(node.expression.this.removeprefix("(?i)"), "java"))
    )


BIGQUERY: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {
        exp.SplitPart: _last_part,
        exp.Bracket: _bigquery_property,
        exp.TimeToUnix: _bigquery_seconds,
        exp.Transform: _bigquery_elements,
        exp.Identifier: _bigquery_name,
        exp.Lower: lambda node, parent: portable.lowered(node),
    }
)
SNOWFLAKE: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {exp.Bracket: _snowflake_property, exp.RegexpLike: _snowflake_matches, exp.Lower: BIGQUERY[exp.Lower]}
)
TRINO: Final[Mapping[type[exp.Expr], Rewrite]] = MappingProxyType(
    {
        exp.SplitPart: _last_part,
        exp.Bracket: _trino_property,
        exp.RegexpLike: _trino_matches,
        exp.Lower: BIGQUERY[exp.Lower],
    }
)
