"""What the outbox remembers for ever of people whom feeds found: which record came of them."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Final

from connector.store import outbox
from connector.store.outbox import OutboxRow

KEY_PREFIX: Final = "llp-"  # of every key of a created person, and of no task's


def made(row: OutboxRow) -> bool:
    """Tell whether a settled creation made a record, and did not find one there."""
    return row.state == "done" and (row.reason is None or row.reason.startswith("without "))


def made_by_run(state: sqlite3.Connection, run_id: str) -> tuple[int, int]:
    """Count the people whom a run created, and those whom it found there instead."""
    done = [row for row in outbox.with_prefix(state, KEY_PREFIX) if (row.run_id, row.state) == (run_id, "done")]
    created = sum(map(made, done))
    return created, len(done) - created


def created_by_feed(state: sqlite3.Connection) -> Counter[str]:
    """Count by feed the people who were created."""
    return Counter(str(row.payload["feed"]) for row in outbox.with_prefix(state, KEY_PREFIX) if made(row))


def came_from(state: sqlite3.Connection, record: str) -> Iterator[str]:
    """Say of a record that a feed found it, and whether it was created then."""
    for row in outbox.with_prefix(state, KEY_PREFIX):
        if row.state == "done" and row.result_id is not None and row.result_id[:15] == record[:15]:
            what = "created from" if made(row) else "was in the CRM already when it was found by"
            yield f"{what} feed {row.payload['feed']} (run {row.run_id})"
