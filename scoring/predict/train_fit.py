"""Fits additive models: boosted tables (EBM without pairs), and a logistic regression on bins to challenge them."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from interpret.glassbox import ExplainableBoostingClassifier
from scipy.sparse import csr_matrix
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression

from scoring.predict.train_matrix import RARE, Floats, Rows, Texts, levels_of
from scoring.predict.train_tables import NumberTable, Table, Tables, TextTable, counts_of, placed

EBM: Final = "ebm"
LR_BINS: Final = "lr_bins"
MAX_BINS: Final = 32
OUTER_BAGS: Final = 8
QUANTILE_BINS: Final = 8
PENALTY: Final = 0.3
SEED: Final = 0
OTHER: Final = "(other)"
_LEAST_WEIGHT: Final = 1e-6  # of a range that no row is in


@dataclass(frozen=True)
class _Usable:
    """The features worth a table: numbers that differ, texts with the values that enough rows have."""

    numbers: Mapping[str, Floats]
    levels: Mapping[str, tuple[str, ...]]


def fit_ebm(rows: Rows, bags: int = OUTER_BAGS) -> Tables:
    """Fit boosted tables without pairs: at most 32 ranges of a number, rare values of a text as one.

    https://interpret.ml/docs/python/api/ExplainableBoostingClassifier.html
    """
    usable = _usable(rows)
    names = (*usable.numbers, *usable.levels)
    if not names:
        return Tables(EBM, _log_odds_of(rows), {})
    matrix = np.empty((len(rows), len(names)), dtype=object)
    for place, name in enumerate(names):
        is_number = name in usable.numbers
        matrix[:, place] = usable.numbers[name] if is_number else _grouped(rows.texts[name], usable.levels[name])
    model = ExplainableBoostingClassifier(
        feature_names=list(names),
        feature_types=["continuous" if name in usable.numbers else "nominal" for name in names],
        interactions=0,
        max_bins=MAX_BINS,
        outer_bags=bags,
        random_state=SEED,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it warns that missing values are not drawn in its charts
        model.fit(matrix, rows.converted.astype(int))
    tables: dict[str, Table] = {}
    for place, name in enumerate(names):
        bins, scores = model.bins_[place][0], model.term_scores_[place]
        tables[name] = _numbers(bins, scores) if name in usable.numbers else _texts(usable.levels[name], bins, scores)
    return Tables(EBM, float(model.intercept_[0]), tables)


def fit_lr_bins(rows: Rows) -> Tables:
    """Fit a logistic regression (L2) on eight quantile bins of a number and the common values of a text."""
    usable = _usable(rows)
    blank: dict[str, Table] = {name: _quantile_bins(values) for name, values in usable.numbers.items()}
    blank |= {name: TextTable(levels, (0.0,) * len(levels), 0.0, 0.0) for name, levels in usable.levels.items()}
    if not blank:
        return Tables(LR_BINS, _log_odds_of(rows), {})
    matrix, starts = _one_hot(blank, rows)
    model = LogisticRegression(C=PENALTY, max_iter=1000)
    model.fit(matrix, rows.converted.astype(int))
    weights = [float(one) for one in model.coef_[0]]
    filled = {name: _filled(table, weights[starts[name] :]) for name, table in blank.items()}
    return Tables(LR_BINS, float(model.intercept_[0]), filled)


def _usable(rows: Rows) -> _Usable:
    numbers = {name: values for name, values in rows.numbers.items() if _differs(values)}
    levels = {name: levels_of(values) for name, values in rows.texts.items()}
    return _Usable(numbers, {name: found for name, found in levels.items() if _parts(rows.texts[name], found)})


def _differs(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return len(known) > 0 and (len(known) < len(values) or bool(known.min() < known.max()))


def _parts(values: Texts, levels: tuple[str, ...]) -> bool:
    """Tell whether a text has values that enough rows share, and that not all rows share."""
    return bool(levels) and (len(levels) > 1 or any(value is None or str(value) != levels[0] for value in values))


def _grouped(values: Texts, levels: tuple[str, ...]) -> Texts:
    kept = set(levels)
    grouped = [None if value is None else str(value) if str(value) in kept else OTHER for value in values]
    return np.asarray(grouped, dtype=object)


def _numbers(cuts: Floats, scores: Floats) -> NumberTable:
    """Read a table of a number; its last score is for values that are no number, which none is here."""
    return _merged(NumberTable(tuple(float(cut) for cut in cuts), tuple(float(score) for score in scores[:-1])))


def _merged(table: NumberTable) -> NumberTable:
    """Make one of neighbouring ranges of equal log-odds."""
    kept = [place for place, cut in enumerate(table.cuts) if table.values[place + 1] != table.values[place + 2]]
    cuts = tuple(table.cuts[place] for place in kept)
    return NumberTable(cuts, (*table.values[:2], *(table.values[place + 2] for place in kept)))


def _texts(levels: tuple[str, ...], places: Mapping[str, int], scores: Floats) -> TextTable:
    values = tuple(float(scores[places[level]]) for level in levels)
    other = float(scores[places[OTHER]]) if OTHER in places else 0.0
    return TextTable(levels, values, other, float(scores[0]))


def _quantile_bins(values: Floats) -> NumberTable:
    """Cut known numbers into eighths; where the least takes more than one, as with counts, the others are cut apart."""
    known = values[~np.isnan(values)]
    above = known[known > known.min()]
    cuts = _quantiles(known, QUANTILE_BINS)
    if RARE <= len(above) < len(known) * (1 - 1 / QUANTILE_BINS):
        cuts = np.append(_quantiles(above, min(QUANTILE_BINS - 1, len(above) // RARE)), above.min())
    kept = tuple(float(cut) for cut in np.unique(cuts) if cut > known.min())
    return NumberTable(kept, (0.0,) * (len(kept) + 2))


def _quantiles(values: Floats, bins: int) -> Floats:
    return np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])


def _one_hot(tables: Mapping[str, Table], rows: Rows) -> tuple[csr_matrix, dict[str, int]]:
    """Give each row a one in the column of its place in each table, and where the columns of each begin."""
    starts: dict[str, int] = {}
    columns: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    width = 0
    for name, table in tables.items():
        starts[name] = width
        columns.append(width + placed(table, rows, name))
        width += len(table.values) if isinstance(table, NumberTable) else len(table.every)
    places = np.stack(columns, axis=1).ravel()
    edges = np.arange(0, len(places) + 1, len(tables))
    return csr_matrix((np.ones(len(places)), places, edges), shape=(len(rows), width)), starts


def _filled(table: Table, weights: list[float]) -> Table:
    size = len(table.values)
    if isinstance(table, NumberTable):
        return _merged(NumberTable(table.cuts, tuple(weights[:size])))
    return TextTable(table.levels, tuple(weights[:size]), weights[size], weights[size + 1])


def _log_odds_of(rows: Rows) -> float:
    won = float(rows.converted.sum())
    return float(np.log((won + 0.5) / (len(rows) - won + 0.5)))


def fitted(kind: str, rows: Rows, bags: int = OUTER_BAGS) -> Tables:
    """Fit the model of this kind; where a number is to be monotone, at the least change of its table over these rows.

    https://scikit-learn.org/stable/modules/generated/sklearn.isotonic.isotonic_regression.html
    """
    tables = fit_ebm(rows, bags) if kind == EBM else fit_lr_bins(rows)
    changed = dict(tables.tables)
    for name, sign in rows.monotone.items():
        table = changed.get(name)
        if isinstance(table, NumberTable):
            n, _ = counts_of(table, rows, name)
            weights = np.asarray(n[1:], dtype=np.float64) + _LEAST_WEIGHT
            ordered = isotonic_regression(np.asarray(table.values[1:]), sample_weight=weights, increasing=sign > 0)
            changed[name] = _merged(NumberTable(table.cuts, (table.values[0], *map(float, ordered))))
    return Tables(tables.kind, tables.intercept, changed)


def out_of_fold(kind: str, rows: Rows, folds: np.ndarray[tuple[int], np.dtype[np.int64]], bags: int) -> Floats:
    """Give each row log-odds by a model of this kind that never saw its subject."""
    found = np.full(len(rows), np.nan, dtype=np.float64)
    for inside, outside in _folded(folds):
        train = rows.take(inside)
        if 0 < train.converted.sum() < len(train):
            found[outside] = fitted(kind, train, bags).log_odds(rows.take(outside))
    return found


def _folded(
    folds: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> Iterator[tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]]]]:
    for fold in np.unique(folds):
        yield folds != fold, folds == fold
