"""What would raise a subject's band: the next threshold, what is missing, and the cheapest rules that could give it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from scoring.explain import CONSTANT, RULES, Contribution, Explanation, Help, NextBand
from scoring.model import Model
from scoring.predict.weights import weights
from scoring.predict.words import part_words
from scoring.rules import Band, EngagementRule, FitRule

MOST_HELP = 5
_OF_STATE = ("scale_clamp", "override", "state")
_OF_TABLE = ("model", "link")
_BLOCKED = ("suppressed", "disqualified", "gated")


def next_band(
    model: Model, told: Explanation, segment: str | None, first_party: float | None = None
) -> NextBand | None:
    """Give the next band above a subject's, with what is missing for it; null for who is in the highest.

    `helps` are rules that give the subject nothing now, each with what it would add inside its group's bounds: first
    those that suffice alone, smallest first, then the largest. Points are those of the total. Where an override holds
    somebody down, its words are in blocked_by. `first_party` is the engagement without third-party rules, null where
    the model has none.
    """
    band = _next(_bands(model, segment), told)
    if band is None:
        return None
    threshold = band.at_least if band.at_least is not None else band.above
    reached = told.total - sum(row.points for row in told.contributions if _is_of_state(row))
    missing = 0.0 if threshold is None else max(0.0, round(threshold - reached, 9))
    return NextBand(
        band=band.id,
        at_least=band.at_least,
        above=band.above,
        missing=missing,
        needs=tuple(_unmet(band, told, first_party)),
        blocked_by=_blocked(told),
        helps=_cheapest(list(_worth(model, told, segment)), missing),
    )


def _is_of_state(row: Contribution) -> bool:
    return row.kind in _OF_STATE and row.rule_id != RULES


def _blocked(told: Explanation) -> str | None:
    if told.state in _BLOCKED:
        return told.state
    return next((row.label for row in told.contributions if row.kind == "override" and row.points < 0), None)


def _bands(model: Model, segment: str | None) -> Sequence[Band]:
    own = next((found.band for found in model.spec.segment if found.id == segment and found.band), None)
    return own or model.spec.band


def _next(bands: Sequence[Band], told: Explanation) -> Band | None:
    names = [band.id for band in bands]
    if told.band in names:
        above = bands[: names.index(told.band)]
        return above[-1] if above else None
    return bands[-1] if bands else None


def _unmet(band: Band, told: Explanation, first_party: float | None) -> Iterator[str]:
    if band.needs is None:
        return
    if band.needs.fit_at_least is not None and told.fit < band.needs.fit_at_least:
        yield f"fit {band.needs.fit_at_least:g}, it is {told.fit:g}"
    engagement = told.engagement if band.third_party or first_party is None else first_party
    wanted = band.needs.engagement_at_least
    if wanted is not None and engagement < wanted:
        yield f"engagement {wanted:g}, it is {engagement:g}"
    if band.needs.when is not None:
        yield "the band's own condition"


def _worth(model: Model, told: Explanation, segment: str | None) -> Iterator[Help]:
    """Give what rules would add to the total: in a blend their points are worth a share, to a trained model nothing."""
    if model.table is None or not model.spec.combine.leads:
        yield from _helps(model, told, segment)
        return
    starts = {row.label for row in told.contributions if row.kind == CONSTANT}
    parts = (one for one in model.table.segments if part_words(model.table, one) in starts)
    worth = weights(model, model.table, next(parts, None)).of_rules
    if worth <= 0:
        return
    rows = (row for row in told.contributions if row.kind not in _OF_TABLE and not _is_of_state(row))
    points = tuple(replace(row, points=row.points / worth) for row in rows)
    for one in _helps(model, replace(told, contributions=points), segment):
        yield replace(one, points=round(one.points * worth, 9))


def _helps(model: Model, told: Explanation, segment: str | None) -> Iterator[Help]:
    weights = {"fit": 1.0, "engagement": 1.0}
    if model.spec.combine.weighs:
        weights = {"fit": model.spec.combine.fit or 0.0, "engagement": model.spec.combine.engagement or 0.0}
    giving = {row.rule_id for row in told.contributions}
    own = next((dict(found.points) for found in model.spec.segment if found.id == segment), {})
    rules: tuple[FitRule | EngagementRule, ...] = (*model.spec.fit, *model.spec.engagement)
    for rule in rules:
        axis = "fit" if isinstance(rule, FitRule) else "engagement"
        points = _points(rule, own)
        gain = min(points, _room(model, told, rule, segment)) * weights[axis] * _pillar_weight(model, rule)
        if rule.id not in giving and round(gain, 9) > 0:
            yield Help(rule.id, rule.title, axis, round(gain, 9))
    silence = sum(row.points for row in told.contributions if row.kind == "inactivity") * weights["engagement"]
    if silence < 0:
        yield Help("inactivity", "any activity now", "engagement", round(-silence, 9))


def _points(rule: FitRule | EngagementRule, own: dict[str, float]) -> float:
    if isinstance(rule, FitRule) and rule.brackets is not None:
        return max(bracket.points for bracket in rule.brackets)
    if isinstance(rule, EngagementRule) and rule.no_event_for is not None:
        return 0.0
    points = own.get(rule.id, rule.points)
    cap = rule.cap if isinstance(rule, EngagementRule) else None
    return points if cap is None else min(points, cap)


def _pillar_weight(model: Model, rule: FitRule | EngagementRule) -> float:
    name = rule.pillar if isinstance(rule, FitRule) else None
    return next((pillar.weight for pillar in model.spec.pillar if pillar.id == name), 1.0)


def _room(model: Model, told: Explanation, rule: FitRule | EngagementRule, segment: str | None) -> float:
    """Give how much a rule's group or pillar can still take."""
    name = rule.group or (rule.pillar if isinstance(rule, FitRule) else None)
    bounds = {group.id: group.cap for group in model.spec.group}
    bounds |= {pillar.id: pillar.cap for pillar in model.spec.pillar}
    bounds |= next((dict(found.caps) for found in model.spec.segment if found.id == segment), {})
    cap = bounds.get(name or "")
    if name is None or cap is None:
        return float("inf")
    members = {one.id for one in model.spec.fit if name in (one.group, one.pillar)}
    members |= {one.id for one in model.spec.engagement if one.group == name}
    members |= {one.id for one in model.spec.multiply if one.group == name}
    value = sum(row.points for row in told.contributions if row.rule_id in members)
    return cap - min(value, cap)


def _cheapest(found: list[Help], missing: float) -> tuple[Help, ...]:
    enough = sorted((one for one in found if one.points >= missing), key=lambda one: (one.points, one.rule_id))
    rest = sorted((one for one in found if one.points < missing), key=lambda one: (-one.points, one.rule_id))
    return tuple((enough + rest)[:MOST_HELP])
