"""What is allowed of a trained model and of overrides, and yet probably not meant."""

from collections.abc import Iterator

from scoring.contradictions import contradiction
from scoring.model import Model
from scoring.predict.artefact import EVIDENCE, RulesLink, TableModel
from scoring.predict.rules_alone import rules_hash

Found = tuple[str, str, str]


def is_alone(model: Model) -> bool:
    """Say whether a trained model gives the total without the rules' points."""
    return model.spec.combine.leads and not model.spec.combine.blends


def table_findings(model: Model) -> Iterator[Found]:
    """Give each finding as its check, where in the file, and what to do about it."""
    if model.table is not None:
        yield from _of_table(model, model.table)
    scale = model.spec.model.scale
    for override in model.spec.override:
        where = f"override.{override.id}"
        clash = contradiction(override.when)
        if clash is not None:
            yield "never_fires", where, f"no value satisfies it: {clash}"
        low = override.at_least is not None and override.at_least == scale.min
        if low or (override.at_most is not None and override.at_most == scale.max):
            yield "never_matters", where, "it is an end of the scale, which binds every total"


def _of_table(model: Model, table: TableModel) -> Iterator[Found]:
    combine = model.spec.combine
    points = [rule.points for rule in model.spec.fit] + [rule.points for rule in model.spec.engagement]
    if is_alone(model) and any(points):
        message = "points of rules reach fit and engagement, not the total: blend or rank, or leave them out"
        yield "predictive", "combine.kind", message
    if table.n_conversions < EVIDENCE and not combine.blends:
        message = f"learned from {table.n_conversions} conversions, under {EVIDENCE}: in a blend the rules weigh more"
        yield "predictive", "combine.kind", message
    if table.rules is None or not combine.blends:
        return
    if table.rules.beta <= 0:
        message = f"where the rules give more points, fewer convert (beta = {table.rules.beta:g}): look at the rules"
        yield "predictive", "combine.model", message
    if (other := of_other_rules(model, table.rules)) is not None:
        yield "predictive", "combine.model", other


def of_other_rules(model: Model, link: RulesLink) -> str | None:
    """Say that alpha and beta were fitted on other points than these rules give; null where they were not."""
    if link.model_id not in (None, model.id):
        return f"alpha and beta are of the points that '{link.model_id}' gives: train it beside this model"
    if link.rules_hash not in (None, rules_hash(model.spec)):
        return "alpha and beta are of the points that these rules gave before they were changed: train it again"
    return None
