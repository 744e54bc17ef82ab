"""Where results go: the write tables of a mapping file."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from mappings.spec import Scalar, Spec

Policy = Literal["own", "if_empty", "tracked", "never"]
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
]
RESULT_DECIMALS: Final[Mapping[str, int]] = {"total": 0, "fit": 0, "engagement": 0, "priority": 2}
RESULT_LENGTHS: Final[Mapping[str, int]] = {
    "fit_grade": 16,
    "engagement_grade": 16,
    "band": 80,
    "reasons": 255,
    "model": 120,
    "state": 40,
}


class WriteField(Spec):
    """Send one result to one CRM field.

    round is in decimals (numbers only); min_delta in the field's unit, default one unit of `round`; max_length in
    characters. label and description are those of the field when `provision` creates it.
    """

    field: str
    from_: ResultName = Field(alias="from")
    round_: int | None = Field(default=None, alias="round", ge=0, le=9)
    min_delta: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_length: int | None = Field(default=None, ge=1)
    policy: Policy = "own"
    label: str | None = None
    description: str | None = None

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


class TaskTarget(Spec):
    """Say how a task is written: its fields, constants sent with each, and the unique field that keeps it single."""

    object: str
    key_field: str
    fields: dict[TaskPart, TaskFieldForm]
    constants: dict[str, Scalar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_found(self) -> "TaskTarget":
        if "leadlight_key" not in self.key_field.lower():
            raise ValueError(f"key_field {self.key_field!r} must contain leadlight_key, so that people know it is ours")
        return self


class WriteTargets(Spec):
    """Collect everything that may be written; what is absent is never written."""

    person: dict[str, WriteField] = Field(default_factory=dict)
    account: dict[str, WriteField] = Field(default_factory=dict)
    owner: OwnerTarget | None = None
    task: TaskTarget | None = None

    @model_validator(mode="after")
    def _one_writer_per_field(self) -> "WriteTargets":
        for subject, specs in (("person", self.person), ("account", self.account)):
            names = [spec.field for spec in specs.values()]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{subject}: {', '.join(twice)} is written twice")
        return self


__all__ = ["RESULT_DECIMALS", "RESULT_LENGTHS", "OwnerTarget", "TaskField", "TaskTarget", "WriteField", "WriteTargets"]
