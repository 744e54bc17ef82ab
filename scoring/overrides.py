"""The override pass: bounds on the total that stand whatever rules and model say; states stand above them."""

from collections.abc import Iterator

from scoring.expressions import Scalar, case, column, greatest, least, number
from scoring.model import Model

_BEYOND = 1e308  # binds no total


def when_override(override_id: str) -> str:
    """Name the column that says whether an override's condition holds."""
    return f"override.{override_id}.when"


def bounded_column(override_id: str) -> str:
    """Name the column of the total after an override."""
    return f"override.{override_id}.total"


def unbounded(model: Model) -> str:
    """Name the column of the total inside the scale, before overrides."""
    return "model_scaled" if model.spec.combine.leads else "scaled"


def before_state(model: Model) -> str:
    """Name the column of the total before states act on it."""
    return bounded_column(model.spec.override[-1].id) if model.spec.override else unbounded(model)


def override_columns(model: Model) -> dict[str, Scalar]:
    """Give the total after each override, in file order."""
    return dict(_chain(model, unbounded(model)))


def overridden(model: Model, before: str) -> Scalar:
    """Give another total as all overrides leave it."""
    return ([column(before), *(value for _, value in _chain(model, before))])[-1]


def override_changes(model: Model) -> Iterator[tuple[str, str, Scalar]]:
    """Give the id and title of each override and what it changed."""
    before = unbounded(model)
    for override in model.spec.override:
        after = bounded_column(override.id)
        yield override.id, override.title, column(after) - column(before)
        before = after


def _chain(model: Model, before: str) -> Iterator[tuple[str, Scalar]]:
    value: Scalar = column(before)
    for override in model.spec.override:
        holds = column(when_override(override.id))
        if override.at_least is not None:
            value = greatest(value.copy(), case([(holds, number(override.at_least))], number(-_BEYOND)))
        else:
            value = least(value.copy(), case([(holds, number(override.at_most or 0.0))], number(_BEYOND)))
        yield bounded_column(override.id), value
