"""Activity that went silent, and tracking that changed: the weekly counts of each type of event, and of addresses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Final

import duckdb

from connector.audit.finding import Area, Finding, Severity, Weakened
from connector.audit.subject import Audited
from connector.audit.weakened import by_event, points_of, weightiest
from connector.engine.relations import literal
from scoring.conditions import Condition, leaves
from scoring.model import Model
from scoring.schema import EVENT_TYPES

WEEKS: Final = 12  # before the newest one
_WEEK_S: Final = 7 * 86_400
_MANY_WEEKS: Final = 3  # a type that came in fewer weeks is no habit
_LOUD: Final = 4  # so many times the usual count of a week that is enough to judge
_FULL: Final = 100.0
_APART: Final = 3  # so many types that step at once are told one by one


@dataclass(frozen=True)
class _Weeks:
    """Count a type's events by week, the newest (the seven days before as_of) first."""

    kind: str
    counts: tuple[int, ...]
    silent_s: int
    first_s: int

    @property
    def usual(self) -> float:
        """Give the median of the weeks before the newest, from the first that had any."""
        held = self.counts[1:]
        since = max((place for place, count in enumerate(held) if count), default=-1) + 1
        return median(held[:since]) if since >= _MANY_WEEKS else 0.0


def audit_activity(
    engine: duckdb.DuckDBPyConnection, audited: Audited, *, has_urls: bool
) -> tuple[Area, datetime | None]:
    """Judge every type of event that came in the last weeks, and the addresses that rules ask for.

    The score is the share of the types' usual events that still come as usual. Gives the newest event's time too.
    """
    weeks = list(_weeks(engine, audited))
    newest = min((one.silent_s for one in weeks), default=None)
    newest_at = None if newest is None else datetime.fromtimestamp(int(audited.as_of.timestamp()) - newest, UTC)
    findings = [*_joined([found for one in weeks for found in _of_type(audited, one)])]
    findings += _never_came(audited, {one.kind for one in weeks})
    findings += _vanished(engine, audited) if has_urls else []
    broken = {
        kind
        for found in findings
        if found.check in ("silent", "step") and found.severity != "note"
        for kind in found.where.split(", ")
    }
    usual = {one.kind: one.usual for one in weeks if one.usual >= audited.limits.min_weekly}
    gone = sum(1 for found in findings if found.check == "url_vanished")
    whole = len(usual) + gone
    bad = gone + sum(1 for kind in usual if kind in broken)
    score = _FULL * (1 - bad / whole) if whole else (0.0 if not weeks else None)
    if not weeks:
        findings.append(_nothing(audited))
    measures = tuple({"type": one.kind, "weeks": list(one.counts), "usual": one.usual} for one in weeks)
    return Area("activity", score, tuple(findings), measures), newest_at


