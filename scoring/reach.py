"""The most and least that rules can give, for checks of a model that need no data."""

import math
from collections.abc import Iterable, Mapping

from scoring.model import Model
from scoring.rules import EngagementRule, FitRule
from scoring.specification import Specification


def highest(model: Model) -> float:
    """Give the highest total before the scale; infinite where nothing bounds it, as where a trained model gives it."""
    spec = model.spec
    if spec.rollup is not None or spec.combine.leads:
        return math.inf
    lifted = max((override.at_least or -math.inf for override in spec.override), default=-math.inf)
    return max(_highest_of_rules(spec), lifted)


def _highest_of_rules(spec: Specification) -> float:
    fit = sum(_bounded(spec, {rule: most_of_fit(rule) for rule in spec.fit if not rule.pillar}))
    for pillar in spec.pillar:
        most = sum(max(most_of_fit(rule), 0.0) for rule in spec.fit if rule.pillar == pillar.id)
        fit += pillar.weight * min(most, math.inf if pillar.cap is None else pillar.cap)
    engagement = sum(_bounded(spec, {rule: most_of_engagement(rule) for rule in spec.engagement}))
    engagement += sum(rule.max_points for rule in spec.multiply)
    if spec.combine.weighs:
        return _product(spec.combine.fit, fit) + _product(spec.combine.engagement, engagement)
    return fit + engagement


def third_party_most(model: Model) -> float:
    """Give the most that third-party rules can give by themselves; nothing where a trained model gives the total."""
    spec = model.spec
    if spec.combine.leads:
        return 0.0
    engagement = sum(_bounded(spec, {rule: most_of_engagement(rule) for rule in spec.engagement if rule.third_party}))
    fit = sum(_bounded(spec, {rule: most_of_fit(rule) for rule in spec.fit if rule.third_party}))
    if spec.combine.weighs:
        return _product(spec.combine.fit, fit) + _product(spec.combine.engagement, engagement)
    return fit + engagement


def most_of_fit(rule: FitRule) -> float:
    """Give the most that a fit rule can give."""
    return max((bracket.points for bracket in rule.brackets), default=0.0) if rule.brackets else rule.points


def most_of_engagement(rule: EngagementRule) -> float:
    """Give the most that an engagement rule can give; infinite for repeated points without a cap."""
    repeats = rule.award == "each" and rule.no_event_for is None
    most = math.inf if repeats and rule.points > 0 else rule.points
    return most if rule.cap is None else min(most, rule.cap)


def _bounded(spec: Specification, most: Mapping[FitRule, float] | Mapping[EngagementRule, float]) -> Iterable[float]:
    """Give what each group, and each rule without one, can give at most."""
    caps = {group.id: group.cap for group in spec.group}
    sums: dict[str, float] = {}
    for rule, points in most.items():
        name = rule.group or f"/{rule.id}"
        sums[name] = sums.get(name, 0.0) + max(points, 0.0)
    for name, points in sums.items():
        cap = caps.get(name)
        yield points if cap is None else min(points, cap)


def _product(weight: float | None, points: float) -> float:
    return 0.0 if not weight else weight * points
