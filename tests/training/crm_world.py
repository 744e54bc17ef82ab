"""A seeded CRM with a known truth, as a folder of canonical files: who converts depends on role and on visits.

With notes, a field's past is told as well. A world of leaks is `benchmarks/leaky_world.py`.
"""

import csv
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 600
Row = dict[str, Any]


@dataclass
class World:
    """Rows by table."""

    people: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    attributes: list[Row] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        """Write every table that has rows."""
        for name, rows in vars(self).items():
            if rows:
                write(folder / f"{name}.csv", rows)
        return folder


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file of these rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def iso(moment: datetime) -> str:
    """Write a time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def made(n: int, seed: int, *, signal: float = 1.0, notes: bool = False) -> World:
    """Draw a world of so many leads; without signal, converting is a coin."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    world = World()
    for place in range(n):
        person = f"p{place:05d}"
        created = START + timedelta(days=draw.uniform(0, DAYS))
        seniority = draw.choice(["staff", "manager", "vp", "c_level", ""])
        keen = draw.random() < 0.35
        truth = -2.4 + signal * (1.3 * (seniority in ("vp", "c_level")) + 1.4 * keen)
        won_at = None
        if draw.random() < 1 / (1 + math.exp(-truth)):
            won_at = created + timedelta(days=2 + draw.expovariate(1 / 15))
        row: Row = {
            "person_id": person,
            "created_at": iso(created),
            "seniority": seniority,
            "country": draw.choice(["US", "DE", "FR"]),
            "team_size": draw.randint(1, 500) if draw.random() < 0.8 else "",
        }
        world.people.append(row)
        if won_at is not None:
            world.outcomes.append({"kind": "opportunity_created", "occurred_at": iso(won_at), "person_id": person})
        world.events += visits(draw, person, created, signal * keen, won_at)
        if notes:
            world.attributes += told(draw, person, created, won_at)
            row["segment"] = world.attributes[-1]["value"]
    return world


def visits(draw: random.Random, person: str, created: datetime, keen: float, won_at: datetime | None) -> list[Row]:
    """Draw what somebody did: the keen come sooner and more often; after converting, everybody uses the product."""
    rows = []
    for place in range(draw.randint(0, 3) + round(5 * keen)):
        at = created + timedelta(days=draw.uniform(0, 1) if keen else draw.uniform(0, 60))
        page = draw.choice(["/pricing", "/blog"])
        rows.append((f"{person}-v{place}", "page_view", at, f"https://acme.test{page}"))
    if won_at is not None:
        rows += [(f"{person}-u{place}", "product_usage", won_at + timedelta(days=place), "") for place in range(5)]
    names = ("event_id", "type", "occurred_at", "url")
    return [dict(zip(names, (i, kind, iso(at), url), strict=True)) | {"person_id": person} for i, kind, at, url in rows]


def told(draw: random.Random, person: str, created: datetime, won_at: datetime | None) -> list[Row]:
    """Tell the segment at creation and, of those who converted, that it became `customer` then."""
    first = {"subject_id": person, "name": "segment", "vendor": "form", "observed_at": iso(created)}
    rows = [first | {"value": draw.choice(["a", "b"])}]
    if won_at is not None:
        rows.append(first | {"value": "customer", "observed_at": iso(won_at + timedelta(hours=1))})
    return rows
