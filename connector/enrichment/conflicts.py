"""Where vendors disagree: fresh values of one attribute that differ by more than the tolerance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from connector.enrichment.resolve import KEYS, Held, candidates, place, seen
from connector.enrichment.step import TABLES, enriches_of, held_for, subjects
from connector.settings.enrichment import CRM, EnrichSettings
from connector.settings.file import Settings
from connector.store.lake import Lake

_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Said:
    """What one vendor says, and how old that is; age_days is null for the CRM without a stamp."""

    vendor: str
    value: str
    age_days: float | None


@dataclass(frozen=True)
class Conflict:
    """One attribute of one subject on which vendors disagree; the first saying is the one that is believed."""

    of: str
    subject_id: str
    attribute: str
    said: tuple[Said, ...]


def conflicts(
    engine: duckdb.DuckDBPyConnection, lake: Lake, settings: Settings, as_of: datetime, limit: int
) -> tuple[int, list[Conflict]]:
    """Count the conflicts and list the first ones: attribute by attribute in the order of the file, then by id."""
    total, found = 0, list[Conflict]()
    for of in TABLES:
        relation, wanted = subjects(lake, of), enriches_of(settings, of)
        if relation is None:
            continue
        for enrich in wanted:
            held = held_for(lake, settings, of)
            select = _select(enrich, held, as_of, relation)
            total += int(engine.execute(f"SELECT count(*) FROM ({select})").fetchall()[0][0])  # noqa: S608 - names are quoted
            rows = engine.execute(f"{select} ORDER BY subject_id LIMIT {max(limit - len(found), 0)}").fetchall()
            found += [Conflict(of, str(row[0]), enrich.attribute, tuple(_said(enrich, row[1:], as_of))) for row in rows]
    return total, found


def _select(enrich: EnrichSettings, held: Held, as_of: datetime, relation: str) -> str:
    """Select the subjects with a conflict: subject_id, then value and epoch of each vendor."""
    typed = candidates(enrich, held, as_of, "t", "s")
    each = [f"({value})::VARCHAR, {_at(enrich, vendor, held)}" for vendor, value in typed.items()]
    return (
        f"SELECT t.{KEYS[enrich.of]} AS subject_id, {', '.join(each)} FROM {relation} t "  # noqa: S608 - as above
        f"JOIN {seen([enrich], held, as_of)} s ON s.subject_id = t.{KEYS[enrich.of]} "
        f"WHERE {_differ(enrich, list(typed.values()))}"
    )


def _differ(enrich: EnrichSettings, values: list[str]) -> str:
    """Write whether known values differ: numbers by more than a factor, texts but for case, accents and signs."""
    if enrich.type == "number":
        low, high = f"least({', '.join(values)})", f"greatest({', '.join(values)})"  # both skip nulls
        return f"({high} > {low} * {enrich.tolerance} AND {low} > 0) OR ({low} <= 0 AND {high} > {low})"
    texts = [f"array_to_string(list_sort({value}), ';')" if enrich.type == "list" else value for value in values]
    folded = ", ".join(_folded(text) for text in texts)
    return f"len(list_distinct([{folded}])) > 1"


def _folded(value: str) -> str:
    return f"trim(regexp_replace(strip_accents(lower(({value})::VARCHAR)), '[^\\w]+', ' ', 'g'))"


def _at(enrich: EnrichSettings, vendor: str, held: Held) -> str:
    if vendor == CRM:
        return f"epoch(t.{held.crm_stamp})" if held.crm_stamp else "NULL"
    return f"epoch(s.{place(enrich, vendor)}.at)"


def _said(enrich: EnrichSettings, cells: tuple[object, ...], as_of: datetime) -> Iterator[Said]:
    for vendor, value, at in zip(enrich.vendors, cells[::2], cells[1::2], strict=True):
        if value is not None:
            age = None if at is None else (as_of.timestamp() - float(str(at))) / _DAY_S
            yield Said(vendor, str(value).removesuffix(".0"), None if age is None else round(age, 1))
