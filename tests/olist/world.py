"""Turn the Olist marketing funnel into canonical tables: 8,000 real leads, their landing pages and their deals.

Run it as `python tests/olist/world.py OUT_DIR`; `leadlight sandbox serve --world OUT_DIR` serves the result. The source
has no names and no addresses: those are made up from the ids.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "olist"
LEADS = "olist_marketing_qualified_leads_dataset.csv"
DEALS = "olist_closed_deals_dataset.csv"
PEOPLE = ("person_id", "kind", "email", "company", "source", "created_at", "landing_page")
EVENTS = ("event_id", "type", "occurred_at", "person_id", "asset")
OUTCOMES = ("kind", "occurred_at", "person_id")
SHORT = 12  # characters of an id that tell the leads apart


@dataclass(frozen=True)
class Lead:
    """One lead as the source has it; empty texts are unknown. won_at is null where no deal is known."""

    id: str
    contacted_at: datetime
    origin: str
    landing_page: str
    won_at: datetime | None


def read_leads(source: Path = SOURCE) -> list[Lead]:
    """Read leads and their deals, in the order of the file."""
    deals = {row["mql_id"]: moment(row["won_date"], "%d-%m-%Y %H:%M") for row in read_rows(source / DEALS)}
    return [
        Lead(
            row["mql_id"],
            moment(row["first_contact_date"], "%d-%m-%Y"),
            row["origin"],
            row["landing_page_id"],
            deals.get(row["mql_id"]),
        )
        for row in read_rows(source / LEADS)
    ]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def moment(text: str, layout: str) -> datetime:
    """Read a time; the source names no zone and is taken as UTC."""
    return datetime.strptime(text, layout).replace(tzinfo=UTC)


def write_world(leads: Sequence[Lead], folder: Path) -> None:
    """Write people, events and outcomes as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "people.csv", PEOPLE, map(person, leads))
    write_rows(folder / "events.csv", EVENTS, map(form_submission, leads))
    won = ((lead, lead.won_at) for lead in leads if lead.won_at)
    write_rows(folder / "outcomes.csv", OUTCOMES, (("closed_won", stamp(won_at), lead.id) for lead, won_at in won))


def person(lead: Lead) -> tuple[str, ...]:
    """Give a lead's row of people."""
    short = lead.id[:SHORT]
    named = (f"seller-{short}@sellers.example", f"Seller {short}")
    return (lead.id, "lead", *named, lead.origin, stamp(lead.contacted_at), lead.landing_page)


def form_submission(lead: Lead) -> tuple[str, ...]:
    """Give the form that made a lead known."""
    return (f"form-{lead.id}", "form_submission", stamp(lead.contacted_at), lead.id, lead.landing_page)


def stamp(at: datetime) -> str:
    """Write a time."""
    return at.isoformat().replace("+00:00", "Z")


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def main() -> None:
    """Write the world into the folder that the command line names."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tests/olist/world.py OUT_DIR")
    leads = read_leads()
    write_world(leads, Path(sys.argv[1]))
    print(f"{len(leads):,} leads, {sum(lead.won_at is not None for lead in leads):,} of them won, in {sys.argv[1]}")


if __name__ == "__main__":
    main()
