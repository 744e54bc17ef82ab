"""The made-up world: deterministic by its seed and its number of people."""

import random
from collections.abc import Iterator

from connector.sandbox.world.activity import account_events, person_events
from connector.sandbox.world.companies import account_row
from connector.sandbox.world.profiles import DAY_S, EPOCH_S, LAST_S, Profile, account_count, profile
from connector.sandbox.world.rows import Account, Event, Merge, Outcome, Owner, World
from connector.sandbox.world.vocabulary import vocabulary

MERGED_SHARE = 0.004
KEPT_PEOPLE = 200_000  # up to here a stream opened again costs memory (under 1 kB each) instead of time
VERDICT_SHARE = 0.12
OWNERS = (
    Owner("u1", "ana.keller@leadlight.example", "Ana", "Keller"),
    Owner("u2", "ben.osei@leadlight.example", "Ben", "Osei"),
    Owner("u3", "chloe.martin@leadlight.example", "Chloé", "Martin"),
    Owner("u4", "dmitri.halloran@leadlight.example", "Dmitri", "Halloran"),
    Owner("u5", "eva.lindqvist@leadlight.example", "Eva", "Lindqvist"),
    Owner("u6", "farid.nasser@leadlight.example", "Farid", "Nasser"),
    Owner("u7", "grace.okoro@leadlight.example", "Grace", "Okoro"),
    Owner("u8", "hugo.santos@leadlight.example", "Hugo", "Santos"),
    Owner("u9", "ines.former@leadlight.example", "Inés", "Former", active=False),
    Owner("q1", None, None, "Inbound leads", is_queue=True),
)


def empty_world() -> World:
    """Give a world with sales people and nobody to sell to."""
    return World(OWNERS, lambda: iter(()), lambda: iter(()), lambda: iter(()), lambda: iter(()))


def demo_world(people: int, seed: int) -> World:
    """Give the made-up world of so many people, a quarter as many accounts, and about ten events per person."""

    kept: list[Profile] = []

    def profiles() -> Iterator[tuple[int, Profile]]:
        if people > KEPT_PEOPLE:
            return ((number, profile(seed, number, people)) for number in range(people))
        if not kept:
            kept.extend(profile(seed, number, people) for number in range(people))
        return iter(enumerate(kept))

    return World(
        owners=OWNERS,
        accounts=lambda: demo_accounts(people, seed),
        people=lambda: (lived.person for _, lived in profiles()),
        events=lambda: demo_events(people, seed, profiles()),
        outcomes=lambda: (row for number, lived in profiles() for row in outcomes(seed, number, lived)),
        merges=lambda: merges(seed, profiles()),
    )


def demo_accounts(people: int, seed: int) -> Iterator[Account]:
    """Give the accounts."""
    return (account_row(seed, number) for number in range(account_count(people)))


def demo_events(people: int, seed: int, profiles: Iterator[tuple[int, Profile]]) -> Iterator[Event]:
    """Give the events: person by person, then company by company."""
    for number, lived in profiles:
        yield from person_events(seed, number, lived)
    for number in range(account_count(people)):
        yield from account_events(seed, number)


def outcomes(seed: int, number: int, lived: Profile) -> Iterator[Outcome]:
    """Give a person's outcomes: opportunities from moments of intent, and for some a sales person's verdict."""
    rng = random.Random(f"outcomes {seed} {number}")  # noqa: S311 - a repeatable draw is wanted
    born = lived.person
    for moment in lived.moments:
        if moment.opportunity_s is None:
            continue
        amount = round(rng.lognormvariate(9.2, 0.8), -2)
        yield Outcome("opportunity_created", moment.opportunity_s, born.person_id, born.account_id, None, amount)
        if moment.closed_s is not None:
            reason = None if moment.won else rng.choice(vocabulary().lists["rejection_reasons"])
            kind = "closed_won" if moment.won else "closed_lost"
            yield Outcome(kind, moment.closed_s, born.person_id, born.account_id, reason, amount)
    if rng.random() < VERDICT_SHARE and born.kind == "lead" and not born.converted_s:
        accepted = rng.random() < 0.15 + 0.75 * lived.propensity
        at_s = min((born.created_s or EPOCH_S) + rng.randrange(3600, 20 * DAY_S), LAST_S)
        reason = None if accepted else rng.choice(vocabulary().lists["rejection_reasons"])
        yield Outcome("accepted" if accepted else "rejected", at_s, born.person_id, None, reason)


def merges(seed: int, profiles: Iterator[tuple[int, Profile]]) -> Iterator[Merge]:
    """Give the second records that some people once had and that were merged into the first."""
    rng = random.Random(f"merges {seed}")  # noqa: S311 - as above
    for _, lived in profiles:
        if rng.random() < MERGED_SHARE:
            born = lived.person
            yield Merge(born._replace(person_id=f"{born.person_id}m", email=None, converted_s=None), born.person_id)
