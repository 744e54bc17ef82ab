"""How good the facts have to be before a model may score them: the `[needs_quality]` table."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from scoring.values import Frozen, Number, PositiveDurationSeconds, filled, finite

AREAS = ("overall", "fields", "duplicates", "consistency", "outcomes", "activity")


def _shares(value: object) -> Any:  # noqa: ANN401 - pydantic reads it next
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{value!r} is not a table such as {{ industry = 0.5 }}")
    pairs = [(filled(name), finite(share)) for name, share in value.items()]
    if wrong := [name for name, share in pairs if not 0 < share <= 1]:
        raise ValueError(f"{', '.join(wrong)}: a share is more than 0 and at most 1")
    return tuple(sorted(pairs))


Grade = Annotated[Number | None, Field(ge=0, le=100)]
Shares = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_shares)]


class NeedsQuality(Frozen):
    """What an audit must say: grades from 0 to 100, the filled share of fields, and how old the newest event may be."""

    overall_at_least: Grade = None
    fields_at_least: Grade = None
    duplicates_at_least: Grade = None
    consistency_at_least: Grade = None
    outcomes_at_least: Grade = None
    activity_at_least: Grade = None
    fill: Shares = ()
    newest_event_within: PositiveDurationSeconds | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "NeedsQuality":
        if not self.model_fields_set:
            raise ValueError("asks for nothing: overall_at_least, fill or another key")
        return self

    def grades(self) -> dict[str, float]:
        """Give the least grade of each area that has one, `overall` included."""
        asked = {area: getattr(self, f"{area}_at_least") for area in AREAS}
        return {area: grade for area, grade in asked.items() if grade is not None}

    @property
    def fields(self) -> frozenset[str]:
        """Name the fields whose filled share is asked for."""
        return frozenset(name for name, _ in self.fill)
