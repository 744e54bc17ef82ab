"""Whether the feeds of a configuration that create people can, held against the mapping's [create]."""

from collections.abc import Iterator

from connector.settings.file import Settings
from mappings.create import EMAIL
from mappings.feed import Feed
from mappings.feed_loader import load_feed
from mappings.loader import MappingError
from mappings.model import Mapping


def creating(settings: Settings, mapping: Mapping) -> Mapping:
    """Give the mapping that makes use of its [create] where a feed does; else nothing of it is made or asked for."""
    return mapping.model_copy(update={"creating": any(feed.creates for feed in settings.feed)})


def create_problems(settings: Settings, mapping: Mapping) -> Iterator[str]:
    """Name what keeps a feed with unknown = "create" from creating anybody, all at once."""
    asking = [feed for feed in settings.feed if feed.creates]
    if not asking:
        return
    create = mapping.create
    if create is None:
        yield f'feed.{asking[0].id}.unknown: "create" needs a [create] in the mapping {settings.crm.mapping}'
        return
    if create.object not in mapping.address_fields():
        told = f"create.object: {create.object} is not read as people with an `email`, so that nobody would be found"
        yield f"{told}; one of {', '.join(mapping.address_fields()) or 'none'}"
    for one in asking:
        try:
            feed = load_feed(one.use)
        except MappingError:
            continue  # told by the check of all feeds
        yield from (f"feed.{one.id}.unknown: {problem}" for problem in _problems(feed, create.needed))


def _problems(feed: Feed, needed: tuple[str, ...]) -> Iterator[str]:
    if EMAIL not in feed.key.columns() or not feed.person:
        yield '"create" takes a feed with key.email and attributes of a [person]; set "hold"'
        return
    missing = [name for name in needed if name not in feed.person]
    if missing:
        told = f"[person] of {feed.vendor} gives no {' and no '.join(missing)}, which [create] needs"
        yield f"{told}; name the columns there, or a `default` in the mapping's [create.fields]"
