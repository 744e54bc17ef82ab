"""A trained model as data: for each feature a table of log-odds, in JSON that any language can read.

The log-odds of a subject are the intercept and, for each feature, those of the one bin that its value falls into.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from scoring.conditions import Condition, leaves
from scoring.values import EventTypes, Frozen, Identifier, Text

SCHEMA = 1
SEGMENTED_SCHEMA = 2
MOST_SEGMENTS = 50
MOST_FEATURES = 200
MOST_BINS = 1024
MOST_BYTES = 8_000_000
EVIDENCE = 120
"""So many conversions weigh as much as the rules do."""

_MOST_LOG_ODDS = 1e4
_VERSION_DIGITS = 12
_OUTPUT = ("subject_id", "as_of_s")
_BOUNDED_IN_TIME = ("count", "active_days")
_OF_EVENTS = (*_BOUNDED_IN_TIME, "recency_days", "decayed")

Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
LogOdds = Annotated[float, Field(strict=True, ge=-_MOST_LOG_ODDS, le=_MOST_LOG_ODDS)]
Count = Annotated[int, Field(strict=True, ge=0)]


class TableError(ValueError):
    """A trained model cannot be used; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Feature(Frozen):
    """One column that a model learns from and reads: how to find it, and its name in words that a rep can read.

    `attribute` is a field of the subject, numeric or categorical; all other kinds are numeric. `count`, `recency_days`
    (since the newest), `decayed` (half of it left after half_life_days) and `active_days` (UTC days with any) are of
    events of these types, of all types without `event`, that `where` holds for and that are younger than within_days,
    of any age without it. `tenure_days` is the age of a time, created_at unless `field` names another.
    """

    id: Identifier
    label: Text
    kind: Literal["attribute", "count", "recency_days", "decayed", "active_days", "tenure_days"]
    role: Literal["numeric", "categorical"] = "numeric"
    field: Text | None = None
    event: EventTypes | None = Field(default=None, min_length=1)
    where: Condition | None = None
    within_days: int | None = Field(default=None, ge=1, le=36_500, strict=True)
    half_life_days: int = Field(default=30, ge=1, le=36_500, strict=True)

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        problems = []
        if self.id in _OUTPUT:
            problems.append(f"'{self.id}' is a column of its own")
        if self.kind == "attribute" and self.field is None:
            problems.append("an attribute needs a 'field'")
        if self.kind != "attribute" and self.role == "categorical":
            problems.append(f"'{self.kind}' is a number: its role is numeric")
        if self.kind in _OF_EVENTS and self.field is not None:
            problems.append(f"'field' has no meaning for '{self.kind}'")
        if self.kind not in _OF_EVENTS and not {"event", "where"}.isdisjoint(self.model_fields_set):
            problems.append(f"'event' and 'where' have no meaning for '{self.kind}'")
        if self.within_days is not None and self.kind not in _BOUNDED_IN_TIME:
            problems.append(f"'within_days' has no meaning for '{self.kind}'")
        problems += _where_problems(self.where)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def reads_events(self) -> bool:
        """Say whether it is about events."""
        return self.kind in _OF_EVENTS

    @property
    def read_field(self) -> str | None:
        """Name the field of the subject that it reads."""
        return self.field or ("created_at" if self.kind == "tenure_days" else None)


def _where_problems(where: Condition | None) -> list[str]:
    problems = []
    for leaf in leaves(where):
        if (leaf.field or "").startswith("account."):
            problems.append(f"where: '{leaf.field}' is not of the event")
        if leaf.in_list is not None:
            problems.append("where: 'in_list' cannot be part of a trained model: say 'in' with the entries")
    return problems


class Bin(Frozen):
    """What was learned of one bin, and the rows and conversions it was learned from."""

    log_odds: LogOdds
    n: Count = 0
    n_converted: Count = 0


