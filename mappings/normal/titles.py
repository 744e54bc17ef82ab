"""Job titles: the level and the department that they tell, in several languages."""

import functools
from typing import Final

from mappings.lists import PACKAGED, Lists, load_words
from mappings.normal.phrases import Phrases

_LEVELS: Final = ("c_level", "vp", "director", "manager", "staff")


def seniority(text: str, lists: Lists = PACKAGED) -> str | None:
    """Read the level of a job title (c_level, vp, director, manager, staff); the highest of several.

    >>> seniority("Vice President & Managing Director"), seniority("Assistant to the CEO"), seniority("Wizard")
    ('c_level', 'staff', None)
    """
    meanings = set(_phrases("seniority", lists).meanings(text))
    if "assistant" in meanings:
        return "staff"
    return next((level for level in _LEVELS if level in meanings), None)


def department(text: str, lists: Lists = PACKAGED) -> str | None:
    """Read the department of a job title or department name; the first of several.

    >>> department("VP Sales & Marketing"), department("CFO"), department("Leiter Einkauf")
    ('sales', 'finance', 'purchasing')
    """
    return _phrases("department", lists).first(text)


@functools.cache
def _phrases(table: str, lists: Lists) -> Phrases:
    return Phrases(load_words(table, lists))


__all__ = ["department", "seniority"]
