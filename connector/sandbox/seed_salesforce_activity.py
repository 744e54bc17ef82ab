"""A world's events and outcomes as Salesforce activities and opportunities."""

from collections.abc import Iterable, Sequence

from connector.sandbox.salesforce.campaigns import WEBINAR_STATUSES, add_statuses
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.org import ADMIN_USER
from connector.sandbox.salesforce_book import Book, Who, defaults, put
from connector.sandbox.seeding import (
    EPOCH_S,
    UNKNOWN_CREATED_S,
    Batches,
    Deal,
    day_text,
    modified_s,
    second_text,
    stamps,
)
from connector.sandbox.storage import Storage
from connector.sandbox.world.rows import Event, World

WEBINARS = {"webinar_registered": "Registered", "webinar_attended": "Attended"}
NATIVE = frozenset({"call", "meeting", "email_sent", *WEBINARS})
ACTIVITIES: dict[str, Sequence[str]] = {
    "Task": (
        *("WhoId", "WhatId", "AccountId", "Subject", "Status", "Priority", "OwnerId"),
        *("TaskSubtype", "ActivityDate", "CompletedDateTime"),
    ),
    "Event": (
        *("WhoId", "WhatId", "AccountId", "Subject", "OwnerId", "ActivityDate", "ActivityDateTime"),
        *("StartDateTime", "EndDateTime", "DurationInMinutes"),
    ),
    "CampaignMember": ("CampaignId", "LeadId", "ContactId", "Status"),
    "Web_Activity__c": (
        *("OwnerId", "Contact__c", "Lead__c", "Account__c", "Occurred_At__c", "Type__c", "URL__c", "Asset__c"),
        *("Source__c", "Value__c", "Props__c", "Is_Bot__c"),
    ),
}


def seed_activities(storage: Storage, book: Book, world: World) -> None:
    """Make tasks, events, campaign members and web activity from one pass over the world's events."""
    batches = Batches(storage, ACTIVITIES, defaults)
    campaigns: dict[str, str] = {}
    members: set[tuple[str, str]] = set()
    for event in world.events():
        who = book.people.get(event.person_id or "")
        account_id = book.accounts.get(event.account_id or "")
        if who is None and account_id is None:
            continue  # happened to nobody this org knows
        name = table_for(event, who, members)
        if name == "CampaignMember":
            campaigns.setdefault(event.asset or "", record_id("Campaign", len(campaigns) + 1))
        add_activity(batches, name, event, who, account_id, campaigns, ADMIN_USER)
    batches.flush()
    rows = [
        (key, *stamps(n, UNKNOWN_CREATED_S), name, "Webinar", 1, ADMIN_USER)
        for n, (name, key) in enumerate(campaigns.items())
    ]
    put(storage, "Campaign", ("Name", "Type", "IsActive", "OwnerId"), rows)
    for n, key in enumerate(campaigns.values()):
        add_statuses(storage, key, stamps(n, UNKNOWN_CREATED_S)[0], "seed", WEBINAR_STATUSES)


def table_for(event: Event, who: Who | None, members: set[tuple[str, str]]) -> str:
    """Choose the object that holds an event whole; notes who has become a member of which campaign."""
    extra = event.url or event.source or event.value is not None or event.props or event.is_bot
    if event.type not in NATIVE or extra:
        return "Web_Activity__c"
    if event.type == "meeting":
        return "Event"
    if event.type not in WEBINARS:
        return "Task"
    if who is None or not event.asset or event.account_id or (event.asset, who.id) in members:
        return "Web_Activity__c"
    members.add((event.asset, who.id))
    return "CampaignMember"


def add_activity(
    batches: Batches,
    name: str,
    event: Event,
    who: Who | None,
    account_id: str | None,
    campaigns: dict[str, str],
    admin_id: str,
) -> None:
    """Make one activity record; its time is exact, its stamps are the seed's."""
    number = batches.next_number(name)
    at_s, who_id = event.occurred_s, who.id if who else None
    owner_id = who.owner_id if who else admin_id
    at, modified = f"{second_text(at_s)}.000+0000", modified_s(number) * 1000
    lookups = (who.id if who and not who.is_contact else None, who.id if who and who.is_contact else None)
    related = (who_id, account_id, account_id or (who.account_id if who else None), event.asset)
    if name == "Task":
        subtype = "Call" if event.type == "call" else "Email"
        row: tuple[object, ...] = (*related, "Completed", "Normal", owner_id, subtype, day_text(at_s // 86_400), at)
    elif name == "Event":
        end = f"{second_text(at_s + 1800)}.000+0000"
        row = (*related, owner_id, day_text(at_s // 86_400), at, at, end, 30)
    elif name == "CampaignMember":
        row = (campaigns[event.asset or ""], *lookups, WEBINARS[event.type])
    else:
        told = (event.type, event.url, event.asset, event.source, event.value, event.props, int(bool(event.is_bot)))
        row = (owner_id, lookups[1], lookups[0], account_id, at, *told)
    created = at_s * 1000 if name == "CampaignMember" else min(at_s * 1000, modified)
    batches.add(name, (record_id(name, number), created, max(modified, min(created, EPOCH_S * 1000)), *row))


def seed_opportunities(storage: Storage, book: Book, deals: Iterable[Deal]) -> None:
    """Make an opportunity of each deal; it names its lead or contact."""
    columns = (
        "Name",
        "AccountId",
        "Amount",
        "StageName",
        "CloseDate",
        "LastStageChangeDate",
        "Description",
        "Probability",
    )
    rows = []
    for number, deal in enumerate(deals, 1):
        who, account_id = book.people.get(deal.person_id or ""), book.accounts.get(deal.account_id or "")
        if who is None and account_id is None:
            continue
        stage = {"closed_won": ("Closed Won", 100), "closed_lost": ("Closed Lost", 0)}.get(
            deal.closed or "", ("Prospecting", 10)
        )
        moved_s = deal.closed_s or deal.created_s
        closing = (day_text((deal.closed_s or EPOCH_S + 30 * 86_400) // 86_400), f"{second_text(moved_s)}.000+0000")
        lookups = (who.id, None) if who and who.is_contact else (None, who.id) if who else (None, None)
        facts = (
            f"Deal {number}",
            account_id or (who.account_id if who else None),
            deal.amount,
            stage[0],
            *closing,
            deal.reason,
            stage[1],
        )
        owner = who.owner_id if who else ADMIN_USER
        at = (deal.created_s * 1000, modified_s(number, deal.created_s) * 1000)
        rows.append((record_id("Opportunity", number), *at, *facts, *lookups, owner))
    put(storage, "Opportunity", (*columns, "Contact__c", "Lead__c", "OwnerId"), rows)