def _weeks(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Iterator[_Weeks]:
    at_s = int(audited.as_of.timestamp())
    age = f"({at_s} - CAST(floor(epoch(occurred_at)) AS BIGINT))"
    counts = ", ".join(f"count(*) FILTER (age_s // {_WEEK_S} = {week})" for week in range(WEEKS + 1))
    rows = engine.execute(
        f"""SELECT type, min(age_s), max(age_s), {counts}
            FROM (SELECT lower(trim(type)) AS type, {age} AS age_s FROM events)
            WHERE age_s >= 0 GROUP BY type ORDER BY type"""  # noqa: S608 - our own
    ).fetchall()
    yield from (_Weeks(row[0], tuple(row[3:]), row[1], row[2]) for row in rows)


def _of_type(audited: Audited, weeks: _Weeks) -> Iterator[Finding]:
    """Say what is unusual in the newest week of a type."""
    usual, now, enough = weeks.usual, weeks.counts[0], audited.limits.min_weekly
    weakens = by_event(audited.models, weeks.kind)
    factor = audited.limits.step_factor
    if usual >= enough and now == 0:
        days = weeks.silent_s // 86_400
        message = f"{weeks.kind} came every week (usually {usual:g}) and has been silent for {days} days"
        advice = "look at what sends it: a tag, a form, an integration or its login may be broken"
        severity: Severity = "severe" if weakens else "note"
        yield Finding("activity", "silent", weeks.kind, severity, message, 0, enough, "events", advice, weakens)
    elif usual >= enough and max(usual, now) >= _LOUD * enough and not usual / factor <= now <= usual * factor:
        message = f"{weeks.kind} came {now:,} times in the last week, usually {usual:g}"
        advice = "find out what changed in the tracking: a campaign ends, a tag that fires twice does not"
        step: Severity = "warning" if weakens else "note"
        yield Finding("activity", "step", weeks.kind, step, message, now / usual, factor, "times", advice, weakens)
    elif not any(weeks.counts[3:]) and weeks.first_s < 2 * _WEEK_S and sum(weeks.counts) >= enough:
        known = weeks.kind in EVENT_TYPES
        message = f"{weeks.kind} is new: {sum(weeks.counts):,} events, the first {weeks.first_s // 86_400} days ago"
        advice = "see whether it takes the place of another type" + ("" if known else "; no rule knows the name")
        yield Finding(
            "activity", "new_type", weeks.kind, "note", message, sum(weeks.counts), enough, "events", advice, weakens
        )


def _joined(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Tell steps of many types at once in one finding for each direction: they have one cause."""
    steps = [found for found in findings if found.check == "step" and found.severity != "note"]
    for same in ([found for found in steps if found.measured > 1], [found for found in steps if found.measured < 1]):
        if len(same) <= _APART:
            yield from same
            continue
        told = "; ".join(found.message for found in same)
        weakens = weightiest([one for found in same for one in found.weakens])
        kinds = ", ".join(found.where for found in same)
        yield replace(same[0], where=kinds, message=f"{len(same)} types at once: {told}", weakens=weakens)
    yield from (found for found in findings if found not in steps)


def _never_came(audited: Audited, seen: set[str]) -> Iterator[Finding]:
    """Name the types that rules count and that never came, rule by rule."""
    for model in audited.models:
        for rule in model.spec.engagement:
            if rule.event and rule.no_event_for is None and not set(rule.event) & seen and seen:
                message = f"rule {rule.id} counts {', '.join(rule.event)}, and no such event was ever pulled"
                advice = "map what gives these events, or take the rule out"
                weakened = (Weakened(model.id, rule.id, points_of(rule)),)
                yield Finding(
                    "activity", "never_came", rule.event[0], "warning", message, 0, 1, "events", advice, weakened
                )


def _nothing(audited: Audited) -> Finding:
    weakens = tuple(Weakened(m.id, rule.id, points_of(rule)) for m in audited.models for rule in m.spec.engagement)
    message = "there are no events at all"
    advice = "map activities, or add a feed; without, a score says who somebody is and not what they do"
    severity: Severity = "severe" if weakens else "note"
    return Finding("activity", "missing", "events", severity, message, 0, 1, "events", advice, weakens)


def _vanished(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Iterator[Finding]:
    """Name the rules on addresses that used to be visited, of events whose type still comes."""
    for model, rule_id, points, kinds, where in _address_rules(audited.models):
        typed = f"lower(trim(type)) IN ({', '.join(literal(kind) for kind in kinds)})"
        hit = " AND ".join(_matches(leaf) for leaf in where)
        age = f"({int(audited.as_of.timestamp())} - CAST(floor(epoch(occurred_at)) AS BIGINT))"
        late, early = (
            f"age_s BETWEEN 0 AND {2 * _WEEK_S - 1}",
            f"age_s BETWEEN {2 * _WEEK_S} AND {(WEEKS + 1) * _WEEK_S}",
        )
        still, now, before = engine.execute(
            f"""SELECT count(*) FILTER ({late}), count(*) FILTER ({late} AND {hit}), count(*) FILTER ({early} AND {hit})
                FROM (SELECT *, {age} AS age_s FROM events WHERE {typed})"""  # noqa: S608 - quoted
        ).fetchall()[0]
        usual = before / (WEEKS - 1)
        if now == 0 and still > 0 and usual >= audited.limits.min_weekly / 2:
            message = f"rule {rule_id} counted about {usual:.0f} addresses a week, and none for two weeks"
            advice = "the address may have changed: look at the newest ones and correct the rule's `where`"
            weakened = (Weakened(model, rule_id, points),)
            yield Finding("activity", "url_vanished", rule_id, "severe", message, 0, 1, "events", advice, weakened)


def _address_rules(models: Sequence[Model]) -> Iterator[tuple[str, str, float, tuple[str, ...], list[Condition]]]:
    """Walk the rules whose `where` asks for an address, each with these comparisons."""
    for model in models:
        for rule in model.spec.engagement:
            found = [leaf for leaf in leaves(rule.where) if leaf.field == "url" and _matches(leaf)]
            plain = rule.where is not None and rule.where.not_ is None and rule.where.any_ is None
            if found and plain and rule.event:
                yield model.id, rule.id, points_of(rule), rule.event, found


def _matches(leaf: Condition) -> str:
    """Write a comparison of an address as scoring does, case and blanks aside; empty for one that is not judged."""
    url = "lower(trim(url))"
    match leaf.operator:
        case "contains":
            return f"contains({url}, {literal(str(leaf.contains).strip().lower())})"
        case "contains_any":
            parts = [f"contains({url}, {literal(part.strip().lower())})" for part in leaf.contains_any or ()]
            return f"({' OR '.join(parts)})"
        case "starts_with":
            return f"starts_with({url}, {literal(str(leaf.starts_with).strip().lower())})"
        case "is_" | "in_":
            return f"{url} IN ({', '.join(literal(str(value).strip().lower()) for value in leaf.operands)})"
        case _:
            return ""
