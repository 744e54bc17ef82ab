"""Addresses of those who were deleted for privacy: no API can use them again.

From the vendor's help page on GDPR deletes, which knows two ways back, a form that the person fills in and a mail of
theirs, and from its reference of the call: an address that no contact has is listed, too. The real list holds no
addresses but what is made of them. No recording of the refusal: its words and its code are inferred.
"""

import hashlib
from collections.abc import Iterable, Mapping

from connector.sandbox.hubspot.wire import ApiError, validation_error
from connector.sandbox.storage import Storage, Transaction


def install(storage: Storage) -> None:
    """Make the table of what addresses are kept as."""
    storage.execute("CREATE TABLE IF NOT EXISTS blocklist (digest TEXT PRIMARY KEY)")


def block(transaction: Transaction, addresses: Iterable[str]) -> None:
    """List addresses."""
    for address in addresses:
        transaction.execute("INSERT OR IGNORE INTO blocklist VALUES (?)", [_digest(address)])


def refusal(storage: Storage, inputs: Iterable[Mapping[str, str]]) -> ApiError | None:
    """Refuse new contacts of which one has a listed address; null where none has."""
    for values in inputs:
        email = values.get("email")
        if email and storage.query("SELECT 1 FROM blocklist WHERE digest = ?", [_digest(email)]):
            return validation_error(f"Email address {email} was deleted for privacy and cannot be added again.")
    return None


def _digest(address: str) -> str:
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()
