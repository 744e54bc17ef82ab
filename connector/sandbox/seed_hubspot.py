"""A world as HubSpot records.

Contacts and companies keep their canonical id in `canonical_id`. Calls, meetings and sent mails that an engagement
can hold whole become one; a page view with nothing but its address becomes `e_visited_page`; all other activity, and
any that carries more, is `pe4242424_web_activity`. HubSpot has no converted lead and no two contacts of one address:
a second one gets a plus address.
"""

from collections.abc import Iterator, Mapping

from connector.sandbox.hubspot.app import HubSpotApp
from connector.sandbox.hubspot.associations import seed_associations
from connector.sandbox.hubspot.computed import Moment, complete
from connector.sandbox.hubspot.ids import seed_id
from connector.sandbox.hubspot.objects import object_types
from connector.sandbox.hubspot.pipelines import stages_of
from connector.sandbox.hubspot_book import Book, Contact
from connector.sandbox.seed_hubspot_activity import seed_activities
from connector.sandbox.seeding import (
    EPOCH_S,
    UNKNOWN_CREATED_S,
    Deal,
    apart,
    deals,
    modified_s,
    second_text,
    stamps,
    verdicts,
)
from connector.sandbox.storage import Storage
from connector.sandbox.world.rows import Account, CustomKind, CustomValue, Outcome, Person, World

MERGED_FROM = 4_000_000_000  # numbers of contacts that were merged away
TYPES: dict[CustomKind, tuple[str, str]] = {
    "text": ("string", "text"),
    "long_text": ("string", "textarea"),
    "number": ("number", "number"),
    "boolean": ("bool", "booleancheckbox"),
    "datetime": ("datetime", "date"),
}
OWN_CONTACT: dict[str, CustomKind] = {"technologies": "text", "verdict": "text", "verdict_at": "datetime"}
CONTACT = (
    *("email", "hs_email_domain", "firstname", "lastname", "hs_full_name_or_email", "phone", "jobtitle", "company"),
    *("website", "industry", "numemployees", "annualrevenue", "country", "hs_analytics_source", "hs_email_optout"),
    *("hubspot_owner_id", "lifecyclestage", "hs_pipeline", "hs_buying_role", "seniority", "job_function"),
    *("associatedcompanyid", "hs_merged_object_ids", "hs_object_source", "canonical_id"),
)
COMPANY = (
    *("name", "domain", "website", "industry", "numberofemployees", "annualrevenue", "country", "type"),
    *("web_technologies", "hubspot_owner_id", "lifecyclestage", "hs_pipeline", "hs_object_source", "canonical_id"),
)
STAGES = {"closed_won": "closedwon", "closed_lost": "closedlost", None: "appointmentscheduled"}
LIFECYCLE = {"closed_won": "customer", "closed_lost": "opportunity", None: "opportunity"}


def seed_hubspot(app: HubSpotApp, storage: Storage, world: World) -> None:
    """Fill an account from a world; the same world gives the same ids."""
    outcomes = list(world.outcomes())
    made = deals(outcomes)
    book = Book({owner.owner_id: seed_owner_id(number) for number, owner in enumerate(world.owners)})
    add_properties(app, world)
    seed_owners(storage, world)
    seed_companies(app, storage, book, world)
    seed_contacts(app, storage, book, world, verdicts(outcomes), {deal.person_id: deal for deal in made})
    seed_activities(storage, book, world)
    seed_deals(storage, book, made)


def add_properties(app: HubSpotApp, world: World) -> None:
    """Make the custom properties that the world's columns need."""
    contacts = {**OWN_CONTACT, **{property_name(name): kind for name, kind in world.people_columns.items()}}
    companies = {property_name(name): kind for name, kind in world.account_columns.items()}
    for plural, columns in (("contacts", contacts), ("companies", companies)):
        app.schema.add_property(plural, "canonical_id", "string", "text", label="Canonical ID", unique=True)
        for name, kind in columns.items():
            app.schema.add_property(plural, name, *TYPES[kind], label=name.replace("_", " ").capitalize())


