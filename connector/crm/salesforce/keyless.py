"""Records without a unique field: made once, and found again by a mark in a long text."""

from collections.abc import Iterator, Sequence

from connector.crm.base import Marker, Write, WriteResult, unsent
from connector.crm.salesforce.collections_write import Item, result_of
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import identifier, is_one_of, select
from connector.crm.salesforce.wire import Answer, JsonValue, Request, json_of
from connector.errors import AuthError, BatchRefused, QuotaExhausted, RetryableError

ROWS_PER_CALL = 200


def create_once(gateway: Gateway, writes: Sequence[Write]) -> list[WriteResult]:
    """Create records, each request sent once: what came of a lost answer nobody knows, so it says retry.

    Raises the outage where nothing was acknowledged before it.
    """
    results: list[WriteResult] = []
    for start in range(0, len(writes), ROWS_PER_CALL):
        chunk = writes[start : start + ROWS_PER_CALL]
        try:
            results += _create(gateway, chunk)
        except BatchRefused as refused:
            results += [WriteResult(code=refused.code, message=refused.message)] * len(chunk)
        except (RetryableError, QuotaExhausted, AuthError) as outage:
            if not any(result.ok for result in results):
                raise
            left = len(writes) - len(results)
            return results + [unsent(outage)] * left
    return results


def find_marked(gateway: Gateway, source: str, markers: Sequence[Marker]) -> dict[str, str]:
    """Look among the records that hang on the same records for marks; returns ids by mark, deleted ones included.

    Long text cannot be searched, so that all of a record's tasks are read.
    """
    found: dict[str, str] = {}
    for field, link in sorted({(marker.field, marker.link) for marker in markers}):
        mine = [marker for marker in markers if (marker.field, marker.link) == (field, link)]
        for row in _linked(gateway, source, identifier(field), identifier(link), mine):
            text = str(row.get(field) or "")
            found |= {m.text: row["Id"] for m in mine if m.record_id[:15] == str(row[link])[:15] and m.text in text}
    return found


def _create(gateway: Gateway, writes: Sequence[Write]) -> list[WriteResult]:
    records = [Item(write.fields).record(identifier(write.object)) for write in writes]

    def read(answer: Answer) -> list[WriteResult]:
        rows = json_of(answer)
        if not isinstance(rows, list) or len(rows) != len(records):
            raise RetryableError(f"Salesforce did not answer each of {len(records)} rows", unknown_outcome=True)
        return [result_of(row) for row in rows]

    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
    body = {"allOrNone": False, "records": records}
    return gateway.call(Request("POST", "composite/sobjects", write=True, json=body), read, once=True)


def _linked(
    gateway: Gateway, source: str, field: str, link: str, markers: Sequence[Marker]
) -> Iterator[dict[str, JsonValue]]:
    ids = sorted({marker.record_id for marker in markers})
    for start in range(0, len(ids), ROWS_PER_CALL):
        soql = select(["Id", field, link], identifier(source), is_one_of(link, ids[start : start + ROWS_PER_CALL]))
        request = Request("GET", "queryAll/", params={"q": soql})
        while True:
            page = gateway.json(request)
            yield from page["records"]
            if page.get("done", True):
                break
            request = Request("GET", page["nextRecordsUrl"])
