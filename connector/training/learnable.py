"""Which fields may be learned from, by their names."""

from typing import Final

# Who somebody is, not what they are like; owner: our own routing set it.
_NEVER: Final = frozenset(
    {"person_id", "account_id", "owner_id", "email", "phone", "company", "domain", "name", "created_at", "converted_at",
     "previous_band"}
)  # fmt: skip


def is_learnable(name: str) -> bool:
    """Tell whether a field of this name may say what somebody is like, and not merely who they are."""
    return name not in _NEVER and not name.endswith("_id")
