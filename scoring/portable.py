"""What PostgreSQL and Spark both lack and can be said in the same words for both."""

from __future__ import annotations  # sqlglot 28 has no name for what is every node

from collections.abc import Callable
from typing import Final

from sqlglot import exp

from scoring.expressions import WHITE_SPACE, Scalar, case, integer, raw_text

# Beyond these lengths a cast could fail; such a number counts as unknown.
_NUMBER: Final = (
    "^[+-]?(([0-9]{1,40}[.]?[0-9]{0,40}|[.][0-9]{1,40})([eE][+-]?[0-9]{1,2})?|[iI][nN][fF]([iI][nN][iI][tT][yY])?)$"
)
_DAY: Final = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK: Final = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_ZONE: Final = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_TIME: Final = f"^{_DAY}([T ]{_CLOCK}{_ZONE}?)?$"
_DATE_LETTERS: Final = 10

# Lowering letter by letter knows nothing of words; these two letters are lowered by the word in Java and ICU.
_UPPER, _LOWER = "İΣ", "iσ"


def lowered(node: exp.Lower) -> Scalar:
    """Lower letter by letter, as DuckDB does; what is a literal is lowered here and now."""
    text = node.this
    if isinstance(text, exp.Literal):
        return raw_text("".join(_LOWER[_UPPER.index(one)] if one in _UPPER else one.lower() for one in text.this))
    by_word = exp.Anonymous(this="TRANSLATE", expressions=[text, raw_text(_UPPER), raw_text(_LOWER)])
    return exp.Lower(this=by_word)


def printable(pattern: str) -> str:
    """Write white space in a pattern as escapes that both engines' regular expressions read."""
    return "".join(f"\\u{ord(one):04x}" if one in WHITE_SPACE else one for one in pattern)


def trimmed(node: exp.RegexpReplace) -> Scalar:
    """Keep the pattern of a replacement printable."""
    node.set("expression", raw_text(printable(node.expression.this)))
    return node


def number_of(text: Scalar, cast: Callable[[Scalar], Scalar]) -> Scalar:
    """Cast a text that looks like a number; others are null."""
    return case([(exp.RegexpLike(this=text.copy(), expression=raw_text(_NUMBER)), cast(text))])


def time_of(text: Scalar, cast: Callable[[Scalar], Scalar]) -> Scalar:
    """Cast a text in the form of ISO 8601 to whole seconds; without a zone it is UTC; others are null."""
    whole = exp.RegexpReplace(this=text.copy(), expression=raw_text("[.][0-9]+"), replacement=raw_text(""))
    has_zone = exp.RegexpLike(this=text.copy(), expression=raw_text(f":.*{_ZONE}$"))
    is_date = exp.EQ(this=exp.Length(this=text.copy()), expression=integer(_DATE_LETTERS))
    zoned = case(
        [
            (is_date, exp.DPipe(this=text.copy(), expression=raw_text("T00:00:00Z"))),
            (has_zone, whole),
        ],
        exp.DPipe(this=whole.copy(), expression=raw_text("Z")),
    )
    return case([(exp.RegexpLike(this=text, expression=raw_text(_TIME)), cast(zoned))])
