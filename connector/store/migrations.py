"""The schema of the state database, version by version; a version is never edited once it was released."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from connector.crash import crash_point
from connector.errors import StoreError

_VERSION_1 = (
    """CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE cursors (object TEXT PRIMARY KEY, cursor TEXT NOT NULL, updated_at TEXT NOT NULL)
    STRICT, WITHOUT ROWID""",
    """CREATE TABLE runs (
      n INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, command TEXT NOT NULL, status TEXT NOT NULL,
      as_of TEXT NOT NULL, config_hash TEXT NOT NULL, model_hash TEXT NOT NULL,
      started_at TEXT NOT NULL, finished_at TEXT, counts TEXT NOT NULL DEFAULT '{}') STRICT""",
    """CREATE TABLE written (
      object TEXT NOT NULL, record_id TEXT NOT NULL, fields TEXT NOT NULL, written_at TEXT NOT NULL, run_id TEXT,
      PRIMARY KEY (object, record_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE episodes (
      object TEXT NOT NULL, record_id TEXT NOT NULL, trigger_id TEXT NOT NULL, number INTEGER NOT NULL,
      opened_at TEXT NOT NULL, closed_at TEXT, task_key TEXT,
      PRIMARY KEY (object, record_id, trigger_id, number)) STRICT, WITHOUT ROWID""",
    """CREATE UNIQUE INDEX episodes_open ON episodes (object, record_id, trigger_id) WHERE closed_at IS NULL""",
    """CREATE TABLE outbox (
      id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
      object TEXT NOT NULL, record_id TEXT NOT NULL, payload TEXT NOT NULL, key TEXT, state TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, reason TEXT, result_id TEXT, updated_at TEXT NOT NULL,
      CHECK (state IN ('planned', 'inflight', 'done', 'retry', 'quarantined', 'superseded'))) STRICT""",
    """CREATE UNIQUE INDEX outbox_key ON outbox (key) WHERE key IS NOT NULL""",
    """CREATE INDEX outbox_run ON outbox (run_id, state)""",
    """CREATE INDEX outbox_open ON outbox (object, kind, id)
    WHERE state IN ('planned', 'inflight', 'retry', 'quarantined')""",
    """CREATE INDEX outbox_unsent ON outbox (kind, object, record_id, id)
    WHERE state IN ('planned', 'retry') AND key IS NULL""",
    """CREATE TABLE lake_files (
      table_name TEXT NOT NULL, seq INTEGER NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL, key TEXT,
      rows INTEGER NOT NULL, bytes INTEGER NOT NULL, run_id TEXT, added_at TEXT NOT NULL, retired_at TEXT,
      PRIMARY KEY (table_name, seq), CHECK (kind IN ('base', 'delta', 'snapshot'))) STRICT, WITHOUT ROWID""",
)
_VERSION_2 = (
    # a refused row is tried again at this time (the CRM's clock); null: as soon as a run sends
    """ALTER TABLE outbox ADD COLUMN not_before TEXT""",
    # how far each pool has gone, in turns (an exact fraction), so that nobody's turn is lost between runs
    """CREATE TABLE pool_pointers (
      pool TEXT NOT NULL, owner_id TEXT NOT NULL, pointer TEXT NOT NULL,
      PRIMARY KEY (pool, owner_id)) STRICT, WITHOUT ROWID""",
    # whom a record or its task was given to, and why; assigned_at is the as_of of the plan
    """CREATE TABLE assignments (
      n INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL,
      record_id TEXT NOT NULL, assigned_at TEXT NOT NULL, rule TEXT, pool TEXT, before_id TEXT, owner_id TEXT,
      reason TEXT NOT NULL, passed TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'made',
      CHECK (kind IN ('record', 'task', 'held')), CHECK (state IN ('made', 'superseded'))) STRICT""",
    """CREATE INDEX assignments_record ON assignments (object, record_id, n)""",
    """CREATE INDEX assignments_at ON assignments (assigned_at)""",
    # one clock for each episode that is to be acted on in time; task_* as of the last look at its task
    """CREATE TABLE sla_clocks (
      object TEXT NOT NULL, record_id TEXT NOT NULL, trigger_id TEXT NOT NULL, number INTEGER NOT NULL,
      started_at TEXT NOT NULL, owner_id TEXT, task_key TEXT, reminded_at TEXT, breached_at TEXT, given_to TEXT,
      touched_at TEXT, touched_by TEXT, worked_s INTEGER, task_id TEXT, task_open INTEGER NOT NULL DEFAULT 0,
      task_done_at TEXT, task_owner_id TEXT, task_priority TEXT,
      PRIMARY KEY (object, record_id, trigger_id, number)) STRICT, WITHOUT ROWID""",
    # a file of a feed is read once; read_by is the hash of what its rows were read with. newest_at is its newest row's
    """CREATE TABLE feed_files (
      n INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
      changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, read_by TEXT NOT NULL, counts TEXT NOT NULL, newest_at TEXT,
      problem TEXT, read_at TEXT NOT NULL, UNIQUE (feed, name)) STRICT""",
    # who asked to be forgotten, as keyed hashes of ids and addresses
    """CREATE TABLE erased (hash TEXT PRIMARY KEY, erased_at TEXT NOT NULL) STRICT, WITHOUT ROWID""",
)
_VERSION_3 = (
    # every trained model that came into the store, as its file has it; rowid is the order in which they came
    """CREATE TABLE model_versions (
      model_id TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL, artefact TEXT NOT NULL,
      made_at TEXT NOT NULL, made_by TEXT NOT NULL, in_use_at TEXT, in_use_by TEXT,
      UNIQUE (model_id, version), CHECK (state IN ('candidate', 'in_use', 'retired', 'superseded'))) STRICT""",
    """CREATE UNIQUE INDEX model_versions_in_use ON model_versions (model_id) WHERE state = 'in_use'""",
    # who put which of them in use, and in whose place
    """CREATE TABLE model_switches (
      n INTEGER PRIMARY KEY AUTOINCREMENT, model_id TEXT NOT NULL, version TEXT NOT NULL, before TEXT,
      at TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL) STRICT""",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3)


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the schema to the newest version, one transaction per version, after a backup beside the database.

    A process killed half way leaves the old version or the new one. Raises StoreError for a newer schema.
    """
    if _pending(connection, path, migrations) == 0:
        return
    _back_up(connection, path)
    while _pending(connection, path, migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # another process may have migrated while this one waited for the write lock
            if _pending(connection, path, migrations):
                _apply_next(connection, migrations)
            crash_point("migrate: before commit")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def version(connection: sqlite3.Connection) -> int:
    """Read the schema's version; 0 for an empty database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _pending(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> int:
    found = version(connection)
    if found > len(migrations):
        raise StoreError(
            f"{path}: schema version {found}, but this program knows up to {len(migrations)}; "
            "install the newer program that wrote it, or restore an older backup"
        )
    return len(migrations) - found


def _apply_next(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]]) -> None:
    present = version(connection)
    for statement in migrations[present]:
        connection.execute(statement)
        crash_point("migrate: a statement")
    connection.execute(f"PRAGMA user_version = {present + 1}")


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    present = version(connection)
    backup = path.with_name(f"{path.stem}.v{present}.backup.db")
    if present == 0 or backup.exists():
        return
    partial = backup.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)  # VACUUM INTO accepts an empty file and keeps its mode
    connection.execute("VACUUM INTO ?", (str(partial),))
    crash_point("migrate: backed up")
    partial.replace(backup)
