"""Forget a person: every row about them leaves the store at once, the kept scores of earlier runs included.

What names a person is the record's ids, those that it goes on for, and the mail address. A file of the lake that holds
such a row is written anew without it, and takes the old one's place; the database is emptied of them and packed, its
log and the copies that a migration made too. A run that was killed half way is simply run again.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from connector.crash import crash_point
from connector.engine.relations import literal, quoted
from connector.feeds.spool import FOLDER
from connector.store import coverage, erased
from connector.store.durable import make_durable
from connector.store.files import ROW_GROUP_ROWS
from connector.store.lake import Lake
from connector.store.manifest import LakeFile, live, retired
from connector.store.parquet import row_count
from connector.store.state import store_errors, transaction
from connector.successors import resolved

IDS: Final = ("person_id", "subject_id", "record_id", "old_id", "new_id", "person_key")
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'lake_files'"


@dataclass
class Forgotten:
    """Say who was asked for by ids and mail addresses, and count what was erased."""

    ids: tuple[str, ...]
    addresses: tuple[str, ...]
    files: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Whose:
    """Tell rows of people from those of accounts, whose ids a vendor may count by themselves.

    accounts are the CRM's objects of accounts, seats the roles under which account models are kept. A task counts as
    its person's.
    """

    accounts: tuple[str, ...]
    seats: tuple[str, ...] = ("account",)


def find(engine: duckdb.DuckDBPyConnection, lake: Lake, record: str) -> Forgotten:
    """Find a person's ids and addresses by a record's id or by a mail address.

    An address alone that no person has is erased by itself: feeds may hold rows of somebody whom the CRM does not know.
    """
    address = [record.strip().lower()] if "@" in record else []
    people, ids = lake.relation("people"), dict.fromkeys([] if address else [record])
    ends = resolved(lake, "person")
    if ends:
        chain = f"SELECT old_id, new_id FROM {ends} WHERE ? IN (old_id, new_id)"  # noqa: S608 - file lists of our own making
        ids |= dict.fromkeys(str(one) for row in engine.execute(chain, [record]).fetchall() for one in row)
    if people is None:
        return Forgotten((), tuple(address))
    mail = "lower(trim(email))" if "email" in lake.columns("people") else "NULL::VARCHAR"
    rows = engine.execute(
        f"SELECT person_id, {mail} FROM {people} WHERE list_contains(?::VARCHAR[], person_id) OR {mail} = ?",  # noqa: S608 - as above
        [list(ids), address[0] if address else None],
    ).fetchall()
    ids = dict.fromkeys(str(row[0]) for row in rows) | (ids if rows else {})
    address += [str(row[1]) for row in rows if row[1]]
    return Forgotten(tuple(ids) if rows else (), tuple(dict.fromkeys(address)))


def erase(folder: Path, state: sqlite3.Connection, who: Forgotten, whose: Whose) -> Forgotten:
    """Erase a person from the store of a folder; needs the writer lock."""
    erased.remember(state, (*who.ids, *who.addresses))
    crash_point("erase: remembered")
    with closing(duckdb.connect()) as engine:
        for file in [*live(state), *retired(state)]:
            _rewrite(engine, folder / "lake" / file.table / file.name, file, state, who, whose)
    for path in sorted((folder / FOLDER).rglob("*")):
        _strip_lines(path, who)
    coverage.expire(state)
    _empty(state, who, whose)
    for backup in sorted(folder.glob("state.v*.backup.db")):
        with closing(sqlite3.connect(backup, isolation_level=None)) as copy:
            copy.execute("PRAGMA secure_delete=ON")
            _empty(copy, who, whose)
    return who


def _rewrite(
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    file: LakeFile,
    state: sqlite3.Connection,
    who: Forgotten,
    whose: Whose,
) -> None:
    """Write a file anew without the rows of a person, where it has some."""
    if not path.exists():
        return
    source = f"read_parquet({literal(str(path))})"
    columns = {str(row[0]): str(row[1]) for row in engine.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}  # noqa: S608 - our own file
    test = " OR ".join(_tests(file.table, columns, who, whose))
    count = engine.execute(f"SELECT count(*) FROM {source} WHERE {test}").fetchone() if test else None  # noqa: S608 - values are quoted
    if count is None or not count[0]:
        return
    target = path.with_suffix(".erasing")
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    with store_errors(target):
        kept = f"SELECT * FROM {source} WHERE ({test}) IS NOT TRUE"  # noqa: S608 - as above
        engine.execute(f"COPY ({kept}) TO {literal(str(target))} ({options})")
        target.chmod(0o600)
        make_durable(target)
        rows = row_count(target)
        target.replace(path)
        make_durable(path.parent)
    with transaction(state):
        update = "UPDATE lake_files SET rows = ?, bytes = ? WHERE table_name = ? AND seq = ?"
        state.execute(update, (rows, path.stat().st_size, file.table, file.seq))
    who.files, who.rows = who.files + 1, who.rows + int(count[0])


def _tests(table: str, columns: dict[str, str], who: Forgotten, whose: Whose) -> Iterator[str]:
    """Write the conditions under which a row of a table is about a person.

    A vendor may count accounts and people apart, so that an id is a person's only where the row says so. An address
    is a person's anywhere.
    """
    ids = f"({', '.join(map(literal, who.ids))})"
    if who.ids and not table.startswith(("account", "touched_accounts")):
        own = [f"{quoted(name)} IN {ids}" for name in IDS if name in columns]
        of = [f"object NOT IN ({', '.join(map(literal, whose.accounts))})"] if "object" in columns else []
        of += [f"role NOT IN ({', '.join(map(literal, whose.seats))})"] if "role" in columns else []
        yield from (f"({' AND '.join([one, *of])})" for one in own)
    for name, kind in columns.items():
        if kind == "VARCHAR":
            yield from (f"contains(lower({quoted(name)}), {literal(address)})" for address in who.addresses)


def _strip_lines(path: Path, who: Forgotten) -> None:
    """Leave out of a spooled file the lines that name an address."""
    if not path.is_file() or path.suffix == ".parquet" or not who.addresses:
        return
    with store_errors(path):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(address in line.lower() for address in who.addresses)]
        if len(kept) == len(lines):
            return
        target = path.with_suffix(".erasing")
        target.touch(mode=0o600)
        target.write_text("".join(kept), encoding="utf-8")
        make_durable(target)
        target.replace(path)
    who.files, who.rows = who.files + 1, who.rows + len(lines) - len(kept)


def _empty(state: sqlite3.Connection, who: Forgotten, whose: Whose) -> None:
    """Delete a person's rows of every table of a database, and pack it, so that no page of it holds them on."""
    with transaction(state):
        for (table,) in state.execute(_TABLES).fetchall():
            columns = [str(row[1]) for row in state.execute(f"PRAGMA table_info({quoted(table)})")]
            test, values = _sqlite_test(columns, who, whose)
            if test:
                who.rows += state.execute(f"DELETE FROM {quoted(table)} WHERE {test}", values).rowcount  # noqa: S608 - our own names
    with store_errors():
        state.execute("VACUUM")
        state.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sqlite_test(columns: Sequence[str], who: Forgotten, whose: Whose) -> tuple[str, list[str]]:
    tests, values = [], []
    if "record_id" in columns and who.ids:
        of_people = f" AND object NOT IN ({', '.join('?' * len(whose.accounts))})" if "object" in columns else ""
        tests.append(f"(record_id IN ({', '.join('?' * len(who.ids))}){of_people})")
        values += [*who.ids, *(whose.accounts if of_people else [])]
    for name in ("payload", "fields", "reason", "text"):
        if name in columns:
            tests += [f"instr(lower({name}), ?) > 0" for _ in who.addresses]
            values += who.addresses
    return " OR ".join(tests), values
