"""Reading through Bulk API 2.0 query jobs."""

from collections.abc import Iterator

import pyarrow as pa

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.jobs import wait_for_job
from connector.crm.salesforce.selection import Selection, read_csv_page
from connector.crm.salesforce.wire import Answer, JsonValue, Request
from connector.errors import BatchRefused, RetryableError

MAX_RECORDS = 50_000  # rows in one answer; a maximum, the vendor may send fewer


def bulk_tables(gateway: Gateway, soql: str, selection: Selection) -> Iterator[tuple[pa.Table, bool]]:
    """Run a query job, then yield its results as (table, is_last).

    Raises BatchRefused where the object or the org cannot be read by Bulk, before the first table.
    """
    # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_create_job.htm
    order = {
        "operation": "queryAll",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    job_id = gateway.json(Request("POST", "jobs/query", json=order))["id"]
    job = wait_for_job(gateway, f"jobs/query/{job_id}", write=False)
    if job["state"] != "JobComplete":
        raise BatchRefused(f"bulk query ended as {job['state']}: {job.get('errorMessage') or ''}", code=job["state"])
    return _results(gateway, job, selection)


def _results(gateway: Gateway, job: JsonValue, selection: Selection) -> Iterator[tuple[pa.Table, bool]]:
    locator: str | None = None
    received = 0
    while True:
        params = {"maxRecords": str(MAX_RECORDS), **({"locator": locator} if locator else {})}
        # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_job_results.htm
        path = f"jobs/query/{job['id']}/results"
        request = Request("GET", path, params=params, headers={"Accept": "text/csv"})
        table, locator = gateway.call(request, lambda answer: _result_set(answer, selection))
        received += table.num_rows
        expected = job.get("numberRecordsProcessed")
        if locator is None and expected is not None and received != expected:
            raise RetryableError(f"a bulk query of {selection.object} gave {received} of {expected} rows")
        yield table, locator is None
        if locator is None:
            return


def _result_set(answer: Answer, selection: Selection) -> tuple[pa.Table, str | None]:
    """Read one set; the locator of the last one is the word null."""
    table = read_csv_page(answer.body, selection.columns)
    expected = answer.headers.get("Sforce-NumberOfRecords", "")
    if expected.isdigit() and int(expected) != table.num_rows:
        raise RetryableError(f"a set of bulk results held {table.num_rows} of {expected} rows")
    locator = answer.headers.get("Sforce-Locator", "null")
    return table, None if locator in ("null", "") else locator
