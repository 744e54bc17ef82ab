"""Whether a model still fits: how far its scores and its fields moved, and what the newest matured month was worth."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoring.predict.evaluate import lift
from scoring.predict.evaluate_intervals import wilson

BINS: Final = 10
STABLE: Final = 0.10
ACT: Final = 0.25
LEAST_ROWS: Final = 50
LEAST_CONVERSIONS: Final = 10
RARE_SHARE: Final = 0.01
_FLOOR: Final = 1e-4
_Z95: Final = 1.6448536269514722
_OTHER: Final = "(other)"
_UNKNOWN: Final = "(unknown)"


@dataclass(frozen=True)
class Moved:
    """How far one distribution moved (population stability index), and from where on that means anything."""

    name: str
    psi: float
    threshold: float
    n_before: int
    n_now: int

    @property
    def state(self) -> str:
        """Say stable, moderate or act; few rows move by chance, and are stable below the threshold."""
        if self.psi < self.threshold:
            return "stable"
        return "act" if self.psi > max(ACT, self.threshold) else "moderate"


@dataclass(frozen=True)
class Realised:
    """What the newest matured month came to: the rate with its 95 % interval, and the lift of its best fifth."""

    n: int
    conversions: int
    rate: float
    low: float
    high: float
    lift_20: float | None


@dataclass(frozen=True)
class Drift:
    """The verdict: reasons to train again, empty where there are none; fields only explain."""

    scores: Moved
    realised: Realised | None
    alarms: tuple[str, ...]
    fields: tuple[Moved, ...]


def threshold(bins: int, n_before: int, n_now: int) -> float:
    """Give the index from which a move is none of chance: at least .10, more where rows are few.

    max(.10, χ²(.95, bins - 1) · (1/n + 1/m)), Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14(4).
    """
    if not n_before or not n_now or bins < 2:
        return math.inf
    return max(STABLE, chi_square_95(bins - 1) * (1 / n_before + 1 / n_now))


def chi_square_95(degrees: int) -> float:
    """Give the 95 % quantile of χ² (Wilson and Hilferty 1931): within 1 % from two degrees on."""
    if degrees == 1:
        return 3.841458820694124
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + _Z95 * math.sqrt(part)) ** 3)


def moved_numbers(name: str, before: Sequence[float | None], now: Sequence[float | None]) -> Moved:
    """Compare numbers by the tenths of those before; unknown is a bin of its own."""
    known = sorted(value for value in before if value is not None)
    cuts = sorted({known[len(known) * k // BINS] for k in range(1, BINS)}) if known else []
    places = [[_place(value, cuts) for value in values] for values in (before, now)]
    return _moved(name, Counter(places[0]), Counter(places[1]))


def moved_texts(name: str, before: Sequence[str | None], now: Sequence[str | None]) -> Moved:
    """Compare texts by value; values that were under 1 % before are one, and so are new ones."""
    counts = Counter(value if value is not None else _UNKNOWN for value in before)
    kept = {value for value, n in counts.items() if n >= RARE_SHARE * len(before)}
    places = [Counter(_level(value, kept) for value in values) for values in (before, now)]
    return _moved(name, places[0], places[1])


def realised(scores: Sequence[float], converted: Sequence[int]) -> Realised:
    """Judge the newest month whose horizon has ended, by the scores that were given then."""
    n, won = len(converted), sum(converted)
    low, high = wilson(won, n)
    return Realised(n, won, won / n if n else 0.0, low, high, lift(scores, converted, 0.20))


def judge_drift(
    scores: Moved, now: Realised | None, trained_rate: float, trained_lift: float | None, fields: Sequence[Moved] = ()
) -> Drift:
    """Say whether to train again: by the scores' move, the base rate and the lift that came true."""
    alarms = []
    if scores.state == "act":
        alarms.append(f"scores moved: PSI {scores.psi:.2f}, {max(ACT, scores.threshold):.2f} is the limit")
    if now is not None and now.n >= LEAST_ROWS:
        if not now.low <= trained_rate <= now.high:
            alarms.append(
                f"{now.rate:.1%} of the newest matured month converted ({now.low:.1%} to {now.high:.1%}), "
                f"{trained_rate:.1%} did where the model learned"
            )
        lost = trained_lift is not None and now.lift_20 is not None and now.lift_20 < 1 + (trained_lift - 1) / 2
        if lost and now.conversions >= LEAST_CONVERSIONS:
            alarms.append(
                f"the best fifth of the newest matured month converted {now.lift_20:.2f} times as often as everybody, "
                f"{trained_lift:.2f} was promised"
            )
    explained = sorted(fields, key=lambda one: -one.psi)
    return Drift(scores, now, tuple(alarms), tuple(explained))


def _place(value: float | None, cuts: Sequence[float]) -> int:
    return -1 if value is None else sum(value >= cut for cut in cuts)


def _level(value: str | None, kept: set[str]) -> str:
    name = _UNKNOWN if value is None else value
    return name if name in kept else _OTHER


def _moved(name: str, before: Counter[Any], now: Counter[Any]) -> Moved:
    n, m = sum(before.values()), sum(now.values())
    bins = sorted({*before, *now}, key=str)
    psi = 0.0
    for one in bins:
        expected = max(before[one] / n if n else 0.0, _FLOOR)
        actual = max(now[one] / m if m else 0.0, _FLOOR)
        psi += (actual - expected) * math.log(actual / expected)
    return Moved(name, psi, threshold(len(bins), n, m), n, m)
