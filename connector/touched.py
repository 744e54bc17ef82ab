"""Who is touched by what a pull brings: noted in the transaction of the facts, until a run has scored them anew."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from connector.credits import CREDITS
from connector.currency import RATES
from connector.engine.relations import literal, quoted
from connector.job import Job
from connector.matching.linked import MATCHES, has_accounts, linked_people
from connector.store import coverage
from connector.store.files import DELETED, Delta
from mappings.targets import Role

TOUCHED = {"people": "touched_people", "accounts": "touched_accounts"}
KEYS = {"touched_people": "person_id", "touched_accounts": "account_id"}
# The columns of a table by which its rows belong to a person or an account.
_HOLDERS = {
    "people": {"people": "person_id", "accounts": "account_id"},
    "accounts": {"accounts": "account_id"},
    "events": {"people": "person_id", "accounts": "account_id"},
    "flags": {"people": "person_id", "accounts": "account_id"},
    "attributes": {"people": "subject_id", "accounts": "subject_id"},  # role says which
    MATCHES: {"people": "person_id", "accounts": "account_id"},
    CREDITS: {"people": "person_id"},
}
_ROLES = {"people": "person", "accounts": "account"}


def touched_by(job: Job, facts: Delta, *, whole: bool) -> tuple[Delta, ...]:
    """Write whom uncommitted facts touch: those that the rows name now, and those that the same rows named before.

    A row that came again as it was touches nobody; an account's own row touches its people, whose scores read it.
    Commit what is returned together with the facts. Where an object is read `whole`, or the next run scores everybody
    anyhow, nobody is noted.
    """
    if not facts.rows or facts.table not in (*_HOLDERS, RATES):
        return ()
    if whole or facts.table == RATES:  # a rate is in everybody's amounts
        coverage.expire(job.state)
    held = coverage.get(job.state)
    if held is None or not held.is_current or facts.table not in _HOLDERS:
        return ()
    with job.engine() as engine:
        compared(engine, job, facts)
        return tuple(
            job.lake.merge(table, KEYS[table], [engine.sql(select).to_arrow_table()])
            for table, select in _selects(engine, job, facts).items()
        )


def note(job: Job, role: Role, ids: Sequence[str]) -> tuple[Delta, ...]:
    """Write that facts of these people or accounts change otherwise; commit what is returned with what changes them."""
    held = coverage.get(job.state)
    if not ids or held is None or not held.is_current:
        return ()
    table = TOUCHED["people" if role == "person" else "accounts"]
    return (job.lake.merge(table, KEYS[table], [pa.table({KEYS[table]: pa.array(ids, pa.string())})]),)


def compared(engine: duckdb.DuckDBPyConnection, job: Job, facts: Delta) -> None:
    """Put the rows that came, those that they replace, and the keys of those that differ into temporary tables."""
    key = quoted(facts.key)
    files = ", ".join(literal(str(path)) for path, _ in facts.files)
    numbered = f"read_parquet([{files}], union_by_name = true, filename = true, file_row_number = true)"
    engine.execute(
        f"CREATE TEMPORARY TABLE came AS SELECT * EXCLUDE (filename, file_row_number) FROM {numbered} "  # noqa: S608 - file lists and names of our own
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY filename DESC, file_row_number DESC) = 1"
    )
    present = job.lake.relation(facts.table) or "(SELECT * FROM came WHERE false)"
    of_these = f"{key} IN (SELECT {key} FROM came)"  # noqa: S608 - our own names
    engine.execute(f"CREATE TEMPORARY TABLE went AS SELECT * FROM {present} WHERE {of_these}")  # noqa: S608 - as above
    new, old = (_columns(engine, name) for name in ("came", "went"))
    if new - old - {DELETED}:
        engine.execute(f"CREATE TEMPORARY TABLE differing AS SELECT {key} FROM came")  # noqa: S608 - as above
        return
    sides = [
        ", ".join(quoted(name) if name in there else f"NULL AS {quoted(name)}" for name in sorted(new | old))
        for there in (new, old)
    ]
    changed = f"SELECT {key} FROM (SELECT {sides[0]} FROM came EXCEPT SELECT {sides[1]} FROM went)"  # noqa: S608 - as above
    engine.execute(f"CREATE TEMPORARY TABLE differing AS {changed}")


def _selects(engine: duckdb.DuckDBPyConnection, job: Job, facts: Delta) -> dict[str, str]:
    """Write the SELECT of the ids for each table of the touched that the differing rows add to."""
    key = quoted(facts.key)
    differing = f"{key} IN (SELECT {key} FROM differing)"  # noqa: S608 - our own names
    by_role = facts.table == "attributes"
    found: dict[str, list[str]] = {TOUCHED[holder]: [] for holder in _HOLDERS[facts.table]}
    for source in ("came", "went"):
        there = _columns(engine, source)
        for holder, column in _HOLDERS[facts.table].items():
            if column in there:
                those = f"role = '{_ROLES[holder]}' AND {differing}" if by_role else differing
                found[TOUCHED[holder]].append(_ids(source, column, those, TOUCHED[holder]))
    if by_role and has_accounts(job.lake):
        accounts = " UNION ".join(found[TOUCHED["accounts"]])
        found[TOUCHED["people"]].append(
            _ids(str(linked_people(job.lake)), "person_id", f"account_id IN ({accounts})", TOUCHED["people"])
        )
    if facts.table == "accounts" and has_accounts(job.lake):
        found[TOUCHED["people"]] = [_ids(str(linked_people(job.lake)), "person_id", differing, TOUCHED["people"])]
    return {table: " UNION ".join(selects) for table, selects in found.items() if selects}


def _ids(source: str, column: str, those: str, table: str) -> str:
    return f"SELECT {column}::VARCHAR AS {KEYS[table]} FROM {source} WHERE {column} IS NOT NULL AND {those}"  # noqa: S608 - file lists and names of our own


def _columns(engine: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return set(engine.sql(f"SELECT * FROM {table}").columns)  # noqa: S608 - our own names
