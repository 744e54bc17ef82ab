"""Where results go: the write tables of a mapping file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from mappings.spec import Scalar, Spec

Policy = Literal["own", "if_empty", "tracked", "never"]
Role = Literal["person", "account"]
ResultName = Literal[
    "total",
    "fit",
    "engagement",
    "fit_grade",
    "engagement_grade",
    "band",
    "reasons",
    "model",
    "as_of",
    "state",
    "priority",
    "probability",
    "model_total",
    "model_band",
]
RESULT_DECIMALS: Final[Mapping[str, int]] = {
    "total": 0,
    "fit": 0,
    "engagement": 0,
    "priority": 2,
    "probability": 2,
    "model_total": 0,
}
RESULT_LENGTHS: Final[Mapping[str, int]] = {
    "fit_grade": 16,
    "engagement_grade": 16,
    "band": 80,
    "reasons": 255,
    "model": 120,
    "state": 40,
    "model_band": 80,
}


class WriteField(Spec):
    """Send one result to one CRM field.

    round is in decimals (numbers only); min_delta in the field's unit, default one unit of `round`; max_length in
    characters. label, description and help (for those who read the record) are those of the field when `provision`
    creates it.
    """

    field: str
    from_: ResultName = Field(alias="from")
    round_: int | None = Field(default=None, alias="round", ge=0, le=9)
    min_delta: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_length: int | None = Field(default=None, ge=1)
    policy: Policy = "own"
    label: str | None = None
    description: str | None = None
    help: str | None = None

    @model_validator(mode="after")
    def _fits_kind(self) -> "WriteField":
        number, text = self.from_ in RESULT_DECIMALS, self.from_ in RESULT_LENGTHS
        if not number and (self.round_ is not None or self.min_delta is not None):
            raise ValueError(f"round and min_delta are for numbers; {self.from_} is none")
        if not text and self.max_length is not None:
            raise ValueError(f"max_length is for text; {self.from_} is none")
        return self

    @property
    def kind(self) -> Literal["number", "text", "datetime"]:
        """Tell what kind of CRM field the result needs."""
        return "number" if self.from_ in RESULT_DECIMALS else "text" if self.from_ in RESULT_LENGTHS else "datetime"

    @property
    def decimals(self) -> int:
        """Count the decimals a number is sent with."""
        return RESULT_DECIMALS.get(self.from_, 0) if self.round_ is None else self.round_

    @property
    def length(self) -> int | None:
        """Count the characters a text may need; null for other kinds."""
        return self.max_length or RESULT_LENGTHS.get(self.from_)


class OwnerTarget(Spec):
    """Say which field holds a record's owner and when it may be changed."""

    field: str
    policy: Policy = "tracked"


class NurtureTarget(Spec):
    """Say which field of people holds what an action's `nurture` says, for a marketing tool that listens to it."""

    field: str


class LifecycleTarget(Spec):
    """Say which field of people holds how far they are, and its values from the first to the last.

    It is only ever moved forward; a value that is not among them is a person's own and stays.
    """

    field: str
    order: tuple[str, ...] = Field(min_length=2)

    def is_before(self, current: str | None, wanted: str) -> bool:
        """Tell whether a value comes before another one; nothing comes before everything."""
        places = {value.casefold(): place for place, value in enumerate(self.order)}
        if not current:
            return True
        held = places.get(current.casefold())
        return held is not None and held < places[wanted.casefold()]


class FeedbackField(Spec):
    """Name the field in which sales people say what a lead was worth; `provision` makes it, people fill it in.

    options are what they choose from: accepted, and rejected with a reason behind a colon.
    """

    field: str
    options: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _are_verdicts(self) -> "FeedbackField":
        wrong = [text for text in self.options if text.partition(":")[0] not in ("accepted", "rejected")]
        if wrong:
            raise ValueError(f"options say 'accepted' or 'rejected: why', not {', '.join(map(repr, wrong))}")
        return self


class TaskField(Spec):
    """Fill one field of a task; `values` renames our words (priority High) to the CRM's, whatever their case.

    kind of `due` defaults to the vendor's: a date on Salesforce, a datetime on HubSpot.
    """

    field: str
    kind: Literal["text", "date", "datetime"] = "text"
    max_length: int | None = Field(default=None, ge=1)
    values: dict[str, str] = Field(default_factory=dict)


