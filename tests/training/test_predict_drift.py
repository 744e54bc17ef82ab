"""Drift: moves that chance explains are none, real ones are told, and fields only explain."""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from scoring.predict.drift import (
    Drift,
    Moved,
    Promise,
    Reference,
    chi_square_95,
    judge_drift,
    moved_feature,
    moved_scores,
    realised,
    reference_of,
    rows_needed,
    threshold,
)
from scoring.predict.evaluate_intervals import sigmoid

AGES = (1, 31)
Draw = Callable[[random.Random, int], tuple[float, int]]


def honest(draw: random.Random, age: int) -> tuple[float, int]:
    """Draw somebody of an age: log-odds that tell the truth, and how it ended."""
    log_odds = draw.gauss(-1.5 - age, 1.0)
    return log_odds, int(draw.random() < sigmoid(log_odds))


def people(draw: random.Random, n: int, of: Draw = honest, old: float = 0.3) -> list[tuple[int, float, int]]:
    """Draw people as (age, log-odds, converted), so many of whom are older than the steps of age go."""
    found = []
    for _ in range(n):
        age = 2 if draw.random() < old else int(draw.random() < 0.5)
        found.append((age, *of(draw, age)))
    return found


def counted(rows: list[tuple[int, float, int]], cuts: tuple[float, ...]) -> list[list[int]]:
    """Count rows by age and tenth, the plain way."""
    found = [[0] * (len(cuts) + 1) for _ in range(len(AGES) + 1)]
    for age, log_odds, _ in rows:
        found[age][sum(log_odds >= cut for cut in cuts)] += 1
    return found


