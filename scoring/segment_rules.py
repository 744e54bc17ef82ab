"""What a model file says of segments and of the people of an account."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scoring.conditions import Condition
from scoring.rules import Band, Named
from scoring.values import Frozen, Identifier, Number, Text, filled, finite


def _numbers(value: object) -> Any:  # noqa: ANN401 - pydantic reads it next
    """Read a table of numbers as pairs; raises ValueError naming each key that is wrong."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is not a table of numbers such as {{ name = 1.5 }}")
    problems = []
    for key, entry in value.items():
        try:
            finite(entry)
        except ValueError as error:
            problems.append(f"'{key}': {error}")
    if problems:
        raise ValueError("\n".join(problems))
    return tuple((filled(key), float(entry)) for key, entry in value.items())


Numbers = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_numbers)]


class Breadth(Frozen):
    """Points for every engaged person of an account."""

    engaged_at_least: Number
    points_each: Number
    cap: Number | None = Field(default=None, ge=0)


class Coverage(Frozen):
    """Points where every one of these roles is held by an engaged person of the account."""

    roles: tuple[Text, ...] = Field(min_length=1)
    engaged_at_least: Number
    points: Number


class Rollup(Frozen):
    """How the scores of an account's people become points of the account."""

    model: Identifier
    of: Literal["engagement", "total"] = "engagement"
    kind: Literal["sum", "max", "top_k", "diminishing"] = "sum"
    k: int | None = Field(default=None, ge=1, le=1_000_000, strict=True)
    ratio: Number | None = Field(default=None, ge=0, le=1)
    role_weights: Numbers = ()

    @model_validator(mode="after")
    def _has_its_measure(self) -> Self:
        for key, kind in (("k", "top_k"), ("ratio", "diminishing")):
            if (self.kind == kind) != (getattr(self, key) is not None):
                raise ValueError(f"'{key}' and kind = \"{kind}\" belong together")
        return self


class Segment(Named):
    """A part of the subjects with points, caps, bands and people rules of its own; the first that holds counts."""

    when: Condition
    points: Numbers = ()
    caps: Numbers = ()
    breadth: Breadth | None = None
    coverage: Coverage | None = None
    band: tuple[Band, ...] = ()


class Pillar(Frozen):
    """A weighted part of fit, with bounds on the sum of the rules that name it."""

    id: Text
    weight: Number
    cap: Number | None = None
    floor: Number | None = None

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(f"floor = {self.floor:g} is above cap = {self.cap:g}")
        return self
