"""What would raise a subject's band: the next threshold, what is missing, and the cheapest rules that could give it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from scoring.conditions import in_words
from scoring.explain import CONSTANT, RULES, Contribution, Explanation, Help, NextBand
from scoring.model import Model
from scoring.predict.weights import weights
from scoring.predict.words import part_words
from scoring.rules import Band, EngagementRule, FitRule, Needs

MOST_HELP = 5
_OF_STATE = ("scale_clamp", "override", "state")
_OF_TABLE = ("model", "link")
_BLOCKED = ("suppressed", "disqualified", "gated")


@dataclass(frozen=True)
class Standing:
    """What else is known of a subject.

    Its segment, null outside all of them; engagement without third-party rules, null where the model has none; and the
    bands, by the segment that has them, whose own condition does not hold.
    """

    segment: str | None = None
    first_party: float | None = None
    barred: frozenset[tuple[str | None, str]] = frozenset()


def next_band(model: Model, told: Explanation, standing: Standing) -> NextBand | None:
    """Give the next band above a subject's, with what is missing for it; null for who is in the highest.

    `helps` are rules that give the subject nothing now, each with what it would add inside its group's bounds: first
    those that suffice alone, smallest first, then the largest. Points are those of the total; where that is enough and
    an axis is not, they are the rules of that axis. Where an override holds somebody down, its words are in blocked_by.
    """
    owner, bands = _bands(model, standing.segment)
    band = _next(bands, told)
    if band is None:
        return None
    threshold = band.at_least if band.at_least is not None else band.above
    reached = told.total - sum(row.points for row in told.contributions if _is_of_state(row))
    gap = 0.0 if threshold is None else round(threshold - reached, 9)
    is_reached = gap < 0 or (gap == 0 and band.above is None)
    unmet = _unmet(band, told, standing.first_party)
    helps = list(_worth(model, told, standing.segment))
    needs = [f"{axis} {wanted:g}, it is {has:g}" for axis, (wanted, has) in unmet.items()]
    if band.own_condition is not None and (owner, band.id) in standing.barred:
        needs.append(in_words(band.own_condition))
    return NextBand(
        band=band.id,
        at_least=band.at_least,
        above=band.above,
        missing=max(0.0, gap),
        needs=tuple(needs),
        blocked_by=_blocked(told),
        helps=_of_axes(model, band, helps, unmet) if is_reached else _cheapest(helps, max(0.0, gap)),
        is_reached=is_reached,
    )


def _is_of_state(row: Contribution) -> bool:
    return row.kind in _OF_STATE and row.rule_id != RULES


def _blocked(told: Explanation) -> str | None:
    if told.state in _BLOCKED:
        return told.state
    return next((row.label for row in told.contributions if row.kind == "override" and row.points < 0), None)


def _bands(model: Model, segment: str | None) -> tuple[str | None, Sequence[Band]]:
    """Give the bands of a subject, and the segment that has them, null for the model's own."""
    own = next((found.band for found in model.spec.segment if found.id == segment and found.band), None)
    return (segment, own) if own else (None, model.spec.band)


def _next(bands: Sequence[Band], told: Explanation) -> Band | None:
    names = [band.id for band in bands]
    if told.band in names:
        above = bands[: names.index(told.band)]
        return above[-1] if above else None
    return bands[-1] if bands else None


def _unmet(band: Band, told: Explanation, first_party: float | None) -> dict[str, tuple[float, float]]:
    """Give what a band needs of each axis that has less, and what the axis has."""
    engagement = told.engagement if band.third_party or first_party is None else first_party
    needs = band.needs or Needs()
    axes = {"fit": (needs.fit_at_least, told.fit), "engagement": (needs.engagement_at_least, engagement)}
    return {axis: (wanted, has) for axis, (wanted, has) in axes.items() if wanted is not None and has < wanted}


def _of_axes(
    model: Model, band: Band, helps: Sequence[Help], unmet: Mapping[str, tuple[float, float]]
) -> tuple[Help, ...]:
    """Give the rules that help an axis to what a band needs of it, where the total is enough."""
    bought = set() if band.third_party else {rule.id for rule in model.spec.engagement if rule.third_party}
    weights = _axis_weights(model)
    short = max((weights[axis] * (wanted - has) for axis, (wanted, has) in unmet.items()), default=0.0)
    return _cheapest([one for one in helps if one.kind in unmet and one.rule_id not in bought], short)


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
    weights = _axis_weights(model)
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


def _axis_weights(model: Model) -> dict[str, float]:
    combine = model.spec.combine
    if not combine.weighs:
        return {"fit": 1.0, "engagement": 1.0}
    return {"fit": combine.fit or 0.0, "engagement": combine.engagement or 0.0}


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


def _cheapest(found: Sequence[Help], missing: float) -> tuple[Help, ...]:
    enough = sorted((one for one in found if one.points >= missing), key=lambda one: (one.points, one.rule_id))
    rest = sorted((one for one in found if one.points < missing), key=lambda one: (-one.points, one.rule_id))
    return tuple((enough + rest)[:MOST_HELP])
