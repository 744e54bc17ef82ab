"""The lift that the real leads are judged by."""

import pytest

from tests.olist.model import lift


def test_a_perfect_score_finds_as_many_times_more_as_fit_into_the_share() -> None:
    won = [True] * 2 + [False] * 8
    assert lift(list(range(10, 0, -1)), won) == pytest.approx(5)


def test_equal_scores_are_drawn_from_in_expectation() -> None:
    assert lift([1.0] * 10, [True] * 3 + [False] * 7) == pytest.approx(1)
    assert lift([2, 1, 1, 1, 0], [False, True, True, False, False], share=0.4) == pytest.approx((2 / 3) / 2 / 0.4)


def test_a_share_that_cuts_a_record_counts_a_part_of_it() -> None:
    assert lift([3, 2, 1], [True, False, False], share=0.5) == pytest.approx((1 / 1.5) / (1 / 3))
