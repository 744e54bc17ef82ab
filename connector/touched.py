"""Who is touched by what a pull brings: noted in the transaction of the facts, until a run has scored them anew."""

import duckdb

from connector.engine.relations import literal, quoted
from connector.job import Job
from connector.store import coverage
from connector.store.parquet import Delta

TOUCHED = {"people": "touched_people", "accounts": "touched_accounts"}
KEYS = {"touched_people": "person_id", "touched_accounts": "account_id"}
# The columns of a table by which its rows belong to a person or an account.
_HOLDERS = {
    "people": {"people": "person_id", "accounts": "account_id"},
    "accounts": {"accounts": "account_id"},
    "events": {"people": "person_id", "accounts": "account_id"},
}


def touched_by(job: Job, facts: Delta, *, whole: bool) -> tuple[Delta, ...]:
    """Write whom uncommitted facts touch: those that the rows name now, and those that the same rows named before.

    An account's own row touches its people, whose scores read it. Commit what is returned together with the facts.
    Where an object is read `whole`, or nothing was scored yet, nobody is noted: everybody will be scored.
    """
    if not facts.rows or facts.table not in _HOLDERS:
        return ()
    if whole:
        coverage.forget(job.state)
    if coverage.get(job.state) is None:
        return ()
    with job.engine() as engine:
        return tuple(
            job.lake.merge(table, KEYS[table], [engine.sql(select).to_arrow_table()])
            for table, select in _selects(engine, job, facts).items()
        )


def _selects(engine: duckdb.DuckDBPyConnection, job: Job, facts: Delta) -> dict[str, str]:
    """Write the SELECT of the ids for each table of the touched that these facts add to."""
    rows = {"new": f"read_parquet([{', '.join(literal(str(path)) for path, _ in facts.files)}], union_by_name = true)"}
    before = job.lake.relation(facts.table)
    if before is not None:
        key = quoted(facts.key)
        rows["before"] = f"(SELECT * FROM {before} WHERE {key} IN (SELECT {key} FROM {rows['new']}))"  # noqa: S608 - file lists and columns of our own
    found: dict[str, list[str]] = {TOUCHED[holder]: [] for holder in _HOLDERS[facts.table]}
    for source in rows.values():
        there = engine.sql(f"SELECT * FROM {source}").columns  # noqa: S608 - as above
        for holder, column in _HOLDERS[facts.table].items():
            if column in there:
                found[TOUCHED[holder]].append(_ids(source, column, TOUCHED[holder]))
    if facts.table == "accounts" and "account_id" in job.lake.columns("people"):
        members = (
            f"(SELECT * FROM {job.lake.relation('people')} WHERE account_id IN (SELECT account_id FROM {rows['new']}))"  # noqa: S608 - as above
        )
        found[TOUCHED["people"]] = [_ids(members, "person_id", TOUCHED["people"])]
    return {table: " UNION ".join(selects) for table, selects in found.items() if selects}


def _ids(source: str, column: str, table: str) -> str:
    return f"SELECT {column}::VARCHAR AS {KEYS[table]} FROM {source} WHERE {column} IS NOT NULL"  # noqa: S608 - as above
