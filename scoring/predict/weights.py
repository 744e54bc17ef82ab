"""What the parts of a trained model's log-odds are worth on a model's scale: plain numbers, for SQL and for words."""

from dataclasses import dataclass

from scoring.model import Model
from scoring.predict.artefact import Part, TableModel


@dataclass(frozen=True)
class Weights:
    """What the parts of the log-odds are worth on the scale: points per log-odds of a feature, per point of the rules.

    `constant` is what belongs to no subject.
    """

    of_features: float
    of_rules: float
    constant: float


def weights(model: Model, table: TableModel, part: Part | None = None) -> Weights:
    """Give the weights of a model's parts on its scale, for subjects who have these tables: the model's own without."""
    part = part or table
    scale = model.spec.model.scale
    low, high = scale.min or 0.0, scale.max or 0.0
    slope = (high - low) / (table.hi - table.lo)
    share = part.weight if model.spec.combine.blends else 1.0
    alpha, beta = (table.rules.alpha, table.rules.beta) if table.rules else (0.0, 0.0)
    constant = low + slope * (share * part.intercept + (1.0 - share) * alpha - table.lo)
    return Weights(slope * share, slope * (1.0 - share) * beta, constant)
