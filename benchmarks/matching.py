"""Match leads to accounts, all of them and then those of a day: seconds of CPU, memory, and by which method.

python -m benchmarks.matching --leads 100000 --accounts 50000 --seed 1
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.job import Job
from connector.matching.stage import match_stage
from tests.matching.stores import matches, put, store_in

FORMS = ("Inc.", "LLC", "GmbH", "Ltd", "S.A.", "B.V.", "AG", "Corp", "GmbH & Co. KG", "S.r.l.", "Pty Ltd", "")
WORDS = (
    "Software",
    "Systems",
    "Group",
    "Logistics",
    "Consulting",
    "Energy",
    "Health",
    "Partners",
    "Data",
    "Bau",
    "Foods",
)
COUNTRIES = ("US", "US", "DE", "FR", "GB", "NL", "ES", "IT", "BR")
FREE = ("gmail.com", "yahoo.com", "outlook.com", "gmx.de")
SYLLABLES = [c + v for c in "bcdfghjklmnprstvwz" for v in ("a", "e", "i", "o", "u", "an", "er", "ix", "on")]
PAGE = 20_000
DAY = 200
Row = dict[str, str | None]


@dataclass(frozen=True)
class Company:
    """Remember what an account was made of."""

    account_id: str
    stem: str
    word: str
    domain: str
    country: str


def companies(chance: random.Random, number: int) -> list[Company]:
    """Make companies, of which some share the word that stands first."""
    found = []
    for n in range(number):
        stem = "".join(chance.choices(SYLLABLES, k=chance.choice((2, 3, 3, 4)))).capitalize()
        found.append(
            Company(f"a{n:07d}", stem, chance.choice(WORDS), f"{stem.lower()}{n}.example", chance.choice(COUNTRIES))
        )
    return found


def account_row(chance: random.Random, company: Company) -> Row:
    """Write an account as a CRM has it."""
    name = f"{company.stem} {company.word} {chance.choice(FORMS)}".strip()
    return {
        "account_id": company.account_id, "name": name, "domain": company.domain, "country": company.country,
        "phone": f"+49{company.account_id[1:]}00", "type": chance.choice(("customer", "prospect", None)),
    }  # fmt: skip


def lead_row(chance: random.Random, n: int, company: Company) -> Row:
    """Write a lead of a company, as people fill in forms; every fifth is of a company nobody knows."""
    kind = chance.random()
    row: Row = {"person_id": f"p{n:07d}", "country": company.country, "email": f"x{n}@{chance.choice(FREE)}"}
    name = f"{company.stem} {company.word}"
    if kind < 0.4:
        return row | {"email": f"x{n}@mail.{company.domain}", "company": company.stem}
    if kind < 0.6:
        return row | {"company": f"{name.upper()} {chance.choice(FORMS)}"}
    if kind < 0.8:
        place = chance.randrange(1, len(name) - 1)
        return row | {"company": name[:place] + name[place + 1 :]}
    stem = "".join(chance.choices(SYLLABLES, k=4)).capitalize()
    return row | {"company": f"{stem} {chance.choice(WORDS)}", "email": f"x{n}@{stem.lower()}.test"}


def fill(job: Job, chance: random.Random, leads: int, accounts: int) -> None:
    """Fill a store page by page."""
    made = companies(chance, accounts)
    for first in range(0, accounts, PAGE):
        put(job, "accounts", [account_row(chance, one) for one in made[first : first + PAGE]])
    for first in range(0, leads, PAGE):
        put(job, "people", list(some_leads(chance, made, first, min(first + PAGE, leads))))


def some_leads(chance: random.Random, made: Sequence[Company], first: int, end: int) -> Iterator[Row]:
    """Write some leads."""
    return (lead_row(chance, n, chance.choice(made)) for n in range(first, end))


def measured(job: Job, what: str) -> None:
    """Match, and tell what it took."""
    began, wall = time.process_time(), time.monotonic()
    match_stage(job)
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    print(f"{what}: {time.process_time() - began:.1f} CPU s, {time.monotonic() - wall:.1f} s, peak {peak:.0f} MB")


def main(words: Sequence[str]) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    chance = random.Random(asked.seed)  # noqa: S311 - nothing secret
    with tempfile.TemporaryDirectory() as folder, store_in(Path(folder)) as job:
        fill(job, chance, asked.leads, asked.accounts)
        measured(job, "nothing known")
        print(Counter(row["method"] for row in matches(job).values()))
        made = companies(random.Random(asked.seed), asked.accounts)  # noqa: S311 - as above
        put(job, "people", list(some_leads(chance, made, asked.leads, asked.leads + DAY)))
        put(job, "accounts", [account_row(chance, one) for one in made[:DAY]])
        measured(job, f"{DAY} leads came, {DAY} accounts changed")
        measured(job, "nothing changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
