"""A world as streams of rows: what both CRMs are seeded from.

Times are whole seconds since 1970, UTC; null means unknown. Custom values stand in the order of the world's columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

CustomKind = Literal["text", "long_text", "number", "boolean", "datetime"]
CustomValue = str | float | bool | int | None
"""A value of a custom column; datetimes are seconds since 1970, lists are text joined with `;`."""


class Owner(NamedTuple):
    """A sales person, or a queue of records that wait for one."""

    owner_id: str
    email: str | None
    first_name: str | None
    last_name: str
    active: bool = True
    is_queue: bool = False


class Account(NamedTuple):
    """A company in the CRM."""

    account_id: str
    name: str | None
    domain: str | None
    industry: str | None
    employees: float | None
    revenue: float | None
    country: str | None
    technologies: str | None
    type: str | None
    owner_id: str | None
    custom: tuple[CustomValue, ...] = ()


class Person(NamedTuple):
    """A lead or a contact."""

    person_id: str
    kind: str | None
    first_name: str | None
    last_name: str
    account_id: str | None = None
    owner_id: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    seniority: str | None = None
    department: str | None = None
    buying_role: str | None = None
    country: str | None = None
    source: str | None = None
    opted_out: bool | None = None
    created_s: int | None = None
    converted_s: int | None = None
    company: str | None = None
    domain: str | None = None
    industry: str | None = None
    employees: float | None = None
    revenue: float | None = None
    technologies: str | None = None
    custom: tuple[CustomValue, ...] = ()


class Event(NamedTuple):
    """One thing that happened; props is JSON text of an object."""

    event_id: str
    type: str
    occurred_s: int
    person_id: str | None = None
    account_id: str | None = None
    url: str | None = None
    asset: str | None = None
    source: str | None = None
    value: float | None = None
    props: str | None = None
    is_bot: bool | None = None


class Outcome(NamedTuple):
    """A conversion or a verdict."""

    kind: str
    occurred_s: int
    person_id: str | None = None
    account_id: str | None = None
    reason: str | None = None
    amount: float | None = None


class Merge(NamedTuple):
    """A record that was merged into a person and is gone."""

    loser: Person
    survivor_id: str


@dataclass(frozen=True)
class World:
    """Streams that give the same rows each time they are opened; owners fit into memory, the rest need not."""

    owners: Sequence[Owner]
    accounts: Callable[[], Iterator[Account]]
    people: Callable[[], Iterator[Person]]
    events: Callable[[], Iterator[Event]]
    outcomes: Callable[[], Iterator[Outcome]]
    merges: Callable[[], Iterator[Merge]] = lambda: iter(())
    people_columns: Mapping[str, CustomKind] = field(default_factory=dict)
    account_columns: Mapping[str, CustomKind] = field(default_factory=dict)


class WorldError(ValueError):
    """A world that cannot be read; `problems` names all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
