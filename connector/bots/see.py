"""How flags are seen: an event that is flagged is a bot's in every score, and a person can be told which and why."""

from dataclasses import dataclass
from typing import Final

import duckdb

from connector.store.lake import Lake
from connector.successors import follow
from connector.tables import FLAGS
from connector.view import Relations, View

KEY: Final = "event_id"


@dataclass(frozen=True)
class LeftOut:
    """Count the events of a type that do not count, and say why."""

    type: str
    events: int
    reason: str

    def sentence(self) -> str:
        """Tell it in one line."""
        return f"not counted: {self.events} x {self.type.replace('_', ' ')} ({self.reason})"


def unflagged(view: View, found: Relations) -> Relations:
    """Mark flagged events as a bot's; a store without flags is read as it is."""
    flags, events = view.lake.relation(FLAGS), found.get("events")
    if flags is None or events is None:
        return found
    marked = f"{KEY} IN (SELECT {KEY} FROM {flags})"  # noqa: S608 - a file list of our own making
    if "is_bot" in view.lake.columns("events"):
        return {**found, "events": f"(SELECT * REPLACE (coalesce(is_bot, false) OR {marked} AS is_bot) FROM {events})"}  # noqa: S608 - as above
    return {**found, "events": f"(SELECT *, {marked} AS is_bot FROM {events})"}  # noqa: S608 - as above


def left_out(engine: duckdb.DuckDBPyConnection, lake: Lake, subject_id: str) -> list[LeftOut]:
    """List what a person or account did that does not count, most events first."""
    flags, events = lake.relation(FLAGS), lake.relation("events")
    if flags is None or events is None:
        return []
    whose = follow(lake, flags, ("person_id", "account_id"))
    rows = engine.execute(
        f"""SELECT e.type, count(*), f.reason FROM (SELECT * FROM {whose} WHERE ? IN (person_id, account_id)) f
            JOIN {events} e USING ({KEY}) GROUP BY 1, 3 ORDER BY 2 DESC, 1, 3""",  # noqa: S608 - as above
        [subject_id],
    ).fetchall()
    return [LeftOut(kind, count, reason) for kind, count, reason in rows]


def flag_counts(engine: duckdb.DuckDBPyConnection, lake: Lake) -> list[dict[str, object]]:
    """Count flagged events and whose they are, by reason."""
    flags = lake.relation(FLAGS)
    if flags is None:
        return []
    rows = engine.execute(
        f"""SELECT reason, count(*), count(DISTINCT coalesce(person_id, account_id)) FROM {flags}
            GROUP BY 1 ORDER BY 2 DESC, 1"""  # noqa: S608 - as above
    ).fetchall()
    return [{"reason": reason, "events": events, "people": people} for reason, events, people in rows]
