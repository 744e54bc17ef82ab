"""The only retry layer: bounded, jittered, and told by the server how long to wait."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from connector.errors import RetryableError

T = TypeVar("T")
Sleep = Callable[[float], None]


def call_with_retry(
    call: Callable[[], T], *, attempts: int = 6, timeout_s: float = 300.0, sleep: Sleep = time.sleep
) -> T:
    """Call until it succeeds, raises anything but RetryableError, or the attempts or the time are used up.

    `call` takes no arguments, so that nothing of a request can reach the retry log. A wait that the server asks for is
    made and spends no attempt; waits that would end after `timeout_s` are not made: the error is raised at once, with
    the wait in it. sleep is seconds and replaceable.
    """
    started_s, asked_s = time.monotonic(), 0.0

    def fits(error: RetryableError) -> bool:
        spent_s = max(time.monotonic() - started_s, asked_s)
        return error.retry_after_s is not None and spent_s + error.retry_after_s <= timeout_s

    def patiently() -> T:
        nonlocal asked_s
        while True:
            try:
                return call()
            except RetryableError as error:
                if not error.retry_after_s or not fits(error):
                    raise
                asked_s += error.retry_after_s
                rest(error.retry_after_s, sleep)

    def again(error: Exception) -> bool:
        return isinstance(error, RetryableError) and (error.retry_after_s is None or fits(error))

    for attempt in stamina.retry_context(on=again, attempts=attempts, timeout=timeout_s, wait_initial=0.2, wait_max=20):
        with attempt:
            return patiently()
    raise AssertionError("stamina yields at least one attempt")


def rest(wait_s: float, sleep: Sleep = time.sleep) -> None:
    """Wait; tests that switch the retries' waits off (stamina.set_testing) need not wait here either."""
    if sleep is not time.sleep or not stamina.is_testing():
        sleep(wait_s)


def jittered(wait_s: float) -> float:
    """Spread waits, so that those who met once do not meet again: half to one and a half times as long."""
    return wait_s * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
