"""The short text of a score as DuckDB SQL; `explain.short_reasons` is the same rule in Python.

It stands apart from the numeric passes because it needs lists of structs, which few engines share.
"""

from collections.abc import Sequence
from itertools import accumulate

from sqlglot import exp

from scoring.contributions import Line, events_of, line_column, points_of
from scoring.explain import CONSTANT, MOST_NEGATIVE, MOST_POSITIVE, SEPARATOR
from scoring.expressions import Scalar, column, integer, named, null, raw_text, table
from scoring.schema import DECIMALS

# A key holds the size of a line in billionths and, for ties, the place of its rule id: sorting keys sorts lines.
# Keys of negative lines are negative. Lists of numbers, one entry per line, are far cheaper than lists of structs.
_PLACES = 4096  # more than the lines that a model can have
_MOST_POINTS = 2.0e6  # what a key of 64 bits can hold
_LEAST_KEY = 50_000_000 * _PLACES  # 0.05 points; less rounds to 0.0, which tells a reader nothing

# Joining an empty list gives null in DuckDB 1.4 and an empty text in 2.0. Only lines of events have an entry in
# `events` and `ages_s`; `of_events` says which. The year is seen by its first second, since no event is later than now.
_MACROS = f"""
line_key(points, place) AS SIGN(points) * ({_PLACES} - place) + {_PLACES} *
CAST({10**DECIMALS}.0E0 * LEAST(GREATEST(points, {-_MOST_POINTS}E0), {_MOST_POINTS}E0) AS BIGINT);
line_place(key) AS {_PLACES} - ABS(key) % {_PLACES};
line_tenths(key) AS (ABS(key) // {_PLACES} + 50000000) // 100000000;
line_size(tenths) AS CAST(tenths // 10 AS TEXT) || CASE WHEN tenths % 10 = 0 THEN '' ELSE '.' || tenths % 10 END;
line_times(events) AS CASE WHEN events > 1 THEN ' ×' || CAST(events AS TEXT) ELSE '' END;
year_began_s(as_of_s) AS CAST(EPOCH(DATE_TRUNC('year', MAKE_TIMESTAMP(as_of_s * 1000000))) AS BIGINT);
line_date(last_s, year_s) AS CASE WHEN last_s IS NULL THEN ''
WHEN last_s >= year_s THEN STRFTIME(MAKE_TIMESTAMP(last_s * 1000000), ' (last %-d %b)')
ELSE STRFTIME(MAKE_TIMESTAMP(last_s * 1000000), ' (last %-d %b %Y)') END;
line_text(key, label, of_events, events, ages_s, as_of_s) AS CASE WHEN key > 0 THEN '+' ELSE '-' END
|| line_size(line_tenths(key)) || ' ' || label || line_times(events[of_events[line_place(key)]])
|| line_date(as_of_s - ages_s[of_events[line_place(key)]], year_began_s(as_of_s));
told_keys(keys) AS LIST_CONCAT(
LIST_FILTER(LIST_AGGREGATE(keys, 'max', {MOST_POSITIVE}), LAMBDA key : key >= {_LEAST_KEY}),
LIST_FILTER(LIST_AGGREGATE(keys, 'min', {MOST_NEGATIVE}), LAMBDA key : key <= -{_LEAST_KEY}));
short_reasons(keys, labels, of_events, events, ages_s, as_of_s) AS COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(
told_keys(keys), LAMBDA key : line_text(key, labels[line_place(key)], of_events, events, ages_s, as_of_s)),
'{SEPARATOR}'), '')
"""
_CREATE = "CREATE OR REPLACE TEMPORARY MACRO "
MACROS = tuple(_CREATE + " ".join(macro.split()) for macro in _MACROS.split(";\n"))
"""What the text calls in DuckDB."""


_WORDED = """
worded_reasons(keys, labels, places, of_events, events, ages_s, as_of_s) AS COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(
told_keys(keys), LAMBDA key : line_text(key, labels[places[line_place(key)]], of_events, events, ages_s, as_of_s)),
'{SEPARATOR}'), '')
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
    in_order = ranked(found)
    words = [line.words or (line.label,) for line in in_order]
    labels = exp.Array(expressions=[raw_text(word) for of_line in words for word in of_line])
    tells = [_tells_events(line) for line in in_order]
    entries = [place if told else 0 for told, place in zip(tells, accumulate(tells), strict=True)]
    of_events = exp.Array(expressions=list(map(integer, entries)))
    read = [of_events, *map(column, ("events", "ages_s", "as_of_s"))]
    if has_words(found):
        return exp.Anonymous(this="worded_reasons", expressions=[column("keys"), labels, column("places"), *read])
    return exp.Anonymous(this="short_reasons", expressions=[column("keys"), labels, *read])


def _tells_events(line: Line) -> bool:
    return line.events is not None or line.newest_s is not None


def _age_s(line: Line) -> Scalar:
    return null("bigint") if line.newest_s is None else column(line_column(line, "newest_s"))


def explained(found: Sequence[Line]) -> exp.Subquery:
    """Add to the scored table the lists `keys`, of every line, and `events` and `ages_s`, of those of events."""
    in_order = ranked(found)
    told = [line for line in in_order if _tells_events(line)]
    lists: dict[str, list[Scalar]] = {
        "keys": [_key(line, place) for place, line in enumerate(in_order, start=1)],
        "events": [events_of(line) for line in told],
        "ages_s": [_age_s(line) for line in told],
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
    return exp.Anonymous(this="line_key", expressions=[points_of(line), integer(place)])
