"""How far the events were looked at for bots: by which rules, and up to which file."""

import json
import sqlite3

from connector.store import facts

_NAME = "flagged"


def get(connection: sqlite3.Connection) -> tuple[str, int] | None:
    """Return the version of the rules and the newest file of events that they were asked of; null before the first."""
    held = facts.get(connection, _NAME)
    if held is None:
        return None
    version, seq = json.loads(held)
    return str(version), int(seq)


def put(connection: sqlite3.Connection, version: str, seq: int) -> None:
    """Remember it; call it in the transaction that commits the flags."""
    facts.put(connection, _NAME, json.dumps([version, seq]))
