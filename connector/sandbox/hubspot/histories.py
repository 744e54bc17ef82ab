"""What a property held before: the versions of a value, newest first, out of the journal.

No recording: from the vendor's guide to properties; the sources' names are those of public exports. A seeded value has
one version, of the record's creation. The vendor keeps 45 versions of a contact's property and 20 of others.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.account import Account
from connector.sandbox.hubspot.computed import APP_ID
from connector.sandbox.hubspot.definitions import USER_ID
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.wire import stamp, trim

KEPT = {"contacts": 45}
KEPT_ELSEWHERE = 20
SOURCES: Mapping[str, tuple[str, str]] = {
    "connector": ("INTEGRATION", APP_ID),
    "human": ("CRM_UI", f"userId:{USER_ID}"),
    "automation": ("AUTOMATION_PLATFORM", "flowId:1"),
    "seed": ("IMPORT", "1"),
}


def attach_history(
    account: Account, kind: ObjectType, names: Sequence[str] | None, records: Sequence[dict[str, Any]]
) -> None:
    """Add the versions of the asked properties to records; properties that do not exist are left out."""
    if not names or not records:
        return
    known = [name for name in names if name in account.schema.of(kind.plural) and name not in account.hidden(kind)]
    marks = ", ".join("?" for _ in records)
    rows = account.storage.query(
        f"SELECT * FROM journal WHERE object = ? AND id IN ({marks}) AND op IN ('create', 'update') ORDER BY n",  # noqa: S608 - marks alone
        [kind.plural, *(record["id"] for record in records)],
    )
    for record in records:
        own = [row for row in rows if row["id"] == record["id"]]
        held = account.storage.get(kind.plural, record["id"], deleted=True) or {}
        record["propertiesWithHistory"] = {
            name: versions(account, kind, name, held, own)[: KEPT.get(kind.plural, KEPT_ELSEWHERE)] for name in known
        }


def versions(
    account: Account, kind: ObjectType, name: str, held: Mapping[str, Any], rows: Sequence[sqlite3.Row]
) -> list[dict[str, Any]]:
    """List the versions of one property of one record, newest first; a value that was never set has none."""
    moment = account.schema.of(kind.plural)[name].type == "datetime"
    changes = [(row, json.loads(row["before"]), json.loads(row["after"])) for row in rows]
    changes = [(row, before, after) for row, before, after in changes if name in after]
    found: list[dict[str, Any]] = []
    first = changes[0][1].get(name) if changes else held.get(name)
    if first is not None and (not changes or changes[0][0]["op"] == "update"):
        found.append(version(first, held.get("_created_at") or 0, held.get("_created_by") or "seed", moment=moment))
    found += [version(after[name], row["at"], row["actor"], moment=moment) for row, _, after in changes]
    return found[::-1]


def version(value: Any, at_ms: int, actor: str, *, moment: bool) -> dict[str, Any]:  # noqa: ANN401 - a stored value
    """Show one version."""
    source, number = SOURCES.get(actor, SOURCES["human"])
    text = "" if value is None else str(value)
    return {
        "value": trim(text) if moment else text,
        "timestamp": stamp(at_ms),
        "sourceType": source,
        "sourceId": number,
        "updatedByUserId": int(USER_ID) if source == "CRM_UI" else None,
    }
