"""Merging two records into one, and finding a merged record by an id that it had.

Source: the vendor's note of the change "Updated merge functionality for contacts and companies": the result is a new
record with an id of its own, reads by both old ids give that record, the primary's values win over the secondary's,
and so do its primary associations. What the primary lacks comes from the secondary; the lifecycle stage is the
furthest of both, the creation date the earliest: the vendor's help pages. No recording of the version 3 call. Whether
writes by an old id reach the new record is not documented: here updates do, and links to an old id are refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.ids import next_id
from connector.sandbox.hubspot.objects import ObjectType, object_type
from connector.sandbox.hubspot.pipelines import furthest_stage
from connector.sandbox.hubspot.reading import survivor
from connector.sandbox.hubspot.refusing import refuse_locked
from connector.sandbox.hubspot.wire import json_response, not_found, validation_error
from connector.sandbox.hubspot.writing import show
from connector.sandbox.schema_changes import ACTORS
from connector.sandbox.storage import BOOKKEEPING, Storage, Transaction, quote

MERGEABLE = ("contacts", "companies", "deals", "tickets")
IDENTITIES_MAX = 250
AWAY = 2  # in _deleted: neither among the living nor among the archived
KEYS = ("object", "winner", "losers", "actor", "keep_id")
FOLLOWING = (
    ("UPDATE event_occurrences SET object_id = CAST(? AS INTEGER) WHERE object_type = ? AND object_id = ?", True),
    ("UPDATE OR REPLACE list_members SET record_id = ? WHERE object = ? AND record_id = ?", False),
    ("UPDATE enrollments SET contact_id = ? WHERE ? = 'contacts' AND contact_id = ?", False),
    ("UPDATE OR REPLACE participations SET contact_id = ? WHERE ? = 'contacts' AND contact_id = ?", False),
)


def install(storage: Storage) -> None:
    """Make the table that tells what became of merged records."""
    storage.execute(
        "CREATE TABLE IF NOT EXISTS merged_ids (object TEXT, old_id TEXT, new_id TEXT, PRIMARY KEY (object, old_id))"
    )


def merge_records(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/objects/{object}/merge`: 200 with the merged record."""
    kind = call.subject(object)
    body = call.body("primaryObjectId", "objectIdToMerge")
    if kind.plural not in MERGEABLE:
        raise validation_error(f"Merging is not supported for object type {kind.singular}.")
    found = [survivor(call.account, kind, str(body[key])) for key in ("primaryObjectId", "objectIdToMerge")]
    primary, secondary = found
    if primary is None or secondary is None:
        raise not_found()
    if primary == secondary:
        raise validation_error(f"{kind.singular.upper()} {primary} cannot be merged with itself.")
    with call.writing(200) as transaction:
        number = merge(call.account, transaction, kind, primary, secondary)
        record = show(call.account, kind, [number], None)[number]
    return json_response(200, record)


def merge_as_person(account: Account, body: Mapping[str, Any]) -> dict[str, str]:
    """Carry out `POST /control/merge`: {object, winner, losers, actor?, keep_id?}; tells the merged record's id.

    Losers are merged one after another. keep_id keeps the winner's id, as the vendor did until 2025. Raises KeyError
    for a record that is not there, ValueError for a body that cannot be followed; then nothing is merged.
    """
    problems = [f"{key}: unknown key, expected one of {', '.join(KEYS)}" for key in sorted(body.keys() - set(KEYS))]
    problems += [f"{key}: missing" for key in KEYS[:3] if not body.get(key)]
    if body.get("actor", ACTORS[0]) not in ACTORS:
        problems.append(f"actor: {body['actor']!r} is none of {', '.join(ACTORS)}")
    if problems:
        raise ValueError("; ".join(problems))
    kind = object_type(str(body["object"]))
    if kind is None or kind.plural not in MERGEABLE:
        raise KeyError(str(body["object"]))
    with account.storage.transaction(str(body.get("actor", ACTORS[0])), "POST", "/control/merge") as transaction:
        number = living(account, kind, body["winner"])
        for loser in map(str, body["losers"]):
            if living(account, kind, loser) == number:
                raise ValueError(f"losers: {loser} is the winner itself")
            secondary = living(account, kind, loser)
            number = merge(account, transaction, kind, number, secondary, keep_id=bool(body.get("keep_id")))
    return {"object": kind.plural, "id": number}


def living(account: Account, kind: ObjectType, number: object) -> str:
    """Give the id of a living record or of the one it was merged into; raises KeyError."""
    found = survivor(account, kind, str(number))
    if found is None:
        raise KeyError(f"{kind.plural} {number}")
    return found


