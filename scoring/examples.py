"""Worked examples of a model: `[[test]]` tables with facts and the score that they must give."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from scoring.values import Frozen, Number, Text, operand

DEFAULT_AS_OF = datetime(2026, 7, 1, 12, tzinfo=UTC)


def _time(value: object) -> Any:  # noqa: ANN401 - pydantic reads it next
    found = operand(value)
    if not isinstance(found, datetime):
        raise ValueError(f"{value!r} is not a time")
    return found


class Expectation(Frozen):
    """What must come out; what is not said is not checked.

    `scored = false`: there is no row. `band = "none"`: there is no band. `points` are those of contributions by id.
    """

    scored: bool = True
    state: Text | None = None
    fit: Number | None = None
    engagement: Number | None = None
    total: Number | None = None
    band: Text | None = None
    fit_grade: Text | None = None
    engagement_grade: Text | None = None
    points: dict[str, Number] = Field(default_factory=dict)


class Example(Frozen):
    """One worked example.

    `person` stands for a single entry of `people`, and what is told is the first person's score, or the account's in
    an account model. An event or adjustment is so old as its `age` says; `times` repeats an event. Ids, and the person
    or account that something belongs to, are filled in where they are left out.
    """

    name: Text
    as_of: Annotated[datetime, BeforeValidator(_time)] = DEFAULT_AS_OF
    person: dict[str, Any] | None = None
    people: tuple[dict[str, Any], ...] = ()
    account: dict[str, Any] | None = None
    events: tuple[dict[str, Any], ...] = ()
    adjustments: tuple[dict[str, Any], ...] = ()
    expect: Expectation
