"""Whether a model still fits: how far its scores and its fields moved, and what the newest matured month was worth.

Rows are compared like with like: those of today are weighed so that people are known for as long as those were that the
model learned from. Otherwise every database that grows older would look like drift.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from scoring.predict.evaluate import lift
from scoring.predict.evaluate_intervals import Z95, wilson

State = Literal["stable", "moderate", "act"]

STABLE: Final = 0.10
ACT: Final = 0.25
RATE_MOVED: Final = 1.25  # a rate that is off by less does no harm that the next training would not mend
FORETOLD_OFF: Final = 1.5
_INTERCEPT_ERROR: Final = 0.15  # an intercept fitted to sixty conversions is itself off by so much
LEAST_ROWS: Final = 50
LEAST_CONVERSIONS: Final = 10
_FLOOR: Final = 1e-4
_RATE_PRIOR: Final = 20.0
_Z95: Final = 1.6448536269514722
_Z99_BOTH: Final = 2.5758293035489004
_Z99: Final = 2.3263478740408408


@dataclass(frozen=True)
class Reference:
    """The newest rows that a model learned from, as its card keeps them.

    age_days are the steps of how long a subject was known; `rows` counts by age, then by tenth of the log-odds, which
    `cuts` part; `converted` counts by age. `features` counts by bin the rows of all ages but the last, without an end.
    """

    subjects: int
    age_days: tuple[int, ...]
    cuts: tuple[float, ...]
    rows: tuple[tuple[int, ...], ...]
    converted: tuple[int, ...]
    features: Mapping[str, tuple[int, ...]]

    @property
    def rate(self) -> float:
        """Give the share of all rows that converted."""
        return sum(self.converted) / max(1, sum(map(sum, self.rows)))

    @property
    def people_per_row(self) -> float:
        """Give how many people a row stands for: several rows of one person tell less than as many people."""
        return min(1.0, self.subjects / max(1, sum(map(sum, self.rows))))

    def rates(self) -> tuple[float, ...]:
        """Give the rate of conversion by age; ages with few rows lean on all."""
        sizes = map(sum, self.rows)
        return tuple(
            (won + _RATE_PRIOR * self.rate) / (n + _RATE_PRIOR) for won, n in zip(self.converted, sizes, strict=True)
        )


@dataclass(frozen=True)
class Moved:
    """How far one distribution moved (population stability index), and from where on that means anything.

    before and now are the shares by bin; n_before and n_now how many subjects they stand for.
    """

    name: str
    psi: float
    threshold: float
    n_before: int
    n_now: int
    before: tuple[float, ...] = ()
    now: tuple[float, ...] = ()

    @property
    def limit(self) -> float:
        """Give the index above which to act."""
        return max(ACT, self.threshold)

    @property
    def state(self) -> State:
        """Say stable, moderate or act; few rows move by chance, and are stable below the threshold."""
        if self.psi < self.threshold:
            return "stable"
        return "act" if self.psi > self.limit else "moderate"


@dataclass(frozen=True)
class Promise:
    """What the model's card says of rows it never saw: the lift of the best fifth, and conversions it is made from."""

    lift_20: float | None
    conversions: int


@dataclass(frozen=True)
class Realised:
    """What the newest matured month came to: conversions, those that the model and that the rate by age foretold.

    n counts rows, which are of so many people: a few are looked at twice. low and high are the 95 % interval of the
    rate; expected_rate is null where training kept no rates, lift_20 where nobody converted. What is foretold and
    expected has a standard error each.
    """

    n: int
    people: int
    conversions: int
    rate: float
    low: float
    high: float
    foretold: float
    foretold_error: float
    expected_rate: float | None
    expected_error: float
    lift_20: float | None


@dataclass(frozen=True)
class Drift:
    """The verdict: reasons to train again, empty where there are none; fields only explain.

    scores is null where the model's card has no reference, realised where too little has matured yet.
    """

    scores: Moved | None
    realised: Realised | None
    rate_state: State | None
    lift_state: State | None
    foretold_state: State | None
    alarms: tuple[str, ...]
    fields: tuple[Moved, ...]


def threshold(bins: int, n_before: float, n_now: float) -> float:
    """Give the index from which a move is none of chance: at least .10, more where rows are few.

    max(.10, χ²(.95, bins - 1) · (1/n + 1/m)), Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14(4).
    """
    if n_before < 1 or n_now < 1 or bins < 2:
        return math.inf
    return max(STABLE, chi_square_95(bins - 1) * (1 / n_before + 1 / n_now))


def chi_square_95(degrees: int) -> float:
    """Give the 95 % quantile of χ² (Wilson and Hilferty 1931): within 1 % from two degrees on."""
    if degrees == 1:
        return 3.841458820694124
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + _Z95 * math.sqrt(part)) ** 3)


