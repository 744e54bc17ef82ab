"""The only pacing layer: token buckets under the vendor's published rates."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Hold back calls so that no more than `rate` start within any `per_s` seconds; safe to share between threads.

    Where the server tells how many calls are left (`learn`), it is believed: nobody waits while there are plenty, and
    near the end the last ones are spread, since other programs draw on the same limit. clock and sleep are seconds and
    replaceable, so that tests need not wait.
    """

    rate: int
    per_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _left: int | None = field(init=False, repr=False, default=None)
    _reserve_calls: int = field(init=False, repr=False, default=1)
    _starts: deque[float] = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._starts = deque(maxlen=self.rate)

    def take(self) -> None:
        """Wait until one more call may start; waiting callers start in the order in which they asked."""
        if (wait_s := self._reserve()) > 0:
            self.sleep(wait_s)

    def learn(self, left: int, limit: int) -> None:
        """Hear from the server how many calls may still start now, of how many."""
        with self._lock:
            self._left, self._reserve_calls = left, max(limit // 10, 1)

    def _reserve(self) -> float:
        """Book the next free start, so that nobody who asks later can take it, and return the wait until then."""
        with self._lock:
            now = self.clock()
            start = now + self._wait(now)
            self._starts.append(start)
            return start - now

    def _wait(self, now: float) -> float:
        if self._left is not None and self._left > self._reserve_calls:
            self._left -= 1
            return 0.0
        if len(self._starts) == self.rate:
            return max(self._starts[0] + self.per_s - now, 0.0)
        return 0.0 if self._left is None else self.per_s / (self._left + 1)
