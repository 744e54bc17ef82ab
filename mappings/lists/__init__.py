"""Named lists and word tables: packaged files, which a user's folder overrides by name."""

import tomllib
from collections.abc import Mapping
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


__all__ = ["load_lists", "load_words"]
