"""Whom to call first: one number to sort by, the band before the points, so that no list needs to know the bands."""

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.specification import Specification

OPEN_END = 1_000.0  # points that a scale without an end leaves to each band


@dataclass(frozen=True)
class CallOrder:
    """Place people by band and by points within it.

    places counts the bands below each band; least is the smallest total, step the room that each band has.
    """

    places: Mapping[str, int]
    least: float
    step: float

    def priority(self, band: str | None, total: float | None) -> float | None:
        """Give the priority, highest first; null for who has no band. `total` is what orders people inside a band.

        >>> CallOrder({"hot": 2, "warm": 1, "cold": 0}, 0.0, 100.0).priority("hot", 87.0)
        287.0
        """
        if band is None or total is None:
            return None
        within = min(max(total - self.least, 0.0), self.step)
        return self.places.get(band, 0) * self.step + within


def call_order(model: Specification) -> CallOrder:
    """Read the order off a model; a segment's own bands count among themselves."""
    lists = [segment.band for segment in model.segment if segment.band] + [model.band]
    places = {band.id: len(bands) - 1 - place for bands in lists for place, band in enumerate(bands)}
    scale = model.model.scale
    least = 0.0 if scale.min is None else scale.min
    room = OPEN_END if scale.max is None else scale.max - least
    step = 1.0
    while step < room:
        step *= 10
    return CallOrder(places, least, step)
