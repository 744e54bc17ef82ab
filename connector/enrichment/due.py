"""Who is to be looked up again: scored attributes that are missing, stale or due, by what knowing them could change."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from connector.audit.weakened import by_field
from connector.engine.relations import literal
from connector.enrichment.resolve import KEYS, ROLES, candidates, place, seen
from connector.enrichment.step import TABLES, enriches_of, held_for, subjects
from connector.facts import relations
from connector.models import Models
from connector.settings.enrichment import CRM, EnrichSettings
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.tables import MIRROR, SCORES
from scoring.rules import Band

_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Due:
    """One attribute of one subject that is due, and what it could change.

    reason: missing (nobody ever said it), stale (older than max_age_days) or aged (older than refresh_days, and still
    believed). score and band are those of the person, or of the best of an account's people; could_add is the most
    that the rules that read it give or take; could_be is another band that this reaches, null for none.
    """

    of: str
    subject_id: str
    name: str | None
    attribute: str
    reason: str
    value: str | None
    vendor: str | None
    age_days: float | None
    score: float | None
    band: str | None
    could_add: float
    could_be: str | None


@dataclass(frozen=True)
class DueQuery:
    """Bind what the due list is made from."""

    lake: Lake
    settings: Settings
    models: Models
    as_of: datetime


def due(engine: duckdb.DuckDBPyConnection, asked: DueQuery, limit: int | None) -> tuple[int, list[Due]]:
    """Count what is due and list the first: what could reach a hotter band, then by score. limit null lists all."""
    selects = list(_selects(engine, asked))
    if not selects:
        return 0, []
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE due AS {' UNION ALL '.join(selects)}")
    total = int(engine.execute("SELECT count(*) FROM due").fetchall()[0][0])
    rows = engine.execute(
        f"""SELECT * EXCLUDE (rank) FROM due
            ORDER BY rank, score DESC NULLS LAST, could_add DESC, subject_id, attribute LIMIT {limit or total}"""  # noqa: S608 - a number
    ).fetchall()
    return total, [Due(*row) for row in rows]


def _selects(engine: duckdb.DuckDBPyConnection, asked: DueQuery) -> Iterator[str]:
    """Select what is due, attribute by attribute; those that no model reads are left out."""
    facts = relations(asked.lake, asked.settings, asked.as_of)
    for of in TABLES:
        if of in facts and asked.lake.relation(of) is not None:
            for enrich in enriches_of(asked.settings, of):
                could = _could(asked.models, enrich)
                if could > 0:
                    yield _select(asked, enrich, could, _scored(engine, asked, of, facts["people"]))


def _could(models: Models, enrich: EnrichSettings) -> float:
    """Give the most points that an attribute decides in the primary model of those who are scored by it."""
    people = [models.people]
    names = [f"account.{enrich.attribute}"] if enrich.of == "accounts" else [enrich.attribute]
    names += [f"account.{enrich.attribute}"] if enrich.of == "people" else []
    rules = {rule for name in names for rule in by_field(people, name)}
    accounts = [line.model for line in models.of("account")][:1]
    if enrich.of == "accounts" and not rules and accounts:
        rules = {r for name in (enrich.attribute, f"account.{enrich.attribute}") for r in by_field(accounts, name)}
    return sum(abs(rule.points) for rule in rules)


def _scored(engine: duckdb.DuckDBPyConnection, asked: DueQuery, of: str, people: str) -> str:
    """Give the relation (id, total, band) of the people, or of the best of each account's people."""
    scores = asked.lake.relation(SCORES)
    if scores is None:
        return "(SELECT NULL::VARCHAR AS id, NULL::DOUBLE AS total, NULL::VARCHAR AS band WHERE false)"
    if of == "people":
        return f"(SELECT subject_id AS id, total, band FROM {scores})"  # noqa: S608 - file lists of our own making
    if "account_id" not in engine.sql(f"SELECT * FROM {people}").columns:  # noqa: S608 - as above
        return "(SELECT NULL::VARCHAR AS id, NULL::DOUBLE AS total, NULL::VARCHAR AS band WHERE false)"
    return (
        f"(SELECT p.account_id AS id, max(s.total) AS total, max_by(s.band, s.total) AS band FROM {people} p "  # noqa: S608 - as above
        f"JOIN {scores} s ON s.subject_id = p.person_id WHERE p.account_id IS NOT NULL GROUP BY 1)"
    )


