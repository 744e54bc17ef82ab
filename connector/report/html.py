"""The page a rep or a manager opens: who to call now, why, and how the scores are spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from connector.report.charts import histogram


@dataclass(frozen=True)
class Lead:
    """Show one person; rank is the band's place in the model (0 is the hottest), due is text."""

    record_id: str
    name: str
    title: str | None
    company: str | None
    score: str
    band: str | None
    rank: int
    reasons: tuple[str, ...]
    owner: str | None
    task: str | None
    due: str | None
    url: str | None


@dataclass(frozen=True)
class Count:
    """Name a number; share is of all scored people, 0..1."""

    name: str
    n: int
    share: float = 0.0


@dataclass(frozen=True)
class Contact:
    """Show how soon one owner acts on one band, in words; owner is null for all of them together."""

    band: str
    owner: str | None
    clocks: int
    median: str
    p90: str
    breached: str


@dataclass(frozen=True)
class Overview:
    """Hold what the page says; spread is (label, people) per score step."""

    crm: str
    model: str
    as_of: str
    scored: int
    bands: Sequence[Count]
    tiles: Sequence[Count]
    leads: Sequence[Lead]
    spread: Sequence[tuple[str, int]]
    contacts: Sequence[Contact] = ()


def render(overview: Overview) -> str:
    """Make one self-contained HTML page; everything from the CRM is escaped, nothing is loaded from elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("connector.report", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("leads.html.j2").render(
        crm=overview.crm,
        model=overview.model,
        as_of=overview.as_of,
        scored=f"{overview.scored:,}",
        bands=overview.bands,
        tiles=overview.tiles,
        leads=overview.leads,
        chart=histogram(overview.spread),
        contacts=overview.contacts,
    )


def write_page(overview: Overview, path: Path) -> None:
    """Write the page, readable by its owner only, since it names people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # it may have been there before
    path.write_text(render(overview), encoding="utf-8")
