"""Who asked to be forgotten: known by a keyed hash alone, so that a later pull does not bring them back."""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from connector.store import facts
from connector.store.state import now_text, store_errors, transaction

_SALT = "erased_salt"


@dataclass(frozen=True)
class Erased:
    """Tell the forgotten by their ids and addresses."""

    salt: str
    hashes: frozenset[str]

    def holds(self, value: str) -> bool:
        """Tell whether an id or an address is one of theirs; case and outer white space do not count."""
        return bool(self.hashes) and _hash(self.salt, value) in self.hashes

    def without(self, rows: pa.Table, columns: Iterable[str] = ("person_id", "subject_id")) -> pa.Table:
        """Leave out rows that name one of them in a column of text; nothing is copied where nobody was forgotten."""
        for column in columns if self.hashes else ():
            if column in rows.column_names:
                values = rows[column].cast(pa.string()).to_pylist()
                rows = rows.filter(pa.array([value is None or not self.holds(value) for value in values], pa.bool_()))
        return rows


def load(connection: sqlite3.Connection) -> Erased:
    """Read who was forgotten."""
    with store_errors():
        hashes = frozenset(str(row[0]) for row in connection.execute("SELECT hash FROM erased"))
    return Erased(facts.get(connection, _SALT) or "", hashes)


def remember(connection: sqlite3.Connection, values: Iterable[str]) -> None:
    """Keep the hashes of ids and addresses, under a key of this store."""
    with transaction(connection):
        salt = facts.get(connection, _SALT) or secrets.token_hex(16)
        facts.put(connection, _SALT, salt)
        rows = [(_hash(salt, value), now_text()) for value in values]
        connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", rows)


def _hash(salt: str, value: str) -> str:
    return hmac.new(salt.encode(), value.strip().lower().encode(), hashlib.sha256).hexdigest()
