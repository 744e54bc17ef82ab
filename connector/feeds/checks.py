"""What is wrong with the [[feed]] of a configuration, held against what the columns of each mean."""

from collections.abc import Iterator

from connector.settings.file import Settings
from mappings.feed import Feed
from mappings.feed_loader import load_feed
from mappings.loader import MappingError
from mappings.privacy import sensitivity


def feed_problems(settings: Settings) -> Iterator[str]:
    """Check that every feed has a file that says what its columns mean, and reads nothing that nobody has allowed."""
    for one in settings.feed:
        try:
            feed = load_feed(one.use)
        except MappingError as error:
            yield from (f"feed.{one.id}: {problem}" for problem in error.problems)
        else:
            if one.path is None and feed.time is None and feed.event:
                yield f"feed.{one.id}: {one.use}: its events need a `time`: what comes again would be new again"
            yield from (f"feed.{one.id}: {problem}" for problem in _sensitive(feed, settings.signals.sensitive))


def _sensitive(feed: Feed, allowed: tuple[str, ...]) -> Iterator[str]:
    for column in feed.columns():
        if column not in allowed and (kind := sensitivity(column)) is not None:
            yield f"the column {column!r} speaks of {kind}; name it in signals.sensitive where it may be read"
