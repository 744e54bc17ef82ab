"""What DuckDB has a macro or a function of its own for, in words that the other dialects have."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import exp

from scoring import expressions
from scoring.expressions import WHITE_SPACE, case, integer, raw_text

_LEADING, _TRAILING = f"^[{WHITE_SPACE}]+", f"[{WHITE_SPACE}]+$"


def _called(node: exp.Anonymous, parent: exp.Expr | None) -> exp.Expr:
    match node.this:
        case expressions.PLACE_IN:
            texts, value = node.expressions
            return case([(value.eq(text), integer(place)) for place, text in enumerate(texts.expressions, start=1)])
        case expressions.ENTRY_AT:
            entries, value = node.expressions
            texts, values = (of.expressions for of in entries.expressions)
            return case([(value.eq(text), found) for text, found in zip(texts, values, strict=True)])
        case expressions.TRIMMED:
            return _without(node.expressions[0], _LEADING, _TRAILING)
        case expressions.LEFT_TRIMMED:
            return _without(node.expressions[0], _LEADING)
        case expressions.NORMALISED:
            trimmed = _without(exp.Lower(this=node.expressions[0]), _LEADING, _TRAILING)
            return exp.Nullif(this=trimmed, expression=raw_text(""))
        case _:
            return node


def _without(value: exp.Expr, *patterns: str) -> exp.Expr:
    for pattern in patterns:
        value = exp.RegexpReplace(this=value, expression=raw_text(pattern), replacement=raw_text(""))
    return value


SPELLED_OUT: Final[Mapping[type[exp.Expr], Callable[[Any, "exp.Expr | None"], "exp.Expr"]]] = MappingProxyType(
    {exp.Anonymous: _called}
)
