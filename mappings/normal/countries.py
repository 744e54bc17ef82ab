"""Countries by name or code, in several languages."""

import functools
from collections.abc import Mapping

from mappings.lists import PACKAGED, Lists, load_words
from mappings.normal.words import fold


def country(text: str, lists: Lists = PACKAGED) -> str:
    """Turn a country's name or code into ISO 3166 alpha-2; a name that is not known stays as it is.

    >>> country("Deutschland"), country("u.s.a."), country("br"), country("Atlantis")
    ('DE', 'US', 'BR', 'Atlantis')
    """
    name = fold(text)
    codes = _codes(lists)
    return codes.get(name) or codes.get(name.replace(" ", "")) or text.strip()


@functools.cache
def _codes(lists: Lists) -> Mapping[str, str]:
    """Index the country table by folded name and by code."""
    table = load_words("country", lists)
    return {fold(word): code for code, words in table.items() for word in (code, *words)}


__all__ = ["country"]
