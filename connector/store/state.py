"""The state database: one SQLite file that is the truth of intent.

Rows and the cursor that covers them, a plan and its outbox rows, an answer and its acknowledgement: each is one
transaction. `synchronous=FULL`, for nothing may be sent that a power loss could take out of the outbox.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connector.crash import crash_point
from connector.errors import Locked, StoreError
from connector.store.migrations import migrate

FILE_NAME = "state.db"
BUSY_TIMEOUT_S = 30.0
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run again, nothing was lost",
    sqlite3.SQLITE_READONLY: "the store cannot be written; check the rights of the folder",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check the rights of the folder",
    sqlite3.SQLITE_PERM: "the file cannot be opened; check its rights",
    sqlite3.SQLITE_IOERR: "the disk failed; check the volume and run again",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; it was left as it is. Restore a backup, or move the store away "
    "and run again: what is in the CRM is found there again by its keys",
    sqlite3.SQLITE_NOTADB: "the file is no state database; it was left as it is. Check `store.path`",
}


@contextmanager
def store_errors(where: Path | str = FILE_NAME) -> Iterator[None]:
    """Translate failures of the disk and of SQLite; programming errors (constraints, wrong SQL) pass as they are.

    Raises StoreError, and Locked where another process held the database for longer than the busy timeout.
    """
    try:
        with _sqlite_errors(where):
            yield
    except OSError as error:
        raise StoreError(f"{error.filename or where}: {error.strerror or type(error).__name__}") from error


@contextmanager
def _sqlite_errors(where: Path | str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF  # the low byte is the primary code
        if code in _BUSY:
            raise Locked(
                f"{where}: another process is writing for more than {BUSY_TIMEOUT_S:.0f} s; try again"
            ) from None
        if code not in _ADVICE:
            raise
        raise StoreError(f"{where}: {_ADVICE[code]}") from error


def open_state(folder: Path) -> sqlite3.Connection:
    """Open the state of a store, made or migrated where needed.

    The connection is in autocommit: group writes with `transaction`. A new folder is 0700, a new database 0600 (its
    WAL inherits that). Raises StoreError where the file is damaged, unwritable, or of a newer version of the program;
    nothing is ever deleted.
    """
    path = folder / FILE_NAME
    with store_errors(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            _configure(connection)
            migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all writes of the block together, or none; a block inside another one joins it.

    Raises StoreError and Locked as `store_errors` does; a caller's own OSError passes as it is.
    """
    if connection.in_transaction:
        yield
        return
    with _sqlite_errors(FILE_NAME):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            crash_point("before commit")
            connection.execute("COMMIT")
            crash_point("after commit")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise


def check(connection: sqlite3.Connection) -> list[str]:
    """Read the whole database and list what is damaged; empty when it is sound."""
    with store_errors():
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found


def to_text(at: datetime) -> str:
    """Write an aware datetime as UTC text of fixed width, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_text(moment: datetime) -> str:
    """Write a UTC time as ISO 8601 with Z, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote."""
    return datetime.fromisoformat(text)


def now_text() -> str:
    """Write the machine's present time, for bookkeeping only; scores and episodes use the run's `as_of`."""
    return to_text(datetime.now(UTC))
