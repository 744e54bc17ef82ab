"""The only pacing layer: token buckets under the vendor's published rates."""

import threading
import time
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
    _starts: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Wait until one more call may start."""
        while (wait_s := self._reserve()) > 0:
            self.sleep(wait_s)

    def _reserve(self) -> float:
        with self._lock:
            now = self.clock()
            self._starts = [start for start in self._starts if start > now - self.per_s]
            if len(self._starts) < self.rate:
                self._starts.append(now)
                return 0.0
            return self._starts[0] + self.per_s - now
