"""The only pacing layer: token buckets under the vendor's published rates."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Hold back calls so that no more than `rate` start within any `per_s` seconds; safe to share between threads.

    clock and sleep are seconds and replaceable, so that tests need not wait.
    """

    rate: int
    per_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _starts: deque[float] = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._starts = deque(maxlen=self.rate)

    def take(self) -> None:
        """Wait until one more call may start; waiting callers start in the order in which they asked."""
        if (wait_s := self._reserve()) > 0:
            self.sleep(wait_s)

    def _reserve(self) -> float:
        """Book the next free start, so that nobody who asks later can take it, and return the wait until then."""
        with self._lock:
            now = self.clock()
            full = len(self._starts) == self.rate
            start = max(now, self._starts[0] + self.per_s) if full else now
            self._starts.append(start)
            return start - now
