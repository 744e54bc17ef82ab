"""HubSpot's owners.

Table `owners`: Storage's bookkeeping columns (`_id` is the owner's id, `_deleted` 1 for an archived one) and email,
firstName, lastName, userId, type (PERSON or QUEUE).
"""

from connector.sandbox.storage import Storage

COLUMNS = {"email": "TEXT", "firstName": "TEXT", "lastName": "TEXT", "userId": "INTEGER", "type": "TEXT"}


def install(storage: Storage) -> None:
    """Make the table."""
    storage.define("owners", COLUMNS)
