"""Named lists and word tables: packaged files, which a user's folder overrides by name."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


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


def load_words(name: str) -> Mapping[str, tuple[str, ...]]:
    """Load a packaged word table (`seniority`, `department`, `country`): what is meant -> the words for it."""
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return {meaning: tuple(words) for meaning, words in tomllib.loads(text).items()}


def lists_version(names: Iterable[str]) -> str:
    """Give 12 hex digits over the content of packaged lists and word tables; other content, other digits."""
    found = hashlib.sha256()
    for name in sorted(names):
        for file in (resources.files(__name__).joinpath(f"{name}.{kind}") for kind in ("toml", "txt")):
            if file.is_file():
                found.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


__all__ = ["lists_version", "load_lists", "load_words"]
