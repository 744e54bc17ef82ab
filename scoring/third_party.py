"""What engagement would be without third-party rules: bought intent alone must not carry anybody into a band."""

from sqlglot import exp

from scoring.adjustments import POINTS as ADJUSTMENT
from scoring.columns import FIRST_PARTY
from scoring.engagement import multiply_column
from scoring.expressions import Scalar, column, number, rounded, total
from scoring.fit import points_column
from scoring.model import Model
from scoring.people import people_sum
from scoring.rules import Group
from scoring.segments import group_bounds
from scoring.specification import has_third_party

_DECIMALS = 9


def first_party_columns(model: Model) -> dict[str, Scalar]:
    """Give engagement as it would be if third-party rules gave no points; idle stays what it is."""
    if not has_third_party(model.spec):
        return {}
    of_engagement = {rule.group for rule in model.spec.engagement}
    groups = [group for group in model.spec.group if group.id in of_engagement]
    terms = [_group(model, group) for group in groups]
    terms += [column(points_column(rule.id)) for rule in model.spec.engagement if not (rule.group or rule.third_party)]
    positive = total([exp.func("GREATEST", term.copy(), number(0.0)) for term in terms])
    negative = total([exp.func("LEAST", term.copy(), number(0.0)) for term in terms])
    kept = column("kept") * exp.paren(positive)
    return {FIRST_PARTY: rounded(total([negative, kept, column(ADJUSTMENT), people_sum(model)]), _DECIMALS)}


def _group(model: Model, group: Group) -> Scalar:
    rules = [rule for rule in model.spec.engagement if rule.group == group.id and not rule.third_party]
    before = total([column(points_column(rule.id)) for rule in rules])
    gains = [multiply_column(rule, before.copy()) for rule in model.spec.multiply if rule.group == group.id]
    return group_bounds(model, group, total([before, *gains]))
