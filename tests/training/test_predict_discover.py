"""Discovery: what won deals share is found with its interval, and chance is not called a finding."""

import random

import pytest

from scoring.predict.discover import shared


def deals(n: int, seed: int, senior: float, visits: float) -> list[dict[str, object]]:
    draw = random.Random(seed)  # noqa: S311 - made-up data
    return [
        {
            "role": "vp" if draw.random() < senior else "staff",
            "visits": float(draw.randint(0, 5) + (5 if draw.random() < visits else 0)),
            "colour": draw.choice(["red", "green", None]),
        }
        for _ in range(n)
    ]


LABELS = {"role": "role", "visits": "visits before the first call", "colour": "colour"}


def test_what_parts_won_from_lost_comes_first_and_noise_is_not_clear() -> None:
    found = shared(deals(80, 1, 0.7, 0.6), deals(90, 2, 0.25, 0.1), LABELS)
    assert {one.name for one in found if one.is_clear} == {"role", "visits before the first call"}
    assert not any(one.is_clear for one in found if one.name == "colour")
    best = next(one for one in found if (one.name, one.value) == ("role", "vp"))
    low, high = best.interval
    assert low < best.difference < high
    assert 0.25 < best.difference < 0.65
    assert best.n_won == 80


def test_few_deals_have_wide_intervals() -> None:
    few = shared(deals(5, 3, 0.6, 0.5), deals(5, 4, 0.4, 0.5), LABELS)
    assert all(one.interval[1] - one.interval[0] > 0.5 for one in few)


def test_one_side_alone_compares_with_nothing() -> None:
    with pytest.raises(ValueError, match="both needed"):
        shared(deals(5, 5, 0.5, 0.5), [], LABELS)
