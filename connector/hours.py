"""Working hours: when people work, and how much of a stretch of time that is.

All moments are UTC (aware); a calendar turns its wall clock into UTC by the tz database, day by day, so that a night
of 23 or 25 hours counts what really passed. A wall time that a clock change skips is read with the offset before the
change, one that comes twice is its first occurrence (RFC 5545, 3.3.5).

The arithmetic is our own: the packages for it (businesstimedelta, businesstime, business-duration) rest on pytz or on
naive times, and the well-kept ones (holidays, workalendar) know days, not hours.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise, takewhile
from typing import Final, NamedTuple

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_M: Final = 24 * 60
SEARCH_DAYS: Final = 3 * 366  # a calendar that is closed for longer is a mistake
_OPENING = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_YEARLY = re.compile(r"(\d{2})-(\d{2})")


class Shift(NamedTuple):
    """Open at a time of a weekday (0 is Monday), in minutes of its clock; closes_m over 1440 is the next morning."""

    weekday: int
    opens_m: int
    closes_m: int


class Span(NamedTuple):
    """Bound one stretch of open time, UTC; the end is closed already."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True)
class Calendar:
    """Hold when somebody works: shifts of a week by the clock of a zone, less holidays.

    A holiday takes out the shifts that begin on it; yearly holds (month, day).
    """

    zone: tzinfo
    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = field(default_factory=frozenset)
    yearly: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def within(self, zone: tzinfo) -> "Calendar":
        """Give the same hours by the clock of another zone."""
        return replace(self, zone=zone)

    def works_on(self, day: date) -> bool:
        """Tell whether any shift begins on a day."""
        return not self.is_holiday(day) and any(shift.weekday == day.weekday() for shift in self.shifts)

    def is_holiday(self, day: date) -> bool:
        """Tell whether a day is taken out."""
        return day in self.holidays or (day.month, day.day) in self.yearly


def parse_openings(texts: Sequence[str]) -> tuple[Shift, ...]:
    """Read `mon-fri 09:00-17:00`, `sat 10:00-14:00`, `fri 22:00-06:00` (into the next morning), sorted by weekday.

    Raises ValueError for what is none, for a list that is empty, and for hours that overlap.
    """
    shifts = sorted(shift for text in texts for shift in _opening(text))
    if not shifts:
        raise ValueError("is empty; write when people work, such as mon-fri 09:00-17:00")
    around = [*shifts, shifts[0]._replace(weekday=shifts[0].weekday + 7)]
    for one, other in pairwise(around):
        if one.weekday * DAY_M + one.closes_m > other.weekday * DAY_M + other.opens_m:
            raise ValueError(f"{_name(one)} and {_name(other)} overlap; write each hour once")
    return tuple(shifts)


def parse_holidays(texts: Sequence[str]) -> tuple[frozenset[date], frozenset[tuple[int, int]]]:
    """Read dates (2026-12-24) and days of every year (12-25); raises ValueError for what is neither."""
    dates, yearly = set(), set()
    for text in texts:
        try:
            if match := _YEARLY.fullmatch(text):
                day = date(2000, int(match[1]), int(match[2]))  # a leap year: 02-29 is a day
                yearly.add((day.month, day.day))
            else:
                dates.add(date.fromisoformat(text))
        except ValueError:
            raise ValueError(f"{text!r} is no day; write 2026-12-24, or 12-25 for every year") from None
    return frozenset(dates), frozenset(yearly)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Tell whether somebody works at a moment."""
    return next(_spans(calendar, at)).opens_at <= at


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """Give the moment itself where it is open, else the next opening; raises ValueError where that is years away."""
    return max(at, next(_spans(calendar, at)).opens_at)


def working_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Measure the open time between two moments; zero where the end is not after the start."""
    spans = takewhile(lambda span: span.opens_at < end, _spans(calendar, start))
    stretches = (min(span.closes_at, end) - max(span.opens_at, start) for span in spans)
    return sum(stretches, timedelta()) if end > start else timedelta()


def add_working(calendar: Calendar, start: datetime, duration: timedelta) -> datetime:
    """Give the first moment by which so much open time has passed; the start itself where that is none.

    Ends at a closing rather than at the next opening, so that one hour from Friday 16:00 is Friday 17:00.
    """
    left = duration
    spans = _spans(calendar, start)
    while left > timedelta():
        span = next(spans)
        begins_at = max(span.opens_at, start)
        if span.closes_at - begins_at >= left:
            return begins_at + left
        left -= span.closes_at - begins_at
    return start


