"""The short text of a score as DuckDB SQL; `explain.short_reasons` is the same rule in Python.

It stands apart from the numeric passes because it needs lists of structs, which few engines share.
"""

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from scoring.combine import DECIMALS
from scoring.contributions import Line, events_of, points_of, time_s
from scoring.expressions import Scalar, integer, named, number, raw_text, rounded

MOST_POSITIVE = 3
MOST_NEGATIVE = 2
SEPARATOR = "; "

# Sorting the structs sorts by size, then by rank, which is the place of the rule id among all of them.
_PICKED = """
LIST_CONCAT(
  LIST_SLICE(LIST_SORT(LIST_FILTER(lines, LAMBDA x : x.positive)), 1, :most_positive),
  LIST_SLICE(LIST_SORT(LIST_FILTER(lines, LAMBDA x : NOT x.positive)), 1, :most_negative))
"""
_SENTENCE = """
CASE WHEN x.positive THEN '+' ELSE '-' END
|| CASE WHEN x.tenths % 10 = 0 THEN CAST(x.tenths // 10 AS TEXT) ELSE CAST(x.tenths / 10.0E0 AS TEXT) END
|| ' ' || LIST_EXTRACT(:labels, x.rank)
|| CASE WHEN x.events > 1 THEN ' ×' || CAST(x.events AS TEXT) ELSE '' END
|| CASE WHEN x.last_s IS NULL THEN ''
   WHEN YEAR(MAKE_TIMESTAMP(x.last_s * 1000000)) = YEAR(MAKE_TIMESTAMP(as_of_s * 1000000))
   THEN ' (last ' || STRFTIME(MAKE_TIMESTAMP(x.last_s * 1000000), '%-d %b') || ')'
   ELSE ' (last ' || STRFTIME(MAKE_TIMESTAMP(x.last_s * 1000000), '%-d %b %Y') || ')' END
"""
_TEXT = "ARRAY_TO_STRING(LIST_TRANSFORM(:picked, LAMBDA x : :sentence), :separator)"
_SHOWN = "LIST_FILTER(:lines, LAMBDA x : x.tenths > 0)"


def ranked(found: Sequence[Line]) -> list[Line]:
    """Sort lines by rule id, the order in which ties are told."""
    return sorted(found, key=lambda line: (line.rule_id, line.kind))


def reasons(found: Sequence[Line]) -> Scalar:
    """Write the short text from the columns `lines` and `as_of_s` of `explained`."""
    labels = exp.Array(expressions=[raw_text(line.label) for line in ranked(found)])
    picked = _filled(_PICKED, most_positive=integer(MOST_POSITIVE), most_negative=integer(MOST_NEGATIVE))
    return _filled(_TEXT, picked=picked, sentence=_filled(_SENTENCE, labels=labels), separator=raw_text(SEPARATOR))


def explained(found: Sequence[Line]) -> exp.Subquery:
    """Add to the scored table the list `lines`: a struct for every line that does not round to 0.0."""
    structs = exp.Array(expressions=[_struct(line, rank) for rank, line in enumerate(ranked(found), start=1)])
    lines = named(_filled(_SHOWN, lines=structs), "lines")
    return exp.select(exp.Star(), lines).from_("scored").subquery("explained")


def _struct(line: Line, rank: int) -> exp.Struct:
    points = rounded(points_of(line), DECIMALS)
    size = exp.Abs(this=points)
    members: dict[str, Scalar] = {
        "size": exp.Neg(this=size),
        "rank": integer(rank),
        "positive": points_of(line) > number(0.0),
        "tenths": exp.cast(exp.Floor(this=size.copy() * number(10.0) + number(0.5)), "bigint"),
        "events": events_of(line),
        "last_s": time_s(line, "newest_s"),
    }
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=value) for name, value in members.items()]
    )


def _filled(template: str, **values: Scalar) -> Scalar:
    expression = exp.replace_placeholders(sqlglot.parse_one(template, read="duckdb"), **values)
    return exp.paren(expression)
