"""Read a feed's files as a run would, and land nothing."""

from collections import Counter
from typing import Any

import duckdb

from connector.feeds.files import Found, find_files, refuse_oversized
from connector.feeds.index import index_subjects, keyed_to_known
from connector.feeds.keyed import attributes_of, events_of
from connector.feeds.landing import NOBODY, SUBJECT
from connector.feeds.pieces import UnreadableFile
from connector.feeds.reader import Use, piece_rejects, refuse_many, whole_pieces
from connector.reading import Reading
from mappings.feed_rows import KeyedRows, keyed_rows

MOST_REASONS = 5


def tried(reading: Reading, use: Use) -> list[dict[str, Any]]:
    """Tell of each file what it would give, or why it would be refused.

    Counts rows, events, attributes, unknown (events and attributes of nobody known), rejects and passed.
    """
    files = find_files(use.settings.path, reading.folder.parent) if use.settings.path else []
    with reading.engine() as engine:
        index_subjects(engine, reading.lake)
        return [_tried(engine, use, file) for file in files]


def _tried(engine: duckdb.DuckDBPyConnection, use: Use, file: Found) -> dict[str, Any]:
    counts: Counter[str] = Counter(rows=0, events=0, attributes=0, unknown=0, rejects=0, passed=0)
    reasons: list[str] = []
    problem = None
    try:
        refuse_oversized(file, use.settings.max_mb)
        with engine.cursor() as parser:
            for piece in whole_pieces(use, file, parser):
                keyed = keyed_rows(use.feed, piece.rows, file.modified_at)
                rejects = piece_rejects(piece, keyed)
                reasons += [f"line {reject.line}: {reject.reason}" for reject in rejects[: MOST_REASONS - len(reasons)]]
                counts.update(rows=piece.rows.num_rows + len(piece.rejects), rejects=len(rejects), passed=keyed.passed)
                _count(engine, use, keyed, counts)
        refuse_many(use.settings, counts, reasons)
    except UnreadableFile as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    return {"file": file.name, **counts, "reasons": reasons, "problem": problem}


def _count(engine: duckdb.DuckDBPyConnection, use: Use, keyed: KeyedRows, counts: Counter[str]) -> None:
    """Count who is known."""
    for name, table, relation, nobody in (
        ("events", keyed.events, events_of, NOBODY),
        ("attributes", keyed.attributes, attributes_of, f"{SUBJECT} IS NULL"),
    ):
        if table.num_rows:
            rows = relation(engine, keyed, use.settings.id, 0)
            known = keyed_to_known(rows, engine.sql(f"SELECT * FROM {rows}").columns)  # noqa: S608 - a relation of our own
            select = f"SELECT count(*), count(*) FILTER (WHERE {nobody}) FROM ({known})"  # noqa: S608 - as above
            total, unknown = engine.execute(select).fetchall()[0]
            counts.update({name: total - unknown, "unknown": unknown})