def property_name(column: str) -> str:
    """Name a property after a column: lower case, letters, digits and underscores."""
    return "".join(letter if letter.isalnum() else "_" for letter in column.lower())


def seed_owner_id(number: int) -> str:
    """Give the nth owner's id."""
    return str(71_000_001 + number)


def seed_owners(storage: Storage, world: World) -> None:
    """Make the owners; inactive ones are archived."""
    rows = []
    for number, owner in enumerate(world.owners):
        kind = "QUEUE" if owner.is_queue else "PERSON"
        names = (owner.email, owner.first_name, owner.last_name, 61_000_001 + number, kind)
        rows.append((seed_owner_id(number), *stamps(number, UNKNOWN_CREATED_S), *names))
    storage.seed("owners", ("email", "firstName", "lastName", "userId", "type"), rows)
    gone = [seed_owner_id(number) for number, owner in enumerate(world.owners) if not owner.active]
    storage.seed_rows("UPDATE owners SET _deleted = 1 WHERE _id = ?", [(owner_id,) for owner_id in gone])


def seed_companies(app: HubSpotApp, storage: Storage, book: Book, world: World) -> None:
    """Make the companies; values that HubSpot's own lists lack become options, as an administrator adds them."""
    seen: dict[str, set[str]] = {"industry": set(), "type": set(), "web_technologies": set()}

    def rows() -> Iterator[tuple[object, ...]]:
        for number, account in enumerate(world.accounts()):
            company_id = seed_id("companies", number)
            book.companies[account.account_id] = company_id
            seen["industry"].add(account.industry or "")
            seen["type"].add(account.type or "")
            seen["web_technologies"].update((account.technologies or "").split(";"))
            custom = stored(world.account_columns, account.custom)
            yield (company_id, *stamps(number, UNKNOWN_CREATED_S), *company_facts(account, book), *custom)

    storage.seed("companies", (*COMPANY, *map(property_name, world.account_columns)), rows())
    for name, values in seen.items():
        app.schema.add_options("companies", name, sorted(values - {""}))


def company_facts(account: Account, book: Book) -> tuple[object, ...]:
    """Give a company's properties."""
    customer = (account.type or "").lower().startswith("customer")
    size = (number_text(account.employees), number_text(account.revenue), account.country, account.type)
    owner = (account.technologies, book.owners.get(account.owner_id or ""), "customer" if customer else "lead")
    named = (account.name, account.domain, account.domain, account.industry)
    return (*named, *size, *owner, "companies-lifecycle-pipeline", "IMPORT", account.account_id)


def seed_contacts(
    app: HubSpotApp,
    storage: Storage,
    book: Book,
    world: World,
    judged: Mapping[str, Outcome],
    bought: Mapping[str | None, Deal],
) -> None:
    """Make the contacts and link them to their companies."""
    merged: dict[str, str] = {}
    for number, merge in enumerate(world.merges()):
        merged[merge.survivor_id] = seed_id("contacts", MERGED_FROM + number)
    seen: dict[str, set[str]] = {"hs_analytics_source": set(), "hs_buying_role": set()}
    addresses: set[str] = set()

    def rows() -> Iterator[tuple[object, ...]]:
        for number, person in enumerate(world.people()):
            contact = Contact(seed_id("contacts", number), book.companies.get(person.account_id or ""))
            book.people[person.person_id] = contact
            seen["hs_analytics_source"].add(person.source or "")
            seen["hs_buying_role"].add(person.buying_role or "")
            facts = contact_facts(person, apart(person.email, addresses), book)
            deal = bought.get(person.person_id)
            stage = LIFECYCLE[deal.closed] if deal else "lead"
            roles = (stage, "contacts-lifecycle-pipeline", person.buying_role, person.seniority, person.department)
            links = (contact.company_id, merged.get(person.person_id), "IMPORT", person.person_id)
            own = (person.technologies, *verdict_values(judged.get(person.person_id)))
            at = stamps(number, person.created_s or UNKNOWN_CREATED_S)
            yield (contact.id, *at, *facts, *roles, *links, *own, *stored(world.people_columns, person.custom))

    storage.seed("contacts", (*CONTACT, *OWN_CONTACT, *map(property_name, world.people_columns)), rows())
    for name, values in seen.items():
        app.schema.add_options("contacts", name, sorted(values - {""}))
    pairs = [(contact.id, contact.company_id) for contact in book.people.values() if contact.company_id]
    seed_associations(storage, "contacts", "companies", pairs, primary=True)


