"""A world's events as HubSpot engagements and event occurrences."""

import json
from collections.abc import Iterator, Sequence
from functools import cache

from connector.sandbox.hubspot.associations import seed_associations
from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.hubspot.ids import seed_id
from connector.sandbox.hubspot_book import Book, Contact
from connector.sandbox.seeding import BATCH_ROWS, Batches, modified_s, second_text
from connector.sandbox.storage import Storage
from connector.sandbox.world.rows import Event, World

PAGE_VIEW, WEB_ACTIVITY = "e_visited_page", "pe4242424_web_activity"
ENGAGEMENTS: dict[str, Sequence[str]] = {
    "calls": ("hs_timestamp", "hs_call_title", "hs_call_status", "hs_call_direction", "hs_object_source"),
    "meetings": (
        *("hs_timestamp", "hs_meeting_title", "hs_meeting_outcome"),
        *("hs_meeting_start_time", "hs_meeting_end_time", "hs_object_source"),
    ),
    "emails": ("hs_timestamp", "hs_email_subject", "hs_email_status", "hs_email_direction", "hs_object_source"),
}
PLURALS = {"call": "calls", "meeting": "meetings", "email_sent": "emails"}

Occurrence = tuple[str, str, str, int, int, str]


def seed_activities(storage: Storage, book: Book, world: World) -> None:
    """Make engagements with their associations, and event occurrences, from one pass over the world's events."""
    batches = Batches(storage, ENGAGEMENTS)
    links: dict[tuple[str, str], list[tuple[str, str]]] = {
        (plural, target): [] for plural in ENGAGEMENTS for target in ("contacts", "companies")
    }
    occurrences: list[Occurrence] = []
    for event in world.events():
        contact, company_id = book.people.get(event.person_id or ""), book.companies.get(event.account_id or "")
        if contact is None and company_id is None:
            continue  # happened to nobody this account knows
        plural = PLURALS.get(event.type)
        if plural is None or carries_more(event):
            occurrences.append(occurrence(event, contact, company_id))
        else:
            add_engagement(batches, links, plural, event, contact, company_id)
        if len(occurrences) >= BATCH_ROWS:
            seed_events(storage, sorted(occurrences, key=lambda row: (row[1], row[4], row[0])))
            occurrences.clear()
    seed_events(storage, occurrences)
    batches.flush()
    for (plural, target), pairs in links.items():
        seed_associations(storage, plural, target, pairs)


def carries_more(event: Event) -> bool:
    """Tell whether an event has more than a time and a subject."""
    return bool(event.url or event.source or event.value is not None or event.props or event.is_bot)


def occurrence(event: Event, contact: Contact | None, company_id: str | None) -> Occurrence:
    """Make an event of the events API; its id is the canonical one."""
    subject = ("contacts", int(contact.id)) if contact else ("companies", int(company_id or 0))
    plain = event.type == "page_view" and event.url and not (event.asset or carries_more(event._replace(url=None)))
    if plain:
        kind, told = PAGE_VIEW, {"hs_url": event.url}
    else:
        kind, told = WEB_ACTIVITY, dict(properties(event))
    return (event.event_id, kind, *subject, event.occurred_s * 1000, encoder().encode(told))


@cache
def encoder() -> json.JSONEncoder:
    """Make the encoder once: json.dumps makes one per call when it may write all of Unicode."""
    return json.JSONEncoder(ensure_ascii=False)


def properties(event: Event) -> Iterator[tuple[str, str]]:
    """Give what a custom event tells, as text; unknown properties are left out."""
    yield "type", event.type
    for name, text in (("url", event.url), ("asset", event.asset), ("source", event.source), ("props", event.props)):
        if text is not None:
            yield name, text
    if event.value is not None:
        yield "value", str(int(event.value)) if event.value == int(event.value) else repr(event.value)
    if event.is_bot is not None:
        yield "is_bot", "true" if event.is_bot else "false"


def add_engagement(
    batches: Batches,
    links: dict[tuple[str, str], list[tuple[str, str]]],
    plural: str,
    event: Event,
    contact: Contact | None,
    company_id: str | None,
) -> None:
    """Make one call, meeting or mail; its time is exact, its stamps are the seed's."""
    number = batches.next_number(plural)
    record_id, at = seed_id(plural, number), f"{second_text(event.occurred_s)}.000Z"
    if plural == "calls":
        row: tuple[object, ...] = (at, event.asset, "COMPLETED", "OUTBOUND", "IMPORT")
    elif plural == "meetings":
        end = f"{second_text(event.occurred_s + 1800)}.000Z"
        row = (at, event.asset, "COMPLETED", at, end, "IMPORT")
    else:
        row = (at, event.asset, "SENT", "EMAIL", "IMPORT")
    modified = modified_s(number) * 1000
    batches.add(plural, (record_id, min(event.occurred_s * 1000, modified), modified, *row))
    if contact is not None:
        links[plural, "contacts"].append((record_id, contact.id))
    if company := company_id or (contact.company_id if contact else None):
        links[plural, "companies"].append((record_id, company))
