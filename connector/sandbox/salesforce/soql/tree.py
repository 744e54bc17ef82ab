"""The syntax tree of a query."""

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Name:
    """Name a field by its dotted path, where the query says so."""

    path: tuple[str, ...]
    position: int
    alias: str | None = None


@dataclass(frozen=True)
class Aggregate:
    """Apply COUNT, COUNT_DISTINCT, MIN, MAX, SUM or AVG; field is null for COUNT()."""

    function: str
    field: Name | None
    alias: str | None
    position: int


@dataclass(frozen=True)
class AllFields:
    """Stand for FIELDS(STANDARD), FIELDS(CUSTOM) or FIELDS(ALL)."""

    kind: str


@dataclass(frozen=True)
class TypeOf:
    """Choose fields by the type of a polymorphic parent."""

    relationship: Name
    branches: tuple[tuple[str, tuple[Name, ...]], ...]
    otherwise: tuple[Name, ...]


@dataclass(frozen=True)
class Literal:
    """Hold a constant: kind is string, number, boolean, null, date, datetime or period (a date literal).

    text is the source between quotes for a string, else the word itself.
    """

    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Comparison:
    """Compare a field or an aggregate; values holds one literal, or several for the list operators."""

    left: Name | Aggregate
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class SemiJoin:
    """Ask whether an id is (not) among the results of an inner query."""

    left: Name
    negated: bool
    query: "Query"


@dataclass(frozen=True)
class Logic:
    """Join conditions by AND or OR, or negate one by NOT."""

    operator: str
    parts: tuple["Condition", ...]


Condition = Comparison | SemiJoin | Logic


@dataclass(frozen=True)
class Ordering:
    """Sort by a field or an aggregate; nulls come first unless the query says otherwise."""

    by: Name | Aggregate
    descending: bool
    nulls_last: bool


Selected = Union[Name, Aggregate, AllFields, TypeOf, "Query"]


@dataclass(frozen=True)
class Query:
    """Hold one SELECT; source is its text, for error messages."""

    source: str
    selected: tuple[Selected, ...]
    object: str
    object_position: int
    alias: str | None
    where: Condition | None
    group_by: tuple[Name, ...]
    having: Condition | None
    order_by: tuple[Ordering, ...]
    limit: int | None
    offset: int | None

    @property
    def is_aggregate(self) -> bool:
        """Tell whether rows are groups, not records."""
        return bool(self.group_by) or any(isinstance(item, Aggregate) for item in self.selected)
