"""Time to contact: how soon people acted on the records of a band, in their working hours, and how often too late."""

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from connector.store import clocks
from connector.store.clocks import Clock


@dataclass(frozen=True)
class Figures:
    """Count clocks: breached ones were touched too late or not yet; left are those whose record left the band in time.

    median_s and p90_s are working seconds to the first touch, of those touched (nearest rank); breach_share is of those
    touched or breached. Both are null where there is none.
    """

    clocks: int
    running: int
    touched: int
    breached: int
    left: int
    breach_share: float | None
    median_s: int | None
    p90_s: int | None


@dataclass(frozen=True)
class BandFigures:
    """Hold the figures of one band of one model (null: the primary one), as a whole and by owner, most clocks first."""

    band: str
    model: str | None
    all: Figures
    owners: tuple[tuple[str | None, Figures], ...]

    def as_dict(self) -> dict[str, Any]:
        """Give them as the command line's JSON has them."""
        owners = [{"owner_id": owner, **asdict(figures)} for owner, figures in self.owners]
        return {"band": self.band, "model": self.model, **asdict(self.all), "owners": owners}


def sla_figures(connection: sqlite3.Connection) -> list[BandFigures]:
    """Measure every band that ever had a clock; an owner is charged with what happened while the record was theirs."""
    by_trigger: dict[str, list[Clock]] = {}
    for clock in clocks.every(connection):
        by_trigger.setdefault(clock.trigger, []).append(clock)
    return [_band(trigger, found) for trigger, found in sorted(by_trigger.items())]


def as_hours(seconds: int | None) -> str:
    """Write working time for people: 3 h 05 min."""
    if seconds is None:
        return "none yet"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _band(trigger: str, found: Sequence[Clock]) -> BandFigures:
    model, _, band = trigger.rpartition("band:")
    owners = {clock.owner_id: [one for one in found if one.owner_id == clock.owner_id] for clock in found}
    listed = sorted(owners.items(), key=lambda row: (-len(row[1]), row[0] or ""))
    parts = tuple((owner, _figures(theirs)) for owner, theirs in listed)
    return BandFigures(band, model.rstrip(":") or None, _figures(found), parts)


def _figures(found: Iterable[Clock]) -> Figures:
    listed = list(found)
    seconds = sorted(clock.worked_s for clock in listed if clock.worked_s is not None)
    breached = sum(1 for clock in listed if clock.breached_at is not None)
    known = sum(1 for clock in listed if clock.touched_at is not None or clock.breached_at is not None)
    gone = [c for c in listed if not c.in_band and c.touched_at is None and c.breached_at is None]
    return Figures(
        clocks=len(listed),
        running=sum(1 for clock in listed if clock.is_running),
        touched=len(seconds),
        breached=breached,
        left=len(gone),
        breach_share=round(breached / known, 4) if known else None,
        median_s=_rank(seconds, 0.5),
        p90_s=_rank(seconds, 0.9),
    )


def _rank(ordered: Sequence[int], share: float) -> int | None:
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None
