"""What a mapping file may say, as frozen specifications; reads no file and knows no CRM client.

Terminology: an *object* is a CRM record type, a *source* says which CRM fields a canonical column comes from, a
*condition* asks something of a CRM row, a *target* is a CRM field that results are written to.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as AbcMapping
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mappings.transforms import TRANSFORMS
from scoring.schema import ACCOUNTS, BUILT_IN_FIELDS, PEOPLE

Scalar = str | bool | int | float
CanonicalName = Literal["people", "accounts", "events", "outcomes"]
OutcomeKind = Literal["opportunity_created", "closed_won", "closed_lost", "accepted", "rejected"]
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
RESULT_DECIMALS: Final[AbcMapping[str, int]] = {"total": 0, "fit": 0, "engagement": 0, "priority": 2}
RESULT_LENGTHS: Final[AbcMapping[str, int]] = {
    "fit_grade": 16,
    "engagement_grade": 16,
    "band": 80,
    "reasons": 255,
    "model": 120,
    "state": 40,
}
ASSOCIATIONS: Final = "associations."
_COLUMN = re.compile(r"[a-z][a-z0-9_]*\Z")


def _listed(value: object) -> object:
    """Let one value stand where a list is asked for."""
    return value if isinstance(value, list | tuple) else [value]


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class Spec(BaseModel):
    """Refuse unknown keys and later changes, as every table of a mapping file does."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Condition(Spec):
    """Ask one thing of a CRM row; text is compared trimmed and lower-cased.

    Every operator but `missing` is false where the field is unknown (null or blank); a list field (associations)
    knows `present` and `missing` only. optional: a field this org does not have counts as unknown.
    """

    field: str | None = None
    is_: Scalar | None = Field(default=None, alias="is")
    is_not: Scalar | None = None
    in_: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    starts_with: str | None = None
    contains: str | None = None
    present: Literal[True] | None = None
    missing: Literal[True] | None = None
    all_: tuple["Condition", ...] | None = Field(default=None, alias="all")
    any_: tuple["Condition", ...] | None = Field(default=None, alias="any")
    not_: "Condition | None" = Field(default=None, alias="not")
    optional: bool = False

    @model_validator(mode="after")
    def _one_operator(self) -> "Condition":
        given = self.model_fields_set - {"field", "optional"}
        if len(given) != 1:
            raise ValueError(f"a condition has exactly one operator, this one has {len(given)}")
        if (self.field is None) != bool(given & {"all_", "any_", "not_"}):
            raise ValueError("a condition has `field` and an operator, or one of all, any, not")
        if (self.field or "").startswith(ASSOCIATIONS) and not given & {"present", "missing"}:
            raise ValueError(f"{self.field} is a list: only present and missing can be asked of it")
        return self

    def leaves(self) -> Iterator["Condition"]:
        """Walk the conditions that name a field."""
        if self.field is not None:
            yield self
        for child in (*(self.all_ or ()), *(self.any_ or ()), *((self.not_,) if self.not_ else ())):
            yield from child.leaves()


class Source(Spec):
    """Say where a column comes from: CRM fields, the first that is set after its transform, or one constant."""

    from_: Names = Field(default=(), validation_alias=AliasChoices("from", "field"), serialization_alias="from")
    transform: str | None = None
    value: Scalar | None = None
    when: Condition | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        if bool(self.from_) == (self.value is not None):
            raise ValueError("a source has either `from` (CRM fields) or `value` (a constant)")
        if self.transform is not None and self.transform not in TRANSFORMS:
            raise ValueError(f"unknown transform {self.transform!r}; known: {', '.join(sorted(TRANSFORMS))}")
        return self


def _source(value: object) -> object:
    """Read a bare field name, or a list of them, as a source."""
    return {"from": value} if isinstance(value, str | list | tuple) else value


def _constant(value: object) -> object:
    """Read bare text as a constant: an event's type is a word of ours, not a CRM field."""
    return {"value": value} if isinstance(value, str) else value


def _sources(value: object) -> object:
    """Read one source or a list of them, each bare or in full."""
    return [_source(item) for item in (value if isinstance(value, list | tuple) else [value])]


SourceForm = Annotated[Source, BeforeValidator(_source)]
ConstantForm = Annotated[Source, BeforeValidator(_constant)]
SourcesForm = Annotated[tuple[Source, ...], BeforeValidator(_sources)]


class EventEntry(Spec):
    """Name the type of the rows that match, and where their other columns come from."""

    type: ConstantForm
    when: Condition | None = None
    url: SourceForm | None = None
    asset: SourceForm | None = None
    source: SourceForm | None = None
    value: SourceForm | None = None
    props: SourceForm | None = None
    is_bot: SourceForm | None = None

    def columns(self) -> dict[str, Source]:
        """Give the event columns this entry fills, `type` included."""
        names = ("type", "url", "asset", "source", "value", "props", "is_bot")
        return {name: source for name in names if (source := getattr(self, name)) is not None}


