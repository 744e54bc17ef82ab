"""Read one file of a feed whole, and commit what it gives with its line in the ledger; or say why it is refused."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import duckdb
import pyarrow.compute as pc

from connector.crash import crash_point
from connector.feeds import ledger, spool
from connector.feeds.files import Found, digest, refuse_oversized
from connector.feeds.keyed import allowed_rows, attributes_of, events_of
from connector.feeds.landing import Landing, landing
from connector.feeds.ledger import FeedFile
from connector.feeds.pieces import Piece, Reject, UnreadableFile
from connector.feeds.tables import pieces
from connector.job import Job
from connector.settings.feeds import FeedSettings
from connector.settings.signals import SignalSettings
from connector.store.state import transaction
from mappings.feed import Feed
from mappings.feed_rows import KeyedRows, keyed_rows
from mappings.feed_share import Shares, with_shares

FEW_REJECTS: Final = 10  # so many never refuse a file, whatever their share


@dataclass(frozen=True)
class Use:
    """Bind a feed's settings to what its columns mean."""

    settings: FeedSettings
    feed: Feed

    @property
    def adds(self) -> bool:
        """Tell whether files add to each other, as messages and answers do, in place of being changed."""
        return self.settings.path is None

    def name(self, file: Found) -> str:
        """Name a file in the ledger; all that came by the network is one."""
        if self.settings.url is not None:
            parts = urlsplit(self.settings.url)
            return f"{parts.scheme}://{parts.netloc}{parts.path}"
        return "inbox" if self.settings.inbox else file.name


def read_by(use: Use, signals: SignalSettings) -> str:
    """Name all that decides what a file's rows become."""
    settings = use.settings
    unknown = "hold" if settings.holds else settings.unknown
    limits = f"{unknown} {settings.max_mb} {settings.max_rejects_share}"
    return f"{use.feed.hash} {limits} {signals.version}"


def read_file(job: Job, use: Use, file: Found) -> dict[str, int]:
    """Read one file whole and commit it, or note why it cannot be; one that changes meanwhile is left for later."""
    settings = use.settings
    by = read_by(use, job.settings.signals)
    entry = FeedFile(settings.id, use.name(file), file.bytes, file.changed_ns, "", by)
    before = ledger.files(job.state, entry.feed).get((entry.feed, entry.name))
    try:
        refuse_oversized(file, settings.max_mb)
        entry = replace(entry, sha256=digest(file))
        if not use.adds and before is not None and (before.sha256, before.read_by) == (entry.sha256, by):
            with transaction(job.state):  # it was touched, and holds what it held
                ledger.put(job.state, replace(before, bytes=entry.bytes, changed_ns=entry.changed_ns))
            return {}
        found = _land(job, use, file, entry, before if use.adds else None)
        if use.adds:
            spool.drop(file)
        return found
    except UnreadableFile as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    with transaction(job.state):
        if before is not None:  # what it gave earlier is still there
            entry = replace(entry, counts=before.counts, newest_at=before.newest_at)
        ledger.put(job.state, replace(entry, problem=problem))
    return {"refused": 1}


def _land(job: Job, use: Use, file: Found, entry: FeedFile, added_to: FeedFile | None) -> dict[str, int]:
    number = ledger.number(job.state, entry.feed, entry.name)
    counts: Counter[str] = Counter(rows=0, passed=0, rejects=0)
    newest: datetime | None = None
    reasons: list[str] = []
    with landing(job) as lands, job.engine() as parser:
        for piece in whole_pieces(use, file, parser):
            at = _land_piece(lands, use, file, piece, number, counts, reasons)
            newest = max((moment for moment in (at, newest) if moment), default=None)
            job.progress.advance(piece.rows.num_rows)
        if not use.adds:
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
            ledger.put(job.state, _entered(entry, added_to, counts, newest))
        crash_point("feed: committed")
    return dict(counts)


def _entered(entry: FeedFile, added_to: FeedFile | None, counts: Counter[str], newest: datetime | None) -> FeedFile:
    """Give the line of the ledger; what came by the network adds to what came before."""
    if added_to is not None:
        counts = counts + Counter(added_to.counts)
        newest = max((at for at in (newest, added_to.newest_at) if at), default=None)
    return replace(entry, counts=dict(counts), newest_at=newest)


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
    keyed = allowed_rows(
        keyed_rows(use.feed, piece.rows, file.modified_at, repeats=not use.adds), lands.job.settings.signals
    )
    rejects = piece_rejects(piece, keyed)
    if lands.job.settings.signals.bare:
        rejects = [replace(reject, text="") for reject in rejects]
    lands.add_rejects(use.settings.id, number, file.name, rejects)
    reasons += [f"line {reject.line}: {reject.reason}" for reject in rejects[: 3 - len(reasons)]]
    counts.update(rows=piece.rows.num_rows + len(piece.rejects), rejects=len(rejects), passed=keyed.passed)
    where = (lands.engine, keyed, use.settings.id, number)
    hold = use.settings.holds
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