def contact_facts(person: Person, email: str | None, book: Book) -> tuple[object, ...]:
    """Give a contact's own facts, up to its owner."""
    name = " ".join(filter(None, (person.first_name, person.last_name))) or email
    domain = email.rpartition("@")[2] if email else None
    names = (email, domain, person.first_name, person.last_name, name, person.phone, person.title)
    firm = (person.company, person.domain, person.industry, number_text(person.employees), number_text(person.revenue))
    opted_out = None if person.opted_out is None else flag(person.opted_out)
    return (*names, *firm, person.country, person.source, opted_out, book.owners.get(person.owner_id or ""))


def verdict_values(verdict: Outcome | None) -> tuple[str | None, str | None]:
    """Give what a sales person said and when."""
    return (verdict.kind, f"{second_text(verdict.occurred_s)}.000Z") if verdict else (None, None)


def seed_deals(storage: Storage, book: Book, made: list[Deal]) -> None:
    """Make the deals and link them to their contact and company."""
    kind, stages = object_types()["deals"], stages_of("deals")
    names = ("dealname", "amount", "dealstage", "pipeline", "closedate", "closed_lost_reason", "closed_won_reason")
    contacts, companies = [], []
    rows: list[tuple[str, int, int, dict[str, str]]] = []
    for number, deal in enumerate(made):
        contact, company_id = book.people.get(deal.person_id or ""), book.companies.get(deal.account_id or "")
        if contact is None and company_id is None:
            continue
        deal_id, created_s = seed_id("deals", number), deal.created_s
        closed_at = f"{second_text(deal.closed_s or EPOCH_S + 30 * 86_400)}.000Z"
        values = (f"Deal {number + 1}", number_text(deal.amount), STAGES[deal.closed], "default", closed_at)
        reasons = (
            deal.reason if deal.closed != "closed_won" else None,
            deal.reason if deal.closed == "closed_won" else None,
        )
        written = {name: value for name, value in zip(names, (*values, *reasons), strict=True) if value is not None}
        moment = Moment(kind, deal_id, created_s * 1000, {}, {}, stages)
        rows.append((deal_id, created_s * 1000, modified_s(number, created_s) * 1000, complete(moment, written)))
        if contact is not None:
            contacts.append((deal_id, contact.id))
        if company := company_id or (contact.company_id if contact else None):
            companies.append((deal_id, company))
    columns = sorted({name for row in rows for name in row[3]})
    storage.seed("deals", columns, ((*row[:3], *(row[3].get(name) for name in columns)) for row in rows))
    seed_associations(storage, "deals", "contacts", contacts)
    seed_associations(storage, "deals", "companies", companies, primary=True)


def number_text(value: float | None) -> str | None:
    """Write a number as HubSpot keeps it: no point where it is whole."""
    if value is None:
        return None
    return str(int(value)) if value == int(value) else repr(value)


def flag(value: bool) -> str:
    """Write a boolean."""
    return "true" if value else "false"


def stored(columns: Mapping[str, CustomKind], values: tuple[CustomValue, ...]) -> Iterator[str | None]:
    """Bring custom values to the text that HubSpot keeps."""
    for kind, value in zip(columns.values(), values, strict=True):
        if value is None:
            yield None
        elif kind == "boolean":
            yield flag(bool(value))
        elif kind == "datetime":
            yield f"{second_text(int(value))}.000Z"
        else:
            yield number_text(float(value)) if kind == "number" else str(value)
