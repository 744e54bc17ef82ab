"""Whose hours count: an owner's own, by the owner's own clock where the CRM tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from connector.crm.base import Owner
from connector.hours import Calendar
from connector.settings.hours import HoursSettings


@dataclass(frozen=True)
class Calendars:
    """Hold the [[hours]] of a configuration by id, the first one first, and the clocks of owners by their ids.

    moving names the hours that go by the owner's clock; members the hours of those who have some of their own.
    """

    named: Mapping[str, Calendar]
    moving: frozenset[str] = frozenset()
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)

    def of(self, owner_id: str | None, hours: str | None = None) -> Calendar | None:
        """Give an owner's calendar: the member's own hours, else those asked for, else the first ones.

        Null where there are no hours at all: day and night count.
        """
        own = self.members.get(owner_id or "")
        name = own or hours or next(iter(self.named), None)
        calendar = self.named.get(name or "")
        zone = self.zones.get(owner_id or "")
        return calendar.within(zone) if calendar and zone and name in self.moving else calendar


def calendars_of(
    hours: Sequence[HoursSettings], owners: Sequence[Owner], members: Mapping[str, str] | None = None
) -> Calendars:
    """Bind the configured hours to the owners of a CRM; members gives, by owner id, hours of the owner's own."""
    zones = {owner.id: zone for owner in owners if (zone := _zone(owner.timezone)) is not None}
    return Calendars(
        {each.id: each.calendar for each in hours},
        frozenset(each.id for each in hours if each.owner_timezone),
        zones,
        dict(members or {}),
    )


def _zone(name: str | None) -> ZoneInfo | None:
    """Find a time zone by its name in the tz database; a CRM may know one that this machine lacks."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):
        return None
