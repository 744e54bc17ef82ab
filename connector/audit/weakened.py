"""Which rules read a field or a type of event, and what they are worth."""

from collections.abc import Iterator, Sequence

from connector.audit.finding import Weakened
from scoring.conditions import Condition, leaves
from scoring.model import Model
from scoring.rules import EngagementRule, FitRule, MultiplyRule
from scoring.specification import event_rules


def by_field(models: Sequence[Model], field: str) -> tuple[Weakened, ...]:
    """List the rules that read a field of the subject, the weightiest first.

    A model of accounts may spell its own fields with `account.` too.
    """
    found = [weakened for model in models for name in spellings(model, field) for weakened in _of_field(model, name)]
    return weightiest(found)


def spellings(model: Model, field: str) -> tuple[str, ...]:
    """Give the names by which a model may read a field of its subject."""
    is_own = model.spec.model.subject == "account" and not field.startswith("account.")
    return (field, f"account.{field}") if is_own else (field,)


def by_event(models: Sequence[Model], kind: str) -> tuple[Weakened, ...]:
    """List the rules that count events of a type, the weightiest first."""
    found = [
        Weakened(model.id, rule.id, points_of(rule))
        for model in models
        for rule in event_rules(model.spec)
        if kind in (rule.event or ())
    ]
    return weightiest(found)


def points_of(rule: FitRule | EngagementRule | MultiplyRule) -> float:
    """Give the most that a rule gives or takes once; 0 for a gate, which decides by itself."""
    if isinstance(rule, MultiplyRule):
        return rule.max_points
    if isinstance(rule, FitRule) and rule.brackets:
        return max((bracket.points for bracket in rule.brackets), key=abs)
    return rule.points


def conditions_on(model: Model, field: str) -> Iterator[tuple[FitRule, Condition]]:
    """Walk the comparisons of fit rules with a field."""
    names = spellings(model, field)
    for rule in model.spec.fit:
        yield from ((rule, leaf) for leaf in leaves(rule.when) if leaf.field in names)


def _of_field(model: Model, field: str) -> Iterator[Weakened]:
    for rule in model.spec.fit:
        if rule.field == field or any(leaf.field == field for leaf in leaves(rule.when)):
            yield Weakened(model.id, rule.id, points_of(rule))
    for event_rule in event_rules(model.spec):
        if any(leaf.field == field and field.startswith("account.") for leaf in leaves(event_rule.where)):
            yield Weakened(model.id, event_rule.id, points_of(event_rule))
    suppress = model.spec.suppress.when if model.spec.suppress else None
    others = {"audience": model.spec.model.audience, "suppress": suppress} | {
        f"segment {segment.id}": segment.when for segment in model.spec.segment
    }
    for name, condition in others.items():
        if any(leaf.field == field for leaf in leaves(condition)):
            yield Weakened(model.id, name, 0.0)


def weightiest(found: Sequence[Weakened]) -> tuple[Weakened, ...]:
    """Give each rule once, by what it decides."""
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (-abs(one.points), one.model_id, one.rule_id)))
