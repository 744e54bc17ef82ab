"""One writer per store. Readers (explain, status, plan) never need the lock."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from connector.errors import Locked
from connector.store.state import now_text, store_errors

LOCK_NAME = "writer.lock"
HOLDER_NAME = "writer.json"


@contextmanager
def hold(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the store's writer lock for the block.

    The kernel lets go of it when the holder dies, so a killed process never blocks the next one. Raises Locked with
    the holder's pid, host and start, after wait_s.
    """
    with store_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_NAME, timeout=wait_s, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise Locked(_who(folder)) from None
    try:
        with store_errors(folder):
            _sign(folder)
        yield
    finally:
        (folder / HOLDER_NAME).unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> dict[str, str] | None:
    """Read who signed as the writer (pid, host, since); a killed holder's signature stays until the next one."""
    try:
        signed = json.loads((folder / HOLDER_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {name: str(signed.get(name, "unknown")) for name in ("pid", "host", "since")}


def _sign(folder: Path) -> None:
    partial = folder / f"{HOLDER_NAME}.partial"
    partial.touch(mode=0o600)
    partial.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now_text()}), "utf-8")
    partial.replace(folder / HOLDER_NAME)  # a reader sees the old signature or the new one, never half of one


def _who(folder: Path) -> str:
    found = holder(folder) or {"pid": "unknown", "host": "unknown", "since": "unknown"}
    return (
        f"{folder}: another process writes to this store (pid {found['pid']} on {found['host']}, "
        f"since {found['since']}); wait for it to end, or stop it"
    )
