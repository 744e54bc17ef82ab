"""What normalisers could not read: job titles without a level, people of whom nobody knows where they came from.

A share is noted once a day, so that it is seen when the words that people use move away from the lists.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import duckdb

from connector.job import Job
from connector.store.lake import Lake
from connector.store.state import store_errors, transaction

_FACT: Final = "readings"
KEPT_DAYS: Final = 60
COMPARED_DAYS: Final = 7
MOVED_SHARE: Final = 0.05  # a share that grew by more in a week means that something changed
UNKNOWN_SHARE: Final = 0.4  # of sources; above it, channels cannot be compared
FEWEST: Final = 50  # people, below whom a share is not judged


@dataclass(frozen=True)
class Kind:
    """Name what is read and what it becomes; blank_counts: who has nothing to read is unread too."""

    raw: str
    meaning: str
    blank_counts: bool


KINDS: Final[Mapping[str, Kind]] = {
    "titles": Kind("title", "seniority", blank_counts=False),
    "sources": Kind("source", "source_class", blank_counts=True),
}


@dataclass(frozen=True)
class Share:
    """Count people with something to read, and those of whom nothing is known."""

    people: int
    unread: int

    @property
    def share(self) -> float:
        """Give the share of the unread, 0..1."""
        return self.unread / self.people if self.people else 0.0


def share_of(engine: duckdb.DuckDBPyConnection, lake: Lake, what: str) -> Share | None:
    """Count what is unread of people as they are now; null where the mapping does not read it."""
    kind, people = KINDS[what], lake.relation("people")
    if people is None or not {kind.raw, kind.meaning} <= lake.columns("people").keys():
        return None
    asked = "true" if kind.blank_counts else f"nullif(trim({kind.raw}), '') IS NOT NULL"
    rows = engine.execute(
        f"SELECT count(*), count(*) FILTER ({kind.meaning} IS NULL) FROM {people} WHERE {asked}"  # noqa: S608 - a file list and names of our own
    ).fetchall()
    return Share(*rows[0])


def meanings(engine: duckdb.DuckDBPyConnection, lake: Lake, what: str) -> dict[str, int]:
    """Count people by what was read, most first; the unread are not among them."""
    kind, people = KINDS[what], lake.relation("people")
    if people is None or kind.meaning not in lake.columns("people"):
        return {}
    select = (
        f"SELECT {kind.meaning}, count(*) FROM {people} WHERE {kind.meaning} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608 - as above
    )
    return dict(engine.execute(select).fetchall())


def unread(engine: duckdb.DuckDBPyConnection, lake: Lake, what: str, limit: int | None = None) -> list[tuple[str, int]]:
    """List texts that gave nothing, by how many people have them; case and white space are one."""
    if share_of(engine, lake, what) is None:
        return []
    kind = KINDS[what]
    text = f"lower(regexp_replace(trim({kind.raw}), '\\s+', ' ', 'g'))"
    rows = engine.execute(
        f"""SELECT {text}, count(*) FROM {lake.relation("people")}
            WHERE nullif(trim({kind.raw}), '') IS NOT NULL AND {kind.meaning} IS NULL
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?""",  # noqa: S608 - as above
        [limit],
    ).fetchall()
    return [(str(found), int(n)) for found, n in rows]


def unread_titles(engine: duckdb.DuckDBPyConnection, lake: Lake, limit: int | None = None) -> list[tuple[str, int]]:
    """List job titles that give no level, by how many people have them."""
    return unread(engine, lake, "titles", limit)


def note_readings(job: Job) -> None:
    """Note today's shares where people changed since they were noted last."""
    files = [file.seq for file in job.lake.files("people")]
    held = _held(job.state)
    if not files or held["files"] == files:
        return
    with closing(job.engine()) as engine:
        found = {what: share_of(engine, job.lake, what) for what in KINDS}
    today = job.connection.server_time_at.date()
    first = (today - timedelta(days=KEPT_DAYS)).isoformat()
    days = {day: shares for day, shares in held["days"].items() if day >= first}
    days[today.isoformat()] = {what: [one.people, one.unread] for what, one in found.items() if one is not None}
    with transaction(job.state):
        job.state.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (_FACT, json.dumps({"files": files, "days": days}))
        )


def earlier(state: sqlite3.Connection, what: str) -> tuple[date, Share] | None:
    """Give the share of a week before the newest note, else the oldest there is; null with less than two notes."""
    days: dict[str, Any] = _held(state)["days"]
    noted = sorted(day for day, shares in days.items() if what in shares)
    if len(noted) < 2:
        return None
    since = (date.fromisoformat(noted[-1]) - timedelta(days=COMPARED_DAYS)).isoformat()
    day = max((one for one in noted[:-1] if one <= since), default=noted[0])
    return date.fromisoformat(day), Share(*days[day][what])


def alarms(what: str, now: Share, before: tuple[date, Share] | None) -> Iterator[str]:
    """Say what ought to be looked at: too much is unknown, or much more than a week ago."""
    if now.people < FEWEST:
        return
    if what == "sources" and now.share > UNKNOWN_SHARE:
        advice = "set hidden fields in forms, or map the field that has it"
        yield f"the source of {now.share:.0%} of people is unknown: {advice}"
    if before is not None and now.share - before[1].share > MOVED_SHARE:
        then = f"{before[1].share:.0%} on {before[0]:%d %b %Y}"
        yield f"{what} that could not be read are {now.share:.0%}, and were {then}"


def _held(state: sqlite3.Connection) -> dict[str, Any]:
    with store_errors():
        row = state.execute("SELECT value FROM facts WHERE name = ?", (_FACT,)).fetchone()
    found: dict[str, Any] = json.loads(row[0]) if row else {"files": [], "days": {}}
    return found
