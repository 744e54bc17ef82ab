"""A world as Salesforce records.

Leads, contacts and accounts keep their canonical id in Canonical_Id__c. Calls, meetings and sent mails that a Task or
an Event can hold whole become one; the first webinar event of a person and a campaign becomes a CampaignMember; all
other activity, and any that carries more, is Web_Activity__c. Salesforce has no unknown checkbox: unknown is false.
"""

from collections.abc import Iterator, Mapping

from connector.sandbox.salesforce.app import SalesforceApp
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.profiles import STANDARD_PROFILE
from connector.sandbox.salesforce_book import Book, Who, defaults, put
from connector.sandbox.seed_salesforce_activity import seed_activities, seed_opportunities
from connector.sandbox.seeding import (
    UNKNOWN_CREATED_S,
    Batches,
    day_text,
    deals,
    second_text,
    stamps,
    title_case,
    verdicts,
)
from connector.sandbox.storage import Storage
from connector.sandbox.world.rows import Account, CustomKind, CustomValue, Outcome, Person, World

CANONICAL = "Canonical_Id__c"
FIRST_OWN = 101  # below are the users and the queue that come with an org
FIELD_TYPES: dict[CustomKind, tuple[str, int, int, int]] = {
    "text": ("string", 255, 0, 0),
    "long_text": ("textarea", 32_768, 0, 0),
    "number": ("double", 0, 18, 6),
    "boolean": ("boolean", 0, 0, 0),
    "datetime": ("datetime", 0, 0, 0),
}
KNOWN_COLUMNS = ("Seniority__c", "Department__c", "Buying_Role__c", "Technologies__c", "Verdict__c", "Verdict_At__c")
PERSON = ("FirstName", "LastName", "Email", "Phone", "Title", "LeadSource", "HasOptedOutOfEmail", "OwnerId", CANONICAL)
LEAD = ("Company", "Website", "Industry", "NumberOfEmployees", "AnnualRevenue", "Country", "Status", "IsConverted")
CONVERTED = ("ConvertedDate", "ConvertedContactId", "ConvertedAccountId")
ACCOUNT = (
    "Name",
    "Website",
    "Industry",
    "NumberOfEmployees",
    "AnnualRevenue",
    "BillingCountry",
    "Type",
    "OwnerId",
    CANONICAL,
    "Technologies__c",
)


def seed_salesforce(app: SalesforceApp, storage: Storage, world: World) -> None:
    """Fill an org from a world; the same world gives the same ids."""
    book, outcomes = Book(), list(world.outcomes())
    add_fields(app, world)
    seed_owners(storage, book, world)
    accounts = seed_accounts(storage, book, world)
    seed_people(storage, book, world, accounts, verdicts(outcomes))
    seed_merges(storage, book, world)
    seed_activities(storage, book, world)
    seed_opportunities(storage, book, deals(outcomes))


def add_fields(app: SalesforceApp, world: World) -> None:
    """Make the custom fields that the world's columns need."""
    known: dict[str, CustomKind] = dict.fromkeys(KNOWN_COLUMNS, "text")
    known["Verdict_At__c"] = "datetime"
    people = {**known, **{title_case(name): kind for name, kind in world.people_columns.items()}}
    accounts: dict[str, CustomKind] = {"Technologies__c": "text"}
    accounts |= {title_case(name): kind for name, kind in world.account_columns.items()}
    for name, columns in (("Lead", people), ("Contact", people), ("Account", accounts)):
        app.add_custom_field(name, FieldSpec(CANONICAL, "string", 255, external_id=True, unique=True, id_lookup=True))
        for column, kind in columns.items():
            kind_of, length, precision, scale = FIELD_TYPES[kind]
            app.add_custom_field(name, FieldSpec(column, kind_of, length, precision, scale))


