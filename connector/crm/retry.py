"""The only retry layer: bounded, jittered, and told by the server how long to wait."""

import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from connector.errors import RetryableError

T = TypeVar("T")


def call_with_retry(call: Callable[[], T], *, attempts: int = 6, timeout_s: float = 300.0) -> T:
    """Call until it succeeds, raises anything but RetryableError, or the attempts or the time are used up.

    `call` takes no arguments, so that nothing of a request can reach the retry log. A server-given wait is honoured;
    one that would end after `timeout_s` is not waited for: the error is raised at once, with the wait in it.
    """
    started_s = time.monotonic()

    def wait(error: Exception) -> bool | float:
        if not isinstance(error, RetryableError):
            return False
        if error.retry_after_s is None:
            return True
        spent_s = time.monotonic() - started_s
        return error.retry_after_s if spent_s + error.retry_after_s <= timeout_s else False

    for attempt in stamina.retry_context(on=wait, attempts=attempts, timeout=timeout_s, wait_initial=0.2, wait_max=20):
        with attempt:
            return call()
    raise AssertionError("stamina yields at least one attempt")
