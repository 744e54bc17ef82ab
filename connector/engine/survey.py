"""Holds a model against data: names that the data lack, and bands that nearly everybody would enter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from connector.engine.relations import literal, relation
from connector.engine.scoring import score_subjects
from scoring.lint import Finding
from scoring.model import Model, check_known
from scoring.rules import EngagementRule
from scoring.schema import ACCOUNTS, PEOPLE
from scoring.specification import event_rules

_MOST_IN_TOP = 0.5


@dataclass(frozen=True)
class Survey:
    """What data say of a model."""

    problems: tuple[str, ...]
    findings: tuple[Finding, ...]


def survey(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    people: Model | None,
    sources: Mapping[str, str],
    as_of: datetime | None,
) -> Survey:
    """Check a model's names against the data, then how many the top band would hold; raises ConfigError."""
    named = {table: relation(connection, table, sources.get(table)).types for table in ("people", "accounts")}
    fields = {*named["people"], *(f"account.{name}" for name in (*named["accounts"], *named["people"]))}
    types = {str(row[0]) for row in _rows(connection, sources, "SELECT DISTINCT type FROM {events}")}
    problems = check_known(model, frozenset(fields | set(_canonical())), frozenset(types))
    if problems:
        return Survey(problems, ())
    findings = [*_unseen(model, types)] if "events" in sources else []
    at = as_of or newest_event(connection, sources)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        files: dict[str, Any] = {"scores_path": path, "contributions_path": None}
        score_subjects(connection, model, people, as_of=at, sources=sources, **files)
        in_top = f"band = {literal(model.bands[0].id)}"
        counted = f"SELECT COUNT(*), COUNT(*) FILTER ({in_top}) FROM read_parquet({literal(str(path))})"  # noqa: S608 - quoted
        total, top = connection.execute(counted).fetchall()[0]
    if not total or top / total <= _MOST_IN_TOP:
        return Survey((), tuple(findings))
    message = f"{top:,} of {total:,} would enter it: it picks nobody out, raise its threshold"
    return Survey((), (*findings, Finding("warning", "crowded", f"band.{model.bands[0].id}", message)))


def _unseen(model: Model, types: set[str]) -> Iterator[Finding]:
    """Warn of rules whose events do not occur in the data; a rule about silence is no such rule."""
    for rule in event_rules(model.spec):
        table = "engagement" if isinstance(rule, EngagementRule) else "multiply"
        silent = isinstance(rule, EngagementRule) and rule.no_event_for is not None
        if not silent and not set(rule.event or ()) & types:
            message = f"the data have no event of {', '.join(rule.event or ())}"
            yield Finding("warning", "never_fires", f"{table}.{rule.id}", message)


def unheard_of(model: Model) -> tuple[Finding, ...]:
    """Warn of fields and event types that are not canonical: without data nobody can say whether they exist."""
    problems = check_known(model, frozenset(_canonical()), frozenset())
    told = (problem.removeprefix(f"{model.file}: ") for problem in problems)
    return tuple(Finding("warning", "unknown_name", "file", f"{text} among the canonical ones") for text in told)


def newest_event(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, str]) -> datetime:
    """Give the time of the newest event, the natural end of a file of facts; today where there is none."""
    found = _rows(connection, sources, "SELECT EPOCH(MAX(occurred_at)) FROM {events}")
    seconds = found[0][0] if found else None
    return datetime.now(UTC).replace(microsecond=0) if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def _canonical() -> list[str]:
    return [*PEOPLE.columns, "email_domain", *(f"account.{name}" for name in (*ACCOUNTS.columns, *PEOPLE.columns))]


def _rows(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, str], select: str) -> list[tuple[Any, ...]]:
    if "events" not in sources:
        return []
    view = relation(connection, "events", sources["events"]).view()
    return connection.execute(select.format(events=f"({view})")).fetchall()
