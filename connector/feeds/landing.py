"""Put keyed rows into the lake: those of whom the CRM knows as facts, the others on hold.

held has a row for each event or attribute whose person or account is not known. feed_rows says which file gave which
row, so that a file that changed takes back what it no longer has.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connector.engine.relations import literal
from connector.feeds.index import index_subjects, keyed_to_known
from connector.feeds.pieces import Reject
from connector.job import Job
from connector.store import erased
from connector.store.files import Delta
from connector.store.parquet import DeltaWriter
from connector.touched import touched_by

TABLE_KEYS: Final = {
    "events": "event_id",
    "attributes": "attribute_id",
    "held": "held_id",
    "feed_rejects": "reject_id",
    "feed_rows": "feed_row_id",
}
MOST_NOTED: Final = 100_000  # touched rows of one file; beyond, scoring everybody is quicker than asking whom
_EVENT_COLUMNS: Final = ("type", "url", "asset", "source", "value", "props")
_AT: Final = "strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ')"
NOBODY: Final = "person_id IS NULL AND account_id IS NULL"
NO_PERSON: Final = "person_id IS NULL AND coalesce(person_key, email) IS NOT NULL"
_WHOSE: Final = "CASE WHEN role = 'person' THEN {} ELSE {} END"
SUBJECT: Final = _WHOSE.format("person_id", "account_id")
ATTRIBUTE_SELECT: Final = (
    f"SELECT file, concat_ws(':', role, {SUBJECT}, name, vendor, {_AT}) AS attribute_id, role, "  # noqa: S608 - names of our own
    f"{SUBJECT} AS subject_id, name, text AS value, vendor, occurred_at AS observed_at "
    f"FROM known WHERE {SUBJECT} IS NOT NULL"
)


@dataclass
class Landing:
    """Hold the writers of one transaction, and count what goes through them."""

    job: Job
    engine: duckdb.DuckDBPyConnection
    writers: dict[str, DeltaWriter]
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("events", "attributes", "held", "dropped"), 0)
    )

    def add_events(self, keyed: str, *, hold: bool) -> None:
        """Land events of a relation: event_id, occurred_at, file, feed, the keys and the columns of events.

        An event of an account whose person is not known is the account's until the person comes.
        """
        columns = self.match(keyed)
        self.land("events", event_select(columns))
        self._hold("event", "'event:' || event_id", columns, f"({NOBODY}) OR ({NO_PERSON})" if hold else NOBODY, hold)

    def add_attributes(self, keyed: str, *, hold: bool) -> None:
        """Land attributes of a relation: role, name, text, vendor, occurred_at, file, feed and the keys."""
        columns = self.match(keyed)
        self.land("attributes", ATTRIBUTE_SELECT)
        key = _WHOSE.format("coalesce(person_key, email)", "coalesce(account_key, domain, person_key, email)")
        held_id = f"concat_ws(':', 'attribute', feed, role, {key}, name, vendor, {_AT})"
        self._hold("attribute", held_id, columns, f"{SUBJECT} IS NULL", hold)

    def add_rejects(self, feed: str, file: int, name: str, rejects: Sequence[Reject]) -> None:
        """Keep lines that cannot be read, as they are."""
        ids = pa.chunked_array([[f"{file}:{reject.line}:{place}" for place, reject in enumerate(rejects)]], pa.string())
        rows = {"reject_id": ids, "feed": [feed] * len(ids), "name": [name] * len(ids)}
        rows |= {"line": [reject.line for reject in rejects], "reason": [reject.reason for reject in rejects]}
        page = pa.table({**rows, "text": [reject.text for reject in rejects]})
        if page.num_rows:
            self.writers["feed_rejects"].add(page)
            self._note("feed_rejects", ids, pa.chunked_array([[file] * len(ids)], pa.int64()))

    def take_back(self, file: int) -> None:
        """Delete what a file gave before and does not give now, but for what another file gives too."""
        before = self.job.lake.relation("feed_rows")
        if before is None:
            return
        rows = self.writers["feed_rows"].close()
        files = ", ".join(literal(str(path)) for path, _ in rows.files)
        now = f"(SELECT feed_row_id FROM read_parquet([{files}]))" if rows.files else "(SELECT '')"  # noqa: S608 - file lists of our own making
        others = f"SELECT 1 FROM {before} o WHERE o.file <> {file} AND o.target = g.target AND o.id = g.id"  # noqa: S608 - as above
        gone = f"SELECT feed_row_id, target, id FROM {before} WHERE file = {file} AND feed_row_id NOT IN {now}"  # noqa: S608 - as above
        select = f"SELECT feed_row_id, target, id, EXISTS ({others}) FROM ({gone}) g"  # noqa: S608 - as above
        found = self.engine.execute(select).fetchall()
        for table in ("events", "attributes", "held", "feed_rejects"):
            self.writers[table].delete([row[2] for row in found if row[1] == table and not row[3]])
        self.writers["feed_rows"].delete([row[0] for row in found])

    def close(self) -> list[Delta]:
        """Make everything durable, with whom it touches; commit what is returned in one transaction."""
        deltas = [writer.close() for writer in self.writers.values()]
        for delta in [delta for delta in deltas if delta.table in ("events", "attributes")]:
            deltas += touched_by(self.job, delta, whole=delta.rows > MOST_NOTED)
        return deltas

    def match(self, keyed: str) -> list[str]:
        """Put the rows, with whom they are about, into the table `known`; returns the columns they came with."""
        columns = self.engine.sql(f"SELECT * FROM {keyed}").columns  # noqa: S608 - a relation of our own
        self.engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE known AS {keyed_to_known(keyed, columns)}")
        self._leave_out([name for name in ("email", "person_key", "person_id") if name in (*columns, "person_id")])
        return list(columns)

    def _leave_out(self, columns: Sequence[str]) -> None:
        """Drop the rows of those who asked to be forgotten."""
        forgotten = erased.load(self.job.state)
        for name in columns if forgotten.hashes else ():
            told = self.engine.execute(f"SELECT DISTINCT {name} FROM known WHERE {name} IS NOT NULL").fetchall()  # noqa: S608 - names of our own
            theirs = [value for (value,) in told if forgotten.holds(str(value))]
            self.engine.execute(f"DELETE FROM known WHERE list_contains(?::VARCHAR[], {name})", [theirs])  # noqa: S608 - as above

    def land(self, table: str, select: str) -> None:
        """Add what a SELECT gives to a table; its column `file` says which file the rows are of."""
        page = self.engine.sql(select).to_arrow_table()
        self.counts[table] += page.num_rows
        self._add(table, page, keeps_file=False)

    def hold(self, page: pa.Table) -> None:
        """Put rows on hold."""
        self._add("held", page, keeps_file=True)

    def _hold(self, target: str, held_id: str, columns: Sequence[str], where: str, hold: bool) -> None:
        landed = "account_id AS landed_account_id" if target == "event" else "NULL::VARCHAR AS landed_account_id"
        own = f"{held_id} AS held_id, '{target}' AS target, {landed}, {', '.join(columns)}"
        page = self.engine.sql(f"SELECT {own} FROM known WHERE {where}").to_arrow_table()  # noqa: S608 - names of our own
        self.counts["held" if hold else "dropped"] += page.num_rows
        if hold:
            self.hold(page)

    def _add(self, table: str, page: pa.Table, *, keeps_file: bool) -> None:
        self.writers[table].add(page if keeps_file else page.drop_columns(["file"]))
        self._note(table, page[TABLE_KEYS[table]], page["file"])

    def _note(self, table: str, ids: pa.ChunkedArray, files: pa.ChunkedArray) -> None:
        """Note which file gave which rows."""
        target = pa.repeat(pa.scalar(table), len(ids))
        name = pc.binary_join_element_wise(files.cast(pa.string()), target, ids, ":")
        self.writers["feed_rows"].add(pa.table({"feed_row_id": name, "file": files, "target": target, "id": ids}))


def event_select(columns: Sequence[str]) -> str:
    """Write the SELECT of the events in `known` of whom somebody is known."""
    own = ", ".join(name for name in ("file", "event_id", "occurred_at", *_EVENT_COLUMNS) if name in columns)
    return f"SELECT {own}, person_id, account_id FROM known WHERE NOT ({NOBODY})"  # noqa: S608 - names of our own


@contextmanager
def landing(job: Job, came: Mapping[str, str | None] | None = None) -> Iterator[Landing]:
    """Open the writers of one transaction; whom the CRM knows is looked up as it is now.

    came: relations of the people and accounts to look among alone, by table.
    """
    with job.engine() as engine, ExitStack() as stack:
        index_subjects(engine, job.lake, came)
        writers = {table: stack.enter_context(job.lake.writer(table, key)) for table, key in TABLE_KEYS.items()}
        yield Landing(job, engine, writers)
