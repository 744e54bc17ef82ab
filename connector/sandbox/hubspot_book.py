"""Which canonical id became which HubSpot record."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Contact(NamedTuple):
    """A contact's id and that of its company."""

    id: str
    company_id: str | None


@dataclass
class Book:
    """Remember owners, companies and contacts by their canonical ids."""

    owners: dict[str, str]
    companies: dict[str, str] = field(default_factory=dict)
    people: dict[str, Contact] = field(default_factory=dict)
