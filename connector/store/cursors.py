"""How far each object of the CRM was read; stored in the transaction that stores the rows it covers."""

import sqlite3

from connector.store.state import now_text, store_errors, transaction


def get(connection: sqlite3.Connection, object: str) -> str | None:  # noqa: A002 - the vendors' own word
    """Return the adapter's cursor for an object, null where it was never read."""
    with store_errors():
        row = connection.execute("SELECT cursor FROM cursors WHERE object = ?", (object,)).fetchone()
    return None if row is None else str(row[0])


def any_of(connection: sqlite3.Connection, prefix: str) -> bool:
    """Tell whether there is a cursor whose object begins with these characters."""
    with store_errors():
        query = "SELECT 1 FROM cursors WHERE substr(object, 1, ?) = ? LIMIT 1"
        return connection.execute(query, (len(prefix), prefix)).fetchone() is not None


def newest(connection: sqlite3.Connection, prefix: str) -> str | None:
    """Return the cursor last stored of those whose object begins with these characters, null without any."""
    with store_errors():
        query = "SELECT cursor FROM cursors WHERE substr(object, 1, ?) = ? ORDER BY updated_at DESC LIMIT 1"
        row = connection.execute(query, (len(prefix), prefix)).fetchone()
    return None if row is None else str(row[0])


def put(connection: sqlite3.Connection, object: str, cursor: str) -> None:  # noqa: A002 - the vendors' own word
    """Remember an object's cursor."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (object) DO UPDATE SET "
            "cursor = excluded.cursor, updated_at = excluded.updated_at",
            (object, cursor, now_text()),
        )


def forget(connection: sqlite3.Connection, object: str) -> None:  # noqa: A002 - the vendors' own word
    """Drop an object's cursor, so that the next pull reads it whole."""
    with transaction(connection):
        connection.execute("DELETE FROM cursors WHERE object = ?", (object,))


def forget_others(connection: sqlite3.Connection, prefix: str, kept: str) -> None:
    """Drop the cursors whose object begins with these characters, but for one: what they covered was read otherwise."""
    with transaction(connection):
        query = "DELETE FROM cursors WHERE substr(object, 1, ?) = ? AND object <> ?"
        connection.execute(query, (len(prefix), prefix, kept))