def merge(
    account: Account,
    transaction: Transaction,
    kind: ObjectType,
    primary: str,
    secondary: str,
    *,
    keep_id: bool = False,
) -> str:
    """Merge two living records, with all that hangs on them; gives the id of the one that stays."""
    rows = [account.storage.get(kind.plural, number) for number in (primary, secondary)]
    first, second = (row or {} for row in rows)
    for number in (primary, secondary):
        refuse_locked(account.switches, kind, number)
    values = merged_values(account, kind, first, second)
    number = primary if keep_id else next_id(account.storage, kind.plural)
    gone = [secondary] if keep_id else [primary, secondary]
    for each in gone:
        transaction.delete(kind.plural, each)
        transaction.execute(f"UPDATE {quote(kind.plural)} SET _deleted = ? WHERE _id = ?", [AWAY, each])  # noqa: S608 - quoted identifiers
    values |= identities(account, kind, number, (first, second), gone)
    if keep_id:
        transaction.update(kind.plural, number, values)
    else:
        transaction.insert(kind.plural, number, values)
    since = min(first["_created_at"], second["_created_at"])
    transaction.execute(f"UPDATE {quote(kind.plural)} SET _created_at = ? WHERE _id = ?", [since, number])  # noqa: S608 - quoted identifiers
    for each in gone:
        take_over(transaction, kind, each, number)
    return number


def merged_values(
    account: Account, kind: ObjectType, first: Mapping[str, Any], second: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the values of a merged record: the primary's, and the secondary's where it has none."""
    known = account.schema.of(kind.plural).keys()
    names = [name for name in first if name in known and name not in BOOKKEEPING]
    values = {name: first[name] if first[name] not in (None, "") else second[name] for name in names}
    if kind.plural == "contacts":
        values |= joined_values(first, second)
    if "lifecyclestage" in values:
        values["lifecyclestage"] = furthest_stage(kind.plural, first["lifecyclestage"], second["lifecyclestage"])
    return {name: value for name, value in values.items() if value is not None}


def joined_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, str]:
    """Give what a merged contact has of both: its further addresses, and the forms it submitted. No recording."""
    addresses = [first["hs_additional_emails"], second["email"], second["hs_additional_emails"]]
    forms = [row["hs_calculated_form_submissions"] for row in (first, second)]
    told = {"hs_additional_emails": addresses, "hs_calculated_form_submissions": forms}
    parts = {
        name: [each for text in texts for each in str(text or "").split(";") if each] for name, texts in told.items()
    }
    own = str(first["email"] or second["email"] or "")
    return {
        name: ";".join(dict.fromkeys(each for each in found if each != own)) for name, found in parts.items() if found
    }


def identities(
    account: Account, kind: ObjectType, number: str, rows: Sequence[Mapping[str, Any]], gone: Sequence[str]
) -> dict[str, str]:
    """Give the properties that tell which records went into this one; raises ApiError beyond 250."""
    now_ms = account.clock.now_ms()
    earlier = [each for row in rows for each in str(row["hs_merged_object_ids"] or "").split(";") if each]
    ids = list(dict.fromkeys([*earlier, *gone]))
    if len(ids) >= IDENTITIES_MAX:
        raise validation_error(f"Cannot have more than {IDENTITIES_MAX} identities on a profile.")
    told = {"hs_merged_object_ids": ";".join(ids)}
    if kind.plural == "contacts":
        stamps = [each for row in rows for each in str(row["hs_calculated_merged_vids"] or "").split(";") if each]
        told["hs_calculated_merged_vids"] = ";".join([*stamps, *(f"{each}:{now_ms}" for each in gone)])
        told["hs_all_contact_vids"] = ";".join(dict.fromkeys([number, *ids]))
    return told


def take_over(transaction: Transaction, kind: ObjectType, old: str, new: str) -> None:
    """Move all that hangs on a record to another: associations, events, list memberships, enrolments."""
    rows = transaction.execute(
        "SELECT DISTINCT type_id, to_id FROM associations WHERE from_type = ? AND from_id = ? ORDER BY type_id, to_id",
        [kind.plural, int(old)],
    ).fetchall()
    associations.unlink_all(transaction.execute, kind.plural, int(old))
    for type_id, to_id in rows:
        link = associations.type_by_id(type_id)
        if link is None:
            continue
        if link.primary and kind.plural != "companies" and has_primary(transaction, link, new):
            link = associations.types_between(link.from_type, link.to_type)[0]
        associations.link(transaction.execute, link, int(new), to_id)
        transaction.associate(kind.plural, new, {"to_object": link.to_type, "to_id": str(to_id), "type_id": type_id})
    for statement, whole in FOLLOWING:
        transaction.execute(statement, [new, kind.plural, int(old) if whole else old])
    transaction.execute("UPDATE merged_ids SET new_id = ? WHERE object = ? AND new_id = ?", [new, kind.plural, old])
    transaction.execute("INSERT OR REPLACE INTO merged_ids VALUES (?, ?, ?)", [kind.plural, old, new])


def has_primary(transaction: Transaction, link: associations.AssociationType, number: str) -> bool:
    """Tell whether a record has a primary record of the other object."""
    where = "from_type = ? AND to_type = ? AND from_id = ? AND type_id = ?"
    values = [link.from_type, link.to_type, int(number), link.type_id]
    return bool(transaction.execute(f"SELECT 1 FROM associations WHERE {where}", values).fetchone())  # noqa: S608 - constant text