def seed_owners(storage: Storage, book: Book, world: World) -> None:
    """Make users and queues."""
    users, queues, sobjects = [], [], []
    people = [owner for owner in world.owners if not owner.is_queue]
    for number, owner in enumerate(people, FIRST_OWN):
        user_id = book.users[owner.owner_id] = record_id("User", number)
        address = owner.email or f"user{number}@leadlight.example"
        names = (owner.first_name, owner.last_name, owner.last_name[:8].lower())
        at = stamps(number, UNKNOWN_CREATED_S)
        users.append((user_id, *at, address, address, *names, int(owner.active), "Standard", STANDARD_PROFILE))
    for number, owner in enumerate((owner for owner in world.owners if owner.is_queue), FIRST_OWN):
        queue_id = book.queues[owner.owner_id] = record_id("Group", number)
        at = stamps(number, UNKNOWN_CREATED_S)
        developer_name = "".join(letter if letter.isalnum() else "_" for letter in owner.last_name)
        queues.append((queue_id, *at, owner.last_name, developer_name, "Queue"))
        sobjects.append((record_id("QueueSobject", number), *at, queue_id, "Lead"))
    columns = ("Username", "Email", "FirstName", "LastName", "Alias", "IsActive", "UserType", "ProfileId")
    put(storage, "User", columns, users)
    put(storage, "Group", ("Name", "DeveloperName", "Type"), queues)
    put(storage, "QueueSobject", ("QueueId", "SobjectType"), sobjects)


def seed_accounts(storage: Storage, book: Book, world: World) -> dict[str, Account]:
    """Make the accounts; give those that leads may need to copy from."""
    kept: dict[str, Account] = {}

    def rows() -> Iterator[tuple[object, ...]]:
        for number, account in enumerate(world.accounts(), 1):
            account_id = record_id("Account", number)
            book.accounts[account.account_id] = account_id
            kept[account.account_id] = account._replace(custom=())
            custom = stored(world.account_columns, account.custom)
            yield (account_id, *stamps(number, UNKNOWN_CREATED_S), *account_facts(account, book), *custom)

    put(storage, "Account", (*ACCOUNT, *map(title_case, world.account_columns)), rows())
    return kept


def account_facts(account: Account, book: Book) -> tuple[object, ...]:
    """Give an account's fields."""
    named = (account.name or account.domain or account.account_id, account.domain, account.industry)
    size = (whole(account.employees), account.revenue, account.country, account.type)
    return (*named, *size, book.user(account.owner_id), account.account_id, account.technologies)


def seed_people(
    storage: Storage, book: Book, world: World, accounts: dict[str, Account], judged: Mapping[str, Outcome]
) -> None:
    """Make leads and contacts; a converted lead leaves a lead and its contact."""
    custom = (*KNOWN_COLUMNS, *map(title_case, world.people_columns))
    columns = {
        "Lead": (*PERSON, *LEAD, *CONVERTED, *custom),
        "Contact": (*PERSON, "AccountId", "MailingCountry", *custom),
        "Account": ACCOUNT,
    }
    batches = Batches(storage, columns, defaults)
    batches.counts["Account"] = len(accounts)
    for person in world.people():
        contact = person.kind == "contact" or (person.kind is None and person.account_id is not None)
        shared = (*known_columns(person, judged.get(person.person_id)), *stored(world.people_columns, person.custom))
        add_person(batches, book, accounts, person, shared, contact=contact and not person.converted_s)
    batches.flush()


