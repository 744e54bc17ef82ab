"""The ledger pass: recorded corrections of a subject's engagement, and since when its events count.

Reads `adjustments` and `clock`. A set_to wipes out what came before it; a modify adds to what is there.
"""

import math

from sqlglot import exp

from scoring.expressions import (
    Scalar,
    case,
    column,
    epoch_s,
    every,
    integer,
    known_number,
    named,
    normalised,
    number,
    or_zero,
    raw_text,
    times,
)
from scoring.subjects import Columns, source_column

TABLE = "adjustments"
ADJUSTED = "adjusted"
POINTS, NEWEST_S, OLDEST_S, RESET_S = "adjustment", "adjustment_newest_s", "adjustment_oldest_s", "adjustment_reset_s"
_SET_TO, _MODIFY = "set_to", "modify"


def has_ledger(columns: Columns) -> bool:
    """Say whether the data have adjustments at all; without them a statement says nothing of them."""
    return TABLE in columns


def ledger_stages(model_id: str, columns: Columns) -> dict[str, exp.Query]:
    """Give the stages that leave one row per subject with adjustments of this model."""
    if not has_ledger(columns):
        return {}
    return {"ledger": _ledger(model_id, columns), ADJUSTED: _adjusted()}


def adjusted_columns(columns: Columns) -> list[exp.Alias]:
    """Give what adjustments add to a member and the ages of the oldest and newest."""
    if not has_ledger(columns):
        return [named(number(0.0), POINTS)]
    ages = [named(column(name, ADJUSTED), name) for name in (NEWEST_S, OLDEST_S)]
    return [named(or_zero(column(POINTS, ADJUSTED)), POINTS), *ages]


def _ledger(model_id: str, columns: Columns) -> exp.Select:
    """Select the adjustments that exist at as_of, each with its place among its subject's equals, newest first."""
    half_life = exp.cast(known_number(source_column(TABLE, "half_life_days", columns)), "double")
    points = known_number(column("points", TABLE))
    age_s = column("as_of_s", "clock") - epoch_s(column("effective_at", TABLE))
    op = normalised(column("op", TABLE))
    subject_id, reset = column("subject_id", TABLE), case([(op.copy().eq(raw_text(_SET_TO)), age_s.copy())])
    order = exp.Order(expressions=[_sorted(age_s.copy()), _sorted(column("adjustment_id", TABLE), descending=True)])
    place = exp.Window(this=exp.RowNumber(), partition_by=[subject_id.copy(), op.copy()], order=order)
    return (
        exp.select(
            named(subject_id, "subject_id"),
            named(op, "op"),
            named(points, "points"),
            named(half_life, "half_life_days"),
            named(age_s, "age_s"),
            named(place, "place"),
            named(exp.Window(this=exp.Min(this=reset), partition_by=[subject_id.copy()]), RESET_S),
        )
        .from_(TABLE)
        .join("clock", join_type="cross")
        .where(
            column("model_id", TABLE).eq(raw_text(model_id)),
            op.copy().isin(raw_text(_SET_TO), raw_text(_MODIFY)),
            exp.not_(points.copy().is_(exp.null())),
            age_s.copy() >= integer(0),
        )
    )


def _sorted(value: Scalar, *, descending: bool = False) -> exp.Ordered:
    return exp.Ordered(this=value, desc=descending, nulls_first=False)


def _adjusted() -> exp.Select:
    reset = column(RESET_S)
    since = exp.or_(reset.is_(exp.null()), column("age_s") <= reset.copy())
    counts = exp.or_(column("op").eq(raw_text(_MODIFY)), column("place").eq(integer(1)))
    rate = number(-math.log(2.0) / 86400.0) / column("half_life_days")
    share = case([(column("half_life_days") > number(0.0), exp.Exp(this=times(column("age_s"), rate)))], number(1.0))
    return (
        exp.select(
            column("subject_id"),
            named(exp.Sum(this=times(column("points"), share)), POINTS),
            named(exp.Min(this=column("age_s")), NEWEST_S),
            named(exp.Max(this=column("age_s")), OLDEST_S),
            named(exp.Min(this=reset.copy()), RESET_S),
        )
        .from_("ledger")
        .where(every([since, counts]))
        .group_by(column("subject_id"))
    )
