"""Drift: moves that chance explains are none, real ones are told, and fields only explain."""

import random

import pytest

from scoring.predict.drift import chi_square_95, judge_drift, moved_numbers, moved_texts, realised, threshold


def numbers(n: int, seed: int, shift: float = 0.0) -> list[float | None]:
    draw = random.Random(seed)  # noqa: S311 - made-up data
    return [draw.gauss(shift, 1.0) for _ in range(n)]


def test_the_same_distribution_is_stable_and_a_moved_one_is_not() -> None:
    before = numbers(5000, 1)
    assert moved_numbers("score", before, numbers(5000, 2)).state == "stable"
    assert moved_numbers("score", before, numbers(5000, 3, shift=0.4)).state == "moderate"
    assert moved_numbers("score", before, numbers(5000, 4, shift=1.0)).state == "act"


def test_few_rows_move_by_chance_and_are_not_taken_for_drift() -> None:
    before = numbers(2000, 5)
    few = [moved_numbers("score", before, numbers(40, seed)) for seed in range(20)]
    assert max(one.psi for one in few) > 0.25
    assert sum(one.state == "stable" for one in few) >= 17


def test_quantiles_are_those_of_the_tables() -> None:
    assert [chi_square_95(k) for k in (1, 4, 9, 19)] == pytest.approx([3.841, 9.488, 16.919, 30.144], rel=0.01)
    assert threshold(10, 10_000, 10_000) == 0.10
    assert threshold(10, 100, 100) == pytest.approx(16.919 * 0.02, rel=0.01)


def test_unknown_and_new_values_count_as_moves() -> None:
    before = ["a"] * 500 + ["b"] * 500
    assert moved_texts("f", before, before).psi == 0.0
    assert moved_texts("f", before, ["a"] * 500 + [None] * 500).state == "act"
    assert moved_texts("f", before, ["a"] * 500 + ["new"] * 500).state == "act"
    assert moved_numbers("f", [1.0, 2.0] * 500, [None] * 1000).state == "act"


def test_the_index_is_the_sum_over_bins() -> None:
    found = moved_texts("f", ["a"] * 800 + ["b"] * 200, ["a"] * 600 + ["b"] * 400)
    assert found.psi == pytest.approx(0.2 * 0.28768207 + 0.2 * 0.69314718, abs=1e-6)


def test_alarms_are_for_scores_rates_and_lifts_and_never_for_fields_alone() -> None:
    stable, moved = moved_numbers("score", numbers(3000, 6), numbers(3000, 7)), moved_texts("f", ["a"] * 99, ["b"] * 99)
    good = realised([n / 500 for n in range(500)], [int(n >= 450) for n in range(500)])
    assert judge_drift(stable, good, 0.1, 2.0, [moved]).alarms == ()
    assert judge_drift(stable, good, 0.1, 2.0, [moved]).fields == (moved,)
    assert "converted" in judge_drift(stable, good, 0.3, 2.0).alarms[0]
    chance = realised([n % 7 for n in range(500)], [int(n % 10 == 0) for n in range(500)])
    assert "promised" in judge_drift(stable, chance, 0.1, 2.5).alarms[0]
    assert (
        "PSI" in judge_drift(moved_numbers("score", numbers(3000, 6), numbers(3000, 8, 1.2)), None, 0.1, 2.0).alarms[0]
    )