def add_days(calendar: Calendar, start: datetime, days: int) -> datetime:
    """Give the same time of the clock so many working days on.

    A start out of hours counts from the next opening; a time at which that day is closed becomes the last closing
    before it, or the day's first opening.
    """
    if days <= 0:
        return start
    local = next_open(calendar, start).astimezone(calendar.zone)
    day = local.date()
    for _ in range(days):
        day = _next_day(calendar, day)
    wanted = _utc(calendar, day, local.hour * 60 + local.minute) + timedelta(
        seconds=local.second, microseconds=local.microsecond
    )
    shifts = list(_shifts_of(calendar, day))
    for span in reversed(shifts):
        if span.opens_at <= wanted:
            return min(wanted, span.closes_at)
    return shifts[0].opens_at


def add_weeks(calendar: Calendar, start: datetime, weeks: int) -> datetime:
    """Give the same time of the clock so many weeks on, or the next opening after it."""
    local = start.astimezone(calendar.zone)
    return next_open(calendar, (local + timedelta(weeks=weeks)).astimezone(UTC)) if weeks > 0 else start


def _opening(text: str) -> Iterator[Shift]:
    match = _OPENING.fullmatch(text.strip().lower())
    first, last = (match[1], match[2] or match[1]) if match else ("", "")
    if match is None or first not in WEEKDAYS or last not in WEEKDAYS:
        raise ValueError(f"{text!r} is no opening; write days and hours such as mon-fri 09:00-17:00")
    opens_m, closes_m = (int(match[n]) * 60 + int(match[n + 1]) for n in (3, 5))
    if opens_m >= DAY_M or closes_m > DAY_M or int(match[4]) > 59 or int(match[6]) > 59:
        raise ValueError(f"{text!r} has a time that no clock shows; from 00:00 to 24:00")
    if closes_m == opens_m:
        raise ValueError(f"{text!r} is open for no time; 00:00-24:00 is the whole day")
    begins, ends = WEEKDAYS.index(first), WEEKDAYS.index(last)
    for step in range((ends - begins) % 7 + 1):
        yield Shift((begins + step) % 7, opens_m, closes_m if closes_m > opens_m else closes_m + DAY_M)


def _name(shift: Shift) -> str:
    opens, closes = (f"{m // 60 % 24:02d}:{m % 60:02d}" for m in (shift.opens_m, shift.closes_m))
    return f"{WEEKDAYS[shift.weekday % 7]} {opens}-{closes if shift.closes_m != DAY_M else '24:00'}"


def _spans(calendar: Calendar, start: datetime) -> Iterator[Span]:
    """Walk the open stretches that end after start, in order and without overlap, for ever.

    Raises ValueError where the next one is years away.
    """
    day = start.astimezone(calendar.zone).date() - timedelta(days=2)  # a night shift, and what it may run into
    closed_at = datetime.min.replace(tzinfo=UTC)
    idle = 0
    while idle < SEARCH_DAYS:
        idle += 1
        for span in _shifts_of(calendar, day):
            opens_at = max(span.opens_at, closed_at)  # a clock change may push one shift's end over the next's begin
            closed_at = max(span.closes_at, closed_at)
            if opens_at < span.closes_at and span.closes_at > start:
                yield Span(opens_at, span.closes_at)
                idle = 0
        day += timedelta(days=1)
    raise ValueError(f"nobody works in the {SEARCH_DAYS} days before {day}; correct the [[hours]]")


def _shifts_of(calendar: Calendar, day: date) -> Iterator[Span]:
    """Give the shifts that begin on a day, UTC."""
    if calendar.is_holiday(day):
        return
    for shift in calendar.shifts:
        if shift.weekday == day.weekday():
            yield Span(_utc(calendar, day, shift.opens_m), _utc(calendar, day, shift.closes_m))


def _next_day(calendar: Calendar, day: date) -> date:
    for step in range(1, SEARCH_DAYS):
        if calendar.works_on(day + timedelta(days=step)):
            return day + timedelta(days=step)
    raise ValueError(f"nobody works in the {SEARCH_DAYS} days after {day}; correct the [[hours]]")


def _utc(calendar: Calendar, day: date, minute: int) -> datetime:
    """Turn a minute of a day's clock into UTC; minutes past midnight are the next day's."""
    wall = datetime.combine(day + timedelta(days=minute // DAY_M), time(minute % DAY_M // 60, minute % 60))
    return wall.replace(tzinfo=calendar.zone).astimezone(UTC)
