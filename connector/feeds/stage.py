"""The feeds stage: rows of files that are new or changed, landed with the ledger of files in one transaction each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import duckdb
import pyarrow.compute as pc

from connector.crash import crash_point
from connector.errors import ConfigError
from connector.feeds import ledger
from connector.feeds.files import Found, digest, find_files, refuse_oversized
from connector.feeds.held import retry_held
from connector.feeds.keyed import allowed_rows, attributes_of, events_of
from connector.feeds.landing import TABLE_KEYS, Landing, landing
from connector.feeds.ledger import FeedFile
from connector.feeds.pieces import Piece, Reject, UnreadableFile
from connector.feeds.tables import pieces
from connector.job import Job
from connector.settings.feeds import FeedSettings
from connector.settings.signals import SignalSettings
from connector.store.state import transaction
from mappings.feed import Feed
from mappings.feed_loader import load_feed
from mappings.feed_rows import KeyedRows, keyed_rows
from mappings.feed_share import Shares, with_shares
from mappings.loader import MappingError

FEW_REJECTS: Final = 10  # so many never refuse a file, whatever their share
CLUSTERED: Final = {
    "events": ("person_id", "occurred_at"),
    "attributes": ("role", "subject_id", "name", "vendor", "observed_at"),
    "held": ("feed",),
    "feed_rejects": ("feed",),
    "feed_rows": ("file",),
}


@dataclass(frozen=True)
class Use:
    """Bind a feed's settings to what its columns mean."""

    settings: FeedSettings
    feed: Feed


def feeds_stage(job: Job) -> dict[str, int]:
    """Read what is new of every feed; returns counts of rows, events, attributes, held, dropped, rejects and passed.

    A file that cannot be read is noted, and told with what was switched off; the others are read.
    """
    counts: Counter[str] = Counter()
    if not job.settings.feed:
        return {}
    counts.update(retry_held(job))
    for use in uses(job.settings.feed):
        job.progress.begin(f"feed {use.settings.id}")
        for file in to_read(job, use):
            if job.stop.is_set():
                break
            counts.update(read_file(job, use, file))
        for known in ledger.files(job.state, use.settings.id).values():
            if known.problem:
                job.switched_off.append(f"feed {known.feed}: {known.name}: {known.problem}")
    if counts:
        for table, order in CLUSTERED.items():
            job.lake.compact(table, TABLE_KEYS[table], order)
    return dict(counts)


