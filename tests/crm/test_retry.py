"""The retry layer: what is tried again, how often, and when waiting is pointless."""

from collections.abc import Callable, Iterator

import pytest
import stamina

from connector.crm.retry import call_with_retry
from connector.errors import AuthError, QuotaExhausted, RetryableError


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


def failing(times: int, error: Exception, seen: list[int]) -> Callable[[], str]:
    def call() -> str:
        seen.append(1)
        if len(seen) <= times:
            raise error
        return "done"

    return call


def test_a_passing_fault_is_tried_again() -> None:
    seen: list[int] = []
    assert call_with_retry(failing(3, RetryableError("busy"), seen)) == "done"
    assert len(seen) == 4


@pytest.mark.parametrize("error", [AuthError("no"), QuotaExhausted("used up"), ValueError("bug")])
def test_anything_else_is_raised_at_once(error: Exception) -> None:
    seen: list[int] = []
    with pytest.raises(type(error)):
        call_with_retry(failing(3, error, seen))
    assert len(seen) == 1


@pytest.mark.fault("I3")
def test_attempts_are_bounded() -> None:
    seen: list[int] = []
    with pytest.raises(RetryableError):
        call_with_retry(failing(99, RetryableError("busy"), seen), attempts=4)
    assert len(seen) == 4


@pytest.mark.fault("F1")
def test_a_wait_the_server_asked_for_is_made() -> None:
    seen: list[int] = []
    assert call_with_retry(failing(2, RetryableError("busy", retry_after_s=30.0), seen)) == "done"
    assert len(seen) == 3


def test_a_wait_beyond_the_time_left_is_not_made() -> None:
    seen: list[int] = []
    with pytest.raises(RetryableError) as raised:
        call_with_retry(failing(2, RetryableError("moving", retry_after_s=86_400.0), seen))
    assert raised.value.retry_after_s == 86_400.0
    assert len(seen) == 1


@pytest.mark.fault("F1")
def test_pauses_that_the_server_asks_for_spend_no_attempt() -> None:
    seen: list[int] = []
    pauses: list[float] = []
    busy = RetryableError("busy", retry_after_s=3.0)
    assert call_with_retry(failing(20, busy, seen), attempts=2, sleep=pauses.append) == "done"
    assert pauses == [3.0] * 20


@pytest.mark.fault("I3")
def test_pauses_are_bounded_in_sum() -> None:
    seen: list[int] = []
    pauses: list[float] = []
    with pytest.raises(RetryableError):
        call_with_retry(
            failing(999, RetryableError("busy", retry_after_s=7.0), seen), timeout_s=60, sleep=pauses.append
        )
    assert sum(pauses) <= 60
