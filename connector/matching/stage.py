"""The stage that matches people to accounts: what changed since the last time, committed together.

Nothing is asked of the store while its files and the settings are those of the last time.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import duckdb
import pyarrow as pa

from connector.crash import crash_point
from connector.job import Job
from connector.matching import inputs
from connector.matching.find import Finder
from connector.matching.linked import MATCHES
from connector.matching.sides import keys_of
from connector.store import coverage
from connector.store.lake import Lake
from connector.store.parquet import DeltaWriter
from connector.store.state import store_errors, transaction
from connector.touched import touched_by
from mappings.lists import open_lists

ALGORITHM: Final = 1  # another number matches everybody anew
LISTS: Final = ("company_words", "public_suffixes", "free_mail", "disposable", "students", "competitors")
_FACT: Final = "matched"
_READ: Final = ("people", "accounts", "outcomes")
_ROW: Final = pa.schema(
    {
        "person_id": pa.string(),
        "account_id": pa.string(),
        "method": pa.string(),
        "confidence_share": pa.float64(),
        "evidence": pa.string(),
        "rivals": pa.list_(pa.string()),
    }
)
_KEYS: Final = pa.schema(
    {"subject": pa.string(), "role": pa.string(), "id": pa.string(), "seen": pa.string(), "keys": pa.list_(pa.string())}
)


def match_stage(job: Job) -> None:
    """Match whom the CRM links to no account, where they or the accounts in question changed."""
    if not job.settings.matching.enabled:
        _end(job)
        return
    before, now = _last(job), _present(job)
    if before == now or not job.lake.relation("people") or not job.lake.relation("accounts"):
        return
    job.progress.begin("match")
    _match(job, now, whole=before is None or before["version"] != now["version"])
    for table, key in ((MATCHES, "person_id"), (inputs.KEYS, "subject")):
        job.lake.compact(table, key, (key,))


def known_keys(engine: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Give a session the accounts' keys as they were matched last, for one more look."""
    inputs.open_inputs(engine, lake, whole=False)
    inputs.put_account_keys(engine, _KEYS.empty_table(), whole=False)


def _match(job: Job, now: dict[str, Any], *, whole: bool) -> None:
    with (
        closing(job.engine()) as engine,
        job.lake.writer(MATCHES, "person_id") as matches,
        job.lake.writer(inputs.KEYS, "subject") as keys,
    ):
        inputs.open_inputs(engine, job.lake, whole=whole)
        finder = Finder(engine, job.settings.matching, open_lists(job.settings.lists.folder))
        inputs.put_account_keys(engine, _account_keys(finder, keys), whole=whole)
        unmatched = _decide(job, finder, matches, keys, inputs.find_concerned(engine, whole=whole))
        for role in ("person", "account"):
            keys.delete(_subject(role, one) for one in inputs.gone(engine, role))
        matches.delete(_ended(engine, job, unmatched))
        deltas = [matches.close(), keys.close()]
        deltas += touched_by(job, deltas[0], whole=False)
        crash_point("match: files written")
        with transaction(job.state):
            for delta in deltas:
                job.lake.commit(delta)
            _remember(job, now)


def _account_keys(finder: Finder, writer: DeltaWriter) -> pa.Table:
    """Write the keys of accounts that are new or differ, and give these rows."""
    pages = []
    for rows in inputs.fresh_accounts(finder.engine):
        pages.append(_key_rows("account", rows, [keys_of(found) for found in finder.read(rows)]))
        writer.add(pages[-1])
    return pa.concat_tables(pages) if pages else _KEYS.empty_table()


def _decide(job: Job, finder: Finder, matches: DeltaWriter, keys: DeltaWriter, people: int) -> list[str]:
    """Write matches and keys of the people concerned; gives those of them who belong to no account."""
    unmatched: list[str] = []
    for first in range(0, people, inputs.AT_ONCE):
        rows = inputs.concerned_rows(finder.engine, first)
        decided = list(finder.decisions(rows))
        keys.add(_key_rows("person", rows, [found for _, found, _ in decided]))
        made = [decision.row() for _, _, decision in decided if decision is not None]
        matches.add(pa.Table.from_pylist(made, schema=_ROW))
        unmatched += [person.id for person, _, decision in decided if decision is None]
        job.progress.advance(len(rows))
        crash_point("match: a page")
    return unmatched


def _key_rows(role: str, rows: Sequence[dict[str, Any]], keys: Sequence[list[str]]) -> pa.Table:
    ids = [row[f"{role}_id"] for row in rows]
    columns = [[_subject(role, one) for one in ids], [role] * len(ids), ids, [row["seen"] for row in rows], keys]
    return pa.table(dict(zip(_KEYS.names, columns, strict=True)), schema=_KEYS)


def _subject(role: str, record_id: str) -> str:
    return f"{role}:{record_id}"


def _ended(engine: duckdb.DuckDBPyConnection, job: Job, unmatched: Sequence[str]) -> list[str]:
    """List those who were matched and are no more: no account speaks for them now, or the CRM links them itself."""
    matches = job.lake.relation(MATCHES)
    if matches is None:
        return []
    engine.register("unmatched", pa.table({"id": pa.array(unmatched, pa.string())}))
    ended = "person_id IN (SELECT id FROM unmatched) OR person_id NOT IN (SELECT id FROM now_person)"
    rows = engine.execute(f"SELECT person_id FROM {matches} WHERE {ended}").fetchall()  # noqa: S608 - file lists of our own making
    return [person_id for (person_id,) in rows]


def _end(job: Job) -> None:
    """Forget all matches, where matching was switched off."""
    files = {table: [file.seq for file in job.lake.files(table)] for table in (MATCHES, inputs.KEYS)}
    if not any(files.values()):
        return
    with transaction(job.state):
        for table, numbers in files.items():
            job.lake.drop(table, numbers)
        coverage.expire(job.state)
        job.state.execute("DELETE FROM facts WHERE name = ?", (_FACT,))


def _present(job: Job) -> dict[str, Any]:
    """Name what matches depend on: how they are made, and the files that they are made from."""
    made = {
        "algorithm": ALGORITHM,
        "lists": open_lists(job.settings.lists.folder).version(LISTS),
    } | job.settings.matching.model_dump(mode="json")
    version = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:12]
    return {"version": version, "files": {name: [file.seq for file in job.lake.files(name)] for name in _READ}}


def _last(job: Job) -> dict[str, Any] | None:
    with store_errors():
        row = job.state.execute("SELECT value FROM facts WHERE name = ?", (_FACT,)).fetchone()
    found: dict[str, Any] | None = json.loads(row[0]) if row else None
    return found


def _remember(job: Job, now: dict[str, Any]) -> None:
    job.state.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_FACT, json.dumps(now)))
