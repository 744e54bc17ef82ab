"""How points fade with age: the share that is left, as SQL."""

import math

from sqlglot import exp

from scoring.expressions import Scalar, greatest, number, times
from scoring.rules import DecayRule

_WEEK_S = 7 * 86400
_MONTH_S = 30 * 86400


def share_left(decay: DecayRule, age_s: Scalar) -> Scalar:
    """Give the share of the points left at an age in whole seconds; null for a null age."""
    if decay.half_life is not None:
        return exp.Exp(this=times(age_s, number(-math.log(2.0) / decay.half_life)))
    if decay.linear is not None:
        return greatest(number(0.0), number(1.0) - age_s / number(float(decay.linear)))
    if decay.per_week is not None:
        return _per_period(decay.per_week, _WEEK_S, age_s)
    if decay.per_month is not None:
        return _per_period(decay.per_month, _MONTH_S, age_s)
    return number(1.0)


def _per_period(lost: float, period_s: int, age_s: Scalar) -> Scalar:
    return kept_per_period(1.0 - lost, period_s, age_s)


def kept_per_period(kept: float, period_s: int, age_s: Scalar) -> Scalar:
    """Give `kept` to the power of the whole periods in an age; for a null age, null."""
    periods = exp.Floor(this=exp.paren(age_s) / number(float(period_s)))
    return exp.func("POWER", number(kept), periods)
