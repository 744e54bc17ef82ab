"""Records without a unique property: made once with their associations, and found again by a mark in a text."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.base import Marker, Write, WriteResult, unsent
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused, problems_of
from connector.crm.hubspot.links import TYPE_IDS, read_links
from connector.crm.hubspot.values import to_text
from connector.errors import AuthError, QuotaExhausted, RetryableError

BATCH = 100


def create_once(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    """Create records, each request sent once: what came of a lost answer nobody knows, so it says retry.

    The associations travel with the record: without them it could not be found again. Raises the outage where nothing
    was acknowledged before it.
    """
    results: list[WriteResult] = []
    for start in range(0, len(writes), BATCH):
        try:
            results += _create(client, writes[start : start + BATCH])
        except (RetryableError, QuotaExhausted, AuthError) as outage:
            if not any(result.ok for result in results):
                raise
            left = len(writes) - len(results)
            return results + [unsent(outage)] * left
    return results


def find_marked(client: Client, object_type: str, markers: Sequence[Marker]) -> dict[str, str]:
    """Look among the records associated with the same records for marks; returns ids by mark.

    An archived record has lost its associations, so that it is not found.
    """
    found: dict[str, str] = {}
    for link in sorted({marker.link for marker in markers}):
        mine = [marker for marker in markers if marker.link == link]
        held = read_links(client, link, object_type, sorted({marker.record_id for marker in mine}))
        texts = _texts(client, object_type, mine[0].field, sorted({one for ids in held.values() for one in ids}))
        for marker in mine:
            ids = (one for one in held.get(marker.record_id, ()) if marker.text in texts.get(one, ""))
            if (first := next(ids, None)) is not None:
                found[marker.text] = first
    return found


def _texts(client: Client, object_type: str, field: str, ids: Sequence[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for start in range(0, len(ids), BATCH):
        inputs = [{"id": one} for one in ids[start : start + BATCH]]
        body = {"properties": [field], "propertiesWithHistory": [], "inputs": inputs}
        for one in client.batch_read(object_type, body).json().get("results") or ():
            texts[str(one["id"])] = str((one.get("properties") or {}).get(field) or "")
    return texts


def _create(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    """Create one batch; one refused as a whole made nothing, and is halved down to the row that spoils it."""
    object_type = writes[0].object
    inputs = [{**_input(write), "objectWriteTraceId": str(place)} for place, write in enumerate(writes)]
    try:
        body = client.batch_create(object_type, {"inputs": inputs}).json()
    except Refused as error:
        if len(writes) == 1:
            return [WriteResult(code=error.code, message=error.message)]
        half = len(writes) // 2
        return _create(client, writes[:half]) + _create(client, writes[half:])
    problems = problems_of(body)
    return [_result(str(place), write, body, problems) for place, write in enumerate(writes)]


def _result(place: str, write: Write, body: Mapping[str, Any], problems: Sequence[Any]) -> WriteResult:
    """Find the answer to one row, by our trace id or by its mark."""
    for one in body.get("results") or ():
        if one.get("objectWriteTraceId") == place or _shows_mark(one, write.marker):
            return WriteResult(id=str(one["id"]), created=True)
    for problem in problems:
        if place in problem.trace_ids:
            return WriteResult(code=problem.code or "REFUSED", message=problem.message)
    return WriteResult(code="NO_ANSWER", message="HubSpot named no outcome for this row", retry=True)


def _shows_mark(one: Mapping[str, Any], marker: Marker | None) -> bool:
    return marker is not None and marker.text in str((one.get("properties") or {}).get(marker.field) or "")


def _input(write: Write) -> dict[str, Any]:
    links = [
        {
            "to": {"id": to_id},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPE_IDS[write.object, to_type]}],
        }
        for to_type, to_id in write.links
    ]
    return {"properties": {name: to_text(value) for name, value in write.fields.items()}, "associations": links}
