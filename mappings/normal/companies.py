"""Company names: what is left of them when legal form, article, case, accents and punctuation are gone."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mappings.lists import load_words
from mappings.normal.words import fold, spell_out

_AND: Final = re.compile(r"\s*[&+]\s*")
_SPA: Final = re.compile(r"\bSpA\b")  # a spa is also a business; S.p.A. is not
_LONGEST_FORM: Final = 6
_ACRONYM: Final = range(3, 7)
_SHORTEST_WORD: Final = 4


@dataclass(frozen=True)
class CompanyName:
    """Compare a company by its name.

    spellings are the ways to write it that count as the same; words are those of the first, in alphabetical order.
    initials are those of a name of several words, acronym is a name that may be such initials.
    """

    spellings: frozenset[str]
    words: str
    initials: str | None
    acronym: str | None

    @property
    def telling(self) -> tuple[str, ...]:
        """Give the words that few companies share; all of them where there are no such."""
        long = [word for word in self.words.split() if len(word) >= _SHORTEST_WORD]
        rare = [word for word in long if word not in _table()["generic"]]
        return tuple(dict.fromkeys(rare or long))


def company_name(text: str | None) -> CompanyName | None:
    """Read a company's name; null where there is nothing to compare.

    >>> company_name("The Acme-Werke GmbH & Co. KG").words, company_name("I.B.M. Corp.").acronym
    ('acme werke', 'ibm')
    """
    if text is None:
        return None
    spaced = _SPA.sub("S.p.A.", _AND.sub(" and ", text))
    words = _words(spaced)
    if not words:
        return None
    plain = " ".join(words)
    spelled = plain if spaced.isascii() else " ".join(_words(spell_out(spaced)))
    initials = "".join(word[0] for word in words) if len(words) in _ACRONYM else None
    acronym = plain if len(words) == 1 and len(plain) in _ACRONYM and plain.isalpha() else None
    return CompanyName(
        frozenset({plain, spelled, plain.replace(" ", "")} - {""}), " ".join(sorted(words)), initials, acronym
    )


def _words(text: str) -> list[str]:
    """Split a name into words; a name that is a legal form and nothing else keeps it."""
    words = fold(text).split()
    if words and words[0] in _table()["articles"] and len(words) > 1:
        words = words[1:]
    inner = [w for n, w in enumerate(words) if not (0 < n < len(words) - 1 and w in _table()["joining"])]
    return _joined(_without_forms(inner)) or _joined(words)


def _without_forms(words: list[str]) -> list[str]:
    """Take legal forms off both ends and out of what is written without spaces."""
    while (size := _form_at_end(words)) and size < len(words):
        words = words[:-size]
    while (size := _form_at_start(words)) and size < len(words):
        words = words[size:]
    return words if "".join(words).isascii() else _unglued(words)


def _form_at_end(words: Sequence[str]) -> int:
    sizes = range(min(_LONGEST_FORM, len(words)), 0, -1)
    return next((n for n in sizes if " ".join(words[-n:]) in _table()["legal_forms"]), 0)


def _form_at_start(words: Sequence[str]) -> int:
    sizes = range(min(_LONGEST_FORM, len(words)), 0, -1)
    return next((n for n in sizes if " ".join(words[:n]) in _table()["leading_forms"]), 0)


def _unglued(words: list[str]) -> list[str]:
    for form in _table()["glued_forms"]:
        for place in (0, -1):
            left = words[place].removeprefix(form) if place == 0 else words[place].removesuffix(form)
            words[place] = left or words[place]
    return words


def _joined(words: Sequence[str]) -> list[str]:
    """Write single letters in a row as one word: I.B.M. is IBM."""
    found: list[str] = []
    open_run = False
    for word in words:
        if len(word) == 1 and open_run:
            found[-1] += word
        else:
            found.append(word)
        open_run = len(word) == 1
    return found


@functools.cache
def _table() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(map(fold, words)) for name, words in load_words("company_words").items()}


__all__ = ["CompanyName", "company_name"]