TaskFieldForm = Annotated[
    TaskField, BeforeValidator(lambda value: {"field": value} if isinstance(value, str) else value)
]
TaskPart = Literal["subject", "body", "due", "priority", "owner", "person", "account"]


class TaskDone(Spec):
    """Say how a completed task looks: `field` holds `is`, and `at` when it was completed."""

    field: str
    is_: Scalar = Field(alias="is")
    at: str | None = None


class TaskTarget(Spec):
    """Say how a task is written: its fields, constants sent with each, and the unique field that keeps it single.

    done is how people complete it, which the SLA clock looks for. key_in_body is for an org that cannot have such a
    field: a mark in the body is looked for instead, settle_s after a lost answer, which is a weaker promise.
    """

    object: str
    key_field: str | None = None
    key_in_body: bool = False
    settle_s: int = Field(default=60, ge=0)
    done: TaskDone | None = None
    fields: dict[TaskPart, TaskFieldForm]
    constants: dict[str, Scalar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_found(self) -> "TaskTarget":
        if self.key_in_body:
            if "body" not in self.fields or not {"person", "account"} & self.fields.keys():
                raise ValueError("key_in_body needs the fields body and person, in which and by which a task is found")
            return self
        if self.key_field is None:
            raise ValueError("key_field is missing; where an org cannot have a unique field, set key_in_body = true")
        if "leadlight_key" not in self.key_field.lower():
            raise ValueError(f"key_field {self.key_field!r} must contain leadlight_key, so that people know it is ours")
        return self

    @property
    def unique_field(self) -> str | None:
        """Name the field that keeps a task single; null where a mark in its body does."""
        return None if self.key_in_body else self.key_field


@dataclass(frozen=True)
class ModelTarget:
    """Name the fields that one model's results go to; key is where the mapping file says so.

    model_id is null for the primary model of a role, whose fields are those of [write.person] or [write.account].
    """

    role: Role
    model_id: str | None
    key: str
    specs: Mapping[str, WriteField]


class WriteTargets(Spec):
    """Collect everything that may be written; what is absent is never written.

    `model` holds, by the id of a model, fields of its own in place of the derived ones (`mappings.naming`).
    """

    person: dict[str, WriteField] = Field(default_factory=dict)
    account: dict[str, WriteField] = Field(default_factory=dict)
    model: dict[str, dict[str, WriteField]] = Field(default_factory=dict)
    owner: OwnerTarget | None = None
    task: TaskTarget | None = None
    nurture: NurtureTarget | None = None
    lifecycle: LifecycleTarget | None = None
    _bound: tuple[ModelTarget, ...] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_writer_per_field(self) -> "WriteTargets":
        tables = {
            "person": self.person,
            "account": self.account,
            **{f"model.{id_}": t for id_, t in self.model.items()},
        }
        for subject, specs in tables.items():
            names = [spec.field for spec in specs.values()]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{subject}: {', '.join(twice)} is written twice")
        return self

    def bound(self, targets: Sequence[ModelTarget]) -> "WriteTargets":
        """Give the same tables with the fields of every model that a configuration runs."""
        copy = self.model_copy()
        copy._bound = tuple(targets)
        return copy

    @property
    def targets(self) -> tuple[ModelTarget, ...]:
        """List the fields of every model; until models are bound there are the primary ones alone."""
        if self._bound is not None:
            return self._bound
        person = ModelTarget("person", None, "write.person", self.person)
        return (person, ModelTarget("account", None, "write.account", self.account))

    @property
    def states(self) -> dict[str, str]:
        """Name the fields of people that say what is done with them, by key of the mapping file."""
        named = {"write.nurture": self.nurture, "write.lifecycle": self.lifecycle}
        return {key: target.field for key, target in named.items() if target is not None}

    def specs(self, role: Role, model_id: str | None) -> Mapping[str, WriteField]:
        """Give the fields of one model, null being the primary of its role; none where nothing is written."""
        found = (target.specs for target in self.targets if (target.role, target.model_id) == (role, model_id))
        return next(found, {})


__all__ = [
    "RESULT_DECIMALS",
    "RESULT_LENGTHS",
    "FeedbackField",
    "LifecycleTarget",
    "ModelTarget",
    "NurtureTarget",
    "OwnerTarget",
    "Role",
    "TaskField",
    "TaskTarget",
    "WriteField",
    "WriteTargets",
]
