"""The fit pass: who somebody is: the points of each rule, and what gates, disqualifies or suppresses."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from scoring.columns import when_column
from scoring.expressions import Scalar, case, column, either, number
from scoring.model import Model
from scoring.overrides import when_override
from scoring.predicates import Lists, branch, predicate, tri_state
from scoring.rules import FitRule
from scoring.schema import ColumnType
from scoring.segments import rule_points
from scoring.specification import every_band
from scoring.subjects import Features, feature_name


@dataclass(frozen=True)
class FitScope:
    """What the fit pass reads: feature columns and named lists."""

    types: Mapping[str, ColumnType]
    lists: Lists

    @property
    def features(self) -> Features:
        """Give the scope of conditions."""
        return Features(self.types)


def points_column(rule_id: str) -> str:
    """Name the column of a rule's points."""
    return f"rule.{rule_id}.points"


def fit_columns(model: Model, scope: FitScope) -> dict[str, Scalar]:
    """Give the points of every fit rule."""
    return {points_column(rule.id): _points(model, rule, scope) for rule in model.spec.fit}


def state_columns(model: Model, scope: FitScope) -> dict[str, Scalar]:
    """Give `is_suppressed`, `is_disqualified` and `is_gated`, and what bands ask of the subject itself."""
    spec = model.spec
    suppressed = [predicate(spec.suppress.when, scope.features, scope.lists)] if spec.suppress else []
    disqualified = [_holds(rule, scope) for rule in spec.fit if rule.disqualify]
    failed = [exp.not_(exp.paren(_gate_holds(rule, scope))) for rule in spec.fit if rule.gate]
    columns = {
        "is_suppressed": either(suppressed),
        "is_disqualified": either(disqualified),
        "is_gated": either(failed),
    }
    for override in spec.override:
        columns[when_override(override.id)] = predicate(override.when, scope.features, scope.lists)
    for segment, band in every_band(spec):
        if band.own_condition is not None:
            columns[when_column(segment, band.id)] = predicate(band.own_condition, scope.features, scope.lists)
    return columns


def _points(model: Model, rule: FitRule, scope: FitScope) -> Scalar:
    if rule.brackets is None:
        when = exp.false() if rule.when is None else branch(rule.when, scope.features, scope.lists)
        return case([(when, rule_points(model, rule))], number(0.0))
    value = column(feature_name(rule.field or ""))
    branches: list[tuple[Scalar, Scalar]] = [(value.is_(exp.null()), number(0.0))]
    branches += [(value < number(row.below), number(row.points)) for row in rule.brackets if row.below is not None]
    last = rule.brackets[-1]
    return case(branches, number(last.points if last.below is None else 0.0))


def _holds(rule: FitRule, scope: FitScope) -> Scalar:
    return predicate(rule.when, scope.features, scope.lists) if rule.when is not None else exp.false()


def _gate_holds(rule: FitRule, scope: FitScope) -> Scalar:
    if rule.unknown == "fail" or rule.when is None:
        return _holds(rule, scope)
    return exp.func("COALESCE", tri_state(rule.when, scope.features, scope.lists), exp.true())
