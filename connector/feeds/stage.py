"""The feeds stage: rows of files that are new or changed, landed with the ledger of files in one transaction each."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from connector.errors import ConfigError, LeadlightError, StoreError
from connector.feeds import ledger, spool
from connector.feeds.fetch import fetch
from connector.feeds.files import Found, find_files
from connector.feeds.held import retry_held
from connector.feeds.landing import TABLE_KEYS
from connector.feeds.reader import Use, read_by, read_file
from connector.job import Job
from connector.settings.feeds import FeedSettings
from mappings.feed_loader import load_feed
from mappings.loader import MappingError

CLUSTERED: Final = {
    "events": ("person_id", "occurred_at"),
    "attributes": ("role", "subject_id", "name", "vendor", "observed_at"),
    "held": ("feed",),
    "feed_rejects": ("feed",),
    "feed_rows": ("file",),
}


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
        _fetch(job, use.settings)
        for file in to_read(job, use):
            if job.stop.is_set():
                break
            found = read_file(job, use, file)
            counts.update(found)
            if "refused" in found and use.adds:  # what came after it waits too, until the feed is put right
                break
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
        return spool.waiting(job.folder, use.settings.id)
    known = ledger.files(job.state, use.settings.id)
    found = []
    for file in find_files(use.settings.path, job.folder.parent):
        before = known.get((use.settings.id, file.name))
        is_same = before is not None and (before.bytes, before.changed_ns) == (file.bytes, file.changed_ns)
        if not is_same or before is None or before.read_by != read_by(use, job.settings.signals):
            found.append(file)
    return found


def _fetch(job: Job, feed: FeedSettings) -> None:
    """Ask an address for what is new, unless what it gave last still waits; a failure is told and waits for later."""
    if feed.url is None or spool.waiting(job.folder, feed.id):
        return
    try:
        fetch(job, feed)
    except StoreError:
        raise
    except LeadlightError as error:
        job.switched_off.append(f"feed {feed.id}: {error.message}")
