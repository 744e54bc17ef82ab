"""Which canonical id became which Salesforce record."""

from dataclasses import dataclass, field

from connector.sandbox.salesforce.org import ADMIN_USER, UNASSIGNED_QUEUE


@dataclass(frozen=True)
class Who:
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
