"""Event occurrences: page views, form submissions, mail events and custom events.

Table `event_occurrences`: event_type (`e_visited_page`, ...), occurred_at in milliseconds, id, object_type (plural
name), object_id (whole number), properties (JSON object of text values).
"""

from collections.abc import Iterable

from connector.sandbox.storage import Storage

TABLE = """
CREATE TABLE IF NOT EXISTS event_occurrences (event_type TEXT, occurred_at INTEGER, id TEXT, object_type TEXT,
  object_id INTEGER, properties TEXT, PRIMARY KEY (event_type, occurred_at, id)) WITHOUT ROWID
"""
BY_OBJECT = """
CREATE INDEX IF NOT EXISTS event_object ON event_occurrences (object_type, object_id, occurred_at, id)
"""
BY_TIME = "CREATE INDEX IF NOT EXISTS event_time ON event_occurrences (occurred_at, id)"


def install(storage: Storage) -> None:
    """Make the table."""
    for statement in (TABLE, BY_OBJECT, BY_TIME):
        storage.execute(statement)


def seed_events(storage: Storage, rows: Iterable[tuple[str, str, str, int, int, str]]) -> None:
    """Add many events at once, unjournaled: (id, event type, object plural, object id, occurred at in ms, JSON).

    Rows sorted by (event type, time, id) are stored fastest.
    """
    storage.seed_rows(
        "INSERT INTO event_occurrences (id, event_type, object_type, object_id, occurred_at, properties)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )
