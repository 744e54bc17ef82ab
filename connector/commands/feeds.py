"""Commands for feeds: what came, what waits, what could not be read, and what a file would give."""

import signal
import threading
from pathlib import Path

from connector import log
from connector.errors import ConfigError
from connector.feeds.inbox import PATH, has_inbox, serving
from connector.feeds.look import MOST_SHOWN, feed_rows, held_rows, refused_lines, reject_rows
from connector.feeds.stage import uses
from connector.feeds.trial import tried
from connector.loading import load_parts
from connector.output import Output, table
from connector.prospects.told import why_held
from connector.reading import Reading, open_reading
from scoring.names import nearest

_LISTED = ("feed", "files", "rows", "events", "attributes", "held", "created", "rejects", "newest_at")
_TRIED = ("file", "rows", "events", "attributes", "unknown", "rejects", "passed")


def feeds_list(out: Output, config: Path) -> None:
    """List the feeds with what came of each."""
    with open_reading(config) as reading, reading.engine() as engine:
        rows = feed_rows(engine, reading.state, reading.lake, reading.settings.feed)
    cells = [[_cell(row[name]) for name in _LISTED] for row in rows]
    out.result({"feeds": rows}, [table(None, _LISTED, cells), *refused_lines(rows)])


def feeds_check(out: Output, config: Path, feed: str | None) -> int:
    """Read the files of feeds and land nothing; gives 1 where a file would be refused."""
    with open_reading(config) as reading:
        _refuse_unknown(reading, feed)
        asked = [use for use in uses(reading.settings.feed) if feed in (None, use.settings.id)]
        found = [{"feed": use.settings.id, **row} for use in asked for row in tried(reading, use)]
    cells = [[_cell(row[name]) for name in ("feed", *_TRIED)] for row in found]
    lines = [f"{row['file']}: {reason}" for row in found for reason in row["reasons"]]
    refused = [f"{row['file']}: {row['problem']}" for row in found if row["problem"]]
    out.result({"files": found}, [table(None, ("feed", *_TRIED), cells), *lines, *refused])
    return 1 if refused else 0


def feeds_serve(out: Output, config: Path) -> None:
    """Take messages of webhooks until a signal; prints where they are taken."""
    settings, _, _ = load_parts(config)
    if not has_inbox(settings.feed):
        raise ConfigError("no [[feed]] has inbox = true")
    log.configure(settings.log.level, settings.log.format, settings.secrets())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with serving(settings) as address:
        feeds = {feed.id: f"{address}{PATH}{feed.id}" for feed in settings.feed if feed.inbox}
        out.result({"address": address, "feeds": feeds}, [f"{name}: {place}" for name, place in feeds.items()])
        stop.wait()


def feeds_held(out: Output, config: Path, feed: str | None) -> None:
    """List whom rows wait for that the CRM does not know, and of feeds that create people why they still do."""
    with open_reading(config) as reading, reading.engine() as engine:
        _refuse_unknown(reading, feed)
        rows = held_rows(engine, reading.lake, feed)
        why = why_held(engine, reading, {row["key"] for row in rows})
    creating = {one.id for one in reading.settings.feed if one.creates}
    rows = [row | {"why": why.get(row["key"])} if row["feed"] in creating else row for row in rows]
    heads = ("feed", "key", "rows", *(("why",) if creating else ()))
    out.result({"held": rows}, [table(None, heads, [[_cell(row.get(name)) for name in heads] for row in rows])])


def feeds_rejects(out: Output, config: Path, feed: str | None) -> None:
    """List lines that could not be read, with reasons; the newest files' problems stand in the list of feeds."""
    with open_reading(config) as reading, reading.engine() as engine:
        _refuse_unknown(reading, feed)
        rows = reject_rows(engine, reading.lake, feed)
    heads = ("feed", "file", "line", "reason", "text")
    more = [f"the first {MOST_SHOWN} are shown"] if len(rows) == MOST_SHOWN else []
    out.result({"rejects": rows}, [table(None, heads, [[_cell(row[name]) for name in heads] for row in rows]), *more])


def _refuse_unknown(reading: Reading, feed: str | None) -> None:
    known = [one.id for one in reading.settings.feed]
    if feed is not None and feed not in known:
        raise ConfigError(f"there is no [[feed]] with id {feed!r}{nearest(feed, known)}")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
