"""The pillar passes: parts of fit that are bounded, then weighted."""

from scoring.expressions import Scalar, clamp, column, number, times, total
from scoring.fit import points_column
from scoring.model import Model


def pillar_column(pillar: str, what: str) -> str:
    """Name a column of a pillar: `sum` before its bounds, `value` after, `clamp` and `weight` the differences."""
    return f"pillar.{pillar}.{what}"


def pillar_sums(model: Model) -> dict[str, Scalar]:
    """Give the sum of the rules of each pillar."""
    return {
        pillar_column(pillar.id, "sum"): total(
            [column(points_column(rule.id)) for rule in model.spec.fit if rule.pillar == pillar.id]
        )
        for pillar in model.spec.pillar
    }


def pillar_values(model: Model) -> dict[str, Scalar]:
    """Give the bounded value of each pillar, what its bounds changed, and what it adds to fit."""
    columns: dict[str, Scalar] = {}
    for pillar in model.spec.pillar:
        before = column(pillar_column(pillar.id, "sum"))
        value = clamp(before, pillar.floor, pillar.cap)
        columns[pillar_column(pillar.id, "value")] = value
        columns[pillar_column(pillar.id, "clamp")] = value.copy() - before.copy()
        columns[pillar_column(pillar.id, "weighted")] = times(number(pillar.weight), value.copy())
        columns[pillar_column(pillar.id, "weight")] = times(number(pillar.weight - 1.0), value.copy())
    return columns


def weighted_pillars(model: Model) -> list[Scalar]:
    """Give what each pillar adds to fit."""
    return [column(pillar_column(pillar.id, "weighted")) for pillar in model.spec.pillar]