def add_person(
    batches: Batches,
    book: Book,
    accounts: dict[str, Account],
    person: Person,
    shared: tuple[object, ...],
    *,
    contact: bool,
) -> None:
    """Make one person's record or records and note where its activity goes."""
    who = Who("", is_contact=False, account_id=None, owner_id=book.user(person.owner_id))
    if contact or person.converted_s:
        number = batches.next_number("Contact")
        account_id = book.accounts.get(person.account_id or "") or company_account(batches, book, person)
        who = Who(record_id("Contact", number), is_contact=True, account_id=account_id, owner_id=who.owner_id)
        created_s = person.converted_s or person.created_s or UNKNOWN_CREATED_S
        facts = (*person_facts(person, who.owner_id), account_id, person.country)
        batches.add("Contact", (who.id, *stamps(number, created_s), *facts, *shared))
    if not contact:
        number = batches.next_number("Lead")
        lead_id, created_s = record_id("Lead", number), person.created_s or UNKNOWN_CREATED_S
        facts = (*person_facts(person, book.lead_owner(person.owner_id)), *lead_facts(person, accounts, shared))
        gone = (day_text(person.converted_s // 86_400), who.id, who.account_id) if person.converted_s else (None,) * 3
        batches.add("Lead", (lead_id, *stamps(number, created_s), *facts, *gone, *shared))
        who = who if person.converted_s else who._replace(id=lead_id)
    book.people[person.person_id] = who


def company_account(batches: Batches, book: Book, person: Person) -> str | None:
    """Make the account of a contact that knows its company but has no account: a contact cannot hold it itself."""
    facts = (person.company, person.domain, person.industry, person.employees, person.revenue)
    if all(fact is None for fact in (*facts, person.technologies)):
        return None
    number = batches.next_number("Account")
    account_id = record_id("Account", number)
    account = Account(f"{person.person_id}:company", *facts, person.country, person.technologies, None, person.owner_id)
    batches.add("Account", (account_id, *stamps(number, UNKNOWN_CREATED_S), *account_facts(account, book)))
    return account_id


def person_facts(person: Person, owner_id: str) -> tuple[object, ...]:
    """Give the fields that leads and contacts share."""
    names = (person.first_name, person.last_name or person.email or person.person_id)
    reach = (person.email, person.phone, person.title, person.source, int(bool(person.opted_out)))
    return (*names, *reach, owner_id, person.person_id)


def lead_facts(person: Person, accounts: dict[str, Account], shared: tuple[object, ...]) -> tuple[object, ...]:
    """Give a lead's company, its own first, else that of its account: a lead cannot point to one."""
    account = accounts.get(person.account_id or "")
    given = account or Account("", *(None,) * 9)
    size = (whole(first(person.employees, given.employees)), first(person.revenue, given.revenue))
    company = person.company or given.name or "[not provided]"
    verdict = shared[KNOWN_COLUMNS.index("Verdict__c")]
    status = "Closed - Converted" if person.converted_s else str(verdict).title() if verdict else "Open - Not Contacted"
    industry, domain = person.industry or given.industry, person.domain or given.domain
    country = person.country or given.country
    return (company, domain, industry, *size, country, status, int(bool(person.converted_s)))


def known_columns(person: Person, verdict: Outcome | None) -> tuple[object, ...]:
    """Give the canonical facts that Salesforce has no field of its own for."""
    judged = (verdict.kind, f"{second_text(verdict.occurred_s)}.000+0000") if verdict else (None, None)
    return (person.seniority, person.department, person.buying_role, person.technologies, *judged)


def seed_merges(storage: Storage, book: Book, world: World) -> None:
    """Make the losers of merges: deleted records that name their survivor."""
    losers: dict[str, list[tuple[object, ...]]] = {"Lead": [], "Contact": []}
    for number, (loser, survivor_id) in enumerate(world.merges(), 1):
        who = book.people.get(survivor_id)
        if who is not None:
            name = "Contact" if who.is_contact else "Lead"
            row = (*person_facts(loser, who.owner_id), *(() if who.is_contact else ("[not provided]",)), who.id)
            created_s = loser.created_s or UNKNOWN_CREATED_S
            losers[name].append((record_id(name, 5_000_000 + number), *stamps(number, created_s), *row))
    for name, rows in losers.items():
        columns = (*PERSON, *(("Company",) if name == "Lead" else ()), "MasterRecordId")
        put(storage, name, columns, rows)
        storage.execute(f'UPDATE "{name}" SET _deleted = 1 WHERE MasterRecordId IS NOT NULL')  # noqa: S608 - our two names


def whole(value: float | None) -> int | None:
    """Give a whole number, as a head count is one."""
    return None if value is None else int(value)


def first(own: float | None, other: float | None) -> float | None:
    """Give the first that is known."""
    return other if own is None else own


def stored(columns: Mapping[str, CustomKind], values: tuple[CustomValue, ...]) -> Iterator[CustomValue]:
    """Bring custom values to the form of columns: times as text, an unknown checkbox as false."""
    for kind, value in zip(columns.values(), values, strict=True):
        if kind == "boolean":
            yield int(bool(value))
        elif kind == "datetime" and value is not None:
            yield f"{second_text(int(value))}.000+0000"
        else:
            yield value
