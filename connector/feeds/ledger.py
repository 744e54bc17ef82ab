"""Which files of feeds were read, as what, and what came of them; stored in the transaction that stores their rows."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.store.state import from_text, now_text, store_errors, to_text, transaction

_COLUMNS = "n, feed, name, bytes, changed_ns, sha256, read_by, counts, newest_at, problem, read_at"


@dataclass(frozen=True)
class FeedFile:
    """Describe a file that was read, or refused for a problem.

    read_by is the hash of what its rows were read with: a changed feed is read again. counts are rows, events,
    attributes, held, dropped, rejects and passed. n is null for a file that is not in the ledger yet.
    """

    feed: str
    name: str
    bytes: int
    changed_ns: int
    sha256: str
    read_by: str
    counts: Mapping[str, int] = field(default_factory=dict)
    newest_at: datetime | None = None
    problem: str | None = None
    read_at: datetime | None = None
    n: int | None = None


def files(connection: sqlite3.Connection, feed: str | None = None) -> dict[tuple[str, str], FeedFile]:
    """List what was read, of one feed or of all, by feed and name."""
    query = f"SELECT {_COLUMNS} FROM feed_files WHERE ?1 IS NULL OR feed = ?1 ORDER BY n"  # noqa: S608 - our own names
    with store_errors():
        rows = connection.execute(query, (feed,)).fetchall()
    return {(row[1], row[2]): _file(row) for row in rows}


def put(connection: sqlite3.Connection, file: FeedFile) -> None:
    """Enter a file, or what is known of it now; call it in the transaction that commits its rows."""
    newest = to_text(file.newest_at) if file.newest_at else None
    values = (file.bytes, file.changed_ns, file.sha256, file.read_by, json.dumps(file.counts), newest, file.problem)
    with transaction(connection):
        connection.execute(
            "INSERT INTO feed_files (feed, name, bytes, changed_ns, sha256, read_by, counts, newest_at, problem, "
            "read_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed, name) DO UPDATE SET "
            "bytes = excluded.bytes, changed_ns = excluded.changed_ns, sha256 = excluded.sha256, "
            "read_by = excluded.read_by, counts = excluded.counts, newest_at = excluded.newest_at, "
            "problem = excluded.problem, read_at = excluded.read_at",
            (file.feed, file.name, *values, now_text()),
        )


def number(connection: sqlite3.Connection, feed: str, name: str) -> int:
    """Give the number that a file has or will have in the ledger."""
    with store_errors():
        row = connection.execute("SELECT n FROM feed_files WHERE (feed, name) = (?, ?)", (feed, name)).fetchone()
        if row is None:
            row = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'feed_files'")
            row = row.fetchone()
    return int(row[0])


def _file(row: sqlite3.Row) -> FeedFile:
    n, feed, name, size, changed_ns, sha256, read_by, counts, newest, problem, read_at = row
    at = from_text(newest) if newest else None
    told = json.loads(counts)
    return FeedFile(feed, name, size, changed_ns, sha256, read_by, told, at, problem, from_text(read_at), n)