def psi(before: Sequence[float], now: Sequence[float]) -> float:
    """Give the population stability index of two lists of shares; an empty bin counts as one in ten thousand."""
    total = 0.0
    for one, other in zip(before, now, strict=True):
        expected, actual = max(one, _FLOOR), max(other, _FLOOR)
        total += (actual - expected) * math.log(actual / expected)
    return total


def moved_scores(reference: Reference, now: Sequence[Sequence[int]]) -> Moved | None:
    """Compare log-odds by tenths, people of each age with those who were as old; null for too few to compare.

    now counts rows as `reference.rows` does. The oldest have no upper end, and are left out.
    """
    ages = _shares_of_ages(reference, now)
    if _worth(ages, now) < LEAST_ROWS:
        return None
    shares = [
        tuple(sum(share * rows[age][place] / sum(rows[age]) for age, share in ages.items()) for place in range(bins))
        for rows, bins in ((reference.rows, len(reference.cuts) + 1), (now, len(reference.cuts) + 1))
    ]
    return _moved("score", shares[0], shares[1], reference.subjects, _worth(ages, now))


def moved_feature(name: str, reference: Reference, now: Sequence[Sequence[int]]) -> Moved | None:
    """Compare one feature by the bins of its table; now counts by age, then by bin. Null for too few to compare."""
    before = reference.features.get(name)
    ages = _shares_of_ages(reference, now)
    if not before or not sum(before) or _worth(ages, now) < LEAST_ROWS:
        return None
    then = tuple(n / sum(before) for n in before)
    today = tuple(
        sum(share * now[age][place] / sum(now[age]) for age, share in ages.items()) for place in range(len(before))
    )
    return _moved(name, then, today, reference.subjects, _worth(ages, now))


def _shares_of_ages(reference: Reference, now: Sequence[Sequence[int]]) -> dict[int, float]:
    """Give each age that both have, but the last, the share of rows that it had in training."""
    there = {age: sum(reference.rows[age]) for age in range(len(reference.age_days)) if sum(now[age])}
    every = sum(there.values())
    return {age: n / every for age, n in there.items() if n}


def _worth(ages: Mapping[int, float], now: Sequence[Sequence[int]]) -> float:
    """Give how many rows of one weight these weighed ones are worth (Kish 1965)."""
    return 1 / sum(share * share / sum(now[age]) for age, share in ages.items()) if ages else 0.0


def _moved(name: str, before: tuple[float, ...], now: tuple[float, ...], n: float, m: float) -> Moved:
    used = sum(one > 0 or other > 0 for one, other in zip(before, now, strict=True))
    return Moved(name, psi(before, now), threshold(used, n, m), round(n), round(m), before, now)


def realised(
    probabilities: Sequence[float], converted: Sequence[int], ages: Sequence[int], people: int, reference: Reference
) -> Realised:
    """Judge the newest month whose horizon has ended, by the probabilities that the model gave then."""
    n, won, rates = len(converted), sum(converted), reference.rates()
    low, high = wilson(round(won * people / n), people) if n else (0.0, 1.0)
    expected = math.fsum(rates[age] for age in ages) / n if n and reference.age_days else None
    return Realised(
        n=n,
        people=people,
        conversions=won,
        rate=won / n if n else 0.0,
        low=low,
        high=high,
        foretold=math.fsum(probabilities),
        foretold_error=math.hypot(
            math.sqrt(math.fsum(p * (1 - p) for p in probabilities) * n / max(1, people)),
            _INTERCEPT_ERROR * math.fsum(probabilities),
        ),
        expected_rate=expected,
        expected_error=_error_of(ages, reference),
        lift_20=lift(probabilities, converted, 0.20),
    )


def _error_of(ages: Sequence[int], reference: Reference) -> float:
    """Give the standard error of the rate that the rates by age foretell for people of these ages."""
    shares = {age: n / len(ages) for age, n in Counter(ages).items()}
    spread = 0.0
    for age, share in shares.items():
        rate, people = reference.rates()[age], sum(reference.rows[age]) * reference.people_per_row
        spread += share * share * max(rate * (1 - rate), 1e-9) / (people + _RATE_PRIOR)
    return math.sqrt(spread)


def rows_needed(rate: float) -> int:
    """Give how many people must have matured before anything is said of them."""
    return max(LEAST_ROWS, math.ceil(LEAST_CONVERSIONS / rate)) if rate > 0 else LEAST_ROWS


