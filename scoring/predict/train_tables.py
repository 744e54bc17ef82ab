"""An additive model as tables: log-odds = intercept + one look-up per feature; nothing but numbers and names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scoring.predict.train_matrix import Floats, Rows, Texts


@dataclass(frozen=True)
class NumberTable:
    """Log-odds by range of a number: values[0] where it is unknown, values[k] from cuts[k-2] up to below cuts[k-1]."""

    cuts: tuple[float, ...]
    values: tuple[float, ...]

    def places(self, column: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Give each row its place in values."""
        found = np.searchsorted(np.asarray(self.cuts, dtype=np.float64), column, side="right") + 1
        return np.where(np.isnan(column), 0, found).astype(np.int64)


@dataclass(frozen=True)
class TextTable:
    """Log-odds by value of a text: those of `levels`, then of any other value, then of an unknown one."""

    levels: tuple[str, ...]
    values: tuple[float, ...]
    other: float
    missing: float

    def places(self, column: Texts) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Give each row its place in levels, then other, then missing."""
        index = {level: place for place, level in enumerate(self.levels)}
        other, missing = len(self.levels), len(self.levels) + 1
        return np.asarray(
            [missing if value is None else index.get(str(value), other) for value in column], dtype=np.int64
        )

    @property
    def every(self) -> tuple[float, ...]:
        """List all values by place."""
        return (*self.values, self.other, self.missing)


Table = NumberTable | TextTable


@dataclass(frozen=True)
class Tables:
    """An additive model; `kind` names the method that made it."""

    kind: str
    intercept: float
    tables: Mapping[str, Table]

    def terms(self, rows: Rows) -> dict[str, Floats]:
        """Give what each feature adds to the log-odds of each row."""
        return {name: _looked_up(table, rows, name) for name, table in self.tables.items()}

    def log_odds(self, rows: Rows) -> Floats:
        """Give the log-odds of each row."""
        found = np.full(len(rows), self.intercept, dtype=np.float64)
        for term in self.terms(rows).values():
            found = found + term
        return found

    def moved(self, by: float) -> "Tables":
        """Add to the intercept."""
        return replace(self, intercept=self.intercept + by)

    def scaled(self, slope: float, offset: float) -> "Tables":
        """Give slope × log-odds + offset, folded into the tables."""
        return Tables(
            self.kind,
            slope * self.intercept + offset,
            {name: _scaled(table, slope) for name, table in self.tables.items()},
        )

    def centred(self, rows: Rows) -> "Tables":
        """Move each table so that it adds nothing on average over these rows; their log-odds stay what they are.

        A place that no row is in adds nothing either, and a table that all rows have one place of is left out.
        """
        means = {name: float(term.mean()) if len(rows) else 0.0 for name, term in self.terms(rows).items()}
        seen = {name: counts_of(table, rows, name)[0] for name, table in self.tables.items()}
        moved = {
            name: _known(_shifted(table, -means[name]), seen[name])
            for name, table in self.tables.items()
            if np.count_nonzero(seen[name]) > 1
        }
        return Tables(self.kind, self.intercept + sum(means.values()), moved)


def placed(table: Table, rows: Rows, name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Give each row its place in the table of a feature."""
    return table.places(rows.numbers[name]) if isinstance(table, NumberTable) else table.places(rows.texts[name])


def counts_of(table: Table, rows: Rows, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Count, by place of a table, the rows and those of them that converted."""
    places = placed(table, rows, name)
    size = len(table.values) if isinstance(table, NumberTable) else len(table.every)
    n = np.bincount(places, minlength=size)
    won = np.bincount(places, weights=rows.converted, minlength=size)
    return tuple(int(one) for one in n), tuple(int(one) for one in won)


def sigmoids(log_odds: Floats) -> Floats:
    """Give probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -700, 700))), dtype=np.float64)


def _looked_up(table: Table, rows: Rows, name: str) -> Floats:
    if isinstance(table, NumberTable):
        return np.asarray(table.values, dtype=np.float64)[table.places(rows.numbers[name])]
    return np.asarray(table.every, dtype=np.float64)[table.places(rows.texts[name])]


def _scaled(table: Table, slope: float) -> Table:
    values = tuple(slope * value for value in table.values)
    if isinstance(table, NumberTable):
        return replace(table, values=values)
    return replace(table, values=values, other=slope * table.other, missing=slope * table.missing)


def _known(table: Table, n: Sequence[int]) -> Table:
    """Let a place that nobody is in add nothing: what was fitted there is chance."""
    every = table.values if isinstance(table, NumberTable) else table.every
    values = tuple(value if count else 0.0 for value, count in zip(every, n, strict=True))
    if isinstance(table, NumberTable):
        return replace(table, values=values)
    size = len(table.values)
    return replace(table, values=values[:size], other=values[size], missing=values[size + 1])


def _shifted(table: Table, by: float) -> Table:
    values = tuple(value + by for value in table.values)
    if isinstance(table, NumberTable):
        return replace(table, values=values)
    return replace(table, values=values, other=table.other + by, missing=table.missing + by)
