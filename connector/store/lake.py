"""The lake: immutable zstd Parquet files and a manifest in the state database.

A table is one *base* file, unique by key, and *delta* files on top of it; the newest row of a key wins, and a deletion
is a row whose `_deleted` is true. Or it is a row of *snapshots*, each whole, of which the newest is read, with the
deltas that runs have put on it since; it can be read as it was after each of these runs. A file counts from the moment
its manifest row is committed; until then it is an orphan that `sweep` removes. A file that was replaced stays on the
disk for an hour, for readers that still have it in their query.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from connector.crash import crash_point
from connector.store import compaction
from connector.store.durable import make_durable
from connector.store.files import DELETED, Delta, new_file
from connector.store.manifest import FileKind, LakeFile, add, live, retire, retired, strike
from connector.store.state import store_errors, transaction

if TYPE_CHECKING:  # Arrow takes as long to load as a look at one record does, and only those who write need it
    import pyarrow as pa

    from connector.store.parquet import DeltaWriter

MAX_DELTA_FILES = 8
MAX_DELTA_SHARE = 0.2
KEEP_SNAPSHOTS = 10
GRACE_S = 3600.0


class Lake:
    """Read and change the tables of one store; a change needs the store's writer lock, reading does not.

    `session` is the DuckDB to ask for columns, one of its own where there is none.
    """

    def __init__(
        self,
        folder: Path,
        connection: sqlite3.Connection,
        *,
        memory_limit_mb: int = 768,
        session: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        self._folder = folder / "lake"
        self._connection = connection
        self._memory_limit_mb = memory_limit_mb
        self._uncommitted: set[Path] = set()
        self._laid: dict[str, Path] = {}
        self._session = session
        self._columns: dict[str, tuple[Sequence[tuple[Path, int, int]], dict[str, str]]] = {}  # per table, of its files

    def over(self, files: Mapping[str, Path]) -> "Lake":
        """Give the same lake, read with these files in place of tables; nothing of it is committed."""
        limit = self._memory_limit_mb
        copy = Lake(self._folder.parent, self._connection, memory_limit_mb=limit, session=self._session)
        copy._laid = dict(files)
        return copy

    def writer(self, table: str, key: str) -> "DeltaWriter":
        """Open a writer that takes pages and deletions as they come; `commit` what its `close` returns."""
        from connector.store.parquet import DeltaWriter

        return DeltaWriter(self._folder / table, table, key, self._uncommitted.add)

    def merge(
        self, table: str, key: str, rows: "pa.RecordBatchReader | Iterable[pa.Table]", deleted: Iterable[str] = ()
    ) -> Delta:
        """Write rows, then deletions, to delta files in flat memory; nothing counts until `commit`.

        The newest row of a key replaces the older one whole. `deleted` is read after the rows are, so that it may be
        filled by the iterator that yields them.
        """
        with self.writer(table, key) as writer:
            for page in rows:
                writer.add(page)
            writer.delete(deleted)
            return writer.close()

    def commit(self, delta: Delta, *, run_id: str | None = None) -> None:
        """Enter a delta's files into the manifest; call it in the transaction that stores the cursors they cover."""
        with transaction(self._connection):
            for path, rows in delta.files:
                add(self._connection, delta.table, path, "delta", rows, key=delta.key, run_id=run_id)
        self._uncommitted.difference_update(path for path, _ in delta.files)

    def compact(self, table: str, key: str, order_by: Sequence[str], *, force: bool = False) -> bool:
        """Merge base and deltas into one base sorted by `order_by` where it is worth it; tells whether it did.

        Worth it: there is no base yet, or more than 8 delta files, or they hold over 20 % of the base's rows. Of
        snapshots, the newest is merged with its deltas into one more, which is of the same run.
        """
        files = self._present(table)
        deltas = [file for file in files if file.kind == "delta"]
        if not deltas or not (force or _worth_it(files)):
            return False
        target = self.new_file(table)
        with store_errors(target):
            compaction.write(self.relation(table) or "", target, order_by, self._memory_limit_mb)
            rows = _row_count(target)
        crash_point("compact: file written")
        with transaction(self._connection):
            if files[0].kind == "snapshot":  # earlier runs are read from the files as they are
                add(self._connection, table, target, "snapshot", rows, run_id=files[-1].run_id)
            else:
                retire(self._connection, table, [file.seq for file in files])
                add(self._connection, table, target, "base", rows, key=key)
        self._uncommitted.discard(target)
        return True

    def new_file(self, table: str) -> Path:
        """Reserve an empty file for a snapshot of a table; write it whole, then `replace`."""
        with store_errors(self._folder):
            path = new_file(self._folder / table)
        self._uncommitted.add(path)
        return path

    def replace(self, table: str, file: Path, *, run_id: str | None = None, keep: int = KEEP_SNAPSHOTS) -> None:
        """Make a file the table's newest snapshot; what only runs before the last `keep` need is retired.

        Write to `new_file`: a file from elsewhere is moved into the lake. Call it in the transaction of what belongs to
        it. Raises StoreError where the file is no Parquet.
        """
        self._enter(table, file, "snapshot", None, run_id, keep)

    def patch(self, table: str, key: str, file: Path, *, run_id: str, keep: int = KEEP_SNAPSHOTS) -> None:
        """Put a file's rows on the table's newest snapshot, in place of those of their keys; as `replace` otherwise."""
        self._enter(table, file, "delta", key, run_id, keep)

    def _enter(self, table: str, file: Path, kind: FileKind, key: str | None, run_id: str | None, keep: int) -> None:
        with store_errors(file):
            rows = _row_count(file)
            if file.parent != self._folder / table:
                file = Path(shutil.move(file, self.new_file(table)))
            _make_durable(file)
        with transaction(self._connection):
            add(self._connection, table, file, kind, rows, key=key, run_id=run_id)
            retire(self._connection, table, [found.seq for found in _outlived(self._live(table), keep)])
        self._uncommitted.discard(file)

    def drop(self, table: str, numbers: Sequence[int]) -> None:
        """Take files (by seq) out of a table for good; their rows are in it no more."""
        with transaction(self._connection):
            retire(self._connection, table, numbers)

    def relation(self, table: str, *, run_id: str | None = None) -> str | None:
        """Return SQL for DuckDB's FROM clause that reads the present rows; null where the table has no file.

        With `run_id`: the rows that this run left, null where they are kept no more. A deleted or replaced row is not
        in it; a column that only some files have is null in the others.
        """
        if table in self._laid:
            return compaction.read([self._laid[table]])
        files = self._present(table, run_id)
        if not files:
            return None
        bases = [self._path(file) for file in files if file.kind != "delta"]
        deltas = [self._path(file) for file in files if file.kind == "delta"]
        return compaction.newest(bases, deltas, files[-1].key or "", DELETED)

    def columns(self, table: str) -> dict[str, str]:
        """Return the columns of `relation` and DuckDB's names of their types; empty where the table has no file."""
        laid = [self._laid[table]] if table in self._laid else []
        paths = laid or [self._path(file) for file in self._present(table)]
        if not paths:
            return {}
        with store_errors(self._folder):
            asked = [_version(path) for path in paths]
        known, types = self._columns.get(table, ([], {}))
        if asked != known:
            types = self._described(paths)
            self._columns[table] = (asked, types)
        return dict(types)

    def _described(self, paths: Sequence[Path]) -> dict[str, str]:
        if self._session is None:
            self._session = duckdb.connect()
        types = compaction.columns(self._session.cursor(), compaction.read(paths))
        return {name: kind for name, kind in types.items() if name != DELETED}

    def files(self, table: str) -> list[LakeFile]:
        """List the live files, oldest first: base and deltas, or the snapshots and deltas of the runs that are kept."""
        return self._live(table)

    def paths(self, table: str) -> list[Path]:
        """List the live files' paths, oldest first."""
        return [self._path(file) for file in self._live(table)]

    def since(self, table: str, seq: int) -> list[Path] | None:
        """List the delta files that came after the file of this number, also those that a base has taken in since.

        Null where one of them is on the disk no more, or was never committed: then nobody knows what they held.
        """
        known = [file for file in (*self._live(table), *retired(self._connection)) if file.table == table]
        newest = max((file.seq for file in known), default=0)
        later = {file.seq: file for file in known if file.seq > seq}
        if len(later) != newest - seq:
            return None
        return [self._path(file) for _, file in sorted(later.items()) if file.kind == "delta"]

    def sweep(self, *, grace_s: float = GRACE_S) -> int:
        """Delete files that no reader can want: orphans, and those retired for longer than `grace_s`; returns how many.

        Needs the writer lock: the orphans of a writer that is at work look like those of a killed one.
        """
        cut = datetime.now(UTC) - timedelta(seconds=grace_s)
        gone = retired(self._connection, cut)
        with store_errors(self._folder):
            for file in gone:
                self._path(file).unlink(missing_ok=True)
            orphans = self._orphans()
            for path in orphans:
                path.unlink(missing_ok=True)
        crash_point("sweep: files deleted")
        with transaction(self._connection):
            strike(self._connection, gone)
        return len(gone) + len(orphans)

    def _orphans(self) -> list[Path]:
        known = {self._path(file) for file in live(self._connection)} | {
            self._path(file) for file in retired(self._connection)
        }
        return [path for path in self._folder.glob("*/*") if path not in known and path not in self._uncommitted]

    def _present(self, table: str, run_id: str | None = None) -> list[LakeFile]:
        """List the files whose rows are present, or were after a run, oldest first."""
        files = self._live(table)
        ends = [place for place, file in enumerate(files, 1) if run_id in (None, file.run_id)]
        files = files[: ends[-1]] if ends else []
        return files[_whole(files) :]

    def _live(self, table: str) -> list[LakeFile]:
        return live(self._connection, table)

    def _path(self, file: LakeFile) -> Path:
        return self._folder / file.table / file.name


