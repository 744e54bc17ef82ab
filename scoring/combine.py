"""The combining passes: group clamps, the two axes, inactivity, the total, the state."""

from collections.abc import Sequence

from sqlglot import exp

from scoring.adjustments import POINTS as ADJUSTMENT
from scoring.engagement import kept_share, multiply_column
from scoring.events import IDLE
from scoring.expressions import Scalar, case, clamp, column, number, raw_text, rounded, times, total
from scoring.fit import points_column
from scoring.model import Model
from scoring.overrides import before_state
from scoring.people import people_sum
from scoring.pillars import weighted_pillars
from scoring.rules import EngagementRule, FitRule, Group
from scoring.schema import DECIMALS
from scoring.segments import group_bounds

SUPPRESSED, DISQUALIFIED, GATED = "suppressed", "disqualified", "gated"
NEVER_ACTIVE, ACTIVE = "never_active", "active"


def group_column(group: str, what: str) -> str:
    """Name a column of a group: `sum` before its bounds, `value` after, `clamp` the difference."""
    return f"group.{group}.{what}"


def used_groups(model: Model) -> list[Group]:
    """Give the groups that some rule names, in file order."""
    named = {rule.group for rule in _grouped_rules(model)}
    return [group for group in model.spec.group if group.id in named]


def multiplier_columns(model: Model) -> dict[str, Scalar]:
    """Give what each multiplier adds to its group."""
    return {
        points_column(rule.id): multiply_column(rule, _sum_of(_in_group(model, rule.group)))
        for rule in model.spec.multiply
    }


def group_sums(model: Model) -> dict[str, Scalar]:
    """Give the sum of each group with its multipliers, before its bounds."""
    groups = [group.id for group in used_groups(model)]
    return {group_column(group, "sum"): _sum_of(_in_group(model, group, multiplied=True)) for group in groups}


def group_values(model: Model) -> dict[str, Scalar]:
    """Give the bounded value of each group and what the bounds took or gave."""
    columns: dict[str, Scalar] = {}
    for group in used_groups(model):
        before = column(group_column(group.id, "sum"))
        value = group_bounds(model, group, before)
        columns[group_column(group.id, "value")] = value
        columns[group_column(group.id, "clamp")] = value.copy() - before.copy()
    return columns


def axis_columns(model: Model) -> dict[str, Scalar]:
    """Give fit, and the positive and negative halves of engagement with the share that silence leaves."""
    engagement = _terms(model, model.spec.engagement)
    return {
        "fit_sum": total([*_terms(model, model.spec.fit), *weighted_pillars(model)]),
        "positive": total([exp.func("GREATEST", term.copy(), number(0.0)) for term in engagement]),
        "negative": total([exp.func("LEAST", term.copy(), number(0.0)) for term in engagement]),
        "kept": kept_share(model.spec.inactivity),
        "state": _state(),
    }


def engagement_sum(model: Model) -> dict[str, Scalar]:
    """Give engagement after silence and recorded corrections, and what silence took."""
    of_events = column("negative"), column("kept") * column("positive")
    return {
        "engagement_sum": total([*of_events, column(ADJUSTMENT), people_sum(model)]),
        "inactivity": times(column("kept") - number(1.0), column("positive")),
    }


def weighted_sum(model: Model) -> dict[str, Scalar]:
    """Give the combined total before the scale, and what the weights changed on each axis."""
    combine = model.spec.combine
    fit, engagement = column("fit_sum"), column("engagement_sum")
    if not combine.weighs:
        return {"combined": fit + engagement}
    of_fit, of_engagement = number(combine.fit or 0.0), number(combine.engagement or 0.0)
    return {
        "combined": of_fit * fit + of_engagement * engagement,
        "weight.fit": (of_fit.copy() - number(1.0)) * fit.copy(),
        "weight.engagement": (of_engagement.copy() - number(1.0)) * engagement.copy(),
    }


def scaled_total(model: Model) -> dict[str, Scalar]:
    """Give the total inside the scale."""
    scale = model.spec.model.scale
    return {"scaled": clamp(column("combined"), scale.min, scale.max)}


def final_columns(model: Model) -> dict[str, Scalar]:
    """Give the axes as they are stored and compared, and the total of the state, not yet rounded."""
    return {
        "fit": rounded(column("fit_sum"), DECIMALS),
        "engagement": rounded(column("engagement_sum"), DECIMALS),
        "total_exact": total_in_state(model, column(before_state(model))),
    }


def rounded_total(model: Model) -> dict[str, Scalar]:
    """Give the total as it is stored and compared."""
    return {"total": rounded(column("total_exact"), DECIMALS)}


def total_in_state(model: Model, scaled: Scalar) -> Scalar:
    """Give what a state leaves of a total."""
    lowest = model.spec.model.scale.min or 0.0
    ceiling = model.spec.combine.gate_ceiling
    state = column("state")
    gated = exp.func("LEAST", scaled.copy(), number(lowest if ceiling is None else ceiling))
    out = state.isin(raw_text(SUPPRESSED), raw_text(DISQUALIFIED))
    return case([(out, number(lowest)), (state.eq(raw_text(GATED)), gated)], scaled)


def _state() -> Scalar:
    branches: list[tuple[Scalar, Scalar]] = [
        (column("is_suppressed"), raw_text(SUPPRESSED)),
        (column("is_disqualified"), raw_text(DISQUALIFIED)),
        (column("is_gated"), raw_text(GATED)),
        (column(IDLE).is_(exp.null()), raw_text(NEVER_ACTIVE)),
    ]
    return case(branches, raw_text(ACTIVE))


def _grouped_rules(model: Model) -> tuple[FitRule | EngagementRule, ...]:
    return (*model.spec.fit, *model.spec.engagement)


def _in_group(model: Model, group: str, *, multiplied: bool = False) -> list[str]:
    rules = [rule.id for rule in _grouped_rules(model) if rule.group == group]
    return rules + [rule.id for rule in model.spec.multiply if multiplied and rule.group == group]


def _sum_of(rule_ids: Sequence[str]) -> Scalar:
    return total([column(points_column(rule_id)) for rule_id in rule_ids])


def _terms(model: Model, rules: Sequence[FitRule] | Sequence[EngagementRule]) -> list[Scalar]:
    """Give the values that an axis adds: each of its groups, and each rule without a group."""
    of_axis = {rule.group for rule in rules}
    groups = [group.id for group in used_groups(model) if group.id in of_axis]
    grouped: list[Scalar] = [column(group_column(group, "value")) for group in groups]
    return grouped + [column(points_column(rule.id)) for rule in rules if _stands_alone(rule)]


def _stands_alone(rule: FitRule | EngagementRule) -> bool:
    return rule.group is None and not (isinstance(rule, FitRule) and rule.pillar)
