"""Delete records for good, as emptying the recycle bin or a hard delete does: `POST /control/purge`.

Queries show nothing of them, the log of deletions (getDeleted) does. No recording: from the vendor's documentation of
getDeleted() and hardDelete.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce import cascades
from connector.sandbox.salesforce.control_bodies import checked, record
from connector.sandbox.salesforce.org import Org
from connector.sandbox.storage import quote

SCHEMA = "CREATE TABLE IF NOT EXISTS salesforce_purged (object TEXT, id TEXT PRIMARY KEY, at INTEGER)"


def install(org: Org) -> None:
    """Make the log."""
    org.storage.execute(SCHEMA)


def purge(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `POST /control/purge`: {object, id, actor?}, with what hangs on the record; answers {purged: ids}.

    Raises KeyError for a record that is not there.
    """
    actor = checked(body, {"object", "id"}, set())
    name = str(body["object"])
    if name not in org.catalog.objects:
        raise KeyError(name)
    row = record(org, name, body["id"], deleted=True)
    with org.storage.transaction(actor, "POST", "/control/purge") as transaction:
        if not row["_deleted"]:
            cascades.delete(org, transaction, name, row["_id"])
        taken = "SELECT object, id FROM salesforce_recycled WHERE parent = ? ORDER BY id"
        gone = [(name, row["_id"]), *((kind, each) for kind, each in org.storage.query(taken, [row["_id"]]))]
        for kind, each in gone:
            transaction.execute(f"DELETE FROM {quote(kind)} WHERE _id = ?", [each])  # noqa: S608 - quoted name
            logged = [kind, each, org.clock.now_ms()]
            transaction.execute("INSERT OR REPLACE INTO salesforce_purged VALUES (?, ?, ?)", logged)
    return {"purged": [each for _, each in gone]}
