"""What vendors' tools wrote into the CRM, as observations over time: a new one where a value or its stamp moves."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import duckdb

from connector.crash import crash_point
from connector.engine.relations import literal, quoted
from connector.enrichment.resolve import ATTRIBUTES, KEYS, ROLES
from connector.enrichment.step import TABLES
from connector.job import Job
from connector.settings.enrichment import CRM, VendorSettings
from connector.store import compaction, cursors
from connector.store.files import DELETED
from connector.store.state import transaction
from connector.touched import touched_by

ATTRIBUTES_KEY: Final = "attribute_id"
CLUSTERED: Final = ("role", "subject_id", "name", "vendor", "observed_at")
_CURSOR: Final = "enrichment@"


def observe_stage(job: Job) -> int:
    """Keep what the vendors' columns say now where it is new; returns how many observations were.

    Reads the rows that came since the last time, and all of them where the vendors' columns are others than then.
    """
    vendors = [vendor for vendor in job.settings.vendor if vendor.columns and vendor.id != CRM]
    if not vendors:
        return 0
    job.progress.begin("observe")
    made = _digest(vendors)
    before = json.loads(cursors.get(job.state, made) or "{}")
    now = job.connection.server_time_at.replace(microsecond=0)
    seqs = {of: max((file.seq for file in job.lake.files(of)), default=0) for of in TABLES}
    with job.engine() as engine:
        selects = [select for of in TABLES for select in _selects(engine, job, of, vendors, before.get(of, 0))]
        rows = engine.sql(_new(job, selects, now)).to_arrow_table() if selects else None
    deltas = []
    if rows is not None and rows.num_rows:
        deltas.append(job.lake.merge(ATTRIBUTES, ATTRIBUTES_KEY, [rows]))
        deltas += touched_by(job, deltas[0], whole=False)
        crash_point("observe: files written")
    with transaction(job.state):
        for delta in deltas:
            job.lake.commit(delta)
        cursors.put(job.state, made, json.dumps(seqs))
        cursors.forget_others(job.state, _CURSOR, made)
    if deltas:
        job.lake.compact(ATTRIBUTES, ATTRIBUTES_KEY, CLUSTERED)
    return 0 if rows is None else int(rows.num_rows)


def _selects(
    engine: duckdb.DuckDBPyConnection, job: Job, of: str, vendors: list[VendorSettings], since: int
) -> Iterator[str]:
    """Select what the vendors' columns say of the subjects whose rows came.

    Columns: role, subject_id, name, value, vendor, stamp.
    """
    relation = _came(job, of, since)
    if relation is None:
        return
    described = engine.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - a file list of our own making
    kinds = {str(row[0]): str(row[1]) for row in described}
    for vendor in vendors:
        stamp = vendor.observed_at if vendor.observed_at in kinds else None
        at = f"TRY_CAST({quoted(stamp)} AS TIMESTAMPTZ)" if stamp else "NULL::TIMESTAMPTZ"
        for name, column in (vendor.columns or {}).items():
            if column in kinds and (where := _readers(job, of, column)):
                yield (
                    f"SELECT {literal(ROLES[of])} AS role, {KEYS[of]}::VARCHAR AS subject_id, {literal(name)} AS name, "  # noqa: S608 - names are quoted
                    f"{_text(quoted(column), kinds[column])} AS value, {literal(vendor.id)} AS vendor, {at} AS stamp "
                    f"FROM {relation} WHERE {where}"
                )


def _readers(job: Job, of: str, column: str) -> str | None:
    """Write of whom a column is read now, null where of nobody: a field that may be seen no more takes nothing back."""
    every = [read for read in job.mapping.read.values() if read.table == of]
    reading = [read for read in every if column in read.columns()]
    if len(reading) in (0, len(every)) or of != "people":
        return "true" if reading else None
    return f"kind IN ({', '.join(literal(read.kind) for read in reading)})"


def _came(job: Job, of: str, since: int) -> str | None:
    """Give the rows that came after a file of a table, null without any; the whole table where that is not known."""
    paths = job.lake.since(of, since)
    if paths is None:
        return job.lake.relation(of)
    return compaction.newest([], paths, KEYS[of], DELETED) if paths else None


def _text(column: str, kind: str) -> str:
    """Write a value as text: whole numbers without `.0`, lists joined with `;`, blanks as null."""
    if kind.endswith("[]"):
        return f"NULLIF(array_to_string({column}, ';'), '')"
    if kind == "DOUBLE":
        whole = f"{column} = floor({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%SZ')"
    return f"NULLIF(TRIM({column}::VARCHAR), '')"


def _new(job: Job, selects: list[str], now: datetime) -> str:
    """Select the observations that are new, as rows of `attributes`.

    With a stamp that lies in the past, that is when it was observed, and the same stamp again replaces what it said.
    Without one, a value that differs from the newest is observed now. Nothing known and nothing said is none.
    """
    present = f"to_timestamp({int(now.timestamp())})"
    held = job.lake.relation(ATTRIBUTES) or _EMPTY
    return f"""
        WITH said AS ({" UNION ALL ".join(selects)}),
        those AS (SELECT DISTINCT role, subject_id FROM said),
        held AS (SELECT a.role, a.subject_id, a.name, a.vendor, a.observed_at, a.value FROM {held} a
                 SEMI JOIN those USING (role, subject_id)),
        newest AS (SELECT role, subject_id, name, vendor, max({{'at': observed_at, 'value': value}}) AS last
                   FROM held GROUP BY ALL),
        timed AS (SELECT s.* EXCLUDE (stamp), n.last, s.stamp <= {present} AS stamped,
                         CASE WHEN s.stamp <= {present} THEN date_trunc('second', s.stamp) ELSE {present} END
                           AS observed_at
                  FROM said s LEFT JOIN newest n USING (role, subject_id, name, vendor)),
        fresh AS (SELECT t.* FROM timed t LEFT JOIN held h USING (role, subject_id, name, vendor, observed_at)
                  WHERE (t.value IS NOT NULL OR t.last IS NOT NULL) AND CASE WHEN t.stamped
                    THEN h.subject_id IS NULL OR h.value IS DISTINCT FROM t.value
                    ELSE t.last IS NULL OR t.last.value IS DISTINCT FROM t.value END)
        SELECT concat_ws(':', role, subject_id, name, vendor, strftime(observed_at, '%Y-%m-%dT%H:%M:%SZ'))
                 AS {ATTRIBUTES_KEY}, role, subject_id, name, value, vendor, observed_at FROM fresh"""  # noqa: S608 - names are quoted


_EMPTY: Final = (
    "(SELECT NULL::VARCHAR AS role, NULL::VARCHAR AS subject_id, NULL::VARCHAR AS name, NULL::VARCHAR AS vendor, "
    "NULL::TIMESTAMPTZ AS observed_at, NULL::VARCHAR AS value WHERE false)"
)


def _digest(vendors: list[VendorSettings]) -> str:
    """Name how far was read with these columns."""
    said = [(vendor.id, sorted((vendor.columns or {}).items()), vendor.observed_at) for vendor in vendors]
    return _CURSOR + hashlib.sha256(repr(said).encode()).hexdigest()[:12]
