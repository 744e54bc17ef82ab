"""A small world whose companies have fields that several vendors fill, and a mapping that reads them."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.sandbox.server import Crm
from tests.loop.loops import Loop, copy_of

MODEL = """
[model]
id = "sizes"

[[fit]]
id = "size"
label = "company size"
field = "account.employees"
brackets = [{ below = 100, points = 5 }, { below = 1000, points = 40 }, { points = 70 }]

[[band]]
id = "hot"
at_least = 60

[[band]]
id = "cold"
"""
VENDORS = """
[[vendor]]
id = "zoominfo"
columns = { employees = "zoominfo_employees" }
observed_at = "zoominfo_updated_at"

[[vendor]]
id = "clearbit"
columns = { employees = "clearbit_employees" }
observed_at = "clearbit_updated_at"

[[enrich]]
attribute = "employees"
of = "accounts"
vendors = ["zoominfo", "clearbit", "crm"]
max_age_days = 180
"""
COLUMNS = ("zoominfo_employees", "zoominfo_updated_at", "clearbit_employees", "clearbit_updated_at")
OBJECTS = {"salesforce": "Account", "hubspot": "companies"}
# Each company with what its CRM says and what the vendors say; the sandbox's clock stands at 1 Jul 2026.
COMPANIES = (
    ("both", "50", "480", "2026-03-12T00:00:00Z", "900", "2026-06-01T00:00:00Z"),
    ("stale", "50", "480", "2025-03-12T00:00:00Z", "1900", "2026-06-01T00:00:00Z"),
    ("older", "50", "480", "2025-03-12T00:00:00Z", "1900", "2025-06-01T00:00:00Z"),
    ("nobody", "", "480", "2025-03-12T00:00:00Z", "", ""),
)


def write_world(folder: Path) -> None:
    """Write one contact for each company."""
    folder.mkdir(parents=True)
    with (folder / "accounts.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("account_id", "name", "domain", "employees", *COLUMNS))
        rows.writerows((row[0], row[0].title(), f"{row[0]}.example", *row[1:]) for row in COMPANIES)
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("person_id", "kind", "account_id", "email", "title", "apollo_title"))
        for name, *_ in COMPANIES:
            said = "[[unknown]]" if name == "nobody" else "VP of Sales" if name == "both" else ""
            rows.writerow((f"p_{name}", "contact", name, f"ann@{name}.example", "Sales Director", said))


def field_name(crm: Crm, column: str) -> str:
    """Name the CRM field that the sandbox made of a world's column."""
    words = "_".join(word[0].upper() + word[1:] for word in column.split("_"))
    return f"{words}__c" if crm == "salesforce" else column


def write_mapping(crm: Crm, folder: Path, **more: str) -> None:
    """Write a mapping that reads the vendors' fields of companies as columns of their own."""
    fields = {column: field_name(crm, column) for column in COLUMNS} | more
    people = "Contact" if crm == "salesforce" else "contacts"
    lines = [f'extends = "{crm}"', f"[read.{OBJECTS[crm]}.fields]", *(f'{k} = "{v}"' for k, v in fields.items())]
    lines += [f"[read.{people}.fields]", f'apollo_title = "{field_name(crm, "apollo_title")}"']
    (folder / "mapping.toml").write_text("\n".join([*lines, ""]), encoding="utf-8")


@contextmanager
def vendors_loop(crm: Crm, template: Path, folder: Path, config: str = VENDORS) -> Iterator[Loop]:
    """Serve the world, with a configuration that believes zoominfo, then clearbit, then the CRM."""
    with copy_of(crm, template, folder / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL, encoding="utf-8")
        write_mapping(crm, loop.folder)
        text = loop.config.read_text(encoding="utf-8")
        text = text.replace(f'mapping = "{crm}"', 'mapping = "mapping.toml"')
        loop.config.write_text(text + config, encoding="utf-8")
        yield loop


def company(loop: Loop, name: str) -> dict[str, Any]:
    """Give a company's record by its canonical id."""
    kind = OBJECTS[loop.crm]
    (found,) = [one for one in loop.records(kind) if one["fields"][loop.words.canonical] == name]
    return found | {"object": kind}


def scores(loop: Loop) -> dict[str, float]:
    """Give the score that was written of each company's person."""
    return {who.removeprefix("p_"): float(person["fields"][loop.words.score]) for who, person in loop.people().items()}
