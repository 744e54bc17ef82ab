"""The tables of a trained model as SQL: one CASE per feature, its numbers exact to the last bit.

https://duckdb.org/docs/stable/sql/expressions/case
"""

import math
from collections.abc import Callable, Sequence

from sqlglot import exp

from scoring.expressions import (
    Scalar,
    case,
    column,
    integer,
    known_number,
    looked_up,
    named,
    number,
    raw_text,
    table,
    total,
)
from scoring.predict.artefact import Part, TableModel, Term

LOG_ODDS = "log_odds"
_MOST_IN_A_ROW = 8
_MOST_EXPONENT = 500.0  # beyond it some engines refuse EXP, and the probability is 0 or 1 to the last bit anyway


def value_column(feature_id: str) -> str:
    """Name the column of a feature's value."""
    return f"model.{feature_id}.value"


def log_odds_column(feature_id: str) -> str:
    """Name the column of the log-odds that a feature gives."""
    return f"model.{feature_id}.log_odds"


def term_log_odds(term: Term, value: Scalar) -> Scalar:
    """Give the log-odds of the bin that a value falls into; a number is not NaN, but null where unknown."""
    return _of_bin(term, value, [number(one.log_odds) for one in term.bins])


def term_bin(term: Term, value: Scalar, first: int = 0) -> Scalar:
    """Give the place of the bin that a value falls into, counted from `first`."""
    return _of_bin(term, value, [integer(first + place) for place in range(len(term.bins))])


def by_part(model: TableModel, of: Callable[[Part], Scalar], segment: Scalar | None = None) -> Scalar:
    """Give what is said of each subject's own tables; `segment` is its segment, the value column without."""
    if model.segment is None:
        return of(model)
    value = column(value_column(model.segment.id)) if segment is None else segment
    branches = [(value.copy().eq(raw_text(one.id)), of(one)) for one in model.segments]
    return case(branches, of(model))


def feature_log_odds(model: TableModel, feature_id: str, value: Scalar, segment: Scalar | None = None) -> Scalar:
    """Give the log-odds of a feature: none where the subject's tables do not have it."""

    def of(part: Part) -> Scalar:
        found = [term_log_odds(term, value.copy()) for term in part.terms if term.feature.id == feature_id]
        return found[0] if found else number(0.0)

    return by_part(model, of, segment)


def _of_bin(term: Term, value: Scalar, results: Sequence[Scalar]) -> Scalar:
    unknown, *known = results
    if term.feature.role == "numeric":
        return _cut(value, term.cuts, known, [(value.is_(exp.null()), unknown)])
    other = case([(value.is_(exp.null()), unknown)], known[-1])
    if not term.levels:
        return other
    return exp.Coalesce(this=looked_up(dict(zip(term.levels, known[:-1], strict=True)), value), expressions=[other])


def _cut(
    value: Scalar, cuts: Sequence[float], results: Sequence[Scalar], first: Sequence[tuple[Scalar, Scalar]] = ()
) -> Scalar:
    """Go through the cuts one by one; through many of them by runs, which halves the tests that a row meets."""
    if len(cuts) <= _MOST_IN_A_ROW:
        tests: list[Scalar] = [exp.LT(this=value.copy(), expression=number(cut)) for cut in cuts]
        return case([*first, *zip(tests, results[:-1], strict=True)], results[-1])
    size = math.isqrt(len(cuts)) + 1
    runs = range(size, len(results), size)
    below: list[Scalar] = [exp.LT(this=value.copy(), expression=number(cuts[end - 1])) for end in runs]
    parts = [_cut(value, cuts[end - size : end - 1], results[end - size : end]) for end in runs]
    last = _cut(value, cuts[runs[-1] :], results[runs[-1] :])
    return case([*first, *zip(below, parts, strict=True)], last)


def summed_log_odds(model: TableModel) -> Scalar:
    """Add the intercept and the log-odds of the features, in the order of the terms."""
    start = by_part(model, lambda part: number(part.intercept))
    return total([start, *(column(log_odds_column(name)) for name in model.scored)])


def probability(log_odds: Scalar) -> Scalar:
    """Give the probability of log-odds."""
    bounded = exp.func("LEAST", exp.func("GREATEST", log_odds, number(-_MOST_EXPONENT)), number(_MOST_EXPONENT))
    odds = exp.Exp(this=exp.Neg(this=exp.Paren(this=bounded)))
    return exp.Div(this=number(1.0), expression=exp.Paren(this=exp.Add(this=number(1.0), expression=odds)))


def table_statement(
    model: TableModel, source: str, keys: Sequence[str] = ("subject_id",), *, has_nan: bool = True
) -> exp.Select:
    """Select the keys, the log-odds of every feature, their sum `log_odds` and `probability` from plain columns.

    The source has a column per feature, named by its id. NaN counts as null; where there is none, as in what
    `feature_statement` gives, `has_nan` saves looking for it.
    """
    numeric = [feature.id for feature in model.features if has_nan and feature.role == "numeric"]
    given = {feature.id: column(feature.id) for feature in model.features}
    read = [named(known_number(value) if name in numeric else value, name) for name, value in given.items()]
    known = exp.select(*map(column, keys), *read).from_(table(source), copy=False)
    segment = column(model.segment.id) if model.segment else None
    values = {log_odds_column(name): feature_log_odds(model, name, column(name), segment) for name in model.scored}
    terms = [named(value, name) for name, value in values.items()]
    terms += [named(column(model.segment.id), value_column(model.segment.id))] if model.segment else []
    of_terms = exp.select(*map(column, keys), *terms).from_(table("known"), copy=False)
    summed = exp.select(*map(column, (*keys, *values)), named(summed_log_odds(model), LOG_ODDS))
    likely = named(probability(column(LOG_ODDS)), "probability")
    query = exp.select(exp.Star(), likely).from_(table("summed"), copy=False)
    stages = {"known": known, "terms": of_terms, "summed": summed.from_(table("terms"), copy=False)}
    for name, stage in stages.items():
        query = query.with_(name, as_=stage, copy=False)
    return query