class Term(Frozen):
    """One feature's table.

    `bins[0]` is for the unknown. A number x falls into bin 1 below `cuts[0]`, into bin i + 1 from `cuts[i - 1]` on and
    below `cuts[i]`. A text falls into bin i + 1 if it is `levels[i]`, as `feature_statement` gives it (trimmed and
    lowered), into the last bin if it is none of them.
    """

    feature: Feature
    cuts: tuple[Finite, ...] = ()
    levels: tuple[Text, ...] = ()
    bins: tuple[Bin, ...] = Field(min_length=2, max_length=MOST_BINS)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems = []
        edges = self.levels if self.feature.role == "categorical" else self.cuts
        unused = self.cuts if self.feature.role == "categorical" else self.levels
        if unused:
            problems.append(f"'{self.feature.role}' has cuts or levels that belong to the other role")
        if len(self.bins) != len(edges) + 2:
            problems.append(f"{len(self.bins)} bins for {len(edges)} edges, {len(edges) + 2} are needed")
        if list(self.cuts) != sorted(set(self.cuts)):
            problems.append("the cuts must rise")
        if len(set(self.levels)) < len(self.levels):
            problems.append("two levels are equal")
        if problems:
            raise ValueError("\n".join(f"{self.feature.id}: {problem}" for problem in problems))
        return self


class SegmentTables(Frozen):
    """The tables of one segment, in the place of the model's for its subjects; `id` is the segment's value."""

    id: Text
    n_rows: Count
    n_conversions: Count
    intercept: LogOdds
    terms: tuple[Term, ...] = Field(max_length=MOST_FEATURES)

    @property
    def weight(self) -> float:
        """Give the weight in a blend, by the conversions of the segment."""
        return self.n_conversions / (self.n_conversions + EVIDENCE)


class RulesLink(Frozen):
    """What a rules' total says of the log-odds: alpha + beta × total, fitted on rows that had matured.

    model_id and rules_hash say of which rules it is the total (`rules_alone.rules_hash`).
    """

    alpha: LogOdds
    beta: LogOdds
    model_id: Identifier | None = None
    rules_hash: str | None = None


class TableModel(Frozen):
    """A trained model: log-odds = intercept + one entry per feature.

    Subjects whose `segment`, a text, is that of one of `segments` have the log-odds of its tables instead; only then it
    is schema 2. All other subjects, and those of no segment, have the model's own.
    `version` is 12 hex digits of the rest. `lo` and `hi` are the log-odds that become the ends of a scale. `card` is
    for people: the data's window, the holdout's figures, the reliability curve, the features refused and why.
    """

    schema_: Literal[1, 2] = Field(default=1, alias="schema")
    version: str
    target: Text
    subject: Literal["person", "account"] = "person"
    horizon_days: int = Field(ge=1, strict=True)
    trained_at: str
    as_of: str
    n_rows: Count
    n_conversions: Count
    intercept: LogOdds
    terms: tuple[Term, ...] = Field(max_length=MOST_FEATURES)
    lo: LogOdds
    hi: LogOdds
    rules: RulesLink | None = None
    segment: Feature | None = None
    segments: tuple[SegmentTables, ...] = Field(default=(), max_length=MOST_SEGMENTS)
    card: dict[str, JsonValue] = Field(default_factory=dict, repr=False)

    @field_validator("version")
    @classmethod
    def _is_hex(cls, value: str) -> str:
        if re.fullmatch(f"[0-9a-f]{{{_VERSION_DIGITS}}}", value) is None:
            raise ValueError(f"{value!r} is not {_VERSION_DIGITS} hex digits")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        problems = []
        for part in self.parts:
            names = [term.feature.id.lower() for term in part.terms]
            if len(set(names)) < len(names):
                problems.append("two features have the same id, or differ in case alone")
        problems += _segment_problems(self)
        if not self.lo < self.hi:
            problems.append(f"lo = {self.lo:g} is not below hi = {self.hi:g}")
        if self.n_conversions > self.n_rows:
            problems.append(f"{self.n_conversions} conversions in {self.n_rows} rows")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def parts(self) -> "tuple[TableModel | SegmentTables, ...]":
        """List the tables that subjects have: the model's own, then those of segments."""
        return (self, *self.segments)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Give the features in the order of their terms, then those that segments alone read."""
        terms = [term for part in self.parts for term in part.terms]
        every = {term.feature.id: term.feature for term in terms}
        return tuple((every | ({self.segment.id: self.segment} if self.segment else {})).values())

    @property
    def scored(self) -> tuple[str, ...]:
        """Name the features that have log-odds: all but a segment that is no term."""
        terms = (term for part in self.parts for term in part.terms)
        return tuple(dict.fromkeys(term.feature.id for term in terms))

    @property
    def weight(self) -> float:
        """Give the weight of the model in a blend, by its conversions: n / (n + 120)."""
        return self.n_conversions / (self.n_conversions + EVIDENCE)

    def as_json(self) -> str:
        """Write the file: equal models give equal texts."""
        return json.dumps(_plain(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


Part = TableModel | SegmentTables
"""The tables that some subjects have: a segment's, or the model's own."""


def _plain(model: TableModel) -> dict[str, Any]:
    """Give a model as JSON has it, without what is as it is by default."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"schema": model.schema_}


