"""Made-up companies: the nth one is always the same, and no two share a name or a domain."""

import random
from typing import NamedTuple

from connector.sandbox.world.rows import Account
from connector.sandbox.world.vocabulary import ascii_slug, vocabulary

STRIDE = 1_000_003  # a prime: stepping by it visits every combination of syllables once
SIZES = (((1, 9), 16), ((10, 49), 26), ((50, 249), 28), ((250, 999), 17), ((1000, 4999), 9), ((5000, 60000), 4))
REVENUE_PER_HEAD = (60_000, 260_000)
MISSING_SHARE = 0.12
OWNERS = 8


class Company(NamedTuple):
    """A company as it is; what a CRM knows of it may be less."""

    name: str
    domain: str
    industry: str
    employees: int
    revenue: int
    country: str
    technologies: str
    country_index: int


def company(seed: int, number: int) -> Company:
    """Give the nth company of a world."""
    words, rng = vocabulary(), random.Random(f"company {seed} {number}")  # noqa: S311 - a repeatable draw is wanted
    name = company_name(seed, number)
    country = words.countries.draw(rng)
    low, high = rng.choices([size for size, _ in SIZES], [share for _, share in SIZES])[0]
    employees = int(low * (high / low) ** rng.random())
    revenue = round(employees * rng.uniform(*REVENUE_PER_HEAD), -4)
    technologies = ";".join(sorted(rng.sample(words.lists["technologies"], rng.randint(0, 4))))
    return Company(
        name=name,
        domain=f"{ascii_slug(name)}.example",
        industry=words.industries.draw(rng),
        employees=employees,
        revenue=int(revenue),
        country=rng.choice(country.written),
        technologies=technologies,
        country_index=words.countries.words.index(country),
    )


def company_name(seed: int, number: int) -> str:
    """Combine syllables so that different numbers give different names (up to 327,680 companies; then numbered)."""
    first, second, third, last = vocabulary().syllables
    size = len(first) * len(second) * len(third) * len(last)
    index = (number * STRIDE + seed * 7919) % size
    index, a = divmod(index, len(first))
    index, b = divmod(index, len(second))
    index, c = divmod(index, len(third))
    numbered = f" {number // size + 1}" if number >= size else ""
    return f"{first[a]}{second[b]}{third[c]} {last[index]}{numbered}"


def account_id(number: int) -> str:
    """Give the nth account's id."""
    return f"a{number:06d}"


def account_row(seed: int, number: int) -> Account:
    """Give the nth account as the CRM knows it: some facts are missing, a few are customers or partners."""
    firm, rng = company(seed, number), random.Random(f"account {seed} {number}")  # noqa: S311 - as above
    kind = rng.choices(("Prospect", "Customer", "Partner", None), (75, 9, 4, 12))[0]
    return Account(
        account_id=account_id(number),
        name=firm.name,
        domain=None if rng.random() < MISSING_SHARE / 2 else firm.domain,
        industry=None if rng.random() < MISSING_SHARE else firm.industry,
        employees=None if rng.random() < MISSING_SHARE else firm.employees,
        revenue=None if rng.random() < MISSING_SHARE * 1.5 else firm.revenue,
        country=None if rng.random() < MISSING_SHARE / 2 else firm.country,
        technologies=firm.technologies or None,
        type=kind,
        owner_id=f"u{rng.randrange(OWNERS) + 1}",
    )
