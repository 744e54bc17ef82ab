"""The most and least that rules can give, for checks of a model that need no data.

A model with segments is looked at as it is for each of them (`scoring.specification.of_segment`).
"""

import math
from collections.abc import Mapping, Sequence

from scoring.rules import EngagementRule, FitRule, MultiplyRule
from scoring.specification import Specification


def highest(spec: Specification) -> float:
    """Give the highest total before the scale; infinite where nothing bounds it, as where a trained model gives it."""
    if spec.rollup is not None or spec.combine.leads:
        return math.inf
    lifted = max((override.at_least or -math.inf for override in spec.override), default=-math.inf)
    return max(_combined(spec, most_fit(spec), most_engagement(spec)), lifted)


def most_fit(spec: Specification) -> float:
    """Give the most that fit can be."""
    return _fit(spec, spec.fit)


def most_engagement(spec: Specification, *, third_party: bool = True) -> float:
    """Give the most that engagement can be, with or without what third-party rules give; infinite with a roll-up."""
    if spec.rollup is not None:
        return math.inf
    rules = [rule for rule in spec.engagement if third_party or not rule.third_party]
    return _engagement(spec, rules, spec.multiply)


def third_party_most(spec: Specification) -> float:
    """Give the most that third-party rules can give by themselves; nothing where a trained model gives the total.

    A multiplier helps them where one of their own events is what it waits for.
    """
    if spec.combine.leads:
        return 0.0
    rules = [rule for rule in spec.engagement if rule.third_party]
    bought = {event for rule in rules for event in rule.event or ()}
    multipliers = [rule for rule in spec.multiply if bought & set(rule.event)]
    fit = _fit(spec, [rule for rule in spec.fit if rule.third_party])
    return _combined(spec, fit, _engagement(spec, rules, multipliers))


def most_of_fit(rule: FitRule) -> float:
    """Give the most that a fit rule can give."""
    return max((bracket.points for bracket in rule.brackets), default=0.0) if rule.brackets else rule.points


def most_of_engagement(rule: EngagementRule) -> float:
    """Give the most that an engagement rule can give; infinite for repeated points without a cap."""
    repeats = rule.award == "each" and rule.no_event_for is None
    most = math.inf if repeats and rule.points > 0 else rule.points
    return most if rule.cap is None else min(most, rule.cap)


def _fit(spec: Specification, rules: Sequence[FitRule]) -> float:
    sums = _summed({rule: most_of_fit(rule) for rule in rules if not rule.pillar})
    fit = sum(_bounded(spec, name, points) for name, points in sums.items())
    for pillar in spec.pillar:
        most = sum(max(most_of_fit(rule), 0.0) for rule in rules if rule.pillar == pillar.id)
        fit += _product(pillar.weight, min(most, math.inf if pillar.cap is None else pillar.cap))
    return fit


def _engagement(spec: Specification, rules: Sequence[EngagementRule], multipliers: Sequence[MultiplyRule]) -> float:
    most = 0.0
    for name, points in _summed({rule: most_of_engagement(rule) for rule in rules}).items():
        gains = [min(_product(one.factor - 1, points), one.max_points) for one in multipliers if one.group == name]
        most += _bounded(spec, name, points + sum(gains))
    return most


def _summed(most: Mapping[FitRule, float] | Mapping[EngagementRule, float]) -> dict[str, float]:
    """Add up what each group, and each rule without one, can give before its bounds."""
    sums: dict[str, float] = {}
    for rule, points in most.items():
        name = rule.group or f"/{rule.id}"
        sums[name] = sums.get(name, 0.0) + max(points, 0.0)
    return sums


def _bounded(spec: Specification, name: str, points: float) -> float:
    caps = {group.id: group.cap for group in spec.group}
    cap = caps.get(name)
    return points if cap is None else min(points, cap)


def _combined(spec: Specification, fit: float, engagement: float) -> float:
    if spec.combine.weighs:
        return _product(spec.combine.fit, fit) + _product(spec.combine.engagement, engagement)
    return fit + engagement


def _product(weight: float | None, points: float) -> float:
    return 0.0 if not weight else weight * points
