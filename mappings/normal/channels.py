"""The way somebody came: what vendors, forms and links call it, brought to a few channels."""

import functools
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from mappings.lists import PACKAGED, Lists, load_words
from mappings.normal.phrases import Phrases
from mappings.normal.words import fold

PARTS: Final = "|"
UNKNOWN: Final = "unknown"
_CLICK_IDS: Final[Mapping[str, str]] = {
    "gclid": "paid_search", "gbraid": "paid_search", "wbraid": "paid_search", "msclkid": "paid_search",
    "li_fat_id": "paid_social", "ttclid": "paid_social",
}  # fmt: skip
# utm_medium as Google Analytics groups channels: https://support.google.com/analytics/answer/9756891
_PAID: Final = frozenset({"cpc", "ppc", "paid", "paidsearch", "sem", "cpv", "paid search"})
_SOCIAL: Final = frozenset({"organic_social", "paid_social"})


def source_class(text: str, lists: Lists = PACKAGED) -> str | None:
    """Reduce a source to its channel; null where nothing is known of it, which is never taken for any channel.

    Several fields come as one text with `|` between them, the one that says most first: HubSpot's original source and
    its drill-downs, utm_source and utm_medium, or the address of a landing page with its utm parameters. The channels:
    paid_search, paid_social, display, organic_search, organic_social, email, referral, partner, event, outbound,
    agency_booked_meeting (never counted as outbound), direct.

    >>> source_class("PAID_SOCIAL"), source_class("Trade Show"), source_class("facebook|cpc"), source_class("Web")
    ('paid_social', 'event', 'paid_social', None)
    """
    parts = [part.strip() for part in text.split(PARTS) if part.strip()]
    tagged = [found for part in parts for found in _tagged(part, lists)]
    named = [found for part in parts if "://" not in part for found in _channels(part, lists)]
    if "agency_booked_meeting" in (*named, *tagged):
        return "agency_booked_meeting"
    if tagged:
        return tagged[0]
    if any(fold(part) in _PAID for part in parts):
        return "paid_social" if _SOCIAL & set(named) else "paid_search"
    return next((found for found in named if found != UNKNOWN), None)


def _channels(part: str, lists: Lists) -> Iterable[str]:
    """Give what one field says: the phrase that it is, else the first class of the table that it names."""
    phrases, order = _table(lists)
    if whole := phrases.whole(part):
        return (whole,)
    named = set(phrases.meanings(part))
    return [channel for channel in order if channel in named][:1]


def _tagged(part: str, lists: Lists) -> list[str]:
    """Give what the query of an address says: utm parameters before the click ids of advertisers."""
    if "://" not in part:
        return []
    try:
        asked = parse_qs(urlsplit(part).query)
    except ValueError:
        return []
    words = [asked[name][0] for name in ("utm_source", "utm_medium") if name in asked]
    found = source_class(PARTS.join(reversed(words)), lists) if words else None
    ids = [channel for name, channel in _CLICK_IDS.items() if name in asked]
    return [found] if found else ids


@functools.cache
def _table(lists: Lists) -> tuple[Phrases, tuple[str, ...]]:
    words = load_words("source", lists)
    return Phrases(words), tuple(words)


__all__ = ["source_class"]
