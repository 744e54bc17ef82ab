"""Tables of words and phrases: what a text says, by the whole words that stand in it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from mappings.normal.words import fold


class Phrases:
    """Find the phrases of a table (meaning -> phrases) in texts; of two that overlap the longer one counts."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._meanings = {fold(word): meaning for meaning, words in table.items() for word in words}
        longest_first = sorted(self._meanings, key=lambda word: (-len(word), word))
        self._pattern = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, longest_first))})(?!\S)")

    def meanings(self, text: str) -> Iterator[str]:
        """Walk what a text says, in its own order."""
        return (self._meanings[found.group()] for found in self._pattern.finditer(fold(text)))

    def first(self, text: str) -> str | None:
        """Give the first that a text says; null where it says nothing known."""
        return next(self.meanings(text), None)

    def longest(self, text: str) -> str | None:
        """Give what the longest phrase of a text means, the first of several; null where it says nothing known."""
        found = max(self._pattern.findall(fold(text)), key=len, default=None)
        return None if found is None else self._meanings[found]

    def whole(self, text: str) -> str | None:
        """Give what a text means that is one phrase and nothing else."""
        return self._meanings.get(fold(text))


__all__ = ["Phrases"]
