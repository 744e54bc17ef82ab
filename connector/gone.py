"""People whom the CRM deleted: what was kept of them leaves the store with them.

A record that was merged or converted is not gone, it goes on as another one. Who comes back from the recycle bin is
kept again from then on; activity that did not change meanwhile is read again with the next change of the mapping.
"""

from datetime import datetime
from typing import Final

import duckdb
import pyarrow as pa

from connector.job import Job
from connector.store.lake import Lake
from connector.store.state import transaction
from connector.touched import touched_by

GONE: Final = "gone"
GONE_KEY: Final = "person_id"
# Whose rows are a person's own: the key of each table, and the column that names the person.
PERSONAL: Final = {
    "events": ("event_id", "person_id"),
    "attributes": ("attribute_id", "subject_id"),
    "history": ("history_id", "subject_id"),
    "field_changes": ("change_id", "subject_id"),
    "matches": ("person_id", "person_id"),
    "flags": ("event_id", "person_id"),
}


def gone_rows(person_ids: list[str], at: datetime) -> pa.Table:
    """Give rows of the table: person_id, gone_at (when the pull heard of it)."""
    ids = pa.array(person_ids, pa.string())
    return pa.table({GONE_KEY: ids, "gone_at": pa.repeat(pa.scalar(at, pa.timestamp("us", "UTC")), len(ids))})


def held_gone(engine: duckdb.DuckDBPyConnection, lake: Lake) -> pa.ChunkedArray:
    """Read the ids of those who are gone."""
    relation = lake.relation(GONE)
    if relation is None:
        return pa.chunked_array([], pa.string())
    return engine.sql(f"SELECT {GONE_KEY} FROM {relation}").to_arrow_table()[GONE_KEY]  # noqa: S608 - a file list of our own making


def purge(job: Job) -> int:
    """Delete what is kept of those who are gone, whenever it came; gives the number of rows.

    A later compaction takes the rows off the disk.
    """
    if job.lake.relation(GONE) is None:
        return 0
    return sum(_purge(job, table, key, person) for table, (key, person) in PERSONAL.items())


def _purge(job: Job, table: str, key: str, person: str) -> int:
    relation = job.lake.relation(table)
    columns = job.lake.columns(table) if relation else {}
    if person not in columns:
        return 0
    own = " AND role = 'person'" if "role" in columns else ""
    select = f"SELECT {key} FROM {relation} WHERE {person} IN (SELECT {GONE_KEY} FROM {job.lake.relation(GONE)}){own}"  # noqa: S608 - file lists and names of our own
    with job.engine() as engine:
        keys = [str(row[0]) for row in engine.execute(select).fetchall()]
    if keys:
        delta = job.lake.merge(table, key, (), keys)
        noted = touched_by(job, delta, whole=False)
        with transaction(job.state):
            for each in (delta, *noted):
                job.lake.commit(each)
    return len(keys)
