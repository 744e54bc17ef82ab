"""How far the events were looked at for bots: by which rules, and up to which file."""

import json
import sqlite3

from connector.store.state import store_errors, transaction

_NAME = "flagged"


def get(connection: sqlite3.Connection) -> tuple[str, int] | None:
    """Return the version of the rules and the newest file of events that they were asked of; null before the first."""
    with store_errors():
        row = connection.execute("SELECT value FROM facts WHERE name = ?", (_NAME,)).fetchone()
    if row is None:
        return None
    version, seq = json.loads(row[0])
    return str(version), int(seq)


def put(connection: sqlite3.Connection, version: str, seq: int) -> None:
    """Remember it; call it in the transaction that commits the flags."""
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_NAME, json.dumps([version, seq])))
