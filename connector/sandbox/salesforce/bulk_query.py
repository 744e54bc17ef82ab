"""Bulk API 2.0 query jobs.

Job bodies follow recordings; the result pages have no recording: from the vendor's documentation.
"""

import base64
import binascii
import json

from connector.sandbox.http import Response
from connector.sandbox.salesforce import bulk_jobs
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.org import Call, Org, empty
from connector.sandbox.salesforce.query import run
from connector.sandbox.salesforce.soql.compiler import Settings
from connector.sandbox.salesforce.soql.flat import FlatPlan, compile_flat
from connector.sandbox.salesforce.soql.parser import parse

KIND = "query"
MAX_PAGE = 250_000
ID_LENGTH = 18
OPERATIONS = ("query", "queryAll")


def create(org: Org, call: Call) -> Response:
    """Answer POST jobs/query; the records are chosen now, their values are read with the results."""
    order = call.mapping()
    operation, soql = order.get("operation"), order.get("query")
    if operation not in OPERATIONS or not isinstance(soql, str):
        raise CrmError("INVALIDJOB", "InvalidJob : operation must be query or queryAll, with a query", None)
    plan = _plan(org, soql, str(operation))
    ids = run(org.storage, plan.ids, plan.binds)
    info = bulk_jobs.new_info(org, call, str(operation), plan.object, "UploadComplete", order)
    payload = json.dumps({"query": soql, "ids": "".join(row[0] for row in ids)})
    bulk_jobs.save(org, KIND, info, payload)
    call.object = plan.object
    return call.answer(info)


def _plan(org: Org, soql: str, operation: str) -> FlatPlan:
    settings = Settings(org.view, org.clock.now(), operation == "queryAll", org.visible_until_ms())
    return compile_flat(parse(soql), settings)


def poll(org: Org, call: Call, job_id: str) -> Response:
    """Answer GET jobs/query/id; a job is complete at its first poll."""
    info, payload = bulk_jobs.load(org, KIND, job_id)
    if info["state"] == "UploadComplete":
        count = len(json.loads(payload)["ids"]) // ID_LENGTH
        more = {"numberRecordsProcessed": count, "retries": 0, "totalProcessingTime": 1 + count // 100}
        info = bulk_jobs.change(org, info, state="JobComplete", jobType="V2Query", isPkChunkingSupported=True, **more)
    call.object = info["object"]
    return call.answer(info)


def results(org: Org, call: Call, job_id: str) -> Response:
    """Answer a page of results; the locator names the record the page starts at."""
    info, payload = bulk_jobs.load(org, KIND, job_id)
    if float(call.version) != info["apiVersion"]:
        message = f"Job {info['id']} was created with API version {info['apiVersion']}"
        raise CrmError("API_ERROR", message, None, 409)
    if info["state"] in ("Failed", "Aborted"):
        return empty(204)
    order = json.loads(payload)
    plan = _plan(org, order["query"], info["operation"])
    start, size = _start(call), _page_size(call)
    total = len(order["ids"]) // ID_LENGTH
    end = min(total, start + size)
    text = order["ids"][start * ID_LENGTH : end * ID_LENGTH]
    ids = [text[i : i + ID_LENGTH] for i in range(0, len(text), ID_LENGTH)]
    rows = org.storage.query(plan.page, [json.dumps(ids)]) if ids else []
    locator = "null" if end >= total else base64.urlsafe_b64encode(str(end).encode()).decode().rstrip("=")
    headers = {"Sforce-NumberOfRecords": str(len(rows)), "Sforce-Locator": locator}
    call.object = info["object"]
    return bulk_jobs.csv_answer(bulk_jobs.csv_text([plan.headers, *rows], info), headers)


def _page_size(call: Call) -> int:
    asked = call.request.first("maxRecords") or str(MAX_PAGE)
    if not asked.isdigit() or int(asked) == 0:
        raise CrmError("API_ERROR", f"maxRecords must be a positive whole number: {asked}", None)
    return min(MAX_PAGE, int(asked))


def _start(call: Call) -> int:
    locator = call.request.first("locator")
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (binascii.Error, ValueError):
        raise CrmError("INVALID_QUERY_LOCATOR", "invalid query locator", None) from None


def change(org: Org, call: Call, job_id: str) -> Response:
    """Answer PATCH jobs/query/id, which aborts."""
    info, _ = bulk_jobs.load(org, KIND, job_id)
    if call.mapping().get("state") != "Aborted":
        raise CrmError("INVALIDJOBSTATE", "InvalidJobState : a query job can only be aborted", None)
    return call.answer(bulk_jobs.change(org, info, state="Aborted"))