def judge_drift(
    scores: Moved | None,
    now: Realised | None,
    promise: Promise,
    reference: Reference,
    fields: Sequence[Moved] = (),
) -> Drift:
    """Say whether to train again: by the scores' move, the base rate and the lift that came true."""
    rate = None if now is None else _rate_state(now)
    fell = None if now is None else _lift_state(now, promise, reference)
    off = None if now is None else _foretold_state(now)
    alarms = []
    if scores is not None and scores.state == "act":
        alarms.append(f"scores moved: PSI {scores.psi:.2f}, the limit is {scores.limit:.2f}")
    if now is not None and rate == "act":
        alarms.append(
            f"{now.rate:.1%} of the newest matured month converted ({now.low:.1%} to {now.high:.1%}), "
            f"{now.expected_rate:.1%} of people known for as long did where the model learned"
        )
    if now is not None and fell == "act":
        alarms.append(
            f"the best fifth of the newest matured month converted {now.lift_20:.2f} times as often as everybody, "
            f"{promise.lift_20:.2f} was promised and {half_way(promise):.2f} is the limit"
        )
    if now is not None and off == "act":
        alarms.append(
            f"{now.foretold:,.0f} conversions were foretold for the newest matured month, {now.conversions:,} came; "
            f"the limit is {FORETOLD_OFF:g} times as many or as few"
        )
    return Drift(scores, now, rate, fell, off, tuple(alarms), tuple(sorted(fields, key=lambda one: -one.psi)))


def half_way(promise: Promise) -> float:
    """Give the lift at which half of what the model promised is gone."""
    return 1 + ((promise.lift_20 or 1.0) - 1) / 2


def _rate_state(now: Realised) -> State | None:
    """Judge a rate: to act on, it must be off by a quarter, and by more than one case in a hundred is by chance."""
    expected = now.expected_rate
    if expected is None:
        return None
    spread = math.hypot(math.sqrt(max(expected * (1 - expected), 1e-9) / max(1, now.people)), now.expected_error)
    z = abs(now.rate - expected) / spread
    off = max(now.rate, _FLOOR) / max(expected, _FLOOR)
    if z > _Z99_BOTH and not 1 / RATE_MOVED <= off <= RATE_MOVED:
        return "act"
    return "moderate" if z > Z95 else "stable"


def _foretold_state(now: Realised) -> State:
    """Judge the probabilities as a whole: to act on, they must be off by half, and by more than chance."""
    z = abs(now.conversions - now.foretold) / max(now.foretold_error, 1e-9)
    off = max(now.conversions, 0.5) / max(now.foretold, 0.5)
    if z > _Z99_BOTH and not 1 / FORETOLD_OFF <= off <= FORETOLD_OFF:
        return "act"
    return "moderate" if z > Z95 else "stable"


def _lift_state(now: Realised, promise: Promise, reference: Reference) -> State | None:
    """Judge the best fifth's share of conversions, then and now; null where either side has too few to judge by."""
    there, here = promise.conversions * reference.people_per_row, now.conversions * now.people / max(1, now.n)
    if now.lift_20 is None or promise.lift_20 is None or min(there, here) < LEAST_CONVERSIONS:
        return None
    then, seen = (min(1.0, 0.20 * one) for one in (promise.lift_20, now.lift_20))
    both = (then * there + seen * here) / (there + here)
    z = (then - seen) / math.sqrt(max(both * (1 - both), 1e-9) * (1 / there + 1 / here))
    if z > _Z99 and now.lift_20 < half_way(promise):
        return "act"
    return "moderate" if z > _Z95 else "stable"


def promise_of(card: Mapping[str, Any]) -> Promise:
    """Read what a model's card says of rows it never saw."""
    held = card.get("holdout")
    figures = held if isinstance(held, dict) else {}
    lift_20, won = figures.get("lift_20"), figures.get("conversions")
    return Promise(
        float(lift_20) if isinstance(lift_20, int | float) else None, int(won) if isinstance(won, int) else 0
    )


def reference_of(card: Mapping[str, Any]) -> Reference | None:
    """Read the reference of a model's card; null where it was trained before there was one."""
    held = card.get("reference")
    if not isinstance(held, dict):
        return None
    try:
        found = Reference(
            subjects=int(held["subjects"]),
            age_days=tuple(int(one) for one in held["age_days"]),
            cuts=tuple(float(one) for one in held["cuts"]),
            rows=tuple(tuple(int(n) for n in row) for row in held["rows"]),
            converted=tuple(int(n) for n in held["converted"]),
            features={str(name): tuple(int(n) for n in row) for name, row in held["features"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    ages = len(found.age_days) + 1
    whole = len(found.rows) == len(found.converted) == ages
    return found if whole and all(len(row) == len(found.cuts) + 1 for row in found.rows) else None
