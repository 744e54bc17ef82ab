"""Merge records, and take deleted ones out of the recycle bin, as a person does.

The winner keeps its values; what pointed to a loser points to the winner, tasks with the keys they have; a loser is a
deleted record with MasterRecordId. No recording: from the vendor's documentation of merge() and undelete().
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.sandbox.salesforce import cascades
from connector.sandbox.salesforce.control_bodies import checked, record
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, stored
from connector.sandbox.salesforce.org import Org
from connector.sandbox.storage import Transaction, quote

MERGED = ("Lead", "Contact", "Account")
MAX_LOSERS = 2
MEMBER_KEYS = ("LeadId", "ContactId")


def merge(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `POST /control/merge`: {object, winner, losers, fields?, actor?}.

    losers: one or two ids; fields: values the person chose for the winner. Raises KeyError for a record that is not
    there, ValueError for a merge the vendor refuses.
    """
    actor = checked(body, {"object", "winner", "losers"}, {"fields"})
    name, losers = str(body["object"]), body["losers"]
    if name not in MERGED:
        raise ValueError(f"object: {name} cannot be merged, only {', '.join(MERGED)}")
    if not isinstance(losers, list) or not 1 <= len(losers) <= MAX_LOSERS:
        raise ValueError(f"losers: expected a list of one or two ids, got {losers!r}")
    winner, lost = record(org, name, body["winner"]), [record(org, name, text) for text in losers]
    if len({winner["_id"], *(row["_id"] for row in lost)}) != len(lost) + 1:
        raise ValueError("winner and losers: each record may be named once")
    if any(row.get("IsConverted") for row in (winner, *lost)):
        raise ValueError("a converted lead cannot be merged")
    with org.storage.transaction(actor, "POST", "/control/merge") as transaction:
        for row in lost:
            _take_over(org, transaction, name, winner["_id"], row["_id"])
        chosen = {key: stored(value) for key, value in dict(body.get("fields", {})).items()}
        transaction.update(name, winner["_id"], chosen)
    return {"object": name, "winner": winner["_id"], "losers": [row["_id"] for row in lost]}


def _take_over(org: Org, transaction: Transaction, name: str, winner: str, loser: str) -> None:
    for spec, field in _references(org, name):
        statement = f"SELECT _id FROM {quote(spec.name)} WHERE {quote(field.name)} = ? AND _deleted = 0 ORDER BY _id"  # noqa: S608 - quoted names
        for (row_id,) in org.storage.query(statement, [loser]):
            if spec.name == "CampaignMember" and _is_member(org, row_id, field.name, winner):
                transaction.delete(spec.name, row_id)
            else:
                transaction.update(spec.name, row_id, {field.name: winner})
    transaction.update(name, loser, {"MasterRecordId": winner})
    transaction.delete(name, loser)


def _references(org: Org, name: str) -> Iterator[tuple[ObjectSpec, FieldSpec]]:
    for spec in org.catalog.objects.values():
        for field in spec.fields.values():
            if name in field.to and field.column is not None and field.name != "MasterRecordId":
                yield spec, field


def _is_member(org: Org, member_id: str, key: str, winner: str) -> bool:
    if key not in MEMBER_KEYS:
        return False
    statement = (
        f"SELECT 1 FROM CampaignMember WHERE {key} = ? AND _deleted = 0 AND CampaignId ="  # noqa: S608 - two names
        " (SELECT CampaignId FROM CampaignMember WHERE _id = ?)"
    )
    return bool(org.storage.query(statement, [winner, member_id]))


def undelete(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `POST /control/undelete`: {object, id, actor?}; a merged loser comes back without its children."""
    actor = checked(body, {"object", "id"}, set())
    name = str(body["object"])
    row = record(org, name, body["id"], deleted=True)
    if not row["_deleted"]:
        raise ValueError(f"{row['_id']} is not deleted")
    with org.storage.transaction(actor, "POST", "/control/undelete") as transaction:
        cascades.undelete(org, transaction, name, row["_id"])
    return {"object": name, "id": row["_id"]}
