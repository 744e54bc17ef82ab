"""Small things to remember between runs, one text for each name."""

import sqlite3

from connector.store.state import store_errors, transaction


def get(connection: sqlite3.Connection, name: str) -> str | None:
    """Return what is remembered under a name; null for nothing."""
    with store_errors():
        row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def put(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a text; call it in the transaction of what it is about."""
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
