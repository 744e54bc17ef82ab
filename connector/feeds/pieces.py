"""What a file of a feed is read as: pieces of rows with their lines, and what could not be read of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from mappings.feed import Feed
from mappings.transforms import fold
from scoring.names import nearest

SHOWN: Final = 2_000  # of a line that cannot be read, so much is kept
MOST_NAMED: Final = 40


class UnreadableFile(Exception):  # noqa: N818 - named by what it is: the file is refused, the others can be read
    """A file that cannot be read at all; the message says what is wrong with it and what to do."""


@dataclass(frozen=True)
class Reject:
    """Keep a line that cannot be read, as it is, with the reason."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Piece:
    """Hold some rows of a file, and the line that each begins in; columns are named as the feed names them."""

    rows: pa.Table
    lines: pa.Array
    rejects: Sequence[Reject] = ()


def shown(raw: bytes) -> str:
    """Give a line as text that can be kept and shown, whatever it is."""
    return raw[:SHOWN].decode("utf-8", errors="replace").replace("\x00", "�")


def found_columns(feed: Feed, there: Sequence[str]) -> dict[str, str]:
    """Find the columns that a feed reads among those of a file: by name, else by its letters and digits.

    Raises UnreadableFile that names every column that is missing, the nearest there is, and what there is.
    """
    by_letters: dict[str, list[str]] = {}
    for name in there:
        by_letters.setdefault(fold(name), []).append(name)
    found = {name: actual for name in feed.columns() if (actual := _found(name, there, by_letters))}
    missing = [group for group in feed.needed() if not any(name in found for name in group)]
    if missing:
        raise UnreadableFile(_missing(missing, there))
    return found


def _found(name: str, there: Sequence[str], by_letters: Mapping[str, Sequence[str]]) -> str | None:
    alike = by_letters.get(fold(name), ()) if fold(name) else ()
    return name if name in there else alike[0] if len(alike) == 1 else None


def _missing(groups: Iterable[Sequence[str]], there: Sequence[str]) -> str:
    said = [f"{' or '.join(map(repr, group))}{nearest(group[0], there)}" for group in groups]
    names = ", ".join(there[:MOST_NAMED]) + (f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else "")
    return (
        f"there is no column {'; no column '.join(said)} (there are: {names}); "
        "name its own columns in a file with `extends`, see docs/feeds.md"
    )