def uses(settings: Sequence[FeedSettings]) -> list[Use]:
    """Load what the columns of every feed mean; raises ConfigError with all problems."""
    found, problems = [], []
    for one in settings:
        try:
            found.append(Use(one, load_feed(one.use)))
        except MappingError as error:
            problems += [f"feed.{one.id}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return found


def to_read(job: Job, use: Use) -> list[Found]:
    """List the files that were not read yet as they are, with what their columns mean now."""
    if use.settings.path is None:
        return []
    known = ledger.files(job.state, use.settings.id)
    found = []
    for file in find_files(use.settings.path, job.folder.parent):
        before = known.get((use.settings.id, file.name))
        is_same = before is not None and (before.bytes, before.changed_ns) == (file.bytes, file.changed_ns)
        if not is_same or before is None or before.read_by != read_by(use, job.settings.signals):
            found.append(file)
    return found


def read_by(use: Use, signals: SignalSettings) -> str:
    """Name all that decides what a file's rows become."""
    return f"{use.feed.hash} {use.settings.unknown} {signals.version}"


def read_file(job: Job, use: Use, file: Found) -> dict[str, int]:
    """Read one file whole and commit it, or note why it cannot be; one that changes meanwhile is left for later."""
    settings = use.settings
    entry = FeedFile(settings.id, file.name, file.bytes, file.changed_ns, "", read_by(use, job.settings.signals))
    try:
        refuse_oversized(file, settings.max_mb)
        entry = replace(entry, sha256=digest(file))
        if _is_known(job, entry):
            return {}
        return _land(job, use, file, entry)
    except UnreadableFile as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    with transaction(job.state):
        ledger.put(job.state, replace(entry, problem=problem))
    return {"refused": 1}


def _land(job: Job, use: Use, file: Found, entry: FeedFile) -> dict[str, int]:
    number = ledger.number(job.state, entry.feed, entry.name)
    counts: Counter[str] = Counter(rows=0, passed=0, rejects=0)
    newest: datetime | None = None
    reasons: list[str] = []
    with landing(job) as lands, job.engine() as parser:
        for piece in whole_pieces(use, file, parser):
            at = _land_piece(lands, use, file, piece, number, counts, reasons)
            newest = max((moment for moment in (at, newest) if moment), default=None)
            job.progress.advance(piece.rows.num_rows)
        refuse_many(use.settings, counts, reasons)
        lands.take_back(number)
        deltas = lands.close()
        crash_point("feed: files written")
        if not file.is_settled:
            return {"unsettled": 1}
        counts.update(lands.counts)
        with transaction(job.state):
            for delta in deltas:
                job.lake.commit(delta)
            ledger.put(job.state, replace(entry, counts=dict(counts), newest_at=newest))
    return dict(counts)


def _is_known(job: Job, entry: FeedFile) -> bool:
    """Tell whether a file that was touched holds what it held; the ledger then learns how it stands now."""
    before = ledger.files(job.state, entry.feed).get((entry.feed, entry.name))
    if before is None or (before.sha256, before.read_by) != (entry.sha256, entry.read_by):
        return False
    with transaction(job.state):
        ledger.put(job.state, replace(before, bytes=entry.bytes, changed_ns=entry.changed_ns))
    return True


def whole_pieces(use: Use, file: Found, parser: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    """Read a file; twice, where rows carry what is counted over all of it."""
    if not use.feed.share:
        yield from pieces(file.path, use.feed, parser)
        return
    counted = Shares(use.feed)
    for piece in pieces(file.path, use.feed, parser):
        counted.add(piece.rows)
    shares = counted.tables()
    for piece in pieces(file.path, use.feed, parser):
        yield replace(piece, rows=with_shares(use.feed, piece.rows, shares))


def _land_piece(
    lands: Landing, use: Use, file: Found, piece: Piece, number: int, counts: Counter[str], reasons: list[str]
) -> datetime | None:
    """Land what one piece gives; returns the time of its newest event or attribute."""
    keyed = allowed_rows(keyed_rows(use.feed, piece.rows, file.modified_at), lands.job.settings.signals)
    rejects = piece_rejects(piece, keyed)
    if lands.job.settings.signals.bare:
        rejects = [replace(reject, text="") for reject in rejects]
    lands.add_rejects(use.settings.id, number, file.name, rejects)
    reasons += [f"line {reject.line}: {reject.reason}" for reject in rejects[: 3 - len(reasons)]]
    counts.update(rows=piece.rows.num_rows + len(piece.rejects), rejects=len(rejects), passed=keyed.passed)
    where = (lands.engine, keyed, use.settings.id, number)
    hold = use.settings.unknown == "hold"
    newest = []
    if keyed.events.num_rows:
        lands.add_events(events_of(*where), hold=hold)
        newest.append(pc.max(keyed.events["occurred_at"]).as_py())
    if keyed.attributes.num_rows:
        lands.add_attributes(attributes_of(*where), hold=hold)
        newest.append(pc.max(keyed.attributes["observed_at"]).as_py())
    return max(newest, default=None)


def piece_rejects(piece: Piece, keyed: KeyedRows) -> list[Reject]:
    """List what cannot be used of a piece: lines that are no rows, and rows with a reason."""
    places = pc.indices_nonzero(pc.is_valid(keyed.reasons))
    lines, reasons = (values.take(places).to_pylist() for values in (piece.lines, keyed.reasons))
    told = zip(lines, reasons, places.to_pylist(), strict=True)
    return [*piece.rejects, *(Reject(line, reason, _row_text(piece, place)) for line, reason, place in told)]


def _row_text(piece: Piece, place: int) -> str:
    """Give a row as text to keep."""
    row = piece.rows.slice(place, 1).to_pylist()[0]
    return ", ".join(f"{name}={value}" for name, value in row.items() if value is not None)[:2000]


def refuse_many(settings: FeedSettings, counts: Counter[str], reasons: Sequence[str]) -> None:
    """Refuse a file of which too much cannot be read."""
    rejects, rows = counts["rejects"], counts["rows"]
    if rejects > max(settings.max_rejects_share * rows, FEW_REJECTS):
        raise UnreadableFile(
            f"{rejects:,} of {rows:,} rows cannot be read, max_rejects_share is {settings.max_rejects_share:g}: "
            f"{'; '.join(reasons)}"
        )
