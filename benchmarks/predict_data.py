"""Public data sets as canonical folders, for `leadlight train --data`: read from where they lie, never copied.

bank: calls of a bank in the order they were made, by month and not by day; olist: real leads with real deals; maven: a
made-up CRM without any signal; cdnow: purchases, where converting is to buy again.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MACRO: Final = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
Row = Mapping[str, Any]


def bank(folder: Path, *, macro: bool = True) -> None:
    """Write the bank's calls (UCI 222): without the duration, which is known only after; `macro` are five indices.

    The file is ordered by time and names months; calls are spread evenly over each run of a month, from May 2008.
    """
    with (SOURCE / "bank" / "bank-additional-full.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    dropped = ("y", "duration", "month", "day_of_week", *(() if macro else _MACRO))
    people, outcomes = [], []
    for place, (row, at) in enumerate(zip(rows, _call_times([row["month"] for row in rows]), strict=True)):
        person = f"c{place:05d}"
        known = {key: value for key, value in row.items() if key not in dropped}
        known["pdays"] = "" if known["pdays"] == "999" else known["pdays"]  # 999 means never called before
        people.append({"person_id": person, "created_at": _iso(at), **known})
        if row["y"] == "yes":
            outcomes.append({"kind": "closed_won", "occurred_at": _iso(at + timedelta(days=2)), "person_id": person})
    outcomes.append({"kind": "closed_won", "occurred_at": "2011-03-01T00:00:00Z", "person_id": "after the data"})
    _write(folder, people=people, outcomes=outcomes)


def bank_crm(folder: Path) -> None:
    """Write the bank's calls as a CRM would know them: without the five indices of the economy."""
    bank(folder, macro=False)


def _call_times(months: Sequence[str]) -> list[datetime]:
    """Date each call: months as they follow in the file, the calls of a run of one month spread evenly over it."""
    times: list[datetime] = []
    year, before, start = 2008, 0, 0
    while start < len(months):
        end = start
        while end < len(months) and months[end] == months[start]:
            end += 1
        month = _MONTHS.index(months[start]) + 1
        year, before = year + (month < before), month
        first = datetime(year, month, 1, tzinfo=UTC)
        length = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - first) / (end - start)
        times += [first + length * n for n in range(end - start)]
        start = end
    return times


def olist(folder: Path) -> None:
    """Write the Olist funnel: 8,000 leads with origin and landing page; closed_won is their deal."""
    leads = _rows(SOURCE / "olist" / "olist_marketing_qualified_leads_dataset.csv")
    deals = _rows(SOURCE / "olist" / "olist_closed_deals_dataset.csv")
    people = [
        {
            "person_id": lead["mql_id"],
            "created_at": _iso(datetime.strptime(lead["first_contact_date"], "%d-%m-%Y").replace(tzinfo=UTC)),
            "source": lead["origin"],
            "landing_page": lead["landing_page_id"],
        }
        for lead in leads
    ]
    outcomes = [
        {
            "kind": "closed_won",
            "occurred_at": _iso(datetime.strptime(deal["won_date"], "%d-%m-%Y %H:%M").replace(tzinfo=UTC)),
            "person_id": deal["mql_id"],
        }
        for deal in deals
    ]
    _write(folder, people=people, outcomes=outcomes)


def maven(folder: Path) -> None:
    """Write Maven's closed opportunities as leads: product, agent and account at engagement, won or lost later.

    Those still open are left out: most of them name no account yet, which alone would tell them apart.
    """
    accounts = {row["account"]: row for row in _rows(SOURCE / "maven_crm" / "accounts.csv")}
    people, outcomes = [], []
    for row in _rows(SOURCE / "maven_crm" / "sales_pipeline.csv"):
        if row["deal_stage"] not in ("Won", "Lost"):
            continue
        account = accounts.get(row["account"], {})
        people.append(
            {
                "person_id": row["opportunity_id"],
                "created_at": f"{row['engage_date']}T00:00:00Z",
                "product": row["product"],
                "agent": row["sales_agent"],
                "sector": account.get("sector", ""),
                "company_revenue": account.get("revenue", ""),
                "company_employees": account.get("employees", ""),
                "office": account.get("office_location", ""),
            }
        )
        kind, at = f"closed_{row['deal_stage'].lower()}", f"{row['close_date']}T00:00:00Z"
        outcomes.append({"kind": kind, "occurred_at": at, "person_id": row["opportunity_id"]})
    _write(folder, people=people, outcomes=outcomes)


def cdnow(folder: Path) -> None:
    """Write the CDNOW purchases (Fader and Hardie): each is an event, and a deal won; buying again is an expansion."""
    first: dict[str, str] = {}
    events, outcomes = [], []
    for place, line in enumerate((SOURCE / "cdnow" / "CDNOW_master.txt").read_text().splitlines()):
        who, day, discs, dollars = line.split()
        at = f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z"
        first[who] = min(first.get(who, at), at)
        event = {"event_id": f"e{place:06d}", "type": "purchase", "occurred_at": at, "person_id": who}
        events.append({**event, "value": dollars, "props": json.dumps({"discs": discs})})
        outcomes.append({"kind": "closed_won", "occurred_at": at, "person_id": who})
    people = [{"person_id": who, "created_at": at} for who, at in first.items()]
    _write(folder, people=people, events=events, outcomes=outcomes)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(folder: Path, **tables: Iterable[Row]) -> None:
    for name, rows in tables.items():
        kept = list(rows)
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(kept[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)


WRITERS: Final[Mapping[str, Callable[[Path], None]]] = {
    "olist": olist,
    "maven": maven,
    "cdnow": cdnow,
    "bank": bank,
    "bank_crm": bank_crm,
}
TARGETS: Final[Mapping[str, str]] = {"cdnow": "expansion"}
MOST_ROWS: Final[Mapping[str, int]] = {"cdnow": 60_000}
