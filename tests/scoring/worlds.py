"""Random worlds, dense in what goes wrong: ties, nulls, edges of windows, Unicode, the future, absent columns."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, TypeVar

Row = dict[str, Any]
T = TypeVar("T")

AS_OF = datetime(2026, 5, 31, 12, 0, 0, 400_000, tzinfo=UTC)
TIMES_OF_RUN = [
    AS_OF,
    AS_OF,
    AS_OF,
    AS_OF.replace(microsecond=0),
    AS_OF.replace(tzinfo=None),
    AS_OF.astimezone(timezone(timedelta(hours=5, minutes=30))),
    AS_OF - timedelta(days=7),
    AS_OF - timedelta(days=45, seconds=1),
]
TEXTS = [
    *["VP", " vp ", "vp", "Größe"],
    "Director\t",
    "Größe",
    "größe",
    "STRAẞE",
    "ΑΣΑ",
    "ασα",
    "İst",
    "IST",
    "ısı",
    "a_b%",
    "it's",
    'say "x"; -- /* {{ x }}',
    "x\\y",
    "vp\nx",
    "\u3000Ünï\u00a0",
    "\u200bVP",
    "\ufeffvp",
    "\u2028vp\x85",
    "",
    "  ",
    "\u00a0\t",
]
WORDS = [
    "vp",
    "VP ",
    "director",
    "GRÖẞE",
    "größe",
    "straße",
    "ΑΣΑ",
    "ist",
    "ISI",
    "a_b",
    "it's",
    'say "x"; -- /* {{ x }}',
    "x\\y",
    "vp\nx",
    "ünï",
    "b%",
    "\u200bvp",
    "\ufeffVP\u00a0",
]
PATTERNS = ["^v", "P$", "a_b|it's", "[üö]", r"^\S+$", "^(a+)+$", "v.x", "GRÖ", r"^.{2,3}$", r"\\"]
NUMBERS = [0, 1, 9.5, 10, 50, 1e6, -3, math.nan, 0.1, math.inf]
LISTS = {"good": {"acme.com", "BIG.org"}, "words": {"vp", "Größe", "it's"}, "blank": {" "}}
EMAILS = ["a@acme.com", "b@x@Big.ORG ", "none", "c@", "Ü@ünï.de", " d@acme.com", ""]
DAY = 86400
EDGES = [0, 1, 3599, 3600, DAY, 7 * DAY - 1, 7 * DAY, 14 * DAY, 30 * DAY, 30 * DAY + 1, 90 * DAY, -1, -DAY]
TYPES = ["page_view", "email_open", "demo_request", "webinar_attended", "unsubscribe"]
URLS = ["/pricing", "/Pricing/Größe", "/blog", "https://x.example/a_b%?q=1", "", None]
DURATIONS = ["1s", "60m", "24h", "7d", "7d", "2w", "2w", "30d", "30d", "90d", "90d"]
BAND_NAMES = ["hot", "hot", "warm", "warm", "cold", "HOT"]

TEXT_FIELDS = [
    "seniority",
    "title",
    "country",
    "kind",
    "account_id",
    "account.industry",
    "account.type",
    "account.title",
    "email_domain",
    "tier",
    "account.tier",
]
NUMBER_FIELDS = ["employees", "account.employees", "account.revenue", "nps", "account.nps"]
LIST_FIELDS = ["technologies", "account.technologies", "tags"]
TIME_FIELDS = ["converted_at", "seen_at", "created_at", "account.seen_at"]
BOOLEAN_FIELDS = ["opted_out", "vip", "account.vip"]
PROPERTIES: list[Row] = [
    {"n": "3", "Flag": "true", "at": "2026-05-24T12:00:00Z", "word": "VP "},
    {"n": " 10 ", "Flag": "False", "at": "2026-05-20 10:00:00.9+02:00", "word": "größe"},
    {"n": "x", "Flag": "0", "at": "2026-05-31", "word": " "},
    {"n": "nan", "Flag": " TRUE", "at": "soon", "it's;--": "9.5"},
    {"n": "-1e3"},
]
# What a table may lack; a model may ask for each of them all the same.
SPARE = {
    "people": [
        *["account_id", "email", "seniority", "title", "country", "kind", "industry", "employees", "opted_out"],
        *["technologies", "created_at", "converted_at", "previous_band", "buying_role"],
    ],
    "accounts": ["industry", "type", "employees", "revenue", "technologies", "previous_band"],
    "events": ["person_id", "account_id", "url", "asset", "source", "value", "is_bot", "props"],
    "adjustments": ["half_life_days"],
}


def random_world(random: Random, size: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Make people, accounts and events."""
    accounts = [_account(random, number) for number in range((size + 2) // 3)]
    people = [_person(random, number, len(accounts)) for number in range(size)]
    events = [_event(random, number, size) for number in range(size * random.choice([0, 5, 12, 12]))]
    return people, accounts, _quiet(random, people + accounts, events)


def thinned(random: Random, tables: dict[str, list[Row]], subjects: str) -> dict[str, tuple[str, ...]]:
    """Name the columns that each table lacks, and take them out of the rows; some tables are absent altogether.

    A table that is absent is in `tables` without rows, and lacks `*`; the table of the subjects is always there.
    """
    lacking: dict[str, tuple[str, ...]] = dict.fromkeys(tables, ())
    for name, rows in tables.items():
        if random.random() < 0.25:
            lacking[name] = tuple(random.sample(SPARE[name], random.choice([1, 2, 3]) if len(SPARE[name]) > 1 else 1))
        if random.random() < 0.04 and name not in ("people", subjects):
            lacking[name] = ("*",)
            rows.clear()
        for row in rows:
            for column in lacking[name]:
                row.pop(column, None)
    return lacking


def _maybe(random: Random, pool: Sequence[T]) -> T | None:
    return None if random.random() < 0.2 else random.choice(pool)


def _time(random: Random) -> datetime:
    fraction = timedelta(microseconds=random.choice([0, 0, 400_000, 900_000]))
    age = timedelta(seconds=random.choice([*EDGES, random.randrange(100 * DAY)]) + random.choice([0, 0, 0, 5000]))
    return AS_OF.replace(microsecond=0) - age + fraction


def _edge(random: Random) -> datetime:
    """Give a time exactly as old as windows are long, in the second of the newest time of a run."""
    return AS_OF.replace(microsecond=random.choice([0, 900_000])) - timedelta(seconds=random.choice(EDGES))


def _words(random: Random) -> list[str | None]:
    return [random.choice([*TEXTS, None]) for _ in range(random.randrange(4))]


def _account(random: Random, number: int) -> Row:
    return {
        "account_id": f"a{number}",
        "industry": _maybe(random, TEXTS),
        "type": _maybe(random, ["customer", "Prospect", " "]),
        "employees": _maybe(random, NUMBERS),
        "revenue": _maybe(random, NUMBERS),
        "technologies": _maybe(random, [_words(random)]),
        "tier": _maybe(random, TEXTS),
        "previous_band": _maybe(random, BAND_NAMES),
    }


def _person(random: Random, number: int, accounts: int) -> Row:
    birthdays = [AS_OF - timedelta(days=40), AS_OF + timedelta(microseconds=500_000), AS_OF + timedelta(days=1)]
    return {
        "person_id": f"p{number}",
        "account_id": _maybe(random, [f"a{random.randrange(accounts + 1)}"]),
        "email": _maybe(random, EMAILS),
        "kind": random.choice(["lead", "Contact", None]),
        "seniority": _maybe(random, TEXTS),
        "title": _maybe(random, TEXTS),
        "country": _maybe(random, ["US", "us ", "DE"]),
        "industry": _maybe(random, TEXTS),
        "employees": _maybe(random, NUMBERS),
        "opted_out": random.choice([None, None, False, True]),
        "technologies": _maybe(random, [_words(random)]),
        "created_at": _maybe(random, birthdays) if number % 4 == 0 else None,
        "converted_at": _maybe(random, [_edge(random)]),
        "previous_band": _maybe(random, BAND_NAMES),
        "nps": _maybe(random, NUMBERS),
        "buying_role": random.choice([None, None, " ", "champion", " VP"]),
        "vip": random.choice([None, False, True]),
        "tier": _maybe(random, TEXTS),
        "tags": _maybe(random, [_words(random)]),
        "seen_at": _maybe(random, [_edge(random)]),
    }


def _event(random: Random, number: int, people: int) -> Row:
    return {
        "event_id": f"e{number}",
        "type": random.choice([*TYPES, "ticket"]),
        "occurred_at": _time(random),
        "person_id": _maybe(random, [f"p{random.randrange(people + 2)}"])
        if number % 7 == 0
        else random.choice([None, *[f"p{random.randrange(people)}"] * 4]),
        "account_id": _maybe(random, [f"a{random.randrange(people // 3 + 1)}"]),
        "url": random.choice(URLS),
        "asset": random.choice(["A", "a", "B", "", None]),
        "source": random.choice(["Web", "web ", "partner", None]),
        "value": _maybe(random, NUMBERS),
        "is_bot": random.choice([None, None, None, False, False, True]),
        "props": random.choice([None, {}, *PROPERTIES]),
    }


def _quiet(random: Random, subjects: list[Row], events: list[Row]) -> list[Row]:
    """Let some subjects have done nothing since the edge of a window, so that their silence ends exactly there."""
    since: dict[str, datetime] = {}
    for subject in subjects:
        if random.random() < 0.35:
            edge = timedelta(seconds=random.choice([DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY]))
            since[str(subject.get("person_id") or subject["account_id"])] = AS_OF.replace(microsecond=0) - edge
    for event in events:
        latest = since.get(event["person_id"] or event["account_id"])
        if latest is not None and event["occurred_at"] > latest:
            event["occurred_at"] = latest
    return events


def repeated(random: Random, events: list[Row]) -> list[Row]:
    """Let some events come twice, as a log that was read twice has them."""
    return events + [dict(event) for event in events if random.random() < 0.1]


def random_ledger(random: Random, people: int, subject: str = "p") -> list[Row] | None:
    """Make adjustments, or no table at all; several fall into the same second."""
    if random.random() < 0.3:
        return None
    moments = [_edge(random) for _ in range(3)]
    return [
        {
            "adjustment_id": f"j{number}",
            "subject_id": f"{subject}{random.randrange(people // 3 + 1)}",
            "model_id": random.choice(["random", "random", "random", "accounts", "accounts", "other"]),
            "op": random.choice(["set_to", "modify"]),
            "points": random.choice([-7.5, 0, 3, 12.1]),
            "effective_at": random.choice([*moments, _time(random)]),
            "half_life_days": random.choice([None, None, math.nan, 14.0, 0.5]),
        }
        for number in range(people)
    ]
