"""Small pictures as plain geometry; the page draws them as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """Place one bar; lengths are SVG user units, n is what it counts."""

    label: str
    n: int
    x: float
    y: float
    width: float
    height: float
    middle: float


@dataclass(frozen=True)
class Chart:
    """Hold a bar chart ready to draw."""

    width: int
    height: int
    bars: tuple[Bar, ...]


def histogram(counts: Sequence[tuple[str, int]], *, width: int = 900, height: int = 240) -> Chart:
    """Lay out one bar per (label, count), scaled to the largest count."""
    top, bottom, gap = 22, 22, 6
    slot = width / max(len(counts), 1)
    largest = max((n for _, n in counts), default=0) or 1
    bars = []
    for place, (label, n) in enumerate(counts):
        tall = (height - top - bottom) * n / largest
        x = place * slot + gap / 2
        bars.append(Bar(label, n, x, height - bottom - tall, slot - gap, tall, x + (slot - gap) / 2))
    return Chart(width, height, tuple(bars))
