"""Writing up to a few thousand rows: sObject Collections, 200 rows a call, each row answered on its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from connector.crm.base import JsonScalar, WriteResult
from connector.crm.retry import jittered, rest
from connector.crm.salesforce.faults import AUTOMATION_CODES, PASSING_CODES
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import identifier, is_one_of, select
from connector.crm.salesforce.wire import Answer, JsonValue, Request, json_of
from connector.errors import LeadlightError, RetryableError

T = TypeVar("T")
ROWS_PER_CALL = 200
ROWS_PER_SECOND_TRY = 25  # a customer's trigger runs over a whole call: one bad row refuses its neighbours
LOCK_CODES = frozenset({"UNABLE_TO_LOCK_ROW"})
LOCK_WAIT_S = 2.0
NAMED = 3  # of the records that a duplicate rule found
KEY_QUERY_LIMIT = 8_000  # characters of keys in one query


@dataclass(frozen=True)
class Item:
    """Hold one row to send: fields for the record `id`, or a new record with a unique `key` (field, value).

    again: an earlier attempt may have made it.
    """

    fields: Mapping[str, JsonScalar]
    id: str | None = None
    key: tuple[str, str] | None = None
    again: bool = False

    def record(self, source: str) -> dict[str, JsonValue]:
        """Write the row as the vendor wants it."""
        named = {"id": self.id} if self.id else {}
        keyed = {self.key[0]: self.key[1]} if self.key else {}
        return {"attributes": {"type": source}, **named, **self.fields, **keyed}


def result_of(row: JsonValue) -> WriteResult:
    """Read the answer to one row."""
    if row.get("success"):
        return WriteResult(id=row["id"], created=bool(row.get("created")))
    error = (row.get("errors") or [{}])[0]
    code = error.get("statusCode") or "UNKNOWN"
    fields = tuple(error.get("fields") or ())
    return WriteResult(code=code, message=_told(error), retry=code in PASSING_CODES, fields=fields)


def _told(error: JsonValue) -> str | None:
    """Say with a duplicate rule's refusal which rule it was, and which records it found."""
    message: str | None = error.get("message")
    duplicate = error.get("duplicateResult")
    if not isinstance(duplicate, dict):
        return message
    matches = [match for result in duplicate.get("matchResults") or () for match in result.get("matchRecords") or ()]
    ids = [str(record["Id"]) for match in matches if (record := match.get("record") or {}).get("Id")]
    rule = duplicate.get("duplicateRule") or "without a name"
    return f"{message} (the duplicate rule {rule} found {', '.join(ids[:NAMED]) or 'a record'})"


def send(gateway: Gateway, method: Literal["POST", "PATCH"], records: Sequence[JsonValue]) -> list[WriteResult]:
    """Send one call's worth of records; results come in their order."""

    def read(answer: Answer) -> list[WriteResult]:
        rows = json_of(answer)
        if not isinstance(rows, list) or len(rows) != len(records):
            raise RetryableError(f"Salesforce did not answer each of {len(records)} rows", unknown_outcome=True)
        return [result_of(row) for row in rows]

    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
    body = {"allOrNone": False, "records": list(records)}
    return gateway.call(Request(method, "composite/sobjects", write=True, json=body), read)


def update_rows(gateway: Gateway, source: str, items: Sequence[Item]) -> list[WriteResult]:
    """Update at most 200 records."""
    return _with_second_try(gateway, "PATCH", source, items)


def create_rows(gateway: Gateway, source: str, items: Sequence[Item]) -> list[WriteResult]:
    """Create at most 200 records with unique keys; one that exists is acknowledged and left as it is.

    A create whose answer was lost is sent again: the key makes the second one a duplicate, which is an acknowledgement.
    A duplicate rule of the org looks before the key does, and may find the record that the first attempt made.
    One that a person deleted meanwhile is none in the vendor's eyes, and is looked for before.
    """
    deleted = _existing(gateway, source, [item.key for item in items if item.again and item.key], deleted=True)
    gone = {at: found for at, item in enumerate(items) if item.key and (found := deleted.get(item.key[1].casefold()))}
    made = iter(_create(gateway, source, [item for at, item in enumerate(items) if at not in gone]))
    return [WriteResult(id=gone[at]) if at in gone else next(made) for at in range(len(items))]


