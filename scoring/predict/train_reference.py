"""What later rows are held against: the newest rows that a model learned from, counted by age, by score, by field."""

from typing import Any, Final

import numpy as np

from scoring.predict.train_matrix import AGE_DAYS, Floats, Rows
from scoring.predict.train_tables import Tables, TextTable, counts_of

TENTHS: Final = 10
_SAME: Final = 1e-9


def reference(tables: Tables, rows: Rows, from_s: float, log_odds: Floats | None = None) -> dict[str, Any]:
    """Count the rows from a time on, as `drift.Reference` has it; cuts lie between values, never on one.

    log_odds are what the rows were given, where that is not by these tables alone.
    """
    chosen = rows.as_of_s >= from_s
    newest = rows.take(chosen)
    scores, ages = tables.log_odds(newest) if log_odds is None else log_odds[chosen], newest.ages()
    cuts = tenths(scores)
    places = np.searchsorted(np.asarray(cuts), scores, side="right")
    young = newest.take(ages < len(AGE_DAYS))
    return {
        "subjects": len(set(newest.subject)),
        "age_days": list(AGE_DAYS),
        "cuts": cuts,
        "rows": [
            [int(n) for n in np.bincount(places[ages == age], minlength=len(cuts) + 1)]
            for age in range(len(AGE_DAYS) + 1)
        ],
        "converted": [int(newest.converted[ages == age].sum()) for age in range(len(AGE_DAYS) + 1)],
        "features": {name: _bins(tables, young, name) for name in tables.tables},
    }


def tenths(scores: Floats) -> list[float]:
    """Part scores into tenths, or fewer where many are equal; equal ones are never parted."""
    values = np.sort(scores)
    cuts: list[float] = []
    for k in range(1, TENTHS):
        place = len(values) * k // TENTHS
        below = values[values < values[place] - _SAME] if len(values) else values
        if len(below):
            cuts.append(float((below[-1] + values[place]) / 2))
    return sorted(set(cuts))


def _bins(tables: Tables, rows: Rows, name: str) -> list[int]:
    """Count rows by bin, the unknown first, as the file has them."""
    table = tables.tables[name]
    n, _ = counts_of(table, rows, name)
    return [n[-1], *n[:-1]] if isinstance(table, TextTable) else list(n)
