"""Which canonical id became which Salesforce record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from connector.sandbox.salesforce.objects import ObjectSpec, load_objects, stored
from connector.sandbox.salesforce.org import ADMIN_USER, UNASSIGNED_QUEUE
from connector.sandbox.salesforce.system_rows import ACTOR_IDS
from connector.sandbox.storage import Storage


class Who(NamedTuple):
    """A person's record as activities point to it."""

    id: str
    is_contact: bool
    account_id: str | None
    owner_id: str


@dataclass
class Book:
    """Remember which canonical id became which record."""

    users: dict[str, str] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    people: dict[str, Who] = field(default_factory=dict)

    def user(self, owner_id: str | None) -> str:
        """Give the user who owns a record; the administrator where nobody does."""
        return self.users.get(owner_id or "", ADMIN_USER)

    def lead_owner(self, owner_id: str | None) -> str:
        """Give a lead's owner: a user or a queue; the org's own queue where nobody is."""
        return self.users.get(owner_id or "") or self.queues.get(owner_id or "") or UNASSIGNED_QUEUE


@cache
def packaged() -> Mapping[str, ObjectSpec]:
    """Read the org's objects once."""
    return load_objects(ACTOR_IDS)


def defaults(name: str, columns: Sequence[str]) -> dict[str, Any]:
    """Give what Salesforce fills in on create for the fields that a seed does not give."""
    fields = packaged()[name].fields.values()
    told = (field for field in fields if field.default is not None and field.column and field.name not in columns)
    return {field.name: stored(field.default) for field in told}


def put(storage: Storage, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Store records of one object with their defaults; rows as Storage.seed wants them."""
    fixed = defaults(name, columns)
    storage.seed(name, (*columns, *fixed), ((*row, *fixed.values()) for row in rows))
