"""Records that contradict themselves, or hold what cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import duckdb

from connector.audit.finding import Area, Finding, Weakened, graded, severity_of
from connector.audit.subject import KEYS, Audited
from connector.audit.weakened import by_event, by_field
from connector.engine.relations import literal, quoted, relation
from mappings.lists import load_words

_SHOWN: Final = 3


@dataclass(frozen=True)
class _Check:
    """Say what is counted: rows of a source that can be judged, and those of them that are bad."""

    name: str
    where: str
    source: str
    judged: str
    bad: str
    message: str
    advice: str
    key: str = "person_id"
    field: str | None = None


def audit_consistency(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Area:
    """Count the records that cannot be right, by each check; the score is the mean over the checks that had any."""
    findings: list[Finding] = []
    measures: list[dict[str, object]] = []
    scores: list[float] = []
    for check in _checks(engine, audited):
        counted = f"SELECT count(*) FILTER ({check.judged}), count(*) FILTER ({check.bad}) FROM {check.source}"  # noqa: S608 - our own
        judged, bad = engine.execute(counted).fetchall()[0]
        share = bad / judged if judged else 0.0
        measures.append({"check": check.name, "of": check.where, "records": bad, "share": share})
        if judged:
            scores.append(graded(share, audited.limits.max_inconsistent))
        if share > audited.limits.max_inconsistent:
            findings.append(_finding(engine, audited, check, share, bad))
    return Area("consistency", sum(scores) / len(scores) if scores else None, tuple(findings), tuple(measures))


def _checks(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Iterator[_Check]:
    later = f"> {audited.at} + INTERVAL 1 DAY"
    yield from _of_conversions(engine, audited)
    yield _Check(
        name="created_later",
        where="people",
        source="people",
        judged="created_at IS NOT NULL",
        bad=f"created_at {later}",
        message="{n} people will be created after today",
        advice="look at the clock or the time zone of what creates them",
        field="created_at",
    )
    yield _Check(
        name="happens_later",
        where="events",
        source="(SELECT * FROM events WHERE type <> 'contract_event')",
        judged="true",
        bad=f"occurred_at {later}",
        message="{n} events will happen after today",
        advice="map the time at which it happened, not that for which it is planned",
        key="event_id",
    )
    yield from _of_bands(audited)
    for of, key in KEYS.items():
        yield from _of_values(audited, of, key)


def _of_conversions(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Iterator[_Check]:
    raw = relation(engine, "people", audited.everyone)
    if {"created_at", "converted_at"} <= raw.types.keys():
        yield _Check(
            name="created_after_converted",
            where="people",
            source=f"({raw.view()})",
            judged="converted_at IS NOT NULL AND created_at IS NOT NULL",
            bad="created_at > converted_at",
            message="{n} people were converted before they were created",
            advice="look at what writes the times; a lead converted before it was made has no age",
        )


def _of_bands(audited: Audited) -> Iterator[_Check]:
    if audited.edited is not None and audited.bands:
        known = ", ".join(literal(band) for band in audited.bands)
        yield _Check(
            name="band_unknown",
            where="people",
            source=f"(SELECT * FROM {audited.edited} WHERE role = 'person')",  # noqa: S608 - a file list of our own making
            judged="band IS NOT NULL",
            bad=f"band NOT IN ({known})",
            message="{n} people show a band that the model does not have",
            advice="make the field read-only for people; the next sync writes the right one",
            key="record_id",
        )


def _of_values(audited: Audited, of: str, key: str) -> Iterator[_Check]:
    """Check numbers and codes of people or of accounts."""
    for name, bad, what in (("employees", "<= 0", "no employees or fewer"), ("revenue", "< 0", "a negative revenue")):
        yield _Check(
            name=f"{name}_impossible",
            where=of,
            source=of,
            judged=f"{name} IS NOT NULL",
            bad=f"{name} {bad}",
            message=f"{{n}} {of} have {what}",
            advice="leave the field empty where it is not known: 0 is scored as a very small company",
            key=key,
            field=name,
        )
    codes = ", ".join(literal(code) for code in load_words("country", audited.lists))
    yield _Check(
        name="country_unknown",
        where=of,
        source=of,
        judged="country IS NOT NULL",
        bad=f"country NOT IN ({codes}) AND NOT regexp_full_match(country, '[A-Z]{{2}}')",
        message=f"{{n}} {of} have a country that no list knows",
        advice="write ISO codes or names, best from a list to choose from",
        key=key,
        field="country",
    )


def _finding(engine: duckdb.DuckDBPyConnection, audited: Audited, check: _Check, share: float, bad: int) -> Finding:
    select = f"SELECT {quoted(check.key)} FROM {check.source} WHERE {check.bad} ORDER BY 1 LIMIT {_SHOWN}"  # noqa: S608 - our own
    examples = tuple(str(row[0]) for row in engine.execute(select).fetchall())
    limit = audited.limits.max_inconsistent
    weakens = _weakened(audited, check)
    message = f"{check.message.format(n=f'{bad:,}')} ({share:.1%})"
    return Finding(
        "consistency",
        check.name,
        check.where,
        severity_of(share, limit, weakens),
        message,
        share,
        limit,
        "share",
        check.advice,
        weakens,
        examples,
    )


def _weakened(audited: Audited, check: _Check) -> tuple[Weakened, ...]:
    if check.where == "events":
        kinds = {kind for model in audited.models for rule in model.spec.engagement for kind in rule.event or ()}
        return tuple(dict.fromkeys(one for kind in sorted(kinds) for one in by_event(audited.models, kind)))
    names = (check.field, f"account.{check.field}") if check.field else ()
    return tuple(dict.fromkeys(one for name in names for one in by_field(audited.models, name)))
