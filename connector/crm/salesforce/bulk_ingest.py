"""Updating many rows through Bulk API 2.0 ingest jobs."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from connector.crm.base import JsonScalar, WriteResult
from connector.crm.salesforce.collections_write import Item
from connector.crm.salesforce.faults import PASSING_CODES
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.jobs import wait_for_job
from connector.crm.salesforce.selection import read_csv_page
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused, RetryableError

MAX_BYTES = 90_000_000  # the vendor takes 150 MB as base64 and advises at most 100 MB of CSV
MAX_ROWS = 100_000
CLEARED = "#N/A"  # an empty cell leaves the field as it is


def cell_of(value: JsonScalar) -> str:
    """Write one value; null and the empty text clear the field."""
    if value is None or value == "":
        return CLEARED
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\0", "")


def csv_of(items: Sequence[Item]) -> Iterator[tuple[bytes, Sequence[Item]]]:
    """Write items as CSV bodies that fit one job each, with the items in it; a field an item does not hold is empty."""
    names = sorted({name for item in items for name in item.fields})
    header = _line(["Id", *names])
    body, start = bytearray(header), 0
    for at, item in enumerate(items):
        line = _line([item.id or "", *(cell_of(item.fields[name]) if name in item.fields else "" for name in names)])
        if len(body) + len(line) > MAX_BYTES or at - start >= MAX_ROWS:
            yield bytes(body), items[start:at]
            body, start = bytearray(header), at
        body += line
    if start < len(items):
        yield bytes(body), items[start:]


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def run_job(gateway: Gateway, source: str, body: bytes, items: Sequence[Item]) -> list[WriteResult]:
    """Update the records of one CSV; results in the order of `items`, whatever order the vendor answers in.

    Raises BatchRefused where the job could not be made.
    """
    order = {
        "operation": "update",
        "object": source,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/create_job.htm
    job_id = gateway.json(Request("POST", "jobs/ingest", write=True, json=order))["id"]
    path = f"jobs/ingest/{job_id}"
    _upload(gateway, path, body)
    try:
        return _outcome(gateway, path, items)
    except BatchRefused as refused:
        raise RetryableError(f"a bulk job's outcome cannot be read: {refused.message}", unknown_outcome=True) from None


def _outcome(gateway: Gateway, path: str, items: Sequence[Item]) -> list[WriteResult]:
    """Wait for the job and answer each row."""
    job = wait_for_job(gateway, path, write=True)
    clean = job["state"] == "JobComplete" and not job.get("numberRecordsFailed", 1)
    if clean and job.get("numberRecordsProcessed") == len(items):
        return [WriteResult(id=item.id) for item in items]
    results = _results(gateway, path)
    missing = _missing_result(job)
    return [results.get((item.id or "")[:15], missing) for item in items]


def _upload(gateway: Gateway, path: str, body: bytes) -> None:
    """Send the rows and close the job; each may be done only once, so a repeat after a lost answer may be refused."""
    headers = {"Content-Type": "text/csv; charset=UTF-8"}
    # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/upload_job_data.htm
    _once(gateway, Request("PUT", f"{path}/batches", write=True, data=body, headers=headers))
    # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/close_job.htm
    _once(gateway, Request("PATCH", path, write=True, json={"state": "UploadComplete"}))


def _once(gateway: Gateway, request: Request) -> None:
    sent_before = gateway.calls.write
    try:
        gateway.call(request, lambda _answer: None)
    except BatchRefused:
        if gateway.calls.write - sent_before < 2:
            raise


def _results(gateway: Gateway, path: str) -> dict[str, WriteResult]:
    """Read all three result files; ids are compared by their 15 case-sensitive characters."""
    # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_job_successful_results.htm
    found: dict[str, WriteResult] = {}
    for record_id, _ in _rows(gateway, f"{path}/unprocessedrecords"):
        found[record_id[:15]] = WriteResult(code="UNPROCESSED", message="the job ended before this row", retry=True)
    for record_id, error in _rows(gateway, f"{path}/failedResults"):
        found[record_id[:15]] = failure_of(error or "UNKNOWN")
    for record_id, _ in _rows(gateway, f"{path}/successfulResults"):
        found[record_id[:15]] = WriteResult(id=record_id)
    return found


def _rows(gateway: Gateway, path: str) -> list[tuple[str, str | None]]:
    """Read (record id, error) of a result file; the id is the one we sent, or the one the vendor adds."""
    request = Request("GET", path, write=True, headers={"Accept": "text/csv"})
    table = gateway.call(request, lambda answer: _result_table(answer.body))
    ids = pc.coalesce(table["Id"], table["sf__Id"]).to_pylist()
    errors = table["sf__Error"].to_pylist()
    return [(record_id, error) for record_id, error in zip(ids, errors, strict=True) if record_id]


def _result_table(body: bytes) -> pa.Table:
    columns: Mapping[str, pa.DataType] = dict.fromkeys(("Id", "sf__Id", "sf__Error"), pa.string())
    if not body.strip():
        return pa.table({name: pa.array([], kind) for name, kind in columns.items()})
    return read_csv_page(body, columns, missing_is_null=True)


def failure_of(error: str) -> WriteResult:
    """Read `CODE:message:fields --`, as the failed rows carry it."""
    code, _, rest = error.partition(":")
    message, _, named = rest.rpartition(":")
    fields = tuple(name.strip() for name in named.removesuffix("--").split(",") if name.strip() and message)
    return WriteResult(None, False, code.strip(), (message or rest).strip(), code.strip() in PASSING_CODES, fields)


def _missing_result(job: JsonValue) -> WriteResult:
    """Answer for a row that no result file names: refused with the job, or lost."""
    message = str(job.get("errorMessage") or "the bulk job's results do not name this row")
    code = message.partition(":")[0].strip().replace(" ", "") if job["state"] == "Failed" else "NO_RESULT"
    return WriteResult(code=code[:60], message=message, retry=code == "NO_RESULT")
