"""The short text of a score as DuckDB SQL; `explain.short_reasons` is the same rule in Python.

It stands apart from the numeric passes because it needs lists of structs, which few engines share.
"""

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from scoring.contributions import Line, events_of, points_of, time_s
from scoring.explain import MOST_NEGATIVE, MOST_POSITIVE, SEPARATOR
from scoring.expressions import Scalar, bigint, greatest, integer, least, named, number, raw_text, table
from scoring.schema import DECIMALS

# A key holds the size of a line in billionths and, for ties, the place of its rule id: sorting keys sorts lines.
# Keys of negative lines are negative. Lists of numbers, one entry per line, are far cheaper than lists of structs.
_PICKED = """
LIST_CONCAT(
  LIST_FILTER(LIST_AGGREGATE(keys, 'max', :most_positive), LAMBDA x : x >= :least),
  LIST_FILTER(LIST_AGGREGATE(keys, 'min', :most_negative), LAMBDA x : x <= -:least))
"""
_SENTENCE = """
CASE WHEN x > 0 THEN '+' ELSE '-' END
|| CASE WHEN :tenths % 10 = 0 THEN CAST(:tenths // 10 AS TEXT) ELSE CAST(:tenths / 10.0E0 AS TEXT) END
|| ' ' || LIST_EXTRACT(:labels, :place)
|| CASE WHEN LIST_EXTRACT(events, :place) > 1 THEN ' ×' || CAST(LIST_EXTRACT(events, :place) AS TEXT) ELSE '' END
|| CASE WHEN LIST_EXTRACT(last_s, :place) IS NULL THEN ''
   WHEN YEAR(:last_at) = YEAR(MAKE_TIMESTAMP(as_of_s * 1000000)) THEN ' (last ' || STRFTIME(:last_at, '%-d %b') || ')'
   ELSE ' (last ' || STRFTIME(:last_at, '%-d %b %Y') || ')' END
"""
_TENTHS = "((ABS(x) // 1024 + 50000000) // 100000000)"
_PLACE = "(1024 - ABS(x) % 1024)"
_LAST_AT = "MAKE_TIMESTAMP(LIST_EXTRACT(last_s, :place) * 1000000)"
# Joining an empty list gives null in DuckDB 1.4 and an empty text in 2.0.
_TEXT = "COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(:picked, LAMBDA x : :sentence), :separator), '')"
_PLACES = 1024
_LEAST_NANOS = 50_000_000  # 0.05 points; less rounds to 0.0, which tells a reader nothing
_MOST_POINTS = 9.0e6  # what a 64-bit key can hold


def ranked(found: Sequence[Line]) -> list[Line]:
    """Sort lines by rule id, the order in which ties are told."""
    return sorted(found, key=lambda line: (line.rule_id, line.kind))


def reasons(found: Sequence[Line]) -> Scalar:
    """Write the short text from the columns of `explained`."""
    labels = exp.Array(expressions=[raw_text(line.label) for line in ranked(found)])
    place = _filled(_PLACE)
    last_at = _filled(_LAST_AT, place=place)
    sentence = _filled(_SENTENCE, tenths=_filled(_TENTHS), place=place, last_at=last_at, labels=labels)
    bounds = {"most_positive": MOST_POSITIVE, "most_negative": MOST_NEGATIVE, "least": _LEAST_NANOS * _PLACES}
    picked = _filled(_PICKED, **{name: integer(bound) for name, bound in bounds.items()})
    return _filled(_TEXT, picked=picked, sentence=sentence, separator=raw_text(SEPARATOR))


def explained(found: Sequence[Line]) -> exp.Subquery:
    """Add to the scored table the lists `keys`, `events` and `last_s`, each with an entry for every line."""
    in_order = ranked(found)
    lists = {
        "keys": [_key(line, place) for place, line in enumerate(in_order, start=1)],
        "events": [events_of(line) for line in in_order],
        "last_s": [time_s(line, "newest_s") for line in in_order],
    }
    columns = [named(exp.Array(expressions=entries), name) for name, entries in lists.items()]
    return exp.select(exp.Star(), *columns).from_(table("scored"), copy=False).subquery("explained", copy=False)


def _key(line: Line, place: int) -> Scalar:
    points = least(greatest(points_of(line), number(-_MOST_POINTS)), number(_MOST_POINTS))
    nanos = bigint(exp.Mul(this=points, expression=number(10.0**DECIMALS)))
    tie = exp.Mul(this=exp.Sign(this=points_of(line)), expression=integer(_PLACES - place))
    return exp.Add(this=exp.Mul(this=nanos, expression=integer(_PLACES)), expression=tie)


def _filled(template: str, **values: Scalar) -> Scalar:
    return exp.paren(exp.replace_placeholders(sqlglot.parse_one(template, read="duckdb"), **values))
