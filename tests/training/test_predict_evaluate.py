"""The figures that judge a model, held against scikit-learn and against what a hand can count."""

import math
import random

import pytest

from scoring.predict import gate
from scoring.predict.evaluate import (
    Evaluation,
    auc,
    auc_error,
    calibration_error,
    evaluate,
    lift,
    log_loss,
    reliability,
    stratified_auc,
)
from scoring.predict.evaluate_intervals import newcombe, wilson


def drawn(n: int, seed: int) -> tuple[list[float], list[int]]:
    draw = random.Random(seed)  # noqa: S311 - made-up data
    p = [round(draw.random(), 2) for _ in range(n)]  # rounded, so that there are ties
    return p, [int(draw.random() < one) for one in p]


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the train extra")
    p, won = drawn(500, seed)
    assert auc(p, won) == pytest.approx(metrics.roc_auc_score(won, p), abs=1e-12)
    assert log_loss(p, won) == pytest.approx(metrics.log_loss(won, [min(max(x, 1e-12), 1 - 1e-12) for x in p]))


def test_lift_shares_a_tie_evenly_whatever_the_order() -> None:
    won = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert lift([1.0] * 10, won, 0.2) == pytest.approx(1.0)
    assert lift([9.0, 8.0, *range(8)], won, 0.2) == pytest.approx(5.0)
    assert lift([1.0] * 10, list(reversed(won)), 0.2) == pytest.approx(1.0)
    assert lift([1.0, 2.0], [0, 0], 0.2) is None


def test_the_error_of_an_auc_is_that_of_hanley_and_mcneil() -> None:
    # The worked example of their table: 51 diseased and 58 normal, area 0.893, standard error 0.0326 (exponential).
    assert auc_error(0.893, 51, 58) == pytest.approx(0.0326, abs=5e-4)


def test_calibration_counts_the_distance_of_each_tenth() -> None:
    p = [0.1] * 50 + [0.9] * 50
    won = [0] * 45 + [1] * 5 + [1] * 25 + [0] * 25
    assert calibration_error(p, won) == pytest.approx(0.5 * 0.0 + 0.5 * 0.4)
    curve = reliability(p, won)
    assert [(one.n, one.converted) for one in curve] == [(50, 0.1), (50, 0.5)]
    assert all(one.low < one.converted < one.high for one in curve)


def test_intervals_are_those_of_the_papers() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def holdout(**changed: float) -> Evaluation:
    sound = {
        "n": 1000, "conversions": 100, "auc": 0.72, "auc_same_age": 0.72, "auc_low": 0.67, "log_loss": 0.29,
        "base_log_loss": 0.325, "lift_10": 2.4, "lift_20": 2.0, "ece": 0.02,
    }  # fmt: skip
    return Evaluation(**{**sound, **changed})  # type: ignore[arg-type] # counts are whole


def test_a_sound_model_passes_the_gate() -> None:
    assert gate.refusals(holdout()) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"conversions": 19, "n": 190}, "19 conversions"),
        ({"auc_same_age": 0.599}, "AUC 0.599"),
        ({"auc_low": 0.55}, "as low as 0.550"),
        ({"log_loss": 0.3225}, "log loss"),
        ({"lift_20": 1.49}, "1.49"),
    ],
)
def test_each_condition_of_the_gate_refuses_alone(changed: dict[str, float], told: str) -> None:
    refusals = gate.refusals(holdout(**changed))
    assert len(refusals) == 1
    assert told in refusals[0]


def test_what_most_reach_asks_for_less_lift() -> None:
    assert gate.refusals(holdout(conversions=650, lift_20=1.19)) == []
    assert gate.refusals(holdout(conversions=650, lift_20=1.14)) != []


def test_a_model_worse_than_the_rules_is_refused() -> None:
    assert gate.refusals(holdout(), (holdout(auc_same_age=0.70), holdout())) == []
    assert "rules rank better" in gate.refusals(holdout(), (holdout(auc_same_age=0.73), holdout()))[0]


def test_a_base_rate_alone_has_the_entropy_as_loss() -> None:
    found = evaluate([0.5, 0.5], [1, 0], 0.5)
    assert found.base_log_loss == pytest.approx(math.log(2))
    assert (found.auc, found.ece) == (0.5, 0.0)


def test_ranking_by_age_alone_is_none_among_those_as_old() -> None:
    scores, won, ages = [0.9] * 4 + [0.1] * 4, [1, 1, 1, 0, 1, 0, 0, 0], [0] * 4 + [1] * 4
    assert auc(scores, won) == pytest.approx(0.75)
    assert stratified_auc(scores, won, ages)[0] == 0.5
    assert evaluate(scores, won, 0.5, ages).auc_same_age == 0.5
