"""Which files a feed has, and which of them are to be read: each once, a changed one again."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connector.feeds.pieces import UnreadableFile
from connector.feeds.tables import SUFFIXES

UNFINISHED: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Found:
    """Name a file as the ledger knows it, and how it stood when it was found."""

    path: Path
    name: str
    bytes: int
    modified_s: int
    changed_ns: int

    @property
    def modified_at(self) -> datetime:
        """Give the time of the file, UTC."""
        return datetime.fromtimestamp(self.modified_s, UTC)

    @property
    def is_settled(self) -> bool:
        """Tell whether the file still stands as it was found: nobody has written to it meanwhile."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, _changed_ns(now)) == (self.bytes, self.changed_ns)


def find_files(pattern: str, base: Path) -> list[Found]:
    """List the files of a path: a file, those of a folder, or those that a pattern names; oldest first.

    Files that are still on their way (.part and its like) or hidden are left out. In a folder, so are files of other
    kinds. They are named as seen from `base`, so that a folder that moves with its store is known again.
    """
    found = [found_file(path, base) for path in _paths(Path(pattern)) if not _is_unfinished(path)]
    return sorted(found, key=lambda file: (file.modified_s, file.name))


def refuse_oversized(file: Found, max_mb: int) -> None:
    """Raise UnreadableFile for a file above the limit, before it is opened."""
    if file.bytes > max_mb * 1_000_000:
        raise UnreadableFile(
            f"has {file.bytes / 1_000_000:,.0f} MB, max_mb is {max_mb:,}; split the file, or raise max_mb of the feed"
        )


def digest(file: Found) -> str:
    """Give the sha256 of a file's content; raises OSError."""
    found = hashlib.sha256()
    with file.path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _paths(pattern: Path) -> Iterator[Path]:
    if pattern.is_file():
        yield pattern
    elif pattern.is_dir():
        yield from (path for path in pattern.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)
    else:
        anchor = Path(pattern.anchor or ".")
        parts = pattern.parts[1:] if pattern.anchor else pattern.parts
        if any(letter in part for part in parts for letter in "*?["):
            yield from (path for path in anchor.glob(str(Path(*parts))) if path.is_file())


def _is_unfinished(path: Path) -> bool:
    return path.name.startswith((".", "~")) or path.suffix.lower() in UNFINISHED


def found_file(path: Path, base: Path) -> Found:
    """Describe a file as it stands, named as seen from a folder; raises OSError."""
    known = path.stat()
    name = os.path.relpath(path, base)
    return Found(path, name, known.st_size, int(known.st_mtime), _changed_ns(known))


def _changed_ns(known: os.stat_result) -> int:
    """Give the time of the last change; a copy that keeps the time of its original has a newer one of its own."""
    return max(known.st_mtime_ns, known.st_ctime_ns)