def _segment_problems(model: TableModel) -> list[str]:
    """Say what is wrong with the segments, and with features of one id that are not the same."""
    problems = []
    if bool(model.segments) != (model.segment is not None) or bool(model.segments) != (
        model.schema_ == SEGMENTED_SCHEMA
    ):
        problems.append(f"'segment', 'segments' and schema {SEGMENTED_SCHEMA} belong together")
    if model.segment is not None and (model.segment.kind, model.segment.role) != ("attribute", "categorical"):
        problems.append("segment: a field of texts is needed")
    if len({one.id for one in model.segments}) < len(model.segments):
        problems.append("two segments are equal")
    terms = [term for part in model.parts for term in part.terms]
    said = {feature.id.lower(): feature for feature in model.features}
    unlike = sorted({term.feature.id for term in terms if said[term.feature.id.lower()] != term.feature})
    return [*problems, *(f"{name}: two features of this id are not the same" for name in unlike)]


def versioned(model: TableModel) -> TableModel:
    """Give a model the version of its content."""
    return model.model_copy(update={"version": version_of(model)})


def version_of(model: TableModel) -> str:
    """Give 12 hex digits of all that a model says but its version."""
    content = {key: value for key, value in _plain(model).items() if key != "version"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def read_table(content: bytes) -> TableModel:
    """Read a trained model; raises TableError for a file that is damaged, of another schema, or too large."""
    if len(content) > MOST_BYTES:
        raise TableError([f"has {len(content):,} bytes, {MOST_BYTES:,} is the most: train it with fewer features"])
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        raise TableError(["is not JSON: it is damaged or no trained model; train it again"]) from None
    problem = _kind_problem(raw)
    if problem:
        raise TableError([problem])
    try:
        model = TableModel.model_validate_json(content)
    except ValidationError as error:
        raise TableError([_first(error.errors(include_url=False), error.error_count())]) from None
    if version_of(model) != model.version:
        raise TableError([f"is not as it was trained: its content gives another version than {model.version}"])
    return model


def _kind_problem(raw: object) -> str | None:
    """Say why this is no trained model of this schema."""
    if not isinstance(raw, dict) or "schema" not in raw or "terms" not in raw:
        return "is not a trained model: it has no 'schema' and 'terms'"
    if raw["schema"] not in (SCHEMA, SEGMENTED_SCHEMA) or isinstance(raw["schema"], bool):
        known = f"{SCHEMA} and {SEGMENTED_SCHEMA}"
        return f"has schema {raw['schema']!r}, this version reads {known}: train it again, or update"
    features = raw["terms"]
    if isinstance(features, list) and len(features) > MOST_FEATURES:
        return f"has {len(features):,} features, {MOST_FEATURES} is the most: train it with fewer"
    return None


def _first(errors: Sequence[ErrorDetails], count: int) -> str:
    where = ".".join(str(step) for step in errors[0]["loc"]) or "file"
    said = errors[0]["msg"].removeprefix("Value error, ").split("\n")[0]
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"is damaged: {where}: {said[0].lower()}{said[1:]}{more}"
