"""Turn date literals into half-open ranges of days, in UTC with weeks that begin on Sunday.

No recording: from the vendor's documentation.
"""

import re
from datetime import date, timedelta

MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def period_range(text: str, today: date) -> tuple[date, date]:
    """Give the first day and the day after the last one, as the vendor documents the literal."""
    day = timedelta(days=1)
    single = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
    if text in single:
        start = today + single[text] * day
        return start, start + day
    if text in ("LAST_90_DAYS", "NEXT_90_DAYS"):
        text = text.split("_")[0] + "_N_DAYS:90"
    word, _, count = text.partition(":")
    if not count:
        side, unit = word.split("_")
        steps = {"LAST": -1, "THIS": 0, "NEXT": 1}[side]
        return _shift(today, unit, steps), _shift(today, unit, steps + 1)
    return _counted(word, int(count), today)


def _counted(word: str, count: int, today: date) -> tuple[date, date]:
    day = timedelta(days=1)
    unit = re.sub("LAST_N_|NEXT_N_|N_|_AGO", "", word).removesuffix("S")
    if word.endswith("_AGO"):
        return _shift(today, unit, -count), _shift(today, unit, 1 - count)
    if word.startswith("LAST") and unit == "DAY":
        return today - count * day, today + day
    if word.startswith("LAST"):
        return _shift(today, unit, -count), _shift(today, unit, 0)
    return _shift(today, unit, 1), _shift(today, unit, count + 1)


def _shift(today: date, unit: str, steps: int) -> date:
    if unit == "DAY":
        return today + timedelta(days=steps)
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(weeks=steps)
    size = MONTHS[unit]
    first = (today.year * 12 + today.month - 1) // size * size + steps * size
    return date(first // 12, first % 12 + 1, 1)
