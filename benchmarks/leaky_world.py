"""A made-up CRM full of fields that know how it ended, with the truth beside it: what they held while a lead was open.

Honest: who somebody is and what they did. Leaking: all that conversion, or the talk that led to it, fills or changes.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

Row = dict[str, Any]

LEAKS: Final[Mapping[str, str]] = {
    "lead_status": "says how it ended",
    "closed_why": "filled as a lead is lost",
    "contract_months": "filled as it is won",
    "paid_upfront": "filled in one of three that are won",
    "is_client": "set as it is won",
    "talks_logged": "a number that goes on growing after the conversion",
    "rating": "a rep's word after the talk, often right",
    "lifecycle": "changed after the conversion, with its history",
    "kind": "a lead becomes a contact as it is won",
    "account.type": "the company becomes a customer",
    "account.renewal_score": "worked out for customers alone",
}
HONEST: Final = ("seniority", "country", "team_size", "segment", "account.industry")
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS: Final = 600


@dataclass
class LeakyWorld:
    """Rows by table as a CRM has them today; `before` are people and accounts as they were while open."""

    people: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    before: dict[str, tuple[Row, Row]] = field(default_factory=dict)

    def write(self, folder: Path, *, open_fields: bool = False) -> Path:
        """Write a folder for `leadlight train --data`; with open_fields as it was, which no CRM can give."""
        people = [self.before[row["person_id"]][0] for row in self.people] if open_fields else self.people
        accounts = [self.before[row["person_id"]][1] for row in self.people] if open_fields else self.accounts
        tables = {"people": people, "accounts": accounts, "events": self.events, "outcomes": self.outcomes}
        for name, rows in {**tables, "history": self.history}.items():
            _write(folder / f"{name}.csv", rows)
        return folder


def leaky_world(n: int, seed: int) -> LeakyWorld:
    """Draw so many leads; about one in four converts."""
    draw = Random(seed)  # noqa: S311 - made-up data
    world = LeakyWorld()
    for place in range(n):
        _lead(draw, world, f"p{place:05d}", _START + timedelta(days=draw.uniform(0, _DAYS)))
    return world


def _lead(draw: Random, world: LeakyWorld, person: str, created: datetime) -> None:
    seniority, keen = draw.choice(["staff", "manager", "vp", "c_level", ""]), draw.random() < 0.35
    industry = draw.choice(["software", "retail", "health"])
    truth = -2.3 + 1.3 * (seniority in ("vp", "c_level")) + 1.4 * keen + 0.5 * (industry == "software")
    won_at = None
    if draw.random() < 1 / (1 + math.exp(-truth)):
        won_at = created + timedelta(days=2 + draw.expovariate(1 / 15))
    base: Row = {
        "person_id": person,
        "account_id": f"a{person}",
        "created_at": _iso(created),
        "seniority": seniority,
        "country": draw.choice(["US", "DE", "FR"]),
        "team_size": draw.randint(1, 500) if draw.random() < 0.8 else "",
        "segment": draw.choice(["a", "b", "c"]),
    }
    company = {"account_id": f"a{person}", "industry": industry}
    before, after = _fields(draw, None), _fields(draw, won_at)
    world.before[person] = (base | before[0], company | before[1])
    world.people.append(base | after[0])
    world.accounts.append(company | after[1])
    world.events += _events(draw, person, created, won_at, keen=keen)
    world.history += _changes(draw, base, created, won_at)
    kind = "opportunity_created" if won_at else "rejected" if draw.random() < 0.6 else None
    if kind:
        ended = won_at or created + timedelta(days=draw.uniform(40, 120))
        world.outcomes.append({"kind": kind, "occurred_at": _iso(ended), "person_id": person})
        if kind == "rejected":
            world.people[-1] |= {"lead_status": "unqualified", "closed_why": draw.choice(["budget", "timing"])}


def _fields(draw: Random, won_at: datetime | None) -> tuple[Row, Row]:
    """Give the fields of a person and of a company that know of a conversion, or of none."""
    won = won_at is not None
    hot = draw.random() < (0.7 if won else 0.08)
    person: Row = {
        "lead_status": "converted" if won and draw.random() > 0.04 else draw.choice(["open", "working"]),
        "closed_why": "",
        "contract_months": draw.choice([12, 24, 36]) if won else "",
        "paid_upfront": draw.randint(1, 90) * 100 if won and draw.random() < 0.35 else "",
        "is_client": "true" if won else "false",
        "talks_logged": draw.choice([0, 0, 1, 2, 4]) + (draw.randint(1, 6) if won else 0),
        "rating": "hot" if hot else draw.choice(["warm", "cold"]),
        "lifecycle": "customer" if won else "lead",
        "kind": "contact" if won else "lead",
    }
    return person, {"type": "customer" if won else "", "renewal_score": draw.randint(1, 100) if won else ""}


def _changes(draw: Random, base: Row, created: datetime, won_at: datetime | None) -> list[Row]:
    """Note what a CRM tracks: the stage that conversion changes, and a segment that changes for reasons of its own."""
    notes = []
    if won_at is not None:
        notes.append(("lifecycle", "lead", "customer", won_at + timedelta(hours=2)))
    if draw.random() < 0.4:
        notes.append(
            ("segment", draw.choice(["a", "b", "c"]), base["segment"], created - timedelta(days=draw.random()))
        )
    return [
        {
            "history_id": f"{base['person_id']}-{name}",
            "object": "Lead",
            "subject_id": base["person_id"],
            "field": name,
            "old": old,
            "new": new,
            "changed_at": _iso(at),
        }
        for name, old, new, at in notes
    ]


def _events(draw: Random, person: str, created: datetime, won_at: datetime | None, *, keen: bool) -> list[Row]:
    """Draw visits, of the keen sooner and more; whoever converted uses the product from then on."""
    rows = []
    for place in range(draw.randint(0, 3) + (5 if keen else 0)):
        at = created + timedelta(days=draw.uniform(0, 1) if keen else draw.uniform(0, 60))
        rows.append((f"{person}-v{place}", "page_view", at))
    if won_at is not None:
        rows += [(f"{person}-u{place}", "product_usage", won_at + timedelta(days=place)) for place in range(5)]
    return [{"event_id": i, "type": kind, "occurred_at": _iso(at), "person_id": person} for i, kind, at in rows]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(path: Path, rows: Iterable[Row]) -> None:
    kept = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(kept[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
