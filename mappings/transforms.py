"""Transforms of one CRM value into one canonical value; each is pure and run once per distinct value.

Every transform takes text that is not blank and returns null where it finds nothing.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from mappings.lists import load_words
from mappings.normal.domains import domain
from mappings.normal.words import fold

Transformed = str | float | list[str] | None
_LEVELS: Final = ("c_level", "vp", "director", "manager", "staff")
_ACCOUNT_TYPES: Final = {
    "customer": "customer",
    "partner": "partner",
    "prospect": "prospect",
    "prospective": "prospect",
    "reseller": "partner",
}
_PORTAL = re.compile(r"\Ape\d+_")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def lower(text: str) -> str:
    """Lower the case and trim."""
    return text.strip().lower()


def snake(text: str) -> str | None:
    """Write an option as one word of ours; null where no letter is left.

    >>> snake("Economic Buyer"), snake("C-Level / Sponsor"), snake("-")
    ('economic_buyer', 'c_level_sponsor', None)
    """
    return fold(text).replace(" ", "_") or None


def number(text: str) -> float | None:
    """Read the first number of a text; a range gives its lower end.

    >>> number("1,200"), number("50-100"), number("1000+"), number("n/a")
    (1200.0, 50.0, 1000.0, None)
    """
    found = _NUMBER.search(text)
    return float(found.group().replace(",", "")) if found else None


def listed(text: str) -> list[str]:
    """Split at `;` as multi-select fields do; blank parts are dropped."""
    return [part.strip() for part in text.split(";") if part.strip()]


def account_type(text: str) -> str:
    """Reduce an account's type to customer, prospect or partner, by the first of these words; else lower the case.

    >>> account_type("Customer - Channel"), account_type("Channel Partner / Reseller"), account_type("Press")
    ('customer', 'partner', 'press')
    """
    return next((_ACCOUNT_TYPES[word] for word in fold(text).split() if word in _ACCOUNT_TYPES), lower(text))


def country(text: str) -> str:
    """Turn a country's name or code into ISO 3166 alpha-2; a name that is not known stays as it is.

    >>> country("Deutschland"), country("u.s.a."), country("br"), country("Atlantis")
    ('DE', 'US', 'BR', 'Atlantis')
    """
    name = fold(text)
    codes = _country_codes()
    return codes.get(name) or codes.get(name.replace(" ", "")) or text.strip()


def seniority(text: str) -> str | None:
    """Read the level of a job title (c_level, vp, director, manager, staff); the highest of several.

    >>> seniority("Vice President & Managing Director"), seniority("Assistant to the CEO"), seniority("Wizard")
    ('c_level', 'staff', None)
    """
    meanings = set(_matches(text, _word_pattern("seniority"), _word_meanings("seniority")))
    if "assistant" in meanings:
        return "staff"
    return next((level for level in _LEVELS if level in meanings), None)


def after_colon(text: str) -> str | None:
    """Give what stands behind the first colon; null where nothing does.

    >>> after_colon("rejected: no budget"), after_colon("accepted")
    ('no budget', None)
    """
    return text.partition(":")[2].strip() or None


def event_name(text: str) -> str | None:
    """Take the account's id off the name of a custom event of HubSpot's.

    >>> event_name("pe4242424_drift_conversation"), event_name("e_visited_page")
    ('drift_conversation', 'e_visited_page')
    """
    return _PORTAL.sub("", text.strip().lower()) or None


def department(text: str) -> str | None:
    """Read the department of a job title or department name; the first of several.

    >>> department("VP Sales & Marketing"), department("CFO"), department("Leiter Einkauf")
    ('sales', 'finance', 'purchasing')
    """
    return next(iter(_matches(text, _word_pattern("department"), _word_meanings("department"))), None)


@functools.cache
def _country_codes() -> Mapping[str, str]:
    """Index the country table by folded name and by code, once per process."""
    table = load_words("country")
    return {fold(word): code for code, words in table.items() for word in (code, *words)}


@functools.cache
def _word_meanings(table: str) -> Mapping[str, str]:
    return {fold(word): meaning for meaning, words in load_words(table).items() for word in words}


@functools.cache
def _word_pattern(table: str) -> re.Pattern[str]:
    """Match the longest word or phrase first, whole words only."""
    words = sorted(_word_meanings(table), key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, words))})(?!\S)")


def _matches(text: str, pattern: re.Pattern[str], meanings: Mapping[str, str]) -> Iterable[str]:
    return (meanings[found.group()] for found in pattern.finditer(fold(text)))


ResultKind = Literal["text", "number", "list"]
TRANSFORMS: Final[Mapping[str, tuple[Callable[[str], Transformed], ResultKind]]] = MappingProxyType(
    {
        "account_type": (account_type, "text"),
        "country": (country, "text"),
        "department": (department, "text"),
        "domain": (domain, "text"),
        "event_name": (event_name, "text"),
        "list": (listed, "list"),
        "after_colon": (after_colon, "text"),
        "lower": (lower, "text"),
        "number": (number, "number"),
        "seniority": (seniority, "text"),
        "snake": (snake, "text"),
    }
)
"""What a mapping may name: the transform and the type of what it gives."""

__all__ = ["TRANSFORMS", "domain", "fold"]
