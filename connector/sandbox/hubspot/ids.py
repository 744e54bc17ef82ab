"""Record ids: numeric text, twelve digits, apart for seeded and for created records."""

from connector.sandbox.hubspot.objects import OBJECT_TYPES
from connector.sandbox.storage import Storage

SPAN = 10_000_000_000
CREATED_FROM = 5_000_000_000


def seed_id(plural: str, index: int) -> str:
    """Give the id of the index-th seeded record of an object; the same for ever, growing with the index."""
    return str(_base(plural) + index + 1)


def next_id(storage: Storage, plural: str) -> str:
    """Give the id of a record created now; call it inside a transaction."""
    return str(_base(plural) + CREATED_FROM + storage.next_number(f"id:{plural}"))


def _base(plural: str) -> int:
    position = [kind.plural for kind in OBJECT_TYPES].index(plural)
    return (position + 20) * SPAN
