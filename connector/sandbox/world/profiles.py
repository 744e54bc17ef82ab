"""Made-up people: who they are, and the hidden propensity that drives what they do and whether they buy."""

import math
import random
from typing import NamedTuple

from connector.sandbox.world.companies import MISSING_SHARE, OWNERS, Company, account_id, company
from connector.sandbox.world.rows import Person
from connector.sandbox.world.vocabulary import Country, ascii_slug, vocabulary

EPOCH_S = 1_782_907_200  # 2026-07-01T12:00:00Z, where the made-up world ends
DAY_S = 86_400
WINDOW_S = 365 * DAY_S
LAST_S = EPOCH_S - 300  # nothing happens in the world's last five minutes

PERSONAS = (
    ("business", 84.0),
    ("free_mail", 8.0),
    ("student", 2.5),
    ("competitor", 1.0),
    ("job_seeker", 2.0),
    ("bot", 2.5),
)
LEVELS = (("c_level", 8), ("vp", 8), ("director", 16), ("manager", 26), ("staff", 42))
LEVEL_FIT = {"c_level": 0.9, "vp": 1.0, "director": 0.7, "manager": 0.1, "staff": -0.5}
INDUSTRY_FIT = {"Software": 0.6, "Technology": 0.5, "Financial Services": 0.3, "Education": -0.8, "Government": -0.5}
PERSONA_FIT = {"free_mail": -0.9, "student": -2.5, "competitor": -2.0, "job_seeker": -1.5, "bot": -0.6}
PEOPLE_PER_ACCOUNT = 4
CONTACT_SHARE = 0.45
CONVERTED_LEAD_SHARE = 0.45
DUPLICATE_SHARE = 0.012


class Moment(NamedTuple):
    """A time when a person looks for a product, and what came of it (null: nothing yet)."""

    at_s: int
    opportunity_s: int | None
    closed_s: int | None
    won: bool


class Profile(NamedTuple):
    """A made-up person, hidden parts included."""

    person: Person
    persona: str
    propensity: float
    quiet_since_s: int
    silent: bool
    moments: tuple[Moment, ...]
    unsubscribed_s: int | None


