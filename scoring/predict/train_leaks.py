"""Measures what each feature betrays alone, over rows of training; `leaks.judge` says what follows."""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from scoring.predict.leaks import PURE, PURE_ROWS, Betrayal
from scoring.predict.train_matrix import Floats, Rows, Texts, folds_of

_BINS: Final = 20
_PRIOR_ROWS: Final = 5.0
_EXPECTED: Final = 7  # none where seven were expected is one chance in a thousand

Codes = NDArray[np.int64]


def betrayals(
    rows: Rows, behaviours: Collection[str] = (), changed_after: Mapping[str, float] | None = None
) -> list[Betrayal]:
    """Measure every feature: its rate per value on other subjects' rows, and whether it is filled at all.

    behaviours name features of events; changed_after is as `Betrayal.changed_after_share` has it.
    """
    folds = folds_of(rows)
    known = changed_after or {}
    found: list[Betrayal] = []
    for name in rows.names:
        codes = _binned(rows.numbers[name]) if name in rows.numbers else _coded(rows.texts[name])
        # Many different values may each be too rare to say what having any says.
        filled = _purity((codes > 0).astype(np.int64), rows.converted)
        pure, certain = map(max, zip(_purity(codes, rows.converted), filled, strict=True))
        found.append(
            Betrayal(
                name=name,
                auc=area(_encoded(codes, rows.converted, folds), rows.converted),
                missing_auc=_two_sided(area((codes == 0).astype(np.float64), rows.converted)),
                pure_share=pure,
                certain_share=certain,
                changed_after_share=known.get(name),
                is_behaviour=name in behaviours,
            )
        )
    return found


def area(scores: Floats, converted: Floats) -> float:
    """Give the AUC, ties counting half; 0.5 where one kind is missing."""
    positives = float(converted.sum())
    negatives = len(converted) - positives
    if not positives or not negatives:
        return 0.5
    ranks = float(rankdata(scores)[converted > 0].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def _two_sided(auc: float) -> float:
    return max(auc, 1 - auc)


def _binned(values: Floats) -> Codes:
    """Number twenty quantile bins from 1; 0 is unknown."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return np.zeros(len(values), dtype=np.int64)
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(np.isnan(values), 0, np.searchsorted(cuts, values, side="right") + 1).astype(np.int64)


def _coded(values: Texts) -> Codes:
    """Number the values from 1; 0 is unknown."""
    places: dict[str, int] = {}
    return np.asarray(
        [0 if value is None else places.setdefault(str(value), len(places) + 1) for value in values], dtype=np.int64
    )


def _encoded(codes: Codes, converted: Floats, folds: Codes) -> Floats:
    """Give each row the rate of its value among other folds, drawn to the overall rate where the value is rare."""
    size, rate = int(codes.max()) + 1, float(converted.mean())
    n, won = np.bincount(codes, minlength=size), np.bincount(codes, weights=converted, minlength=size)
    found = np.zeros(len(codes), dtype=np.float64)
    for fold in np.unique(folds):
        inside = folds == fold
        rest = n - np.bincount(codes[inside], minlength=size)
        rest_won = won - np.bincount(codes[inside], weights=converted[inside], minlength=size)
        rates = (rest_won + _PRIOR_ROWS * rate) / (rest + _PRIOR_ROWS)
        found[inside] = rates[codes[inside]]
    return found


def _purity(codes: Codes, converted: Floats) -> tuple[float, float]:
    """Give the share of rows in values that always or never convert, and of conversions in those that always do.

    Where few convert at all, never is under a tenth of their share, and only values of which seven conversions were to
    be expected can say so.
    """
    rate = float(converted.mean())
    n, won = np.bincount(codes), np.bincount(codes, weights=converted)
    total = max(float(converted.sum()), 1.0)
    rates = won / np.maximum(n, 1)
    certain = (n >= PURE_ROWS) & (rates > 1 - PURE)
    never = (n >= PURE_ROWS) & (n * rate >= _EXPECTED) & (rates < min(PURE, rate / 10))
    return float(n[certain | never].sum()) / len(codes), float(won[certain].sum()) / total
