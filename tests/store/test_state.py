"""The state database: private, refused rather than repaired, and never between two versions."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from connector.errors import Locked, StoreError
from connector.store import cursors, state
from connector.store.migrations import MIGRATIONS, migrate, version
from connector.store.state import FILE_NAME, check, open_state, store_errors, transaction

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_store_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "store"
    connection = open_state(folder)
    cursors.put(connection, "Lead", "1")
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}


def test_pragmas(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    read = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert read == {"journal_mode": "wal", "synchronous": 2}
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    strict = connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict").fetchall()
    assert [name for (name,) in strict if not name.startswith("sqlite_")] == []


def test_a_transaction_is_all_or_nothing_and_joins(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    with pytest.raises(RuntimeError), transaction(connection):  # noqa: PT012 - the block is the point
        cursors.put(connection, "Lead", "1")
        raise RuntimeError
    assert cursors.get(connection, "Lead") is None
    with transaction(connection):
        cursors.put(connection, "Lead", "1")
        cursors.put(connection, "Contact", "2")
    assert not connection.in_transaction
    assert cursors.get(connection, "Contact") == "2"


def test_cursors_are_found_by_how_their_objects_begin(tmp_path: Path) -> None:
    connection = state.open_state(tmp_path)
    cursors.put(connection, "Lead@abc", "1")
    assert cursors.any_of(connection, "Lead@")
    assert not cursors.any_of(connection, "Le@")
    assert not cursors.any_of(connection, "lead@")


def test_cursors_are_replaced_and_forgotten(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    cursors.put(connection, "Lead", "1")
    cursors.put(connection, "Lead", "2")
    assert cursors.get(connection, "Lead") == "2"
    cursors.forget(connection, "Lead")
    assert cursors.get(connection, "Lead") is None


def test_a_reader_works_beside_an_open_write_transaction(tmp_path: Path) -> None:
    writer, reader = open_state(tmp_path), open_state(tmp_path)
    cursors.put(writer, "Lead", "1")
    with transaction(writer):
        cursors.put(writer, "Lead", "2")
        assert cursors.get(reader, "Lead") == "1"
    assert cursors.get(reader, "Lead") == "2"


def test_a_second_writer_is_told_after_the_timeout(tmp_path: Path) -> None:
    writer, second = open_state(tmp_path), open_state(tmp_path)
    second.execute("PRAGMA busy_timeout = 1")
    with transaction(writer), pytest.raises(Locked, match="another process"):
        cursors.put(second, "Lead", "2")


@pytest.mark.fault("F28")
def test_a_full_disk_is_a_store_error_and_loses_nothing(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    cursors.put(connection, "Lead", "kept")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"), transaction(connection):  # noqa: PT012 - as above
        for n in range(10_000):
            cursors.put(connection, f"object {n}", "x" * 1000)
    assert not connection.in_transaction
    assert cursors.get(connection, "Lead") == "kept"
    assert cursors.get(connection, "object 1") is None
    assert check(connection) == []


def test_the_systems_errors_are_store_errors() -> None:
    with pytest.raises(StoreError, match="No space left"), store_errors():
        raise OSError(28, "No space left on device", "/x/y.parquet")
    with pytest.raises(sqlite3.IntegrityError), store_errors():
        raise sqlite3.IntegrityError("a bug stays a bug")


@pytest.mark.fault("F30")
def test_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="no state database"):
        open_state(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == b"no database " * 1000


@pytest.mark.fault("F30")
def test_flipped_bytes_are_refused_and_left_alone(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    for n in range(500):
        cursors.put(connection, f"object {n}", "x" * 100)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        cursors.get(open_state(tmp_path), "object 7")
    assert path.read_bytes() == bytes(content)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        open_state(tmp_path / "file" / "store")


@pytest.mark.fault("F30")
def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match=f"schema version {len(MIGRATIONS) + 1}, but this program knows up to"):
        open_state(tmp_path)


@pytest.mark.fault("F30", "F31")
def test_a_failing_migration_leaves_the_old_version_and_a_backup(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    cursors.put(connection, "Lead", "kept")
    present = version(connection)
    broken = (*MIGRATIONS, ("CREATE TABLE extra (a INTEGER) STRICT", "DROP TABLE cursors", "CREATE TABLE ("))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, tmp_path / FILE_NAME, broken)
    assert version(connection) == present
    assert cursors.get(connection, "Lead") == "kept"
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'extra'").fetchone() is None
    backup = tmp_path / f"state.v{present}.backup.db"
    assert mode(backup) == 0o600
    assert cursors.get(sqlite3.connect(backup), "Lead") == "kept"


MIGRATE_AND_DIE = """
import os, sys
from pathlib import Path
from connector.store.migrations import MIGRATIONS, migrate
from connector.store.state import open_state

class Dying(tuple):
    def __iter__(self):
        for n, statement in enumerate(tuple.__iter__(self)):
            if n == int(sys.argv[2]):
                os._exit(137)
            yield statement

connection = open_state(Path(sys.argv[1]))
steps = Dying(("CREATE TABLE one (a INTEGER) STRICT", "ALTER TABLE cursors ADD COLUMN extra TEXT", "SELECT 1"))
migrate(connection, Path(sys.argv[1]) / "state.db", (*MIGRATIONS, steps))
"""


@pytest.mark.fault("F31")
@pytest.mark.parametrize("point", [0, 1, 2, 3])
def test_a_migration_killed_at_any_statement_leaves_one_version(tmp_path: Path, point: int) -> None:
    cursors.put(open_state(tmp_path), "Lead", "kept")
    ended = subprocess.run([sys.executable, "-c", MIGRATE_AND_DIE, str(tmp_path), str(point)], cwd=ROOT, check=False)
    finished = point == 3
    assert ended.returncode == (0 if finished else 137)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(cursors)")]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'one'").fetchone()[0]
    assert (version(connection), "extra" in columns, tables) == (len(MIGRATIONS) + finished, finished, finished)
    assert cursors.get(connection, "Lead") == "kept"


COMMIT_AND_HANG = """
import sys, time
from pathlib import Path
from connector.store import cursors
from connector.store.state import open_state, transaction

connection = open_state(Path(sys.argv[1]))
cursors.put(connection, "Lead", "committed")
with transaction(connection):
    cursors.put(connection, "Lead", "not committed")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.fault("F12")
def test_a_killed_writer_keeps_what_was_committed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMIT_AND_HANG, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        assert output.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    connection = open_state(tmp_path)
    assert cursors.get(connection, "Lead") == "committed"
    assert check(connection) == []


def test_times_sort_as_text_and_come_back() -> None:
    at = datetime(2026, 7, 1, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert state.to_text(at) == "2026-07-01T12:00:00.000005Z"
    assert state.from_text(state.to_text(at)) == at
    assert state.from_text(state.now_text()).tzinfo == UTC