def learned(draw: random.Random, n: int = 1500) -> tuple[Reference, Promise]:
    """Make a model's reference and its promise of so many people."""
    rows = people(draw, n)
    scores = sorted(log_odds for _, log_odds, _ in rows)
    cuts = tuple(scores[n * k // 10] for k in range(1, 10))
    converted = tuple(sum(won for age, _, won in rows if age == one) for one in range(3))
    reference = Reference(n, AGES, cuts, tuple(map(tuple, counted(rows, cuts))), converted, {})
    return reference, Promise(top_fifth(rows), sum(converted))


def top_fifth(rows: list[tuple[int, float, int]]) -> float:
    """Give the lift of the best fifth, the plain way."""
    best = sorted(rows, key=lambda row: -row[1])[: len(rows) // 5]
    return (sum(row[2] for row in best) / len(best)) / (sum(row[2] for row in rows) / len(rows))


def judged(seed: int, of: Draw = honest, n: int = 600, old: float = 0.3) -> Drift:
    """Let a model learn, and look at what comes later."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    reference, promise = learned(draw)
    today, month = people(draw, n, of, old), people(draw, n, of, old)
    came = realised(
        [sigmoid(row[1]) for row in month], [row[2] for row in month], [row[0] for row in month], n, reference
    )
    return judge_drift(moved_scores(reference, counted(today, reference.cuts)), came, promise, reference)


def test_a_world_that_stays_is_calm() -> None:
    found = [judged(seed) for seed in range(200)]
    alarms = [one.alarms for one in found if one.alarms]
    assert len(alarms) <= 4, alarms  # measured: 2 of 200
    assert sum(one.scores is not None and one.scores.state == "stable" for one in found) >= 190


def test_a_database_that_only_grows_older_is_no_drift() -> None:
    found = [judged(seed, old=0.8) for seed in range(20)]
    assert sum(bool(one.alarms) for one in found) <= 1


def test_a_world_that_drifts_alarms() -> None:
    def rarer(draw: random.Random, age: int) -> tuple[float, int]:
        log_odds = draw.gauss(-1.5 - age, 1.0)
        return log_odds, int(draw.random() < sigmoid(log_odds - 1.0))

    def blind(draw: random.Random, age: int) -> tuple[float, int]:
        return draw.gauss(-1.5 - age, 1.0), int(draw.random() < 0.15)

    def elsewhere(draw: random.Random, age: int) -> tuple[float, int]:
        log_odds = draw.gauss(-0.5 - age, 1.0)
        return log_odds, int(draw.random() < sigmoid(log_odds - 1.0))

    for of, told in ((rarer, "expected"), (blind, "promised"), (elsewhere, "PSI")):
        said = ["expected" if "known for as long" in " ".join(judged(seed, of).alarms) else "" for seed in range(20)]
        alarms = [" ".join(judged(seed, of).alarms) for seed in range(20)]
        hits = sum(said[n] == told or told in alarms[n] for n in range(20))
        assert hits >= 16, (told, hits)


def plain_psi(before: list[float], now: list[float]) -> float:
    return sum(
        (max(b, 1e-4) - max(a, 1e-4)) * math.log(max(b, 1e-4) / max(a, 1e-4)) for a, b in zip(before, now, strict=True)
    )


def test_the_index_is_the_sum_over_bins_of_people_as_old() -> None:
    reference = Reference(100, AGES, (0.0,), ((60, 20), (5, 15), (0, 900)), (0, 0, 0), {"f": (70, 20, 10)})
    now = [[10, 30], [300, 300], [5000, 0]]
    found = moved_scores(reference, now)
    assert found is not None
    # Ages in training: 80 and 20 of a hundred; the last one has no end and is left out.
    before, today = [0.65, 0.35], [0.8 * 0.25 + 0.2 * 0.5, 0.8 * 0.75 + 0.2 * 0.5]
    assert [*found.before, *found.now] == pytest.approx([*before, *today])
    assert found.psi == pytest.approx(plain_psi(before, today), abs=1e-12)
    assert found.n_now == round(1 / (0.64 / 40 + 0.04 / 600))
    feature = moved_feature("f", reference, [[40, 0, 0], [300, 300, 0], [9, 9, 9]])
    assert feature is not None
    assert feature.psi == pytest.approx(plain_psi([0.7, 0.2, 0.1], [0.9, 0.1, 0.0]), abs=1e-12)
    assert moved_scores(reference, [[0, 0], [0, 0], [9, 9]]) is None


def test_few_rows_move_by_chance_and_are_not_taken_for_drift() -> None:
    found = [one for seed in range(20) if (one := judged(seed, n=120, old=0.2).scores)]
    assert max(one.psi for one in found) > 0.2
    assert sum(one.state == "stable" for one in found) >= 15
    assert judged(1, n=40).scores is None


def test_quantiles_are_those_of_the_tables() -> None:
    assert [chi_square_95(k) for k in (1, 4, 9, 19)] == pytest.approx([3.841, 9.488, 16.919, 30.144], rel=0.01)
    assert threshold(10, 10_000, 10_000) == 0.10
    assert threshold(10, 100, 100) == pytest.approx(16.919 * 0.02, rel=0.01)


def test_fields_explain_and_never_alarm() -> None:
    calm = judged(3)
    moved = [Moved("a", 0.4, 0.1, 900, 900), Moved("b", 3.0, 0.1, 900, 900)]
    reference, promise = learned(random.Random(3))  # noqa: S311 - made-up data
    again = judge_drift(calm.scores, calm.realised, promise, reference, moved)
    assert again.alarms == calm.alarms == ()
    assert [one.name for one in again.fields] == ["b", "a"]


def test_nothing_is_judged_of_too_few() -> None:
    assert rows_needed(0.5) == 50
    assert rows_needed(0.02) == 500
    draw = random.Random(1)  # noqa: S311 - made-up data
    reference, promise = learned(draw)
    month = people(draw, 30, lambda d, a: (d.gauss(0, 1), 0))
    few = realised([0.5] * 30, [row[2] for row in month], [row[0] for row in month], 30, reference)
    assert judge_drift(None, few, promise, reference).lift_state is None


def test_a_card_keeps_its_reference_and_one_without_has_none() -> None:
    held = {"subjects": 3, "age_days": [1], "cuts": [0.5], "rows": [[1, 2], [0, 1]], "converted": [1, 0],
            "features": {"f": [1, 2]}}  # fmt: skip
    found = reference_of({"reference": held})
    assert found == Reference(3, (1,), (0.5,), ((1, 2), (0, 1)), (1, 0), {"f": (1, 2)})
    assert found.rate == 0.25
    assert reference_of({}) is reference_of({"reference": held | {"rows": [[1], [0]]}}) is None
    without = replace(found, age_days=())
    came = realised([0.5] * 60, [1] * 30 + [0] * 30, [0] * 60, 60, without)
    assert came.expected_rate is None
    assert judge_drift(None, came, Promise(None, 0), without).rate_state is None