class OutcomeEntry(Spec):
    """Name the outcome that a matching row is, and when it happened."""

    kind: OutcomeKind
    occurred_at: SourcesForm
    when: Condition | None = None
    reason: SourceForm | None = None
    amount: SourceForm | None = None

    def columns(self) -> dict[str, Source]:
        """Give the outcome columns this entry fills besides `kind` and `occurred_at`."""
        return {name: s for name, s in (("reason", self.reason), ("amount", self.amount)) if s is not None}


class ReadTable(Spec):
    """Say what the rows of one CRM object are.

    key and modified default to the CRM's own (Id, SystemModstamp; hs_object_id, hs_lastmodifieddate). `where` keeps
    rows. optional: the object, and any field of it, may be absent from this org.
    """

    table: CanonicalName
    kind: Literal["lead", "contact"] | None = None
    key: str = ""
    modified: str = ""
    where: Condition | None = None
    person: SourcesForm = ()
    account: SourcesForm = ()
    fields: dict[str, SourceForm] = Field(default_factory=dict)
    derive: dict[str, SourceForm] = Field(default_factory=dict)
    occurred_at: SourcesForm = ()
    event: tuple[EventEntry, ...] = ()
    outcome: tuple[OutcomeEntry, ...] = ()
    optional: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> "ReadTable":
        problems = [*self._missing_keys(), *self._reserved_columns()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _missing_keys(self) -> Iterator[str]:
        allowed = {
            "people": {"kind", "account", "fields", "derive"},
            "accounts": {"fields", "derive"},
            "events": {"person", "account", "occurred_at", "event"},
            "outcomes": {"person", "account", "outcome"},
        }[self.table]
        special = {"kind", "person", "account", "fields", "derive", "occurred_at", "event", "outcome"}
        for name in sorted(self.model_fields_set & (special - allowed)):
            yield f"`{name}` has no meaning for table = {self.table!r}"
        needed = {"people": ("kind",), "accounts": (), "events": ("occurred_at", "event"), "outcomes": ("outcome",)}
        for name in needed[self.table]:
            if not getattr(self, name):
                yield f"table = {self.table!r} needs `{name}`"
        if self.table in ("events", "outcomes") and not (self.person or self.account):
            yield f"table = {self.table!r} needs `person` or `account`"

    def _reserved_columns(self) -> Iterator[str]:
        taken = {"person_id", "account_id", "kind", *PEOPLE.reserved, *ACCOUNTS.reserved, *BUILT_IN_FIELDS}
        for name in (*self.fields, *self.derive):
            if name in taken:
                yield f"column {name!r} is filled by Leadlight itself"
            elif not _COLUMN.match(name):
                yield f"column {name!r} must be lower-case letters, digits and underscores"
        for name in self.fields.keys() & self.derive.keys():
            yield f"column {name!r} is given twice, in fields and in derive"

    def columns(self) -> dict[str, Source]:
        """Give the columns that fields and derive fill."""
        return {**self.fields, **self.derive}


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


_DUE_KIND: Final = {"salesforce": "date", "hubspot": "datetime"}
_DEFAULT_STAMPS: Final = {"salesforce": ("Id", "SystemModstamp"), "hubspot": ("hs_object_id", "hs_lastmodifieddate")}


class Mapping(Spec):
    """Map one CRM to the canonical tables and back; `dropped` tells what `prune` took out for this org."""

    crm: Literal["salesforce", "hubspot"]
    read: dict[str, ReadTable]
    write: WriteTargets = Field(default_factory=WriteTargets)
    dropped: tuple[str, ...] = Field(default=(), exclude=True)

    @model_validator(mode="after")
    def _vendor_defaults(self) -> "Mapping":
        key, modified = _DEFAULT_STAMPS[self.crm]
        filled = {
            name: table.model_copy(update={"key": table.key or key, "modified": table.modified or modified})
            for name, table in self.read.items()
        }
        self.read.update(filled)
        task = self.write.task
        if task is not None and (due := task.fields.get("due")) is not None and due.kind == "text":
            task.fields["due"] = due.model_copy(update={"kind": _DUE_KIND[self.crm]})
        return self

    @property
    def hash(self) -> str:
        """Give the first 12 hex digits of the sha256 of what the mapping says."""
        said = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    def objects(self, table: CanonicalName) -> tuple[str, ...]:
        """List the CRM objects that one canonical table is read from."""
        return tuple(name for name, read in self.read.items() if read.table == table)

    def for_org(self, org_id: str) -> "Mapping":
        """Put the org's id in the place of `{portal}` in object names (HubSpot names custom events so)."""
        return self.model_copy(
            update={"read": {name.replace("{portal}", org_id): table for name, table in self.read.items()}}
        )


__all__ = [
    "ASSOCIATIONS",
    "RESULT_DECIMALS",
    "RESULT_LENGTHS",
    "CanonicalName",
    "Condition",
    "EventEntry",
    "Mapping",
    "OutcomeEntry",
    "OwnerTarget",
    "ReadTable",
    "Source",
    "TaskField",
    "TaskTarget",
    "WriteField",
    "WriteTargets",
]
