"""What every vendor says of one record, and who is believed: the lines that stand below an explanation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from connector.engine.relations import literal
from connector.enrichment.resolve import KEYS, candidates, place, seen
from connector.enrichment.step import TABLES, enriches_of, held_for
from connector.settings.enrichment import CRM, EnrichSettings
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.view import View


@dataclass(frozen=True)
class Saying:
    """What one vendor says of an attribute: the value as its transform reads it, and when it was observed.

    used: it is the one that is believed. read is false where the value is too old, or is none of the attribute's type.
    """

    vendor: str
    value: str
    observed_at: datetime | None
    used: bool
    read: bool


@dataclass(frozen=True)
class Told:
    """An attribute of a record with all that is said of it; nobody is believed where no saying is used."""

    of: str
    attribute: str
    sayings: tuple[Saying, ...]

    def as_dict(self) -> dict[str, object]:
        """Give it as the command line's JSON has it."""
        rows = [
            {
                "vendor": said.vendor,
                "value": said.value,
                "observed_at": said.observed_at.strftime("%Y-%m-%dT%H:%M:%SZ") if said.observed_at else None,
                "used": said.used,
                "fresh": said.read,
            }
            for said in self.sayings
        ]
        return {"of": self.of, "attribute": self.attribute, "said": rows}

    def sentence(self) -> str:
        """Tell it in one line: employees 480 (zoominfo, 12 Mar 2026; clearbit says 900)."""
        chosen = next((said for said in self.sayings if said.used), None)
        others = [_other(said) for said in self.sayings if not said.used]
        if chosen is None:
            return f"{self.attribute} unknown ({'; '.join(others)})"
        return f"{self.attribute} {chosen.value} ({'; '.join([_source(chosen), *others])})"


def told_of(
    engine: duckdb.DuckDBPyConnection, lake: Lake, settings: Settings, as_of: datetime, ids: Mapping[str, str | None]
) -> list[Told]:
    """Tell what is said of a person, an account or both: ids by table. Attributes that nobody knows are left out."""
    found: list[Told] = []
    for of in TABLES:
        wanted, subject_id = enriches_of(settings, of), ids.get(of)
        if wanted and subject_id is not None and lake.relation(of) is not None:
            found += _of_one(engine, View(lake, settings, as_of), of, subject_id)
    return found


def _of_one(engine: duckdb.DuckDBPyConnection, view: View, of: str, subject_id: str) -> Iterator[Told]:
    wanted, held = enriches_of(view.settings, of), held_for(view.lake, view.settings, of)
    columns = [
        f"({typed}) IS NOT NULL, {_said(enrich, vendor, typed)}, {_at(enrich, vendor, held.crm_stamp)}"
        for enrich in wanted
        for vendor, typed in candidates(enrich, held, view.as_of, "t", "s").items()
    ]
    row = engine.execute(
        f"""SELECT {", ".join(columns)} FROM {view.lake.relation(of)} t
            LEFT JOIN {seen(wanted, held, view.as_of)} s ON s.subject_id = t.{KEYS[of]}
            WHERE t.{KEYS[of]} = {literal(subject_id)}"""  # noqa: S608 - names are quoted
    ).fetchone()
    cells = iter(row or ())
    for enrich in wanted if row else ():
        sayings = tuple(_sayings(enrich, cells))
        if sayings:
            yield Told(of, enrich.attribute, sayings)


def _said(enrich: EnrichSettings, vendor: str, typed: str) -> str:
    """Write what a vendor says as text, stale or not; of the CRM's own column what it holds."""
    return f"({typed})::VARCHAR" if vendor == CRM else f"s.{place(enrich, vendor)}.value"


def _at(enrich: EnrichSettings, vendor: str, crm_stamp: str | None) -> str:
    if vendor == CRM:
        return f"epoch(t.{crm_stamp})" if crm_stamp else "NULL"
    return f"epoch(s.{place(enrich, vendor)}.at)"


def _sayings(enrich: EnrichSettings, cells: Iterator[object]) -> Iterator[Saying]:
    """Read the cells of one attribute, three for each vendor."""
    chosen = False
    for vendor in enrich.vendors:
        read, value, at = bool(next(cells)), next(cells), next(cells)
        if value is not None:
            observed_at = datetime.fromtimestamp(float(str(at)), UTC) if at is not None else None
            yield Saying(vendor, _plain(str(value)), observed_at, used=read and not chosen, read=read)
        chosen = chosen or read


def _plain(value: str) -> str:
    """Leave out the decimals of a whole number."""
    return value.removesuffix(".0")


def _source(said: Saying) -> str:
    return said.vendor if said.observed_at is None else f"{said.vendor}, {_day(said.observed_at)}"


def _other(said: Saying) -> str:
    old = "" if said.read or said.observed_at is None else f", not used: of {_day(said.observed_at)}"
    return f"{said.vendor} says {said.value}{old}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
