"""Working hours: adding and measuring them, over nights, weekends, holidays and the nights when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hours import (
    Calendar,
    Shift,
    add_days,
    add_working,
    is_open,
    next_open,
    parse_holidays,
    parse_openings,
    working_between,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = Calendar(BERLIN, parse_openings(["mon-fri 09:00-12:30", "mon-thu 13:30-18:00"]), *parse_holidays(["12-25"]))
NIGHTS = Calendar(NEW_YORK, parse_openings(["mon-sun 22:00-06:00"]))
ALWAYS = Calendar(NEW_YORK, parse_openings(["mon-sun 00:00-24:00"]))
DAYS = Calendar(NEW_YORK, parse_openings(["mon-fri 09:00-17:00"]), *parse_holidays(["2026-11-26"]))
ROUND_THE_CHANGE = Calendar(NEW_YORK, parse_openings(["sun 00:30-02:45", "sun 02:45-04:00", "mon-fri 09:00-17:00"]))
CALENDARS = st.sampled_from([OFFICE, NIGHTS, ALWAYS, DAYS, ROUND_THE_CHANGE])
MOMENTS = st.integers(0, 365 * 86_400).map(
    lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
) | st.sampled_from(
    [
        datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ]
)
LENGTHS = st.timedeltas(timedelta(), timedelta(hours=300))
HOUR = timedelta(hours=1)


def at(text: str, zone: ZoneInfo = BERLIN, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@given(CALENDARS, MOMENTS, LENGTHS)
def test_what_was_added_is_what_is_measured(calendar: Calendar, start: datetime, length: timedelta) -> None:
    end = add_working(calendar, start, length)
    assert working_between(calendar, start, end) == length
    assert length == timedelta() or working_between(calendar, start, end - timedelta(microseconds=1)) < length


@given(CALENDARS, MOMENTS, LENGTHS, LENGTHS)
def test_parts_add_up(calendar: Calendar, start: datetime, one: timedelta, other: timedelta) -> None:
    assert add_working(calendar, add_working(calendar, start, one), other) == add_working(calendar, start, one + other)


@given(CALENDARS, MOMENTS, MOMENTS, LENGTHS)
def test_a_later_start_ends_no_earlier(calendar: Calendar, one: datetime, other: datetime, length: timedelta) -> None:
    first, second = sorted((one, other))
    assert add_working(calendar, first, length + HOUR) <= add_working(calendar, second, length + HOUR)
    assert timedelta() <= working_between(calendar, first, second) <= second - first
    assert working_between(calendar, second, first) == timedelta()


@given(CALENDARS, MOMENTS)
def test_the_next_opening_is_open_and_nothing_was_missed(calendar: Calendar, moment: datetime) -> None:
    opening = next_open(calendar, moment)
    assert is_open(calendar, opening)
    assert (opening == moment) == is_open(calendar, moment)
    assert working_between(calendar, moment, opening) == timedelta()


@given(MOMENTS, MOMENTS)
def test_day_and_night_count_what_really_passed(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    assert working_between(ALWAYS, first, second) == second - first


@given(CALENDARS, MOMENTS, st.integers(1, 20))
def test_days_on_are_in_order_and_within_hours(calendar: Calendar, start: datetime, days: int) -> None:
    end = add_days(calendar, start, days)
    assert end > start
    assert end >= add_days(calendar, start, days - 1)
    assert is_open(calendar, end) or is_open(calendar, end - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-07-03T11:30", 1, "2026-07-03T12:30"),  # Friday; ends at the closing, not on Monday
        ("2026-07-03T11:30", 2, "2026-07-06T10:00"),
        ("2026-07-02T12:00", 1, "2026-07-02T14:00"),  # over lunch
        ("2026-07-04T10:00", 1, "2026-07-06T10:00"),  # from the weekend
        ("2026-12-24T18:00", 1, "2026-12-28T10:00"),  # over a holiday and a weekend
    ],
)
def test_hours_of_an_office(start: str, hours: int, end: str) -> None:
    assert add_working(OFFICE, at(start), hours * HOUR) == at(end)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-07-01T10:00", 1, "2026-07-02T10:00"),
        ("2026-07-02T15:00", 1, "2026-07-03T12:30"),  # Friday ends at noon
        ("2026-07-03T10:00", 1, "2026-07-06T10:00"),
        ("2026-07-04T03:00", 1, "2026-07-07T09:00"),  # Saturday counts from Monday's opening
        ("2026-12-24T10:00", 1, "2026-12-28T10:00"),
        ("2026-07-01T10:00", 0, "2026-07-01T10:00"),
    ],
)
def test_working_days_of_an_office(start: str, days: int, end: str) -> None:
    assert add_days(OFFICE, at(start), days) == at(end)


@pytest.mark.parametrize(
    ("calendar", "night", "passed"),
    [
        (NIGHTS, ("2026-03-07T22:00", "2026-03-08T06:00"), 7),  # New York loses an hour
        (NIGHTS, ("2026-10-31T22:00", "2026-11-01T06:00"), 9),  # and gets it back
        (NIGHTS, ("2026-07-01T22:00", "2026-07-02T06:00"), 8),
        (NIGHTS.within(BERLIN), ("2026-03-28T22:00", "2026-03-29T06:00"), 7),
        (NIGHTS.within(BERLIN), ("2026-10-24T22:00", "2026-10-25T06:00"), 9),
    ],
)
def test_a_night_when_clocks_change(calendar: Calendar, night: tuple[str, str], passed: int) -> None:
    zone = calendar.zone
    assert isinstance(zone, ZoneInfo)
    start, end = (at(text, zone) for text in night)
    assert working_between(calendar, start, end) == passed * HOUR
    assert add_working(calendar, start, passed * HOUR) == end


def test_hours_that_a_clock_change_skips_or_repeats() -> None:
    skipped = Calendar(NEW_YORK, parse_openings(["sun 02:15-02:45"]))
    assert next_open(skipped, at("2026-03-08T00:00", NEW_YORK)) == at("2026-03-08T03:15", NEW_YORK)
    assert working_between(skipped, at("2026-03-08T00:00", NEW_YORK), at("2026-03-09T00:00", NEW_YORK)) == HOUR / 2
    twice = Calendar(NEW_YORK, parse_openings(["sun 01:00-01:30"]))
    assert next_open(twice, at("2026-11-01T00:00", NEW_YORK)) == at("2026-11-01T01:00", NEW_YORK, fold=0)
    assert not is_open(twice, at("2026-11-01T01:10", NEW_YORK, fold=1))


def test_a_holiday_takes_out_the_shifts_that_begin_on_it() -> None:
    assert next_open(DAYS, at("2026-11-25T17:00", NEW_YORK)) == at("2026-11-27T09:00", NEW_YORK)
    nights = Calendar(BERLIN, NIGHTS.shifts, frozenset({date(2026, 7, 2)}))
    assert is_open(nights, at("2026-07-02T05:59"))
    assert not is_open(nights, at("2026-07-02T23:00"))
    assert not is_open(nights, at("2026-07-03T05:00"))


def test_openings_are_read() -> None:
    assert parse_openings(["fri 22:00-06:00", "Mon 09:00-17:00"]) == (Shift(0, 540, 1020), Shift(4, 1320, 1800))
    assert [shift.weekday for shift in parse_openings(["sat-mon 10:00-24:00"])] == [0, 5, 6]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["monday 9-17"], "is no opening"),
        (["mon-fry 09:00-17:00"], "is no opening"),
        (["mon 09:00-25:00"], "no clock shows"),
        (["mon 09:60-17:00"], "no clock shows"),
        (["mon 24:00-06:00"], "no clock shows"),
        (["mon 09:00-09:00"], "open for no time"),
        (["mon-fri 09:00-17:00", "fri 16:00-18:00"], "fri 09:00-17:00 and fri 16:00-18:00 overlap"),
        (["sun 22:00-06:00", "mon 05:00-09:00"], "overlap"),
        ([], "is empty"),
    ],
)
def test_what_is_no_opening_is_told(texts: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_openings(texts)


@pytest.mark.parametrize("text", ["25.12.", "13-01", "2026-02-30", "02-30", "tomorrow", ""])
def test_what_is_no_day_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no day"):
        parse_holidays([text])


def test_a_calendar_that_never_opens_is_told() -> None:
    first = date(2026, 1, 1)
    closed = Calendar(BERLIN, OFFICE.shifts, frozenset(first + timedelta(days=n) for n in range(4 * 366)))
    with pytest.raises(ValueError, match="nobody works"):
        next_open(closed, at("2026-01-02T00:00"))
    with pytest.raises(ValueError, match="nobody works"):
        add_days(closed, at("2025-12-31T10:00"), 1)
