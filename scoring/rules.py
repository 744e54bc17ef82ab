"""What each table of a model file says; the passes turn it into numbers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from scoring.conditions import Condition
from scoring.values import (
    DurationSeconds,
    EventTypes,
    Frozen,
    Identifier,
    Number,
    PositiveDurationSeconds,
    Text,
    filled,
    finite,
)

_Table = TypeVar("_Table", bound=Frozen)


class Named(Frozen):
    """Base of everything that has an id and a label for people."""

    id: Identifier
    label: Text | None = None

    @property
    def title(self) -> str:
        """Give the label, or the id with spaces."""
        return self.label or self.id.replace("_", " ")


class Bracket(Frozen):
    """One row of a first-match table: values under `below`, or the rest."""

    below: Number | None = None
    points: Number


class FitRule(Named):
    """Who somebody is: a condition with points, or a first-match table over one number."""

    group: Text | None = None
    pillar: Text | None = None
    third_party: bool = False
    when: Condition | None = None
    points: Number = 0.0
    field: Text | None = None
    brackets: tuple[Bracket, ...] | None = Field(default=None, min_length=1)
    gate: bool = False
    unknown: Literal["fail", "pass"] = "fail"
    disqualify: bool = False

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        said = self.model_fields_set
        problems = []
        if self.brackets is not None:
            problems += _bracket_problems(self)
        elif self.when is None:
            problems.append("a fit rule needs 'when' and 'points', or 'field' and 'brackets'")
        elif self.field is not None:
            problems.append("'field' belongs to 'brackets'; put it inside 'when'")
        if self.brackets is None and not (self.gate or self.disqualify or "points" in said):
            problems.append("key 'points' is missing")
        if self.group is not None and self.pillar is not None:
            problems.append("a rule has a 'group' or a 'pillar', not both")
        if self.gate and self.disqualify:
            problems.append("a rule is a gate or it disqualifies, not both")
        if "unknown" in said and not self.gate:
            problems.append("'unknown' is for a gate")
        return _checked(self, problems)


class DecayRule(Frozen):
    """How the points of an event fade with its age; all empty for `"none"`."""

    half_life: PositiveDurationSeconds | None = None
    linear: PositiveDurationSeconds | None = None
    per_week: Number | None = Field(default=None, ge=0, le=1)
    per_month: Number | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("a decay is one of half_life, linear, per_week, per_month")
        return self

    @property
    def fades(self) -> bool:
        """Say whether age matters at all."""
        return bool(self.model_fields_set)


def _decay(value: object) -> Any:  # noqa: ANN401 - pydantic reads it next
    if value == "none":
        return {}
    if value == {} or not isinstance(value, Mapping):
        raise ValueError(f'{value!r} is not a decay: {{ half_life = "14d" }}, linear, per_week, per_month or "none"')
    return value


AnyDecay = Annotated[DecayRule, BeforeValidator(_decay)]


class EngagementRule(Named):
    """What somebody does: points for events, or for their absence (`no_event_for`)."""

    group: Text | None = None
    event: EventTypes | None = Field(default=None, min_length=1)
    where: Condition | None = None
    points: Number
    award: Literal["each", "once"] = "each"
    at_least: int = Field(1, ge=1, le=1_000_000, strict=True)
    within: PositiveDurationSeconds | None = None
    distinct: Text | None = None
    cap: Number | None = Field(default=None, ge=0)
    decay: AnyDecay | None = None
    no_event_for: DurationSeconds | None = None
    third_party: bool = False

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        problems = []
        if self.event is None and self.no_event_for is None:
            problems.append("an engagement rule needs 'event' or 'no_event_for'")
        if self.where is not None and self.event is None:
            problems.append("'where' needs 'event'")
        if self.no_event_for is not None:
            useless = self.model_fields_set & {"award", "at_least", "within", "distinct", "decay"}
            problems += [f"'{key}' has no meaning beside 'no_event_for'" for key in sorted(useless)]
        return _checked(self, problems)

    @property
    def counts_as_activity(self) -> bool:
        """Say whether its events keep a subject from being idle."""
        return self.points > 0 and self.no_event_for is None


class MultiplyRule(Named):
    """A bounded multiplier on an engagement group while an event is recent."""

    event: EventTypes = Field(min_length=1)
    where: Condition | None = None
    within: PositiveDurationSeconds | None = None
    group: Text
    factor: Number
    max_points: Number = Field(ge=0)

    @model_validator(mode="after")
    def _only_raises(self) -> Self:
        if self.factor < 1:
            raise ValueError(f"factor = {self.factor:g} is under 1: a multiplier may only raise")
        return self


class Group(Frozen):
    """Bounds on the sum of the rules that name it."""

    id: Text
    cap: Number | None = None
    floor: Number | None = None

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(f"floor = {self.floor:g} is above cap = {self.cap:g}")
        return self


class Scale(Frozen):
    """The clamp of the total; a missing end does not clamp."""

    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min = {self.min:g} is above max = {self.max:g}")
        return self


class Step(Frozen):
    """After so long without activity, keep this share of the positive engagement."""

    after: DurationSeconds
    keep: Number = Field(ge=0, le=1)


class PerPeriod(Frozen):
    """A share kept for every whole period without activity."""

    every: PositiveDurationSeconds
    keep: Number = Field(ge=0, le=1)
    starts_after: DurationSeconds | None = None
    zero_after: DurationSeconds | None = None


class Inactivity(Frozen):
    """What silence does to positive engagement: steps, or a share per period."""

    steps: tuple[Step, ...] | None = Field(default=None, min_length=1)
    per_period: PerPeriod | None = None

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        problems = []
        if (self.steps is None) == (self.per_period is None):
            problems.append("inactivity needs 'steps' or 'per_period'")
        edges = [step.after for step in self.steps or ()]
        if edges != sorted(set(edges)):
            problems.append("the 'after' of its steps must rise")
        return _checked(self, problems)


class Suppress(Frozen):
    """Who must never be worked, whatever the score."""

    when: Condition


class Combine(Frozen):
    """How fit and engagement become the total."""

    kind: Literal["sum", "weighted", "predictive", "blend", "rank"] = "sum"
    fit: Number | None = None
    engagement: Number | None = None
    gate_ceiling: Number | None = None
    model: Text | None = None
    shadow: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _has_its_parts(self) -> Self:
        given = self.model_fields_set & {"fit", "engagement"}
        problems = []
        if self.kind == "weighted" and len(given) < 2:
            problems.append("kind = \"weighted\" needs the weights 'fit' and 'engagement'")
        elif self.kind == "sum" and given:
            problems.append("the weights 'fit' and 'engagement' need kind = \"weighted\"")
        elif self.leads and self.kind == "predictive" and given:
            problems.append("the weights 'fit' and 'engagement' have no meaning: the model alone gives the total")
        elif len(given) == 1:
            problems.append("the weights 'fit' and 'engagement' stand together")
        return _checked(self, problems + _table_problems(self))

    @property
    def weighs(self) -> bool:
        """Say whether the rules' total weighs fit and engagement."""
        return self.fit is not None and self.engagement is not None

    @property
    def blends(self) -> bool:
        """Say whether the trained model's log-odds are blended with what the rules say."""
        return self.kind == "blend"

    @property
    def leads(self) -> bool:
        """Say whether the total is the trained model's, alone or blended, and not the rules'."""
        return self.kind in ("predictive", "blend") and not self.shadow


