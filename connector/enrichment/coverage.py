"""How much each vendor knows and how new it is; an alarm where one goes quiet."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from connector.enrichment.resolve import KEYS, candidates, place, seen
from connector.enrichment.step import TABLES, enriches_of, held_for, subjects
from connector.job import Job
from connector.settings.enrichment import CRM, EnrichSettings, VendorSettings
from connector.settings.file import Settings
from connector.store import facts
from connector.store.lake import Lake
from connector.store.state import transaction

_NAME: Final = "vendor_coverage"
_KEPT: Final = 8
_EVERY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Coverage:
    """Say of one vendor and attribute which share of all subjects has a fresh value, and when it said anything last.

    fresh counts these subjects; newest_at is null for a vendor that never said anything, and for the CRM.
    """

    of: str
    attribute: str
    vendor: str
    fresh: int
    share: float
    newest_at: str | None


def coverages(engine: duckdb.DuckDBPyConnection, lake: Lake, settings: Settings, as_of: datetime) -> list[Coverage]:
    """Measure every vendor of every attribute as of an instant."""
    found: list[Coverage] = []
    for of in TABLES:
        wanted, relation = enriches_of(settings, of), subjects(lake, of)
        if wanted and relation is not None:
            held = held_for(lake, settings, of)
            columns = [
                f"count({typed}), {_newest(enrich, vendor)}"
                for enrich in wanted
                for vendor, typed in candidates(enrich, held, as_of, "t", "s").items()
            ]
            joined = f"{relation} t LEFT JOIN {seen(wanted, held, as_of)} s ON s.subject_id = t.{KEYS[of]}"
            row = engine.execute(f"SELECT count(*), {', '.join(columns)} FROM {joined}").fetchall()[0]  # noqa: S608 - names are quoted
            found += _read(wanted, int(row[0]), iter(row[1:]))
    return found


def _newest(enrich: EnrichSettings, vendor: str) -> str:
    return "NULL" if vendor == CRM else f"epoch(max(s.{place(enrich, vendor)}.at))"


def _read(wanted: Sequence[EnrichSettings], total: int, cells: Iterator[object]) -> Iterator[Coverage]:
    for enrich in wanted:
        for vendor in enrich.vendors:
            fresh, at = int(str(next(cells))), next(cells)
            newest = None if at is None else datetime.fromtimestamp(float(str(at)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield Coverage(enrich.of, enrich.attribute, vendor, fresh, fresh / total if total else 0.0, newest)


def watch_vendors(job: Job, as_of: datetime) -> tuple[str, ...]:
    """Measure the vendors once a day and remember it; returns the alarms as of the last measure."""
    if not job.settings.enrich:
        return ()
    before = _remembered(job.state)
    if not before or not timedelta() <= as_of - datetime.fromisoformat(before[-1][0]) < _EVERY:
        with job.engine() as engine:
            found = coverages(engine, job.lake, job.settings, as_of)
        earlier = [one for one in before if datetime.fromisoformat(one[0]) < as_of]
        kept = [*earlier, (as_of.isoformat(), found)][-_KEPT:]
        with transaction(job.state):
            facts.put(job.state, _NAME, json.dumps([(at, [asdict(one) for one in rows]) for at, rows in kept]))
    return alarms(job.state, job.settings)


def last_measured(state: sqlite3.Connection) -> list[Coverage]:
    """Give the last measures of all vendors; none where nothing was measured yet."""
    measured = _remembered(state)
    return measured[-1][1] if measured else []


def alarms(state: sqlite3.Connection, settings: Settings) -> tuple[str, ...]:
    """Name the vendors that were quiet when they were measured last, or whose coverage had fallen since before."""
    measured = _remembered(state)
    return tuple(_alarms(measured, {vendor.id: vendor for vendor in settings.vendor})) if measured else ()


def _alarms(measured: Sequence[tuple[str, list[Coverage]]], known: Mapping[str, VendorSettings]) -> Iterator[str]:
    at, now = datetime.fromisoformat(measured[-1][0]), measured[-1][1]
    for vendor in dict.fromkeys(one.vendor for one in now if one.vendor != CRM):
        limits = known.get(vendor) or VendorSettings(id=vendor)
        times = [one.newest_at for one in now if one.vendor == vendor and one.newest_at]
        if not times:
            yield f"vendor {vendor} never said anything; check its columns or its feed"
            continue
        days = (at - datetime.fromisoformat(max(times))) / timedelta(days=1)
        if days > limits.quiet_days:
            yield f"vendor {vendor} has been quiet for {days:.0f} days ({limits.quiet_days} are allowed)"
        for one in now:
            most = max((old.share for _, rows in measured[:-1] for old in rows if _same(old, one)), default=0.0)
            if one.vendor == vendor and most - one.share > limits.max_coverage_drop:
                yield f"vendor {vendor}: {one.attribute} of {one.of} fell from {most:.0%} to {one.share:.0%} of all"


def _same(old: Coverage, one: Coverage) -> bool:
    return (old.of, old.attribute, old.vendor) == (one.of, one.attribute, one.vendor)


def _remembered(state: sqlite3.Connection) -> list[tuple[str, list[Coverage]]]:
    """Give the last measures with the time of each, the newest last."""
    held = facts.get(state, _NAME)
    return [(at, [Coverage(**row) for row in rows]) for at, rows in json.loads(held)] if held else []
