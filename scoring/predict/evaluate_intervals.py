"""Log-odds and the intervals that shares and their differences are told with."""

import math
from typing import Final

Z95: Final = 1.959963984540054


def sigmoid(log_odds: float) -> float:
    """Give the probability of log-odds, whatever their size."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    small = math.exp(log_odds)
    return small / (1.0 + small)


def logit(probability: float) -> float:
    """Give the log-odds of a probability between 0 and 1, both left out."""
    return math.log(probability / (1.0 - probability))


def smoothed_logit(converted: float, n: float) -> float:
    """Give the log-odds of a share that may be none or all: half a case is added on both sides."""
    return math.log((converted + 0.5) / (n - converted + 0.5))


def wilson(converted: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson 1927); 0 to 1 where there is nothing to go by."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = converted / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Give the 95 % interval of the difference of two shares, each (converted, n) (Newcombe 1998, method 10)."""
    (x1, n1), (x2, n2) = first, second
    p1, p2 = (x1 / n1 if n1 else 0.0), (x2 / n2 if n2 else 0.0)
    (low1, high1), (low2, high2) = wilson(x1, n1), wilson(x2, n2)
    down = math.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    up = math.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return max(-1.0, p1 - p2 - down), min(1.0, p1 - p2 + up)
