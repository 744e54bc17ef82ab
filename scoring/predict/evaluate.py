"""How good predicted probabilities were: ranking, log loss, lift and calibration, in plain Python."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scoring.predict.evaluate_intervals import Z95, wilson

RELIABILITY_BINS: Final = 10
_LEAST_P: Final = 1e-12


@dataclass(frozen=True)
class Evaluation:
    """What a score was worth on rows it never saw.

    auc_same_age compares only rows of subjects known for about as long, so that a lead is not ahead for being new;
    auc_low is the lower end of its 95 % interval (Hanley and McNeil 1982). base_log_loss is what knowing the rate alone
    would have lost. lift_10 and lift_20 are null where nobody converted.
    """

    n: int
    conversions: int
    auc: float
    auc_same_age: float
    auc_low: float
    log_loss: float
    base_log_loss: float
    lift_10: float | None
    lift_20: float | None
    ece: float

    @property
    def rate(self) -> float:
        """Give the share that converted."""
        return self.conversions / self.n if self.n else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Give the figures, rounded to six decimals."""
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows that were given about the same probability: what was said, what came true, with its 95 % interval."""

    n: int
    predicted: float
    converted: float
    low: float
    high: float


def evaluate(
    probabilities: Sequence[float], converted: Sequence[int], base_rate: float, ages: Sequence[int] | None = None
) -> Evaluation:
    """Hold probabilities against what happened; base_rate is the training rows' rate of conversion.

    ages number how long the subject of each row was known; without, all are alike.
    """
    n, positives = len(converted), sum(converted)
    same, error = stratified_auc(probabilities, converted, ages or [0] * n)
    return Evaluation(
        n=n,
        conversions=positives,
        auc=auc(probabilities, converted),
        auc_same_age=same,
        auc_low=same - Z95 * error,
        log_loss=log_loss(probabilities, converted),
        base_log_loss=log_loss([base_rate] * n, converted),
        lift_10=lift(probabilities, converted, 0.10),
        lift_20=lift(probabilities, converted, 0.20),
        ece=calibration_error(probabilities, converted),
    )


def auc(scores: Sequence[float], converted: Sequence[int]) -> float:
    """Give the chance that a converted row is above another one, ties counting half; 0.5 where one kind is missing."""
    positives = sum(converted)
    negatives = len(converted) - positives
    if not positives or not negatives:
        return 0.5
    rank_sum, before = 0.0, 0
    for n, won in _ties(scores, converted, upwards=True):
        rank_sum += won * (before + (n + 1) / 2)
        before += n
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def stratified_auc(scores: Sequence[float], converted: Sequence[int], strata: Sequence[int]) -> tuple[float, float]:
    """Give the AUC over pairs of rows of one stratum, and its standard error; 0.5 and 0.5 without such pairs."""
    members: dict[int, list[int]] = {}
    for place, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(place)
    pairs, found, spread = 0.0, 0.0, 0.0
    for places in members.values():
        won = [converted[place] for place in places]
        weight = float(sum(won) * (len(won) - sum(won)))
        if weight:
            area = auc([scores[place] for place in places], won)
            error = auc_error(area, sum(won), len(won) - sum(won))
            pairs, found, spread = pairs + weight, found + weight * area, spread + (weight * error) ** 2
    return (found / pairs, math.sqrt(spread) / pairs) if pairs else (0.5, 0.5)


def auc_error(area: float, positives: int, negatives: int) -> float:
    """Give the standard error of an AUC (Hanley and McNeil 1982, Radiology 143:29); 0.5 where one kind is missing."""
    if not positives or not negatives:
        return 0.5
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area * area) + (negatives - 1) * (q2 - area * area)
    return math.sqrt(max(0.0, spread) / (positives * negatives))


def log_loss(probabilities: Sequence[float], converted: Sequence[int]) -> float:
    """Give the mean negative log-likelihood; 0 without rows."""
    if not converted:
        return 0.0
    bounded = (min(max(p, _LEAST_P), 1 - _LEAST_P) for p in probabilities)
    return -sum(math.log(p if won else 1 - p) for p, won in zip(bounded, converted, strict=True)) / len(converted)


def lift(scores: Sequence[float], converted: Sequence[int], share: float) -> float | None:
    """Give how much denser conversions are in the highest `share` of rows; of a tie at its edge, the even part.

    So the order of rows never shows. Null where nobody converted.
    """
    n, positives = len(converted), sum(converted)
    if not positives:
        return None
    wanted = share * n
    left, found = wanted, 0.0
    for size, won in _ties(scores, converted, upwards=False):
        taken = min(float(size), left)
        found += won * taken / size
        left -= taken
        if left <= 0:
            break
    return (found / wanted) / (positives / n)


def calibration_error(probabilities: Sequence[float], converted: Sequence[int]) -> float:
    """Give the mean distance between what was said and what came true, over ten bins of equal size (ECE)."""
    bins = reliability(probabilities, converted)
    n = len(converted)
    return sum(one.n * abs(one.predicted - one.converted) for one in bins) / n if n else 0.0


def reliability(
    probabilities: Sequence[float], converted: Sequence[int], bins: int = RELIABILITY_BINS
) -> list[ReliabilityBin]:
    """Give the reliability curve, from the lowest probabilities up; rows of one probability are never parted."""
    wanted = len(converted) / bins
    found: list[ReliabilityBin] = []
    n, said, won, seen = 0, 0.0, 0, 0
    for probability, size, positives in _levels(probabilities, converted):
        n, said, won, seen = n + size, said + size * probability, won + positives, seen + size
        if seen >= wanted * (len(found) + 1) - 1e-9:
            found.append(_bin(n, said, won))
            n, said, won = 0, 0.0, 0
    return found


def _bin(n: int, said: float, won: int) -> ReliabilityBin:
    low, high = wilson(won, n)
    return ReliabilityBin(n, said / n, won / n, low, high)


def _levels(scores: Sequence[float], converted: Sequence[int]) -> Iterator[tuple[float, int, int]]:
    """Walk the distinct scores upwards, each with its rows and its conversions."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    start = 0
    while start < len(order):
        score, end, won = scores[order[start]], start, 0
        while end < len(order) and scores[order[end]] == score:
            won += converted[order[end]]
            end += 1
        yield score, end - start, won
        start = end


def _ties(scores: Sequence[float], converted: Sequence[int], *, upwards: bool) -> Iterator[tuple[int, int]]:
    """Walk rows of equal score together: how many, and how many of them converted."""
    levels = [(n, won) for _, n, won in _levels(scores, converted)]
    return iter(levels if upwards else reversed(levels))