def _create(gateway: Gateway, source: str, items: Sequence[Item]) -> list[WriteResult]:
    if not items:
        return []
    results = _with_second_try(gateway, "POST", source, items)
    results = [replace(each, created=True) if each.ok else each for each in results]
    clashes = [at for at, each in enumerate(results) if each.code == "DUPLICATE_VALUE" and _on_key(items[at], each)]
    alike = [at for at, each in enumerate(results) if each.code == "DUPLICATES_DETECTED" and items[at].key]
    try:
        existing = _existing(gateway, source, [key for at in (*clashes, *alike) if (key := items[at].key)])
    except LeadlightError:
        existing = {}  # what was created stays acknowledged; the clashes may be sent again
    for at in (*clashes, *alike):
        key = items[at].key
        found = existing.get(key[1].casefold()) if key else None
        if found:
            results[at] = WriteResult(id=found)
        elif at in clashes:  # the one it clashes with is not visible yet
            results[at] = replace(results[at], retry=True)
    return results


def _on_key(item: Item, result: WriteResult) -> bool:
    return item.key is not None and item.key[0].casefold() in (result.message or "").casefold()


def _with_second_try(
    gateway: Gateway, method: Literal["POST", "PATCH"], source: str, items: Sequence[Item]
) -> list[WriteResult]:
    """Send; rows that failed with the customer's automation or met a lock go once more, in small calls.

    Tasks lock the person and the account that they belong to: fewer of them in a call meet fewer others.
    """
    records = [item.record(source) for item in items]
    results = send(gateway, method, records)
    again = [at for at, result in enumerate(results) if result.code in AUTOMATION_CODES | LOCK_CODES]
    locked = any(results[at].code in LOCK_CODES for at in again)
    if len(records) > 1 or locked:
        for chunk in chunks(again, ROWS_PER_SECOND_TRY):
            if locked:
                rest(jittered(LOCK_WAIT_S), gateway.sleep)
            for at, result in zip(chunk, _once_more(gateway, method, records, results, chunk), strict=True):
                results[at] = result
    return results


def _once_more(
    gateway: Gateway,
    method: Literal["POST", "PATCH"],
    records: Sequence[JsonValue],
    results: Sequence[WriteResult],
    chunk: Sequence[int],
) -> list[WriteResult]:
    """Send some rows again; an outage leaves what was answered before, for the other rows have taken effect."""
    try:
        return send(gateway, method, [records[at] for at in chunk])
    except LeadlightError:
        return [replace(results[at], retry=True) for at in chunk]


def _existing(
    gateway: Gateway, source: str, keys: Sequence[tuple[str, str]], *, deleted: bool = False
) -> dict[str, str]:
    """Look up ids by key; keys are compared without case, as the vendor's unique index does."""
    found: dict[str, str] = {}
    for field, values in _key_queries(keys):
        # queryAll sees archived activities, too
        soql = select(["Id", field], source, f"{is_one_of(field, values)} AND IsDeleted = {str(deleted).lower()}")
        page = gateway.json(Request("GET", "queryAll/", params={"q": soql}))
        found |= {str(row[field]).casefold(): row["Id"] for row in page["records"]}
    return found


def _key_queries(keys: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    for field in sorted({field for field, _ in keys}):
        identifier(field)
        values = [value for name, value in keys if name == field]
        longest = max(len(value) for value in values) + 12
        for chunk in chunks(values, max(1, min(ROWS_PER_CALL, KEY_QUERY_LIMIT // longest))):
            yield field, list(chunk)


def chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into runs of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
