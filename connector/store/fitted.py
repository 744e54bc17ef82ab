"""Which mapping fitted the CRM once: what no longer fits of it was taken away in the CRM, and is no mistake of ours."""

import sqlite3

from connector.store.state import store_errors, transaction

_NAME = "mapping_fitted"


def is_known(connection: sqlite3.Connection, digest: str) -> bool:
    """Tell whether a run with this mapping found all of it in the CRM."""
    with store_errors():
        found = connection.execute("SELECT value FROM facts WHERE name = ?", (_NAME,)).fetchone()
    return found is not None and str(found[0]) == digest


def remember(connection: sqlite3.Connection, digest: str) -> None:
    """Note the mapping that fits now; another one has to prove itself first."""
    if not is_known(connection, digest):
        with transaction(connection):
            connection.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_NAME, digest),
            )
