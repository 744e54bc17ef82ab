"""Industries: vendors' names, official codes and what people write, brought to one small set."""

import functools
import re
from collections.abc import Mapping
from typing import Final

from mappings.lists import PACKAGED, Lists, load_table, load_words
from mappings.normal.phrases import Phrases

_CODE: Final = re.compile(
    r"^\s*(?:(naics|sic)\b[\s:#-]*)?(?:code)?[\s:#-]*(\d{2,6})(?![\d.,])(?!\s*[-–]\s*\d)", re.IGNORECASE
)
_SIC_DIGITS: Final = 4


def industry_class(text: str, lists: Lists = PACKAGED) -> str | None:
    """Reduce an industry to one of a small set (software, healthcare, manufacturing ...); null where it is not known.

    Reads HubSpot's and LinkedIn's names, Salesforce's, what people write in several languages, and codes: four digits
    are SIC's unless NAICS is said, others are NAICS's.

    >>> industry_class("COMPUTER_SOFTWARE"), industry_class("Food & Beverage"), industry_class("NAICS 622110")
    ('software', 'consumer_goods', 'healthcare')
    """
    if code := _CODE.match(text):
        kind, digits = (code.group(1) or "").casefold(), code.group(2)
        is_sic = kind == "sic" or (not kind and len(digits) == _SIC_DIGITS)
        return _of_sic(int(digits)) if is_sic else _of_naics(digits)
    phrases = _names(lists)
    return phrases.whole(text) or phrases.longest(text)


def _of_naics(digits: str) -> str | None:
    """Find the class of the longest known beginning of a code."""
    known = _codes()["naics"]
    return next((known[digits[:n]] for n in range(len(digits), 1, -1) if digits[:n] in known), None)


def _of_sic(number: int) -> str | None:
    ranges = ((tuple(map(int, span.split("-"))), meaning) for span, meaning in _codes()["sic"].items())
    return next((meaning for (first, last), meaning in ranges if first <= number <= last), None)


@functools.cache
def _names(lists: Lists) -> Phrases:
    return Phrases(load_words("industry", lists))


@functools.cache
def _codes() -> Mapping[str, Mapping[str, str]]:
    """Turn the table of codes round: of each classification, code -> class."""
    return {
        name: {code: meaning for meaning, codes in table.items() for code in codes}
        for name, table in load_table("industry_codes").items()
    }


__all__ = ["industry_class"]
