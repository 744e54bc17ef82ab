"""The number that reps sort by: the band first, then the points in it."""

from connector.planning.call_order import call_order
from scoring.model import load_model


def test_a_better_band_goes_before_more_points() -> None:
    order = call_order(load_model("preset:b2b_saas").spec)
    hot, *_, cold = load_model("preset:b2b_saas").bands
    low_in_hot, high_below = order.priority(hot.id, 20.0), order.priority(cold.id, 99.0)
    assert low_in_hot is not None
    assert high_below is not None
    assert low_in_hot > high_below
    assert order.priority(hot.id, 20.5) == low_in_hot + 0.5


def test_who_has_no_band_has_no_place() -> None:
    assert call_order(load_model("preset:b2b_saas").spec).priority(None, 50.0) is None


def test_points_stay_inside_their_band_whatever_the_scale() -> None:
    order = call_order(load_model("preset:simple").spec)
    for band, place in order.places.items():
        told = [order.priority(band, total) for total in (-1e9, 1e9)]
        assert told == [place * order.step, (place + 1) * order.step]
