"""Building blocks of the compiled statement: sqlglot expressions over a small, portable part of SQL.

Values enter as literals that sqlglot quotes; nothing is ever pasted into text. Numbers are written as `1.5E0`, because
`1.5` alone is a decimal to several engines and would change the arithmetic.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from sqlglot import exp

Scalar = exp.Condition

BIGINT = exp.DataType.Type.BIGINT
"""A type by its number: a type by its name would be parsed anew in each of hundreds of casts."""

WHITE_SPACE = "".join(
    map(chr, [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029])
) + "".join(map(chr, [0x202F, 0x205F, 0x3000]))
"""What trimming takes away: the Unicode white space characters."""

TRIMMED, LEFT_TRIMMED, NORMALISED, PLACE_IN = "trimmed", "left_trimmed", "normalised", "list_position"
ENTRY_AT = "map_extract_value"

_ON_THE_LEFT = f"REGEXP_REPLACE(value, '^[{WHITE_SPACE}]+', '')"
_ON_BOTH_SIDES = f"REGEXP_REPLACE({_ON_THE_LEFT}, '[{WHITE_SPACE}]+$', '')"
# Nearly all texts begin and end with a visible ASCII character, and seeing that costs a tenth of the patterns; TRIM
# with a set of characters takes ten times as long as they do.
_BEGINS = "UNICODE(value) BETWEEN 33 AND 126"
_ENDS = "UNICODE(RIGHT(value, 1)) BETWEEN 33 AND 126"
_BODIES = {
    TRIMMED: f"CASE WHEN {_BEGINS} AND {_ENDS} THEN value ELSE {_ON_BOTH_SIDES} END",
    LEFT_TRIMMED: f"CASE WHEN {_BEGINS} THEN value ELSE {_ON_THE_LEFT} END",
    NORMALISED: f"CASE WHEN {_BEGINS} AND {_ENDS} THEN LOWER(value) ELSE NULLIF(LOWER({_ON_BOTH_SIDES}), '') END",
}
MACROS = tuple(f"CREATE OR REPLACE TEMPORARY MACRO {name}(value) AS {body}" for name, body in _BODIES.items())
"""What a statement calls in DuckDB; other dialects say the same in their own words."""


def column(name: str, table: str | None = None) -> exp.Column:
    """Name a column, quoted; built as it is, for there are a thousand in a statement."""
    of = None if table is None else exp.Identifier(this=table, quoted=True)
    return exp.Column(this=exp.Identifier(this=name, quoted=True), table=of)


def table(name: str) -> exp.Table:
    """Name a table; its name as a text would be parsed, in each of dozens of places."""
    return exp.Table(this=exp.to_identifier(name))


def bigint(value: Scalar) -> Scalar:
    """Cast to a whole number of 64 bits; what comes in here is not used elsewhere."""
    return exp.Cast(this=value, to=exp.DataType(this=BIGINT, nested=False))


def named(expression: Scalar, name: str) -> exp.Alias:
    """Give an expression a quoted name."""
    return exp.Alias(this=expression, alias=exp.Identifier(this=name, quoted=True))


def number(value: float) -> Scalar:
    """Write a float64 literal."""
    text = repr(abs(float(value)))
    literal = exp.Literal.number(text if "e" in text else f"{text}E0")
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def integer(value: int) -> Scalar:
    """Write a whole number literal."""
    return exp.Literal.number(value)


def raw_text(value: str) -> exp.Literal:
    """Write a text literal as it is."""
    return exp.Literal.string(value)


def text(value: str) -> Scalar:
    """Write a text literal to compare with `normalised` text; the engine lowers what its own rules must lower."""
    trimmed = value.strip()
    return raw_text(trimmed.lower()) if trimmed.isascii() else exp.Lower(this=raw_text(trimmed))


def null(kind: str) -> Scalar:
    """Write a typed null."""
    return bigint(exp.null()) if kind == "bigint" else exp.cast(exp.null(), kind)


def lowered(value: Scalar) -> Scalar:
    """Lower a text."""
    return exp.Lower(this=value)


def normalised(value: Scalar) -> Scalar:
    """Lower and trim a text; blank becomes null; calls one of the MACROS."""
    return exp.Anonymous(this=NORMALISED, expressions=[value])


def filled(value: Scalar) -> Scalar:
    """Trim a text; blank becomes null."""
    return exp.Nullif(this=trimmed(value), expression=raw_text(""))


def trimmed(value: Scalar) -> Scalar:
    """Trim white space; calls one of the MACROS."""
    return exp.Anonymous(this=TRIMMED, expressions=[value])


def left_trimmed(value: Scalar) -> Scalar:
    """Trim white space on the left; calls one of the MACROS."""
    return exp.Anonymous(this=LEFT_TRIMMED, expressions=[value])


def place_in(texts: Sequence[str], value: Scalar) -> Scalar:
    """Give the place of a text in a list, from 1; null or 0 where it is not in it.

    DuckDB works it out once per entry of a column's dictionary, where a CASE is worked out for every row.
    """
    return exp.Anonymous(this=PLACE_IN, expressions=[exp.Array(expressions=[raw_text(one) for one in texts]), value])


def looked_up(entries: Mapping[str, Scalar], value: Scalar) -> Scalar:
    """Give the entry of a text; null where it has none, and where it is null.

    Like `place_in` it is worked out once per entry of a dictionary, but only as one function of the column: what is
    made of a function's result is worked out for every row.
    """
    texts = exp.Array(expressions=[raw_text(one) for one in entries])
    values = exp.Array(expressions=list(entries.values()))
    map_of = exp.Anonymous(this="MAP", expressions=[texts, values])
    return exp.Anonymous(this=ENTRY_AT, expressions=[map_of, value])


def known_number(value: Scalar) -> Scalar:
    """Make NaN null; infinite numbers are known.

    By arithmetic: DuckDB believes the bounds in the statistics of a Parquet file, which leave NaN out, and holds a
    comparison with NaN to be false without looking. Infinite numbers are within the bounds.
    """
    finite = exp.Mul(this=exp.Paren(this=value), expression=number(0.0)).eq(number(0.0))
    infinite = exp.Abs(this=value.copy()).eq(exp.cast(raw_text("Infinity"), "double"))
    return case([(finite, value.copy()), (infinite, value.copy())])


def epoch_s(value: Scalar) -> Scalar:
    """Give a UTC time as whole seconds since 1970, floored."""
    return bigint(exp.Floor(this=exp.TimeToUnix(this=value)))


def time_of(seconds: Scalar) -> Scalar:
    """Give seconds since 1970 as a time with zone."""
    return exp.UnixToTime(this=seconds)


def case(branches: Iterable[tuple[Scalar, Scalar]], otherwise: Scalar | None = None) -> Scalar:
    """Write `CASE WHEN … THEN … ELSE … END`; null when nothing matches and there is no `otherwise`."""
    ifs = [exp.If(this=when, true=then) for when, then in branches]
    if not ifs:
        return exp.null() if otherwise is None else otherwise
    return exp.Case(ifs=ifs, default=otherwise)


def holds(condition: Scalar) -> Scalar:
    """Take an unknown truth as false."""
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def or_zero(value: Scalar) -> Scalar:
    """Take null as 0."""
    return exp.Coalesce(this=value, expressions=[integer(0)])


def least(left: Scalar, right: Scalar) -> Scalar:
    """Give the smaller of two known values."""
    return exp.Least(this=left, expressions=[right], ignore_nulls=True)


def greatest(left: Scalar, right: Scalar) -> Scalar:
    """Give the larger of two known values."""
    return exp.Greatest(this=left, expressions=[right], ignore_nulls=True)


def clamp(value: Scalar, low: float | None, high: float | None) -> Scalar:
    """Bound a value: `high` first, then `low`."""
    capped = value if high is None else least(value, number(high))
    return capped if low is None else greatest(capped, number(low))


def total(values: Sequence[Scalar]) -> Scalar:
    """Add values from left to right; 0 if there are none."""
    if not values:
        return number(0.0)
    return reduce(lambda left, right: exp.Add(this=left, expression=right), values)


def times(left: Scalar, right: Scalar) -> Scalar:
    """Multiply."""
    # The operators of sqlglot copy both sides; what comes in here is not used elsewhere.
    return exp.Mul(this=exp.Paren(this=left), expression=exp.Paren(this=right))


def rounded(value: Scalar, decimals: int) -> Scalar:
    """Round to so many decimals, halves upwards; never gives a negative zero."""
    scale = number(10.0**decimals)
    upwards = exp.Floor(this=exp.Add(this=exp.Paren(this=times(value, scale)), expression=number(0.5)))
    return exp.Div(this=upwards, expression=scale.copy())


def every(conditions: Sequence[Scalar]) -> Scalar:
    """Join with AND; true if there are none."""
    return exp.and_(*conditions) if conditions else exp.true()


def either(conditions: Sequence[Scalar]) -> Scalar:
    """Join with OR; false if there are none."""
    return exp.or_(*conditions) if conditions else exp.false()
