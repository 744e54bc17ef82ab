"""The predictive passes: a trained model's log-odds, alone or blended with the rules' total, and what they add up to.

With w the weight of the model by its evidence and points the rules' total in its scale, the log-odds are
L = w × L_model + (1 - w)(alpha + beta × points)
and the total is min + (max - min)(L - lo) / (hi - lo): linear, so that every part of L is a part of the total.
"""

from collections.abc import Callable

from scoring.combine import DISQUALIFIED, SUPPRESSED, total_in_state
from scoring.expressions import Scalar, case, clamp, column, null, number, raw_text, rounded, times, total
from scoring.model import Model
from scoring.overrides import overridden
from scoring.predict.artefact import TableModel
from scoring.predict.tables import (
    LOG_ODDS,
    by_part,
    feature_log_odds,
    log_odds_column,
    probability,
    summed_log_odds,
    value_column,
)
from scoring.predict.weights import Weights, weights
from scoring.schema import DECIMALS

PROBABILITY, PRIORITY, MODEL_TOTAL, MODEL_BAND = "probability", "priority", "model_total", "model_band"


def weighed(model: Model, table: TableModel, of: Callable[[Weights], float]) -> Scalar:
    """Give a weight as it is for each subject."""
    if len({of(weights(model, table, part)) for part in table.parts}) == 1:
        return number(of(weights(model, table)))
    return by_part(table, lambda part: number(of(weights(model, table, part))))


def results(model: Model) -> tuple[str, ...]:
    """Name the columns of a score that a trained model adds."""
    if model.table is None:
        return ()
    beside = (PRIORITY,) if model.spec.combine.kind == "rank" else ()
    return (PROBABILITY, *beside, *((MODEL_TOTAL, MODEL_BAND) if model.spec.combine.shadow else ()))


def term_columns(model: Model) -> dict[str, Scalar]:
    """Give the log-odds of every feature."""
    table = model.table
    if table is None:
        return {}
    return {log_odds_column(name): feature_log_odds(table, name, column(value_column(name))) for name in table.scored}


def log_odds_columns(model: Model) -> dict[str, Scalar]:
    """Give the log-odds, blended with the rules' total inside its scale where the model says so."""
    table = model.table
    if table is None:
        return {}
    of_table = summed_log_odds(table)
    if not model.spec.combine.blends or table.rules is None:
        return {LOG_ODDS: of_table}
    of_rules = total([number(table.rules.alpha), times(number(table.rules.beta), column("scaled"))])
    own = by_part(table, lambda part: number(part.weight))
    shares = own, by_part(table, lambda part: number(1.0 - part.weight))
    return {LOG_ODDS: total([times(shares[0], of_table), times(shares[1], of_rules)])}


def model_columns(model: Model) -> dict[str, Scalar]:
    """Give the probability, and the log-odds on the model's scale."""
    table = model.table
    if table is None:
        return {}
    scale = model.spec.model.scale
    low, high = scale.min or 0.0, scale.max or 0.0
    slope = number((high - low) / (table.hi - table.lo))
    above = total([number(-table.lo), column(LOG_ODDS)])
    return {
        PROBABILITY: probability(column(LOG_ODDS)),
        "model_combined": total([number(low), times(slope, above)]),
    }


def model_scaled(model: Model) -> dict[str, Scalar]:
    """Give the model's total inside the scale."""
    scale = model.spec.model.scale
    return {"model_scaled": clamp(column("model_combined"), scale.min, scale.max)} if model.table else {}


def beside_columns(model: Model) -> dict[str, Scalar]:
    """Give what stands beside the rules' total: the order that the model asks for, or the total that it would give."""
    columns: dict[str, Scalar] = {}
    if PRIORITY in results(model):
        columns[PRIORITY] = _priority(model)
    if MODEL_TOTAL in results(model):
        columns[MODEL_TOTAL] = rounded(total_in_state(model, overridden(model, "model_scaled")), DECIMALS)
    return columns


def _priority(model: Model) -> Scalar:
    """Spread the probability over the scale: unlike the model's total it has no ties at the ends."""
    scale = model.spec.model.scale
    low, high = scale.min or 0.0, scale.max or 0.0
    spread = total([number(low), times(number(high - low), column(PROBABILITY))])
    out = column("state").isin(raw_text(SUPPRESSED), raw_text(DISQUALIFIED))
    return case([(out, null("double"))], rounded(spread, DECIMALS))