def _select(asked: DueQuery, enrich: EnrichSettings, could: float, scored: str) -> str:
    held = held_for(asked.lake, asked.settings, enrich.of)
    typed = candidates(enrich, held, asked.as_of, "t", "s")
    believed = f"COALESCE({', '.join(typed.values())})"
    vendor = _first(typed, {name: literal(name) for name in typed})
    stamps = {name: _at(enrich, name, held.crm_stamp) for name in typed}
    ever = "greatest(" + ", ".join([*(at for name, at in stamps.items() if name != CRM), "NULL::DOUBLE"]) + ")"
    at = f"CASE WHEN {believed} IS NULL THEN {ever} ELSE {_first(typed, stamps)} END"
    age = f"({int(asked.as_of.timestamp())} - {at}) / {_DAY_S}.0"
    refresh = enrich.refresh_days or enrich.max_age_days or math.inf
    reason = f"CASE WHEN {believed} IS NOT NULL THEN 'aged' WHEN {ever} IS NOT NULL THEN 'stale' ELSE 'missing' END"
    key = KEYS[enrich.of]
    mirror = asked.lake.relation(MIRROR) or "(SELECT '' AS role, '' AS record_id, '' AS name WHERE false)"
    return f"""
        SELECT {literal(enrich.of)} AS of_table, t.{key} AS subject_id, m.name,
          {literal(enrich.attribute)} AS attribute,
          {reason} AS reason, ({believed})::VARCHAR AS value, {vendor} AS vendor, round({age}, 1) AS age_days,
          p.total AS score, p.band, {could!r}::DOUBLE AS could_add,
          {_other_band(asked.models.people.spec.band, could, believed)} AS could_be,
          COALESCE({_rank(asked.models.people.spec.band, could, believed)}, 999) AS rank
        FROM {subjects(asked.lake, enrich.of)} t
        LEFT JOIN {seen([enrich], held, asked.as_of)} s ON s.subject_id = t.{key}
        LEFT JOIN {scored} p ON p.id = t.{key}
        LEFT JOIN {mirror} m ON m.role = {literal(ROLES[enrich.of])} AND m.record_id = t.{key}
        WHERE {believed} IS NULL OR {age} > {"1e9" if math.isinf(refresh) else refresh}"""  # noqa: S608 - names are quoted


def _first(typed: dict[str, str], said: dict[str, str]) -> str:
    """Write what is said of the first vendor that knows a value."""
    return f"CASE {' '.join(f'WHEN {value} IS NOT NULL THEN {said[name]}' for name, value in typed.items())} END"


def _at(enrich: EnrichSettings, vendor: str, crm_stamp: str | None) -> str:
    if vendor == CRM:
        return f"epoch(t.{crm_stamp})" if crm_stamp else "NULL::DOUBLE"
    return f"epoch(s.{place(enrich, vendor)}.at)"


def _band_of(bands: Sequence[Band], total: str, *, rank: bool = False) -> str:
    """Write the band of a total by the model's own thresholds, hysteresis aside; or its place, 0 the hottest."""
    cases = []
    for number, band in enumerate(bands):
        edge = band.at_least if band.at_least is not None else band.above
        said = str(number) if rank else literal(band.id)
        test = "true" if edge is None else f"{total} {'>=' if band.at_least is not None else '>'} {edge!r}"
        cases.append(f"WHEN {test} THEN {said}")
    return f"CASE {' '.join(cases)} END"


def _other_band(bands: Sequence[Band], could: float, believed: str) -> str:
    """Write the band that could be entered; a value that is believed now could also be lost."""
    best, worst = (_band_of(bands, f"(p.total {sign} {could!r})") for sign in "+-")
    return (
        f"CASE WHEN p.total IS NULL THEN NULL WHEN {best} IS DISTINCT FROM p.band THEN {best} "
        f"WHEN {believed} IS NOT NULL AND {worst} IS DISTINCT FROM p.band THEN {worst} END"
    )


def _rank(bands: Sequence[Band], could: float, believed: str) -> str:
    """Write the place of a row: by the hottest band at stake, those without any last."""
    changes = f"({_other_band(bands, could, believed)}) IS NOT NULL"
    return f"CASE WHEN {changes} THEN {_band_of(bands, f'(p.total + {could!r})', rank=True)} END"
