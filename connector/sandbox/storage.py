"""The sandbox's records and its append-only journal, in one SQLite file.

One table per CRM object: bookkeeping columns (`_id`, `_created_at` and `_modified_at` in milliseconds, `_deleted`,
`_created_by`, `_modified_by`: journal actors) and one column per CRM field under the field's own name.
"""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.sandbox.state import Clock

BOOKKEEPING = ("_id", "_created_at", "_modified_at", "_deleted", "_created_by", "_modified_by")

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, actor TEXT, method TEXT, path TEXT,
  status INTEGER, object TEXT, id TEXT, op TEXT, before TEXT, after TEXT);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


def quote(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Transaction:
    """Change records; every change and its journal row are committed together."""

    def __init__(self, storage: "Storage", actor: str, method: str, path: str) -> None:
        self._storage, self._actor, self._method, self._path = storage, actor, method, path
        self._journal: list[tuple[Any, ...]] = []
        self.status = 200

    def insert(
        self,
        object: str,  # noqa: A002 - the vendors' own word
        id: str,  # noqa: A002 - the vendors' own word
        fields: Mapping[str, Any],
        at_ms: int | None = None,
    ) -> None:
        """Create a record; raises sqlite3.IntegrityError where a unique field is taken."""
        now = self._storage.clock.now_ms() if at_ms is None else at_ms
        names = [*BOOKKEEPING, *fields]
        marks = ", ".join("?" for _ in names)
        statement = f"INSERT INTO {quote(object)} ({', '.join(map(quote, names))}) VALUES ({marks})"  # noqa: S608 - quoted identifiers
        self._storage.execute(statement, [id, now, now, 0, self._actor, self._actor, *fields.values()])
        self._note(object, id, "create", {}, dict(fields))

    def update(
        self,
        object: str,  # noqa: A002 - the vendors' own word
        id: str,  # noqa: A002 - the vendors' own word
        fields: Mapping[str, Any],
        *,
        actor: str | None = None,
    ) -> None:
        """Change fields of a record and bump its stamp; raises KeyError where there is none.

        actor: who the journal says did it, where an automation acts in the caller's name, as the record goes on to say.
        """
        names = list(fields) or ["_id"]
        statement = f"SELECT {', '.join(map(quote, names))} FROM {quote(object)} WHERE _id = ? AND _deleted = 0"  # noqa: S608 - quoted identifiers
        rows = self._storage.query(statement, [id])
        if not rows:
            raise KeyError(id)
        before = dict(zip(names, rows[0], strict=True))
        sets = "".join(f", {quote(name)} = ?" for name in fields)
        statement = f"UPDATE {quote(object)} SET _modified_at = ?, _modified_by = ?{sets} WHERE _id = ?"  # noqa: S608 - quoted identifiers
        self._storage.execute(statement, [self._storage.clock.now_ms(), self._actor, *fields.values(), id])
        self._note(object, id, "update", {name: before.get(name) for name in fields}, dict(fields), actor)

    def delete(self, object: str, id: str) -> None:  # noqa: A002 - the vendors' own words
        """Mark a record deleted and bump its stamp."""
        statement = f"UPDATE {quote(object)} SET _deleted = 1, _modified_at = ?, _modified_by = ? WHERE _id = ?"  # noqa: S608 - quoted identifiers
        self._storage.execute(statement, [self._storage.clock.now_ms(), self._actor, id])
        self._note(object, id, "delete", {}, {})

    def associate(self, object: str, id: str, after: Mapping[str, Any]) -> None:  # noqa: A002 - the vendors' own words
        """Journal an association that the caller has stored with `execute`."""
        self._note(object, id, "associate", {}, dict(after))

    def note(self, object: str, id: str, op: str, after: Mapping[str, Any]) -> None:  # noqa: A002 - the vendors' own words
        """Journal a change of an app's own tables that the caller has made with `execute`."""
        self._note(object, id, op, {}, after)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement of the app's own tables inside this transaction."""
        return self._storage.execute(statement, values)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside when it raises, journal rows too, and raise on."""
        mark = len(self._journal)
        self._storage.execute("SAVEPOINT inner_part")
        try:
            yield
        except BaseException:
            self._storage.execute("ROLLBACK TO inner_part")
            del self._journal[mark:]
            raise
        finally:
            self._storage.execute("RELEASE inner_part")

    def _note(
        self,
        object: str,  # noqa: A002 - the vendors' own word
        id: str,  # noqa: A002 - the vendors' own word
        op: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        actor: str | None = None,
    ) -> None:
        at = self._storage.clock.now_ms()
        texts = (json.dumps(before, default=str), json.dumps(after, default=str))
        self._journal.append((at, actor or self._actor, self._method, self._path, object, id, op, *texts))

    def objects(self) -> set[str]:
        """Name the objects whose changes are journaled."""
        return {row[4] for row in self._journal}

    def journal_rows(self) -> list[tuple[Any, ...]]:
        """Give the journal rows with the final status in place."""
        return [(*row[:4], self.status, *row[4:]) for row in self._journal]


class Storage:
    """Keep records; safe to share between the server's threads (one writer at a time)."""

    def __init__(self, path: Path | str, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.commits = 0
        self.changed: Counter[str] = Counter()  # commits per object, so that what depends on few is made anew for few
        self._reads: list[tuple[Any, ...]] = []
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(SCHEMA)

    @property
    def changes(self) -> int:
        """Count the rows changed since the file was opened, seeded ones too."""
        return self._connection.total_changes

    def close(self) -> None:
        """Flush and close the file."""
        with self.lock:
            self._flush_reads()
            self._connection.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement under the lock; outside a transaction it commits by itself."""
        with self.lock:
            return self._connection.execute(statement, values)

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Read all rows of a SELECT."""
        with self.lock:
            return self._connection.execute(statement, values).fetchall()

    def define(self, object: str, columns: Mapping[str, str]) -> None:  # noqa: A002 - the vendors' own word
        """Make an object's table (SQLite type per field), or add the columns it lacks."""
        own = (
            "_id TEXT PRIMARY KEY, _created_at INTEGER, _modified_at INTEGER, _deleted INTEGER, _created_by TEXT,"
            " _modified_by TEXT"
        )
        fields = "".join(f", {quote(name)} {kind}" for name, kind in columns.items())
        self.execute(f"CREATE TABLE IF NOT EXISTS {quote(object)} ({own}{fields}) WITHOUT ROWID")
        present = self.columns(object)
        for name, kind in columns.items():
            if name not in present:
                self.execute(f"ALTER TABLE {quote(object)} ADD COLUMN {quote(name)} {kind}")
        self.execute(f"CREATE INDEX IF NOT EXISTS {quote(object + '_modified')} ON {quote(object)} (_modified_at, _id)")

    def unique(self, object: str, field: str) -> None:  # noqa: A002 - the vendors' own word
        """Make a field unique among living records, letter case ignored."""
        name = quote(f"{object}_{field}_unique")
        where = f"WHERE _deleted = 0 AND {quote(field)} IS NOT NULL"
        self.execute(
            f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {quote(object)} ({quote(field)} COLLATE NOCASE) {where}"
        )

    def columns(self, object: str) -> dict[str, str]:  # noqa: A002 - the vendors' own word
        """Give the CRM fields of an object and their SQLite types; empty where there is no such object."""
        rows = self.query(f"PRAGMA table_info({quote(object)})")
        return {row["name"]: row["type"] for row in rows if row["name"] not in BOOKKEEPING}

    def seed(self, object: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:  # noqa: A002 - the vendors' own word
        """Insert many records at once, unjournaled; rows hold _id, _created_at, _modified_at, then the columns.

        An iterable is consumed once; actors are `seed`.
        """
        names = ["_id", "_created_at", "_modified_at", *columns, "_deleted", "_created_by", "_modified_by"]
        marks = ", ".join("?" for _ in range(len(columns) + 3))
        statement = f"INSERT INTO {quote(object)} ({', '.join(map(quote, names))}) VALUES ({marks}, 0, 'seed', 'seed')"  # noqa: S608 - quoted identifiers
        self.seed_rows(statement, rows)
        self.changed[object] += 1

    def seed_rows(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows in one commit, unjournaled; for tables of an app's own."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")

    @contextmanager
    def transaction(self, actor: str, method: str, path: str) -> Iterator[Transaction]:
        """Commit all changes made inside, with their journal rows, or none of them where it raises."""
        with self.lock:
            transaction = Transaction(self, actor, method, path)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield transaction
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._append(self._take_reads() + transaction.journal_rows())
            self._connection.execute("COMMIT")
            self.commits += 1
            self.changed.update(transaction.objects())

    def log_read(self, method: str, path: str, status: int, object: str | None) -> None:  # noqa: A002 - the vendors' own word
        """Journal a request that changed nothing; written with the next commit or the next look at the journal."""
        with self.lock:
            row = (self.clock.now_ms(), "connector", method, path, status, object, None, "read", "{}", "{}")
            self._reads.append(row)

    def journal(self, after: int) -> list[sqlite3.Row]:
        """Give the journal rows with n > after, oldest first."""
        with self.lock:
            self._flush_reads()
            return self.query("SELECT * FROM journal WHERE n > ? ORDER BY n", [after])

    def get(self, object: str, id: str, *, deleted: bool = False) -> dict[str, Any] | None:  # noqa: A002 - the vendors' own words
        """Give one record with its bookkeeping columns, or null."""
        statement = f"SELECT * FROM {quote(object)} WHERE _id = ? AND _deleted <= ?"  # noqa: S608 - quoted identifiers
        rows = self.query(statement, [id, int(deleted)])
        return dict(zip(rows[0].keys(), rows[0], strict=True)) if rows else None  # dict(row) looks every name up

    def dump(self, object: str) -> list[dict[str, Any]]:  # noqa: A002 - the vendors' own word
        """List all records of an object as the control API shows them."""
        rows = self.query(f"SELECT * FROM {quote(object)} ORDER BY _id")  # noqa: S608 - quoted identifiers
        return [
            {
                "id": row["_id"],
                "fields": {key: row[key] for key in row.keys() if key not in BOOKKEEPING},  # noqa: SIM118 - sqlite3.Row iterates values
                "created_by": row["_created_by"],
                "modified_by": row["_modified_by"],
                "deleted": bool(row["_deleted"]),
            }
            for row in rows
        ]

    def next_number(self, name: str, first: int = 1) -> int:
        """Count upwards, one series per name; call it inside a transaction."""
        with self.lock:
            self._connection.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1", [name, first]
            )
            return int(self.query("SELECT value FROM counters WHERE name = ?", [name])[0][0])

    def _flush_reads(self) -> None:
        if self._reads:
            self._append(self._take_reads())

    def _take_reads(self) -> list[tuple[Any, ...]]:
        reads, self._reads = self._reads, []
        return reads

    def _append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = (
            "INSERT INTO journal (at, actor, method, path, status, object, id, op, before, after)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._connection.executemany(statement, rows)
