"""Explain one score from the store; needs no CRM."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import duckdb

from connector import asides
from connector.bots.see import left_out
from connector.engine.explaining import explain as explain_one
from connector.engine.explaining import explain_account
from connector.enrichment.told import told_of
from connector.errors import ConfigError
from connector.inputs import STATEMENTS, sources
from connector.matching.kept import match_of
from connector.models import Line
from connector.output import Output
from connector.prospects.ledger import came_from
from connector.reading import open_reading
from connector.store import assignments
from connector.trained.standing import scored_by
from scoring.explain import Contribution, Explanation, sentence

_MOST_TERMS = 5


class _Known(TypedDict):
    as_of: datetime
    sources: Mapping[str, str]
    subject_id: str
    kept_in: Path


def explain(out: Output, config: Path, record: str, model: str | None, as_of: datetime | None) -> None:
    """Explain one score from the store alone; beside it stand the totals that other models gave in the last run.

    A record that was merged or converted is explained as the one that it goes on as.
    """
    with open_reading(config) as reading, reading.engine() as engine:
        moved = asides.goes_on_as(engine, reading, record)
        record, asked = moved or record, record
        line = reading.line_of(record, model)
        given = assignments.of_record(reading.state, record)[:1]
        at = as_of or reading.score_at(engine, record, line)
        others = reading.other_scores(engine, record, line) if as_of is None else []
        machine = left_out(engine, reading.lake, record)
        found = sources(reading.lake, reading.state, reading.settings, at, line)
        try:
            told = _explained(engine, line, at, found, record, reading.folder / STATEMENTS)
        except ConfigError as error:
            hint = [f"other models score it: --model {other['id']}" for other in others]
            raise ConfigError([*error.problems, *hint]) from None
        notes = [
            *([f"{asked} goes on as {moved}"] if moved else []),
            *asides.forerunners(engine, reading, record, line),
            *(told for one in dict.fromkeys([asked, record]) for told in came_from(reading.state, one)),
            *asides.because(engine, line, told, found),
            *asides.unread(reading),
        ]
        trained = scored_by(reading.state, line.model)
        match = match_of(engine, reading.lake, record) if line.role == "person" else None
        known = told_of(engine, reading.lake, reading.settings, at, reading.ids_of(engine, record, line, found))
    owner = [f"  owner: {row.reason} ({row.assigned_at:%d %b %Y})" for row in given]
    lines = [
        *_told(told),
        *(f"  {note}" for note in [*notes, *(found.sentence() for found in machine)]),
        *([f"  {trained['words']}"] if trained else []),
        *owner,
        *([f"  account: {match['account']} (matched by {match['evidence']})"] if match else []),
        *(f"  {each.sentence()}" for each in known),
        *(f"  {other['id']}: {other['total']:g}, {other['band'] or 'no band'}" for other in others),
    ]
    beside = {
        "models": others,
        "owner": next(map(_owner_row, given), None),
        "matched": match,
        "not_counted": [asdict(found) for found in machine],
        "notes": notes,
        "trained": trained,
        "enriched": [each.as_dict() for each in known],
    }
    out.result(told.as_json() | beside, lines)


def _explained(
    engine: duckdb.DuckDBPyConnection, line: Line, at: datetime, found: Mapping[str, str], record: str, kept_in: Path
) -> Explanation:
    known: _Known = {"as_of": at, "sources": found, "subject_id": record, "kept_in": kept_in}
    if line.role == "account":
        return explain_account(engine, line.model, people=line.rolled, **known)
    return explain_one(engine, line.model, **known)


def _owner_row(row: assignments.Assignment) -> dict[str, object]:
    return {**asdict(row), "assigned_at": row.assigned_at.isoformat()}


def _largest(terms: Sequence[Contribution]) -> list[Contribution]:
    """Give what a trained model beside the rules says most of, largest first."""
    found = sorted((term for term in terms if term.kind == "model"), key=lambda term: -abs(term.points))
    return found[:_MOST_TERMS]


def _told(told: Explanation) -> list[str]:
    """Tell a score to a rep: what it is, then every point of it, largest first."""
    before = f", was {told.previous_band}" if told.previous_band and told.previous_band != told.band else ""
    band = f"{told.band}{before}" if told.band else f"no band{before}"
    state = "" if told.state == "active" else f", {told.state.replace('_', ' ')}"
    rows = sorted(told.contributions, key=lambda row: (-row.points, row.rule_id))
    return [
        f"{told.subject_id}: {told.total:g} points, {band}{state}",
        f"fit {told.fit:g}, engagement {told.engagement:g}, as of {told.as_of:%d %b %Y}",
        *([outlook] if (outlook := told.outlook()) else []),
        *(f"  {sentence(row, told.as_of)}" for row in rows),
        f"  = {told.total:g} by model {told.model_id}@{told.model_hash}",
        *(f"  beside it: {sentence(term, told.as_of)}" for term in _largest(told.terms)),
        *([f"  {told.next_band.sentence()}"] if told.next_band else []),
    ]
