"""What a store holds of its feeds, for people and programs that look."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from connector.feeds import ledger
from connector.prospects.ledger import created_by_feed
from connector.settings.feeds import FeedSettings
from connector.store.lake import Lake

MOST_SHOWN = 200


def feed_rows(
    engine: duckdb.DuckDBPyConnection, state: sqlite3.Connection, lake: Lake, feeds: Sequence[FeedSettings]
) -> list[dict[str, Any]]:
    """Tell of each feed, those that are no longer configured too: files, rows, newest row, what is held or refused, and
    how many people were created from it."""
    known = ledger.files(state).values()
    names = list(dict.fromkeys([*(feed.id for feed in feeds), *(file.feed for file in known)]))
    held, rejects = (_counts(engine, lake, table) for table in ("held", "feed_rejects"))
    created = created_by_feed(state)
    rows = [_feed_row(name, [file for file in known if file.feed == name], held, rejects) for name in names]
    return [row | {"created": created[row["feed"]]} for row in rows]


def held_rows(engine: duckdb.DuckDBPyConnection, lake: Lake, feed: str | None) -> list[dict[str, Any]]:
    """Count what is held by whom it waits for: feed, key and rows, most rows first."""
    relation = lake.relation("held")
    if relation is None:
        return []
    key = "coalesce(person_key, email, account_key, domain)"
    select = f"SELECT feed, {key} AS key, count(*) AS n FROM {relation} WHERE ? IS NULL OR feed = ? GROUP BY ALL"  # noqa: S608 - a file list of our own making
    rows = engine.execute(f"{select} ORDER BY n DESC, feed, key LIMIT {MOST_SHOWN}", [feed, feed]).fetchall()
    return [{"feed": name, "key": key, "rows": n} for name, key, n in rows]


def reject_rows(engine: duckdb.DuckDBPyConnection, lake: Lake, feed: str | None) -> list[dict[str, Any]]:
    """List lines that could not be read, with the reason of each."""
    relation = lake.relation("feed_rejects")
    if relation is None:
        return []
    select = f"SELECT feed, name, line, reason, text FROM {relation} WHERE ? IS NULL OR feed = ?"  # noqa: S608 - as above
    rows = engine.execute(f"{select} ORDER BY feed, name, line LIMIT {MOST_SHOWN}", [feed, feed]).fetchall()
    names = ("feed", "file", "line", "reason", "text")
    return [dict(zip(names, row, strict=True)) for row in rows]


def refused_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Say which files were refused."""
    return [f"refused: {row['feed']}: {one['file']}: {one['problem']}" for row in rows for one in row["refused"]]


def status_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Say of each feed what a status needs."""
    return [*(_status_line(row) for row in rows), *refused_lines(rows)]


def _status_line(row: Mapping[str, Any]) -> str:
    came = f"{row['rows']:,} rows of {row['files']:,} files, newest {row['newest_at'] or 'none'}"
    created = f", {row['created']:,} people created" if row["created"] else ""
    return f"feed {row['feed']}: {came}, {row['held']:,} held, {row['rejects']:,} rejects{created}"


def _counts(engine: duckdb.DuckDBPyConnection, lake: Lake, table: str) -> dict[str, int]:
    relation = lake.relation(table)
    return dict(engine.execute(f"SELECT feed, count(*) FROM {relation} GROUP BY feed").fetchall()) if relation else {}  # noqa: S608 - as above


def _feed_row(
    name: str, files: Sequence[ledger.FeedFile], held: dict[str, int], rejects: dict[str, int]
) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for file in files:
        counts.update(file.counts)
    newest = max((file.newest_at for file in files if file.newest_at), default=None)
    read = max((file.read_at for file in files if file.read_at), default=None)
    return {
        "feed": name,
        "files": len(files),
        "rows": counts["rows"],
        "events": counts["events"],
        "attributes": counts["attributes"],
        "passed": counts["passed"],
        "dropped": counts["dropped"],
        "held": held.get(name, 0),
        "rejects": rejects.get(name, 0),
        "newest_at": newest.isoformat() if newest else None,
        "read_at": read.isoformat() if read else None,
        "refused": [{"file": file.name, "problem": file.problem} for file in files if file.problem],
    }
