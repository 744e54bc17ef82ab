"""Lists and sequences: people put on manual lists, and enrolled in sequences.

Lists: https://developers.hubspot.com/docs/guides/api/crm/lists/overview ; a record that is on a list already is not
told, so the same request may be sent twice. Sequences: https://developers.hubspot.com/docs/guides/api/automation/sequences
A contact is in one sequence at a time; a second enrolment is refused, so after a lost answer we look first. Somebody
whose enrolment ended between the two attempts would be enrolled again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.base import Write, WriteResult
from connector.crm.hubspot.call_lists import TYPE_IDS
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused
from connector.crm.retry import call_with_retry
from connector.errors import AuthError, QuotaExhausted, RetryableError

IDS_PER_CALL = 10_000  # the vendor's limit is 100,000
MANUAL = ("MANUAL", "SNAPSHOT")
Results = dict[int, WriteResult]


def add_to_lists(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    """Put records on lists, which are named as people name them or by id; results in input order."""
    wanted: dict[tuple[str, str], list[int]] = {}
    for at, one in enumerate(writes):
        wanted.setdefault((str(one.fields["object"]), str(one.fields["to"])), []).append(at)
    results: Results = {}
    for (name, list_name), places in wanted.items():
        for start in range(0, len(places), IDS_PER_CALL):
            part = places[start : start + IDS_PER_CALL]
            results |= _kept(results, part, lambda n=name, to=list_name, p=part: _add(client, n, to, writes, p))
    return [results[at] for at in range(len(writes))]


def enroll(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    """Enrol contacts in sequences, one request each; results in input order."""
    results: Results = {}
    for at, one in enumerate(writes):
        results |= _kept(results, [at], lambda one=one, at=at: {at: call_with_retry(lambda: _enroll(client, one))})
    return [results[at] for at in range(len(writes))]


def _kept(results: Results, places: Sequence[int], ask: Any) -> Results:  # noqa: ANN401 - a call without arguments
    """Ask; a refusal is a value, and so is an outage once something was acknowledged."""
    try:
        return dict(ask())
    except Refused as error:
        first = next((problem.code for problem in error.problems if problem.code), error.code)
        return dict.fromkeys(places, WriteResult(code=first, message=error.message))
    except (RetryableError, QuotaExhausted, AuthError) as error:
        if not any(result.ok for result in results.values()):
            raise
        return dict.fromkeys(places, WriteResult(code="NOT_SENT", message=error.message, retry=True))


def _add(client: Client, name: str, list_name: str, writes: Sequence[Write], places: Sequence[int]) -> Results:
    found = _list(client, name, list_name)
    if found.get("processingType") not in MANUAL:
        told = f"list {list_name!r} is filled by its own filters; make a manual one"
        return dict.fromkeys(places, WriteResult(code="DYNAMIC_LIST", message=told))
    ids = {at: str(writes[at].fields["record_id"]) for at in places}
    answer = client.add_to_list(str(found["listId"]), list(dict.fromkeys(ids.values()))).json()
    missing = {str(one) for one in answer.get("recordIdsMissing") or ()}
    # the vendor's own spelling differs between its pages and its answers
    added = {str(one) for one in answer.get("recordsIdsAdded") or answer.get("recordIdsAdded") or ()}
    gone = WriteResult(code="OBJECT_NOT_FOUND", message="the record is gone")
    return {at: gone if one in missing else WriteResult(id=one, created=one in added) for at, one in ids.items()}


def _list(client: Client, name: str, list_name: str) -> Mapping[str, Any]:
    """Find a list by name, else by id where it is a number."""
    try:
        body = client.list_named(TYPE_IDS.get(name, name), list_name).json()
    except Refused:
        if not list_name.isdigit():
            raise
        body = client.list_by_id(list_name).json()
    found: Mapping[str, Any] = body.get("list") or body
    return found


def _enroll(client: Client, write: Write) -> WriteResult:
    contact, sequence = str(write.fields["record_id"]), str(write.fields["to"])
    if _enrolled_in(client, contact) == sequence:
        return WriteResult(id=contact)
    body = {"contactId": contact, "sequenceId": sequence, "senderEmail": str(write.fields["sender"])}
    answer = client.enroll(str(write.fields["user_id"]), body).json()
    return WriteResult(id=str(answer.get("id") or contact), created=True)


def _enrolled_in(client: Client, contact: str) -> str | None:
    """Tell which sequence a contact is in; null where it is in none."""
    try:
        return str(client.enrollment_of(contact).json().get("sequenceId"))
    except Refused as error:
        if error.status == 404:
            return None
        raise
