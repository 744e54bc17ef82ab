"""Named lists and word tables: packaged files, which a user's folder changes by name.

A list of the folder (NAME.txt) replaces the packaged one. A word table (NAME.toml) adds to it: its words go before
the packaged ones, and mean what the folder says where both name them.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Lists:
    """Name where lists come from; content tells two states of a folder apart, so that what is kept of one is not
    taken for the other."""

    folder: Path | None = None
    content: str = ""

    def version(self, names: Iterable[str]) -> str:
        """Give 12 hex digits over the content of lists and word tables; other content, other digits."""
        found = hashlib.sha256()
        for name in sorted(names):
            for file in (file for kind in ("toml", "txt") for file in _files(self.folder, f"{name}.{kind}")):
                found.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
        return found.hexdigest()[:12]


PACKAGED: Final = Lists()


def open_lists(folder: Path | None) -> Lists:
    """Bind the lists of a folder; null for the packaged ones alone. Raises ValueError naming what cannot be used."""
    if folder is None:
        return PACKAGED
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder of lists; make it, or leave the setting out")
    for file in sorted(folder.glob("*.toml")):
        _check_words(file)
    names = {file.stem for file in folder.iterdir() if file.suffix in (".txt", ".toml")}
    return Lists(folder, Lists(folder).version(names))


def load_lists(folder: Path | None = None) -> Mapping[str, frozenset[str]]:
    """Load the lists that `in_list` names: the packaged ones, each replaced by the folder's file of the same name.

    Entries are lower-cased. Raises ValueError where the folder does not exist.
    """
    packaged = _list_files(resources.files(__name__))
    if folder is None:
        return packaged
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder of lists; make it, or leave the setting out")
    return {**packaged, **_list_files(folder)}


def load_words(name: str, lists: Lists = PACKAGED) -> Mapping[str, tuple[str, ...]]:
    """Load a word table (`seniority`, `country`, `source`): what is meant -> the words for it, the folder's first."""
    found: dict[str, tuple[str, ...]] = {}
    for file in _files(lists.folder, f"{name}.toml"):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        theirs = {word.casefold() for words in table.values() for word in words}
        kept = {meaning: tuple(w for w in words if w.casefold() not in theirs) for meaning, words in found.items()}
        found = kept | {meaning: (*words, *kept.get(meaning, ())) for meaning, words in table.items()}
    return found


def load_table(name: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Load a packaged table of tables (`industry_codes`)."""
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return {kind: {key: tuple(words) for key, words in table.items()} for kind, table in tomllib.loads(text).items()}


def _files(folder: Path | None, name: str) -> Iterator[Traversable | Path]:
    """Walk the packaged file of a name and the folder's, where they are."""
    places: tuple[Traversable | Path | None, ...] = (resources.files(__name__), folder)
    return (file for place in places if place is not None and (file := place.joinpath(name)).is_file())


def _entries(text: str) -> frozenset[str]:
    """Read one entry a line, lower-cased; `#` starts a comment."""
    lines = (line.partition("#")[0].strip().lower() for line in text.splitlines())
    return frozenset(line for line in lines if line)


def _list_files(folder: Traversable | Path) -> dict[str, frozenset[str]]:
    return {
        entry.name.removesuffix(".txt"): _entries(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".txt")
    }


def _check_words(file: Path) -> None:
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: is not valid TOML: {error}") from None
    for meaning, words in table.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f'{file}: {meaning}: must be a list of words, such as {meaning} = ["one", "two"]')


__all__ = ["PACKAGED", "Lists", "load_lists", "load_table", "load_words", "open_lists"]
