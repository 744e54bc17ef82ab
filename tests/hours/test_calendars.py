"""Whose hours count for whom."""

from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connector.calendars import Calendars, calendars_of
from connector.crm.base import Owner
from connector.hours import Shift
from connector.settings.hours import HoursSettings

OFFICE = HoursSettings(id="office", timezone="Europe/Berlin")
NIGHT = HoursSettings(id="night", open=("mon-fri 22:00-06:00",), owner_timezone=False)
ANA = Owner("1", "Ana", None, active=True, timezone="America/New_York")
BEN = Owner("2", "Ben", None, active=True, timezone="Mars/Olympus")


def test_an_owners_clock_moves_the_hours_that_go_by_it() -> None:
    calendars = calendars_of([OFFICE, NIGHT], [ANA, BEN])
    assert calendars.of("1") == OFFICE.calendar.within(ZoneInfo("America/New_York"))
    assert calendars.of("2") == calendars.of(None) == calendars.of("9", "office") == OFFICE.calendar
    assert calendars.of("1", "night") == NIGHT.calendar


def test_an_owners_own_hours_go_before_all_others() -> None:
    calendars = calendars_of([OFFICE, NIGHT], [ANA], {"1": "night"})
    assert calendars.of("1", "office") == NIGHT.calendar
    assert calendars.of("2", "office") == OFFICE.calendar


def test_without_hours_day_and_night_count() -> None:
    assert Calendars({}).of("1") is None


def test_hours_are_nine_to_five_unless_said() -> None:
    assert HoursSettings(id="x").calendar.shifts == tuple(Shift(day, 540, 1020) for day in range(5))


@pytest.mark.parametrize("wrong", [{"timezone": "Mars/Olympus"}, {"open": ("always",)}, {"holidays": ("soon",)}])
def test_what_is_wrong_with_hours_is_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HoursSettings.model_validate({"id": "x", **wrong})
