"""When a clock's reminder and breach fall due, and how much working time went by until somebody acted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from connector.acting.actions import due_at
from connector.hours import Calendar, working_between
from connector.settings.sla import SlaSettings
from connector.store.clocks import Clock
from connector.store.episodes import EpisodeKey
from mappings.model import TaskTarget

CONVERTED: Final = "converted"  # a person made a contact of the lead


class Touch(NamedTuple):
    """Name the first act of a person on a record since its clock started."""

    at: datetime
    by: str


class DueTimes(NamedTuple):
    """Say when a clock's steps fall due, UTC; remind_at is null where nobody is reminded."""

    remind_at: datetime | None
    deadline: datetime


@dataclass(frozen=True)
class SlaRules:
    """Hold what planning the clocks needs to know: settings by trigger, clocks and touches by episode."""

    settings: Mapping[str, SlaSettings] = field(default_factory=dict)
    clocks: Mapping[EpisodeKey, Clock] = field(default_factory=dict)
    touches: Mapping[EpisodeKey, Touch] = field(default_factory=dict)
    task: TaskTarget | None = None

    @property
    def given(self) -> frozenset[tuple[str, str]]:
        """Name the records (object, id) that a breach gave to somebody: routing leaves them there."""
        return frozenset((c.object, c.record_id) for c in self.clocks.values() if c.given_to)


def due_times(sla: SlaSettings, started_at: datetime, calendar: Calendar | None) -> DueTimes:
    """Tell when a clock's owner is reminded and when it is breached."""
    remind_at = due_at(started_at, sla.remind_after, calendar) if sla.remind_after else None
    return DueTimes(remind_at, due_at(started_at, sla.first_touch, calendar))


def worked(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Measure the time that counts between two moments; without a calendar, all of it does."""
    return working_between(calendar, start, end) if calendar else max(end - start, timedelta())
