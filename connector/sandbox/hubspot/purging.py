"""Deleting a contact for good, as privacy laws ask for it.

No recording: from the vendor's guide to contacts and its page on privacy-compliant deletes. The record is in no list
afterwards, archived ones included, and a read by its id finds nothing. Its addresses cannot be used again (blocklist).
"""

from connector.sandbox.http import Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.blocklist import block
from connector.sandbox.hubspot.merging import AWAY
from connector.sandbox.hubspot.objects import virtual_columns
from connector.sandbox.hubspot.wire import validation_error
from connector.sandbox.hubspot.writing import resolve
from connector.sandbox.storage import quote

BELONGINGS = (
    "DELETE FROM event_occurrences WHERE object_type = 'contacts' AND object_id = CAST(? AS INTEGER)",
    "DELETE FROM list_members WHERE object = 'contacts' AND record_id = ?",
    "DELETE FROM participations WHERE contact_id = ?",
    "DELETE FROM enrollments WHERE contact_id = ?",
    "DELETE FROM merged_ids WHERE object = 'contacts' AND new_id = ?",
)


def purge(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/objects/contacts/gdpr-delete`: 204, also where there is no such contact."""
    kind = call.subject(object)
    body = call.body("objectId")
    if kind.plural != "contacts":
        raise validation_error(f"{kind.plural} cannot be deleted for privacy.")
    key, named = str(body["objectId"]), body.get("idProperty")
    number = resolve(call.account, kind, key, named)
    if number is None:
        with call.writing(204) as transaction:
            block(transaction, [key] if named == "email" else [])
        return Response(204)
    held = call.account.storage.get(kind.plural, number) or {}
    addresses = [held.get("email"), *str(held.get("hs_additional_emails") or "").split(";")]
    own = [name for name in call.account.schema.of(kind.plural) if name not in virtual_columns(kind)]
    emptied = ", ".join(f"{quote(name)} = NULL" for name in own)
    with call.writing(204) as transaction:
        block(transaction, filter(None, addresses))
        transaction.delete(kind.plural, number)
        where = f"UPDATE {quote(kind.plural)} SET _deleted = ?, {emptied} WHERE _id = ?"  # noqa: S608 - quoted identifiers
        transaction.execute(where, [AWAY, number])
        associations.unlink_all(transaction.execute, kind.plural, int(number))
        for statement in BELONGINGS:
            transaction.execute(statement, [number])
    return Response(204)
