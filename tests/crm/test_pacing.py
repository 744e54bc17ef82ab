"""The token bucket, on a clock that only sleeping moves."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.pacing import Bucket


class Time:
    """A clock whose sleepers wake exactly on time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_burst_up_to_the_rate_does_not_wait() -> None:
    time = Time()
    bucket = Bucket(5, 1.0, time.clock, time.sleep)
    for _ in range(5):
        bucket.take()
    assert time.slept == []
    bucket.take()
    assert time.slept == [1.0]


@pytest.mark.fault("F1")
@given(
    rate=st.integers(1, 7),
    pauses=st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_the_rate(rate: int, pauses: list[float]) -> None:
    time = Time()
    bucket = Bucket(rate, 1.0, time.clock, time.sleep)
    starts = []
    for pause in pauses:
        time.now += pause
        bucket.take()
        starts.append(time.now)
    assert all(later - first >= 1.0 - 1e-9 for first, later in zip(starts, starts[rate:], strict=False))


def test_no_call_waits_longer_than_it_must() -> None:
    time = Time()
    bucket = Bucket(2, 10.0, time.clock, time.sleep)
    bucket.take()
    time.now = 4.0
    bucket.take()
    bucket.take()
    assert time.now == 10.0
    bucket.take()
    assert time.now == 14.0


def test_threads_book_different_starts() -> None:
    waits: list[float] = []
    bucket = Bucket(3, 1.0, lambda: 0.0, waits.append)
    threads = [threading.Thread(target=bucket.take) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [1.0] * 3 + [2.0] * 3


def test_a_server_that_has_plenty_left_is_believed() -> None:
    time = Time()
    bucket = Bucket(10, 10.0, time.clock, time.sleep)
    for _ in range(50):
        bucket.take()
        bucket.learn(10, 10)
    assert time.slept == []


def test_calls_are_spread_when_others_have_used_the_limit() -> None:
    time = Time()
    bucket = Bucket(10, 10.0, time.clock, time.sleep)
    bucket.learn(1, 10)
    for _ in range(3):
        bucket.take()
        bucket.learn(1, 10)
    assert time.slept == [5.0, 5.0, 5.0]


def test_the_window_still_holds_where_the_server_counts_down() -> None:
    time = Time()
    bucket = Bucket(10, 10.0, time.clock, time.sleep)
    starts: list[float] = []
    for _ in range(60):
        bucket.take()
        starts.append(time.now)
        bucket.learn(10 - sum(1 for start in starts if start > time.now - 10.0), 10)
    assert all(later - first >= 10.0 - 1e-9 for first, later in zip(starts, starts[10:], strict=False))