def _table_problems(combine: Combine) -> list[str]:
    """Say what is wrong with how a trained model is named."""
    problems = []
    of_table = combine.kind in ("predictive", "blend", "rank")
    if combine.model is None and (of_table or combine.shadow):
        said = f'kind = "{combine.kind}"' if of_table else "shadow = true"
        problems.append(f"{said} needs 'model', the file of a trained model such as \"models/name.json\"")
    if combine.model is not None and not (of_table or combine.shadow):
        problems.append('\'model\' needs kind = "predictive", "blend" or "rank", or shadow = true')
    if combine.shadow and combine.kind == "rank":
        problems.append("kind = \"rank\" leaves the total to the rules already: leave out 'shadow'")
    return problems


class Override(Named):
    """A bound on the total of those whom a condition holds for, whatever a model says of them."""

    when: Condition
    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _is_one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("an override has 'at_least' or 'at_most', one of them")
        return self


class GradeAxis(Frozen):
    """Letters by their lower edges, highest edge first, and the letter below them all."""

    edges: tuple[tuple[str, Number], ...]
    otherwise: Text | None = None


def _grade_axis(value: object) -> Any:  # noqa: ANN401 - pydantic reads it next
    if not isinstance(value, Mapping):
        raise ValueError(f'{value!r} is not a table such as {{ A = 40, B = 20, else = "C" }}')
    edges = sorted(
        ((filled(letter), finite(edge)) for letter, edge in value.items() if letter != "else"),
        key=lambda pair: -pair[1],
    )
    if len({edge for _, edge in edges}) < len(edges):
        raise ValueError("two letters have the same lower edge")
    rest = {"otherwise": value["else"]} if "else" in value else {}
    return {"edges": edges, **rest}


AnyGradeAxis = Annotated[GradeAxis, BeforeValidator(_grade_axis)]


class Grade(Frozen):
    """The letters of the two axes."""

    fit: AnyGradeAxis | None = None
    engagement: AnyGradeAxis | None = None


class Needs(Frozen):
    """What a band asks for beside the total."""

    fit_at_least: Number | None = None
    engagement_at_least: Number | None = None
    when: Condition | None = None


class Band(Frozen):
    """One band: a threshold on the total, its hysteresis, and what it needs besides."""

    id: Identifier
    at_least: Number | None = None
    above: Number | None = None
    release_below: Number | None = None
    needs: Needs | None = None
    third_party: bool = False

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        problems = []
        if self.at_least is not None and self.above is not None:
            problems.append("a band has 'at_least' or 'above', not both")
        threshold = self.at_least if self.at_least is not None else self.above
        if self.release_below is not None and threshold is None:
            problems.append("'release_below' needs 'at_least' or 'above'")
        elif self.release_below is not None and threshold is not None and self.release_below > threshold:
            problems.append(f"release_below = {self.release_below:g} is above the threshold {threshold:g}")
        return _checked(self, problems)

    @property
    def own_condition(self) -> Condition | None:
        """Give what it needs beside points; null where that is nothing."""
        return None if self.needs is None else self.needs.when


def _bracket_problems(rule: FitRule) -> list[str]:
    problems = []
    if rule.field is None:
        problems.append("'brackets' need a 'field'")
    if rule.when is not None or "points" in rule.model_fields_set:
        problems.append("'brackets' carry the points: leave out 'when' and 'points'")
    if rule.gate or rule.disqualify:
        problems.append("brackets cannot be a gate or disqualify")
    edges = [bracket.below for bracket in rule.brackets or ()]
    if None in edges[:-1]:
        problems.append("only the last bracket may leave out 'below'")
    known = [edge for edge in edges if edge is not None]
    if known != sorted(set(known)):
        problems.append("the 'below' of the brackets must rise")
    return problems


def _checked(table: _Table, problems: list[str]) -> _Table:
    if problems:
        raise ValueError("\n".join(problems))
    return table
