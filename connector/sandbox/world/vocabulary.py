"""The words of the made-up world, read from the packaged file."""

import random
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any


@dataclass(frozen=True)
class Weighted:
    """Words with weights; running sums make a draw a binary search."""

    words: tuple[Any, ...]
    sums: tuple[float, ...]

    def draw(self, rng: random.Random) -> Any:  # noqa: ANN401 - words may be texts or tables
        """Take one word by weight."""
        return rng.choices(self.words, cum_weights=self.sums)[0]


@dataclass(frozen=True)
class Country:
    """A country as people write it, and the names of people there."""

    written: tuple[str, ...]
    phone: str
    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Hold all words; lists are tuples, weighted lists are ready to draw from."""

    countries: Weighted
    industries: Weighted
    sources: Weighted
    titles: Mapping[str, tuple[str, ...]]
    syllables: tuple[tuple[str, ...], ...]
    lists: Mapping[str, tuple[str, ...]]
    our_site: str


def weighted(pairs: Sequence[tuple[Any, float]]) -> Weighted:
    """Make words ready to draw from (word, weight) pairs."""
    return Weighted(tuple(word for word, _ in pairs), tuple(accumulate(weight for _, weight in pairs)))


@cache
def vocabulary() -> Vocabulary:
    """Read the packaged words."""
    raw = tomllib.loads((files("connector.sandbox.world") / "vocabulary.toml").read_text("utf-8"))
    countries = [(country_of(item), item["share"]) for item in raw["countries"]]
    syllables = [*(tuple(raw[f"syllables_{n}"]) for n in (1, 2, 3)), tuple(raw["company_words"])]
    lists = {key: tuple(value) for key, value in raw.items() if isinstance(value, list) and isinstance(value[0], str)}
    return Vocabulary(
        countries=weighted(countries),
        industries=weighted([(word, weight) for word, weight in raw["industries"]]),
        sources=weighted([(word, weight) for word, weight in raw["sources"]]),
        titles={level: tuple(titles) for level, titles in raw["titles"].items()},
        syllables=tuple(syllables),
        lists=lists,
        our_site=raw["our_site"],
    )


def country_of(item: Mapping[str, Any]) -> Country:
    """Read one country."""
    return Country(tuple(item["written"]), item["phone"], tuple(item["given"]), tuple(item["family"]))


@cache
def ascii_slug(text: str) -> str:
    """Write a name with the letters of an e-mail address; empty where none are left."""
    plain = text.replace("ß", "ss").replace("ł", "l").replace("Ł", "l").replace("Đ", "d").replace("đ", "d")
    folded = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()
    return "".join(letter if letter.isalnum() else "-" for letter in folded).strip("-")
