"""Numbers and ranges as people write them, and the bands of company size and revenue that they fall into."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?e[+-]?\d+|\d[\d.,'’\u00a0\u202f ]*\d|\d", re.IGNORECASE)
_UNIT: Final = re.compile(r"\s*([a-z]+)", re.IGNORECASE)
_SCALES: Final[Mapping[str, float]] = {
    **dict.fromkeys(("k", "tsd", "tausend", "thousand", "mil", "mille"), 1e3),
    **dict.fromkeys(("m", "mm", "mn", "mio", "million", "millions", "millionen", "milion", "millones", "milhoes"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "mld", "md", "billion", "billions", "milliard", "milliards", "milliarden"), 1e9),
}
_AND_MORE: Final = re.compile(
    r"\+|\b(?:and more|or more|more than|over|above|mehr als|über|plus de|más de|mais de)\b|[>≥]"
)
_AND_LESS: Final = re.compile(r"\b(?:less than|under|below|up to|bis|weniger als|unter|moins de|menos de)\b|[<≤]")
# The bounds of LinkedIn and HubSpot, and those that most vendors of company data share.
EMPLOYEES: Final = (
    (1, "1-10"),
    (11, "11-50"),
    (51, "51-200"),
    (201, "201-500"),
    (501, "501-1000"),
    (1001, "1001-5000"),
    (5001, "5001-10000"),
    (10001, "10001+"),
)
REVENUE: Final = (
    (0, "0-1M"),
    (1e6, "1M-10M"),
    (10e6, "10M-50M"),
    (50e6, "50M-100M"),
    (100e6, "100M-500M"),
    (500e6, "500M-1B"),
    (1e9, "1B-10B"),
    (10e9, "10B+"),
)
_JUST_BELOW: Final = 1 - 1e-9
Range = tuple[float | None, float | None]


def amount_range(text: str) -> Range | None:
    """Read a number or a range with its unit, in any of the usual ways to write one; an open end is null.

    Two numbers are the ends of a range, a unit behind the second is the first one's too where that has none.

    >>> amount_range("$10M-$50M"), amount_range("1,5 Mio."), amount_range("10.001+")
    ((10000000.0, 50000000.0), (1500000.0, 1500000.0), (10001.0, None))
    """
    found = [(_read(hit.group()), _scale(text, hit.end())) for hit in _NUMBER.finditer(text)][:2]
    if not found:
        return None
    last_scale = found[-1][1]
    values = [number * (scale or last_scale or 1) for number, scale in found]
    if len(values) == 2:
        return (min(values), max(values))
    if _AND_MORE.search(text.casefold()):
        return (values[0], None)
    return (None, values[0]) if _AND_LESS.search(text.casefold()) else (values[0], values[0])


def employees_band(text: str) -> str | None:
    """Give the band of a number of employees, or of a range of them.

    >>> employees_band("137"), employees_band("51-200 employees"), employees_band("10,001+"), employees_band("many")
    ('51-200', '51-200', '10001+', None)
    """
    return _band(amount_range(text), EMPLOYEES)


def revenue_band(text: str) -> str | None:
    """Give the band of a yearly revenue, or of a range of it; the currency is not looked at.

    >>> revenue_band("25000000"), revenue_band("$10M–$50M"), revenue_band("1,5 Mio. EUR"), revenue_band("> $1 billion")
    ('10M-50M', '10M-50M', '1M-10M', '1B-10B')
    """
    return _band(amount_range(text), REVENUE)


def _band(found: Range | None, bands: Sequence[tuple[float, str]]) -> str | None:
    """Take the band that the middle of a range lies in, or what is just beyond its only end; null below all bands."""
    low, high = found or (None, None)
    if low is not None and high is not None:
        at = (low + high) / 2
    elif low is not None:
        at = low + 1
    elif high is not None:
        at = high * _JUST_BELOW
    else:
        return None
    names = [name for start, name in bands if at >= start]
    return names[-1] if names else None


def _read(text: str) -> float:
    """Read a number whose decimal mark and thousands' marks are those of any language."""
    if "e" in text.casefold():
        return float(text)
    digits = re.sub(r"['’\s\u00a0\u202f]", "", text)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return float(digits)
    mark = digits[last]
    both = "." in digits and "," in digits
    is_thousands = not both and (digits.count(mark) > 1 or len(digits) - last == 4)
    whole, part = (digits, "") if is_thousands else (digits[:last], digits[last + 1 :])
    return float(re.sub(r"[.,]", "", whole) + ("." + re.sub(r"[.,]", "", part) if part else ""))


def _scale(text: str, end: int) -> float | None:
    unit = _UNIT.match(text, end)
    return _SCALES.get(unit.group(1).casefold()) if unit else None


__all__ = ["amount_range", "employees_band", "revenue_band"]
