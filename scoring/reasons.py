"""The short text of a score as DuckDB SQL; `explain.short_reasons` is the same rule in Python.

It stands apart from the numeric passes because it needs lists of structs, which few engines share.
"""

from collections.abc import Sequence

from sqlglot import exp

from scoring.contributions import Line, events_of, line_column, points_of, time_s
from scoring.explain import CONSTANT, MOST_NEGATIVE, MOST_POSITIVE, SEPARATOR
from scoring.expressions import Scalar, bigint, column, greatest, integer, least, named, number, raw_text, table
from scoring.schema import DECIMALS

# A key holds the size of a line in billionths and, for ties, the place of its rule id: sorting keys sorts lines.
# Keys of negative lines are negative. Lists of numbers, one entry per line, are far cheaper than lists of structs.
_PLACES = 4096  # more than the lines that a model can have
_MOST_POINTS = 2.0e6  # what a key of 64 bits can hold
_LEAST_KEY = 50_000_000 * _PLACES  # 0.05 points; less rounds to 0.0, which tells a reader nothing

# Joining an empty list gives null in DuckDB 1.4 and an empty text in 2.0.
_MACROS = f"""
line_place(key) AS {_PLACES} - ABS(key) % {_PLACES};
line_tenths(key) AS (ABS(key) // {_PLACES} + 50000000) // 100000000;
line_size(tenths) AS CASE WHEN tenths % 10 = 0 THEN CAST(tenths // 10 AS TEXT) ELSE CAST(tenths / 10.0E0 AS TEXT) END;
line_times(events) AS CASE WHEN events > 1 THEN ' ×' || CAST(events AS TEXT) ELSE '' END;
line_date(last_at, scored_at) AS CASE WHEN last_at IS NULL THEN ''
WHEN YEAR(last_at) = YEAR(scored_at) THEN ' (last ' || STRFTIME(last_at, '%-d %b') || ')'
ELSE ' (last ' || STRFTIME(last_at, '%-d %b %Y') || ')' END;
line_text(key, labels, events, last_s, as_of_s) AS CASE WHEN key > 0 THEN '+' ELSE '-' END
|| line_size(line_tenths(key)) || ' ' || labels[line_place(key)] || line_times(events[line_place(key)])
|| line_date(MAKE_TIMESTAMP(last_s[line_place(key)] * 1000000), MAKE_TIMESTAMP(as_of_s * 1000000));
told_keys(keys) AS LIST_CONCAT(
LIST_FILTER(LIST_AGGREGATE(keys, 'max', {MOST_POSITIVE}), LAMBDA key : key >= {_LEAST_KEY}),
LIST_FILTER(LIST_AGGREGATE(keys, 'min', {MOST_NEGATIVE}), LAMBDA key : key <= -{_LEAST_KEY}));
short_reasons(keys, labels, events, last_s, as_of_s) AS COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(told_keys(keys),
LAMBDA key : line_text(key, labels, events, last_s, as_of_s)), '{SEPARATOR}'), '')
"""
_CREATE = "CREATE OR REPLACE TEMPORARY MACRO "
MACROS = tuple(_CREATE + " ".join(macro.split()) for macro in _MACROS.split(";\n"))
"""What the text calls in DuckDB."""


_WORDED = """
worded_text(key, labels, places, events, last_s, as_of_s) AS CASE WHEN key > 0 THEN '+' ELSE '-' END
|| line_size(line_tenths(key)) || ' ' || labels[places[line_place(key)]] || line_times(events[line_place(key)])
|| line_date(MAKE_TIMESTAMP(last_s[line_place(key)] * 1000000), MAKE_TIMESTAMP(as_of_s * 1000000));
worded_reasons(keys, labels, places, events, last_s, as_of_s) AS COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(
told_keys(keys), LAMBDA key : worded_text(key, labels, places, events, last_s, as_of_s)), '{SEPARATOR}'), '')
"""
WORDED_MACROS = tuple(_CREATE + " ".join(macro.split()) for macro in _WORDED.format(SEPARATOR=SEPARATOR).split(";\n"))
"""What it calls besides where the words of a line depend on the subject."""


def ranked(found: Sequence[Line]) -> list[Line]:
    """Sort the lines that are told by rule id, the order in which ties are."""
    return sorted((line for line in found if line.kind != CONSTANT), key=lambda line: (line.rule_id, line.kind))


def has_words(found: Sequence[Line]) -> bool:
    """Say whether the words of some line depend on the subject."""
    return any(line.words for line in found)


def reasons(found: Sequence[Line]) -> Scalar:
    """Write the short text from the columns of `explained`; calls the MACROS."""
    words = [line.words or (line.label,) for line in ranked(found)]
    labels = exp.Array(expressions=[raw_text(word) for of_line in words for word in of_line])
    read = [*map(column, ("events", "last_s", "as_of_s"))]
    if has_words(found):
        return exp.Anonymous(this="worded_reasons", expressions=[column("keys"), labels, column("places"), *read])
    return exp.Anonymous(this="short_reasons", expressions=[column("keys"), labels, *read])


def explained(found: Sequence[Line]) -> exp.Subquery:
    """Add to the scored table the lists `keys`, `events` and `last_s`, each with an entry for every line."""
    in_order = ranked(found)
    lists = {
        "keys": [_key(line, place) for place, line in enumerate(in_order, start=1)],
        "events": [events_of(line) for line in in_order],
        "last_s": [time_s(line, "newest_s") for line in in_order],
    }
    if has_words(found):
        lists["places"] = _places(in_order)
    columns = [named(exp.Array(expressions=entries), name) for name, entries in lists.items()]
    return exp.select(exp.Star(), *columns).from_(table("scored"), copy=False).subquery("explained", copy=False)


def _places(in_order: Sequence[Line]) -> list[Scalar]:
    """Give where the words of each line are among the words of all."""
    places: list[Scalar] = []
    first = 1
    for line in in_order:
        start = integer(first)
        places.append(
            start if line.place is None else exp.Add(this=column(line_column(line, "place")), expression=start)
        )
        first += len(line.words) or 1
    return places


def _key(line: Line, place: int) -> Scalar:
    points = least(greatest(points_of(line), number(-_MOST_POINTS)), number(_MOST_POINTS))
    nanos = bigint(exp.Mul(this=points, expression=number(10.0**DECIMALS)))
    tie = exp.Mul(this=exp.Sign(this=points_of(line)), expression=integer(_PLACES - place))
    return exp.Add(this=exp.Mul(this=nanos, expression=integer(_PLACES)), expression=tie)
