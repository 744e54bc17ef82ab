"""Once a day, what nobody will ask for again goes: the changes of records that were settled long ago."""

import sqlite3
from datetime import datetime, timedelta
from typing import Final

from connector.store import outbox
from connector.store.state import from_text, store_errors, to_text, transaction

KEPT: Final = timedelta(days=90)  # so long can a run be shown and taken back
EVERY: Final = timedelta(days=1)
_NAME: Final = "tidied_at"


def tidy(connection: sqlite3.Connection, now: datetime) -> int:
    """Prune the outbox where that was not done within a day; returns how many rows went. now is this machine's time."""
    with store_errors():
        last = connection.execute("SELECT value FROM facts WHERE name = ?", (_NAME,)).fetchone()
    if last is not None and timedelta() <= now - from_text(last[0]) < EVERY:
        return 0
    with transaction(connection):
        gone = outbox.prune(connection, settled_before=now - KEPT)
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_NAME, to_text(now)))
    return gone
