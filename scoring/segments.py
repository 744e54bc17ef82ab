"""Step 0: which segment a subject is in, and every number that a segment puts in place of the model's."""

from collections.abc import Iterable, Sequence

from scoring.columns import SEGMENT
from scoring.expressions import Scalar, case, clamp, column, null, number, raw_text
from scoring.model import Model
from scoring.predicates import Lists, Scope, branch
from scoring.rules import EngagementRule, FitRule, Group


def segment_column(model: Model, scope: Scope, lists: Lists) -> Scalar:
    """Give the id of the first segment that holds; null outside all of them."""
    branches = [(branch(segment.when, scope, lists), raw_text(segment.id)) for segment in model.spec.segment]
    return case(branches, null("text"))


def by_segment(base: Scalar, overrides: Iterable[tuple[str, Scalar]]) -> Scalar:
    """Give what a segment says where one does, else the base."""
    branches = [(column(SEGMENT).eq(raw_text(name)), value) for name, value in overrides]
    return case(branches, base) if branches else base


def rule_points(model: Model, rule: FitRule | EngagementRule) -> Scalar:
    """Give the points of a rule."""
    return by_segment(number(rule.points), [(name, number(points)) for name, points in _points(model, rule.id)])


def group_bounds(model: Model, group: Group, value: Scalar) -> Scalar:
    """Give the sum of a group inside its bounds."""
    caps = [(segment.id, dict(segment.caps)) for segment in model.spec.segment]
    overrides = [(name, clamp(value.copy(), group.floor, of[group.id])) for name, of in caps if group.id in of]
    return by_segment(clamp(value, group.floor, group.cap), overrides)


def active_age(model: Model, rule: EngagementRule, age: Scalar) -> Scalar:
    """Give the age of a rule's newest event where the rule's points make it count as activity, else null."""
    counts = rule.counts_as_activity
    unlike = [(name, points > 0) for name, points in _points(model, rule.id) if (points > 0) != counts]
    never = null("bigint")
    return by_segment(age if counts else never, [(name, age.copy() if does else never.copy()) for name, does in unlike])


def activity_rules(model: Model) -> list[EngagementRule]:
    """Give the rules whose events count as activity, in the model or in some segment."""
    return [
        rule
        for rule in model.spec.engagement
        if rule.no_event_for is None and max(rule.points, *_all_points(model, rule.id)) > 0
    ]


def _points(model: Model, rule_id: str) -> Sequence[tuple[str, float]]:
    found = [(segment.id, dict(segment.points)) for segment in model.spec.segment]
    return [(name, points[rule_id]) for name, points in found if rule_id in points]


def _all_points(model: Model, rule_id: str) -> list[float]:
    return [0.0, *(points for _, points in _points(model, rule_id))]
