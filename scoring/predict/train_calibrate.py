"""Brings log-odds to what happens: the intercept from the newest who had their time, the slope only where it is off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.predict.evaluate_intervals import smoothed_logit
from scoring.predict.train_matrix import AGE_DAYS, DAY_S, Floats, Mask, Rows
from scoring.predict.train_tables import sigmoids

SLOPE_OK: Final = (0.8, 1.25)
COHORT_CONVERSIONS: Final = 60
_STEPS: Final = 50
_PRIOR: Final = 1e-3


@dataclass(frozen=True)
class Line:
    """Two numbers that turn a score into log-odds: slope × score + offset."""

    slope: float
    offset: float


def platt(scores: Floats, converted: Floats) -> Line:
    """Fit log-odds = slope × score + offset by maximum likelihood (Platt 1999); slope 0 where the scores are all one.

    A trace of a prior keeps both finite where scores part the converted from the others without an error.
    """
    spread = float(scores.std())
    if len(scores) == 0 or spread == 0:
        return Line(0.0, smoothed_logit(float(converted.sum()), len(converted)))
    middle = float(scores.mean())
    x = np.stack([(scores - middle) / spread, np.ones(len(scores))], axis=1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        p = sigmoids(x @ weights)
        slope_of = x.T @ (converted - p) - _PRIOR * weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + _PRIOR * np.eye(2)
        step = np.linalg.solve(curve, slope_of)
        weights = weights + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = float(weights[0]) / spread
    return Line(slope, float(weights[1]) - slope * middle)


def needs_slope(line: Line) -> bool:
    """Tell whether out-of-fold log-odds are so far too wide or too narrow that they are to be scaled."""
    return not SLOPE_OK[0] <= line.slope <= SLOPE_OK[1]


def newest_cohort(rows: Rows, at_s: float, horizon_days: float, conversions: int = COHORT_CONVERSIONS) -> Mask:
    """Choose the newest rows whose outcome was known at this time, back to where enough converted and enough did not.

    Rows of one time are never parted.
    """
    known = rows.as_of_s + horizon_days * DAY_S <= at_s
    order = np.argsort(-rows.as_of_s[known], kind="stable")
    won = np.cumsum(rows.converted[known][order])
    lost = np.arange(1, len(order) + 1) - won
    enough = np.flatnonzero((won >= conversions) & (lost >= conversions))
    if len(enough) == 0:
        return np.asarray(known, dtype=np.bool_)
    oldest = rows.as_of_s[known][order][enough[0]]
    return np.asarray(known & (rows.as_of_s >= oldest), dtype=np.bool_)


def shift_to(log_odds: Floats, converted: Floats) -> float:
    """Give what to add to log-odds so that their mean probability is the rate that came true."""
    if len(converted) == 0:
        return 0.0
    rate = (float(converted.sum()) + 0.5) / (len(converted) + 1)
    low, high = -30.0, 30.0
    for _ in range(100):
        middle = (low + high) / 2
        if float(sigmoids(log_odds + middle).mean()) < rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def rates_by_age(rows: Rows) -> Floats:
    """Give the log-odds of converting by age, which is what one knows without any model; rare ages are as all are."""
    size, rate = len(AGE_DAYS) + 1, rows.rate
    n = np.bincount(rows.ages(), minlength=size)
    won = np.bincount(rows.ages(), weights=rows.converted, minlength=size)
    shares = np.clip((won + COHORT_CONVERSIONS * rate) / (n + COHORT_CONVERSIONS), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(shares / (1 - shares)), dtype=np.float64)


def prequential(
    log_odds: Floats, rows: Rows, at: Sequence[float], horizon_days: float, before: Rows, known: Floats
) -> Floats:
    """Shift held-out log-odds as monthly re-fits would have: each row by the newest cohort known at its month's start.

    `before` are earlier rows with their log-odds `known` by the same model; `at` are the starts of the months.
    """
    every = np.concatenate([known, log_odds])
    times = np.concatenate([before.as_of_s, rows.as_of_s])
    won = np.concatenate([before.converted, rows.converted])
    joined = Rows(np.concatenate([before.subject, rows.subject]), times, won, {}, {})
    found = log_odds.copy()
    for start, end in zip(at, [*at[1:], math.inf], strict=True):
        month = (rows.as_of_s >= start) & (rows.as_of_s < end)
        if month.any():
            cohort = newest_cohort(joined, start, horizon_days)
            found[month] = log_odds[month] + shift_to(every[cohort], won[cohort])
    return found
