"""Rows that came by the network, kept as files of the store until a sync has landed them.

A message is on the disk before its sender hears that we have it. A sync takes the file away under the same lock under
which messages are added, so that none falls between.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from connector.errors import Locked
from connector.feeds.files import Found, found_file
from connector.store.durable import make_durable
from connector.store.state import store_errors

FOLDER: Final = "spool"
_OPEN: Final = ".open.jsonl"
_LOCK: Final = ".lock"
_WAIT_S: Final = 10.0
_DIGITS: Final = 9


def append(store: Path, feed: str, rows: Sequence[Any]) -> None:
    """Add rows as JSON lines, on the disk when this returns; raises StoreError."""
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    folder = _folder(store, feed)
    with _locked(folder), store_errors(folder):
        path = folder / _OPEN
        is_new = not path.exists()
        with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600), "r+b") as file:
            if file.seek(0, os.SEEK_END) and _last_byte(file) != b"\n":
                text = "\n" + text  # a message that was cut off by a crash, whose sender was never told we have it
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            make_durable(folder)


def keep(store: Path, feed: str, file: Path, suffix: str) -> None:
    """Take a file that was written whole into the spool, under the next number; raises StoreError."""
    folder = _folder(store, feed)
    with _locked(folder), store_errors(folder):
        file.replace(folder / _next(folder, suffix))
        make_durable(folder)


def waiting(store: Path, feed: str) -> list[Found]:
    """List the files of a feed that wait to be landed, oldest first; what was open is closed first."""
    folder = store / FOLDER / feed
    if not folder.is_dir():
        return []
    with _locked(folder), store_errors(folder):
        if (folder / _OPEN).exists():
            (folder / _OPEN).replace(folder / _next(folder, ".jsonl"))
            make_durable(folder)
        return [found_file(path, folder) for path in sorted(folder.iterdir()) if not path.name.startswith(".")]


def drop(file: Found) -> None:
    """Delete a file whose rows were landed."""
    with store_errors(file.path):
        file.path.unlink(missing_ok=True)


def _folder(store: Path, feed: str) -> Path:
    folder = store / FOLDER / feed
    with store_errors(folder):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / _LOCK, timeout=_WAIT_S, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise Locked(f"{folder}: another process works on the spool; try again") from None
    try:
        yield
    finally:
        lock.release()


def _next(folder: Path, suffix: str) -> str:
    number = max((int(path.stem) for path in folder.iterdir() if path.stem.isdigit()), default=0) + 1
    return f"{number:0{_DIGITS}d}{suffix}"


def _last_byte(file: Any) -> bytes:  # noqa: ANN401 - a binary file
    file.seek(-1, os.SEEK_END)
    return bytes(file.read(1))