def account_count(people: int) -> int:
    """Say how many accounts a world of so many people has."""
    return max(3, people // PEOPLE_PER_ACCOUNT)


def person_id(number: int) -> str:
    """Give the nth person's id."""
    return f"p{number:07d}"


def profile(seed: int, number: int, people: int) -> Profile:
    """Give the nth person of a world of so many people."""
    original = number
    if number and random.Random(f"duplicate {seed} {number}").random() < DUPLICATE_SHARE:  # noqa: S311 - a repeatable draw is wanted
        original = number - 1  # the same human a second time, under a record of its own
    rng = random.Random(f"person {seed} {original}")  # noqa: S311 - as above
    words = vocabulary()
    persona = rng.choices([name for name, _ in PERSONAS], [share for _, share in PERSONAS])[0]
    is_contact = persona not in ("student", "job_seeker") and rng.random() < CONTACT_SHARE
    accounts = account_count(people)
    firm_number = int(accounts * rng.random() ** 1.5) if is_contact or rng.random() < 0.2 else accounts + number
    firm = company(seed, firm_number)
    level = rng.choices([name for name, _ in LEVELS], [share for _, share in LEVELS])[0]
    fit = (
        LEVEL_FIT[level]
        + INDUSTRY_FIT.get(firm.industry, 0.0)
        + PERSONA_FIT.get(persona, 0.0)
        + size_fit(firm.employees)
    )
    propensity = 1 / (1 + math.exp(1.2 - fit - rng.gauss(0, 0.8)))
    born = person_row(rng, original, persona, level, firm, words.countries.words[firm.country_index])
    born = with_account(born, firm_number) if is_contact else with_company(born, rng, firm, persona)
    lived = life(rng, born, persona, propensity)
    return as_duplicate(lived, number) if original != number else lived


def size_fit(employees: int) -> float:
    """Say how well a company's size suits the product."""
    return -0.6 if employees < 10 else 0.6 if 50 <= employees < 1000 else 0.2


def person_row(rng: random.Random, number: int, persona: str, level: str, firm: Company, country: Country) -> Person:
    """Make a person's own facts; about one in eight is missing each."""
    first, last = rng.choice(country.given), rng.choice(country.family)
    title = "Student" if persona == "student" else rng.choice(vocabulary().titles[level])
    owner = rng.choices((f"u{rng.randrange(OWNERS) + 1}", "u9", "q1", None), (80, 5, 7, 8))[0]
    created_s = EPOCH_S - int(DAY_S * (rng.random() ** 1.3) * 540) - 3600 - rng.randrange(3600)
    return Person(
        person_id=person_id(number),
        kind="contact",
        first_name=None if rng.random() < MISSING_SHARE / 3 else first,
        last_name=last,
        owner_id=owner,
        email=None if rng.random() < 0.04 else email(rng, number, persona, first, last, firm),
        phone=f"{country.phone}{rng.randrange(100):02d}" if rng.random() < 0.6 else None,
        title=None if rng.random() < MISSING_SHARE else title,
        country=None if rng.random() < MISSING_SHARE / 2 else rng.choice(country.written),
        source=vocabulary().sources.draw(rng),
        opted_out=False,
        created_s=created_s,
    )


def email(rng: random.Random, number: int, persona: str, first: str, last: str, firm: Company) -> str:
    """Make an address that fits the persona; a number keeps addresses apart."""
    lists = vocabulary().lists
    given, family = ascii_slug(first) or "mail", ascii_slug(last) or "box"
    if persona in ("free_mail", "job_seeker"):
        return f"{given}.{family}.{number:x}@{rng.choice(lists['free_mail'])}"
    if persona == "student":
        return f"s{number:06d}@{rng.choice(lists['universities'])}"
    domain = rng.choice(lists["competitors"]) if persona == "competitor" else firm.domain
    return f"{rng.choice((f'{given}.{family}', f'{given[0]}{family}', f'{given}'))}{number:x}@{domain}"


def with_account(person: Person, number: int) -> Person:
    """Make a person a contact of the nth account; queues hold leads only."""
    owner = None if person.owner_id == "q1" else person.owner_id
    return person._replace(account_id=account_id(number), owner_id=owner)


def with_company(person: Person, rng: random.Random, firm: Company, persona: str) -> Person:
    """Make a person a lead that carries its company itself."""
    lead = person._replace(kind="lead")
    if persona == "student":
        name = f"University of {firm.name.split()[0]}"
        return lead._replace(
            company=name, domain=lead.email.partition("@")[2] if lead.email else None, industry="Education"
        )
    if persona in ("free_mail", "job_seeker") and rng.random() < 0.6:
        return lead
    return lead._replace(
        company=firm.name,
        domain=firm.domain if rng.random() < 0.7 else None,
        industry=firm.industry if rng.random() < 0.8 else None,
        employees=firm.employees if rng.random() < 0.7 else None,
        revenue=firm.revenue if rng.random() < 0.5 else None,
    )


def life(rng: random.Random, person: Person, persona: str, propensity: float) -> Profile:
    """Decide a person's year: when it looks for a product, when it goes quiet, whether it buys."""
    created_s = person.created_s or EPOCH_S
    start_s = max(created_s, EPOCH_S - WINDOW_S)
    stale = rng.random() < 0.30 - 0.2 * propensity
    quiet_since_s = max(start_s, EPOCH_S - int(DAY_S * rng.uniform(60, 240))) if stale else LAST_S
    moments = (
        tuple(moment_times(rng, start_s, quiet_since_s, propensity)) if persona in ("business", "free_mail") else ()
    )
    lived = tuple(outcome_of(rng, at_s, propensity) for at_s in moments)
    unsubscribed_s = rng.randrange(start_s, LAST_S) if rng.random() < 0.035 else None
    bought_s = next((moment.opportunity_s for moment in lived if moment.opportunity_s), None)
    if bought_s and person.kind == "lead" and rng.random() < CONVERTED_LEAD_SHARE:
        person = person._replace(converted_s=bought_s)
    person = person._replace(opted_out=unsubscribed_s is not None)
    silent = not lived and rng.random() < 0.10 - 0.08 * propensity
    return Profile(person, persona, propensity, quiet_since_s, silent, lived, unsubscribed_s)


def moment_times(rng: random.Random, start_s: int, end_s: int, propensity: float) -> list[int]:
    """Draw the moments of intent: any time of the year, and for some in the last days."""
    times = [rng.randrange(start_s, end_s)] if end_s > start_s and rng.random() < 0.06 + 0.4 * propensity else []
    if end_s == LAST_S and rng.random() < 0.03 + 0.13 * propensity:
        times.append(LAST_S - int(DAY_S * 6 * rng.random()))
    return sorted(times)


def outcome_of(rng: random.Random, at_s: int, propensity: float) -> Moment:
    """Decide what comes of a moment of intent; what would lie after the world's end has not happened."""
    opportunity_s = at_s + int(DAY_S * rng.uniform(1, 20))
    closed_s = opportunity_s + int(DAY_S * rng.uniform(14, 75))
    buys, won = rng.random() < 0.10 + 0.5 * propensity, rng.random() < 0.25 + 0.3 * propensity
    if not buys or opportunity_s > LAST_S:
        return Moment(at_s, None, None, won=False)
    return Moment(at_s, opportunity_s, closed_s if closed_s <= LAST_S else None, won)


def as_duplicate(twin: Profile, number: int) -> Profile:
    """Make the second record of a human: another address or none, entered later, nothing done under it."""
    born = twin.person
    address = born.email.replace("@", f".{number:x}@") if born.email and number % 2 else None
    created_s = min((born.created_s or EPOCH_S) + 9 * DAY_S, LAST_S - 7200)
    again = born._replace(
        person_id=person_id(number), email=address, created_s=created_s, converted_s=None, opted_out=False
    )
    return Profile(again, "duplicate", 0.0, created_s, silent=True, moments=(), unsubscribed_s=None)
