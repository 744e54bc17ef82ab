"""The rows that a model is trained on, column by column, and how they are parted by time and by whose they are."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
Mask = NDArray[np.bool_]

DAY_S: Final = 86_400
AGE_DAYS: Final = (1, 31, 61, 91, 181, 366)
RARE: Final = 20
FOLDS: Final = 5


@dataclass(frozen=True)
class Rows:
    """Snapshots: whose, as of when (seconds since 1970), whether the conversion came within the horizon, and features.

    numbers have NaN where unknown, texts null; monotone names numbers that the log-odds are never to fall with (1), or
    never to rise with (-1). points are what the rules gave at that time, NaN where none. first_s is
    the time of the subject's first row, which stays when rows are taken. ever is whether the conversion came at all by
    now, where that is known.
    """

    subject: Texts
    as_of_s: Floats
    converted: Floats
    numbers: Mapping[str, Floats]
    texts: Mapping[str, Texts]
    points: Floats | None = None
    first_s: Floats | None = None
    ever: Floats | None = None
    monotone: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def rate(self) -> float:
        """Give the share of rows that convert."""
        return float(self.converted.mean()) if len(self) else 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """List the features: numbers, then texts."""
        return (*self.numbers, *self.texts)

    def take(self, chosen: Mask | NDArray[np.int64]) -> "Rows":
        """Keep these rows."""
        return replace(
            self,
            subject=self.subject[chosen],
            as_of_s=self.as_of_s[chosen],
            converted=self.converted[chosen],
            numbers={name: values[chosen] for name, values in self.numbers.items()},
            texts={name: values[chosen] for name, values in self.texts.items()},
            points=None if self.points is None else self.points[chosen],
            first_s=None if self.first_s is None else self.first_s[chosen],
            ever=None if self.ever is None else self.ever[chosen],
        )

    def without(self, names: Sequence[str]) -> "Rows":
        """Leave these features out."""
        return replace(
            self,
            numbers={name: values for name, values in self.numbers.items() if name not in names},
            texts={name: values for name, values in self.texts.items() if name not in names},
        )

    def dated(self) -> "Rows":
        """Note the time of each subject's first row."""
        first: dict[Any, float] = {}
        for subject, at_s in zip(self.subject, self.as_of_s, strict=True):
            first[subject] = min(first.get(subject, at_s), at_s)
        return replace(self, first_s=np.asarray([first[subject] for subject in self.subject], dtype=np.float64))

    def ages(self) -> NDArray[np.int64]:
        """Number how long each subject was known: by days since its first row, in steps that grow."""
        first_s = self.as_of_s if self.first_s is None else self.first_s
        return np.searchsorted(np.asarray(AGE_DAYS), (self.as_of_s - first_s) / DAY_S, side="right").astype(np.int64)

    def whole(self) -> "Rows":
        """Give one row per subject, its first, which converted if any of its rows ever did, also after the horizon."""
        won: dict[Any, float] = {}
        known = self.converted if self.ever is None else np.maximum(self.converted, self.ever)
        for subject, converted in zip(self.subject, known, strict=True):
            won[subject] = max(won.get(subject, 0.0), float(converted))
        first = self.take(self.as_of_s == (self.as_of_s if self.first_s is None else self.first_s))
        return replace(first, converted=np.asarray([won[subject] for subject in first.subject], dtype=np.float64))

    def labels(self) -> list[int]:
        """Give who converted as whole numbers."""
        return [int(one) for one in self.converted]


def rows_of(
    columns: Mapping[str, Sequence[Any]], numeric: Sequence[str], categorical: Sequence[str], points: str | None = None
) -> Rows:
    """Read rows from columns subject_id, as_of_s, converted, ever (if there) and features; NaN, infinity: unknown."""
    return Rows(
        subject=np.asarray(columns["subject_id"], dtype=object),
        as_of_s=np.asarray(columns["as_of_s"], dtype=np.float64),
        converted=np.asarray(columns["converted"], dtype=np.float64),
        numbers={name: _floats(columns[name]) for name in numeric},
        texts={name: np.asarray(columns[name], dtype=object) for name in categorical},
        points=_floats(columns[points]) if points else None,
        ever=np.asarray(columns["ever"], dtype=np.float64) if "ever" in columns else None,
    )


def _floats(values: Sequence[Any]) -> Floats:
    found = np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


@dataclass(frozen=True)
class Split:
    """The rows before a time whose outcome was known by then, and the newest ones, from that time on."""

    train: Rows
    holdout: Rows
    at_s: float


def split_by_time(rows: Rows, horizon_days: float, holdout: float) -> Split:
    """Hold out the newest share of rows; a row trains only if its horizon ended before the first of them.

    So there is a gap of one horizon between the last row of training and the first held out.
    """
    times = np.sort(rows.as_of_s)
    at_s = float(times[min(len(times) - 1, int(len(times) * (1 - holdout)))]) if len(times) else 0.0
    newest = rows.as_of_s >= at_s
    known = rows.as_of_s + horizon_days * DAY_S <= at_s
    return Split(rows.take(known), rows.take(newest), at_s)


def folds_of(rows: Rows, folds: int = FOLDS) -> NDArray[np.int64]:
    """Give each row a fold by its subject, so that nobody is on both sides of a fold."""
    kept: dict[Any, int] = {}
    for subject in rows.subject:
        if subject not in kept:
            kept[subject] = int(hashlib.md5(str(subject).encode(), usedforsecurity=False).hexdigest()[:8], 16) % folds
    return np.asarray([kept[subject] for subject in rows.subject], dtype=np.int64)


def levels_of(values: Texts, rare: int = RARE) -> tuple[str, ...]:
    """Name the values that at least so many rows have; all others are one."""
    known = [str(value) for value in values if value is not None]
    names, counts = np.unique(np.asarray(known, dtype=object).astype(str), return_counts=True) if known else ((), ())
    return tuple(str(name) for name, count in zip(names, counts, strict=True) if count >= rare)
