"""What the newest scores cover: the runs that made them, and all that they depend on besides the facts.

While a coverage is current, every change of a fact is noted beside it; otherwise the next run scores everybody.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from connector.store.state import store_errors, transaction

_NAME = "coverage"


@dataclass(frozen=True)
class Coverage:
    """Say what the newest scores were made from.

    runs are the run that scored everybody and those since, each of which scored what had changed; the last one made the
    newest scores. statements name what scored, by model id, and are empty where everybody must be scored; bands is the
    run whose bands were read as those before, null without any; ledger are the files of the adjustments.
    """

    runs: tuple[str, ...]
    statements: Mapping[str, str]
    bands: str | None
    ledger: tuple[int, ...]

    @property
    def is_current(self) -> bool:
        """Tell whether the scores can still be built on."""
        return bool(self.statements)

    @property
    def newest(self) -> str:
        """Name the run that made the newest scores."""
        return self.runs[-1]


def get(connection: sqlite3.Connection) -> Coverage | None:
    """Return what the newest scores cover; null where nothing was scored yet."""
    with store_errors():
        row = connection.execute("SELECT value FROM facts WHERE name = ?", (_NAME,)).fetchone()
    if row is None:
        return None
    held = json.loads(row[0])
    return Coverage(tuple(held["runs"]), held["statements"], held["bands"], tuple(held["ledger"]))


def put(connection: sqlite3.Connection, coverage: Coverage) -> None:
    """Remember what scores cover; call it in the transaction that commits them."""
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_NAME, json.dumps(asdict(coverage))))


def expire(connection: sqlite3.Connection) -> None:
    """Let the next run score everybody."""
    with transaction(connection):
        if held := get(connection):
            put(connection, replace(held, statements={}))