def _whole(files: Sequence[LakeFile]) -> int:
    """Find the place of the last snapshot; 0 where there is none."""
    return max((place for place, file in enumerate(files) if file.kind == "snapshot"), default=0)


def _outlived(files: Sequence[LakeFile], keep: int) -> Sequence[LakeFile]:
    """List the files without which the rows that each of the last `keep` runs left can be read."""
    ends = {file.run_id or file.name: place for place, file in enumerate(files, 1)}
    return files[: _whole(files[: sorted(ends.values())[-keep:][0]])]


def _version(path: Path) -> tuple[Path, int, int]:
    """Say which file is at a path: a number that was swept may be given again."""
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


def _row_count(path: Path) -> int:
    from connector.store.parquet import row_count

    return row_count(path)


def _worth_it(files: Sequence[LakeFile]) -> bool:
    base_rows = sum(file.rows for file in files if file.kind != "delta")
    delta_rows = [file.rows for file in files if file.kind == "delta"]
    has_base = any(file.kind != "delta" for file in files)
    return not has_base or len(delta_rows) > MAX_DELTA_FILES or sum(delta_rows) > MAX_DELTA_SHARE * base_rows


def _make_durable(file: Path) -> None:
    file.chmod(0o600)  # an engine writes another file and puts it in the place of the one reserved
    for path in (file, file.parent):
        make_durable(path)
