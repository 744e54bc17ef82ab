"""What mapping files are made of: conditions on CRM rows and sources of columns."""

import difflib
import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from mappings.lists import PACKAGED, Lists
from mappings.transforms import TRANSFORMS

Scalar = str | bool | int | float
ASSOCIATIONS: Final = "associations."


def _listed(value: object) -> object:
    """Let one value stand where a list is asked for."""
    return value if isinstance(value, list | tuple) else [value]


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class Spec(BaseModel):
    """Refuse unknown keys and later changes, as every table of a mapping file does."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def hash(self) -> str:
        """Give the first 12 hex digits of the sha256 of what is said here; of a pruned mapping, of what is left."""
        said = self.said()
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    def said(self) -> dict[str, Any]:
        """Give all that is said here."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


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
    at_least: float | None = None
    below: float | None = None
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
    """Say where a column comes from: CRM fields, the first that is set after its transform, or one constant.

    together: the transform reads what is known of all the fields at once, with `|` between them.
    """

    from_: Names = Field(default=(), validation_alias=AliasChoices("from", "field"), serialization_alias="from")
    transform: str | None = None
    value: Scalar | None = None
    when: Condition | None = None
    together: bool = False
    optional: bool = False
    _lists: Lists = PrivateAttr(default=PACKAGED)

    @property
    def lists(self) -> Lists:
        """Give the lists that the transform reads."""
        return self._lists

    def read_by(self, lists: Lists) -> None:
        """Let the transform read other lists; for the loader, before anything was read."""
        self._lists = lists

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        if bool(self.from_) == (self.value is not None):
            raise ValueError("a source has either `from` (CRM fields) or `value` (a constant)")
        if self.transform is not None and self.transform not in TRANSFORMS:
            near = difflib.get_close_matches(self.transform, TRANSFORMS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f"unknown transform {self.transform!r}{hint}; known: {', '.join(sorted(TRANSFORMS))}")
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

__all__ = [
    "ASSOCIATIONS",
    "Condition",
    "ConstantForm",
    "Names",
    "Scalar",
    "Source",
    "SourceForm",
    "SourcesForm",
    "Spec",
]
