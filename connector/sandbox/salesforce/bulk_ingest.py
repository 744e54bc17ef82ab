"""Bulk API 2.0 ingest jobs: rows of a CSV, worked off in blocks as the client polls."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce import bulk_jobs
from connector.sandbox.salesforce.bulk_jobs import DELIMITERS, Info
from connector.sandbox.salesforce.catalog import View
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec
from connector.sandbox.salesforce.org import Call, Org, empty
from connector.sandbox.salesforce.records import Writer
from connector.sandbox.salesforce.sobject_collections import row_error, row_id, upsert_target

KIND = "ingest"
OPERATIONS = ("insert", "update", "upsert", "delete")
ROWS_PER_POLL = 10_000
NULL = "#N/A"
JOB_TYPE = "V2Ingest"
ZEROES = dict.fromkeys(
    ("numberRecordsProcessed", "numberRecordsFailed", "retries", "totalProcessingTime", "apiActiveProcessingTime"), 0
) | {"apexProcessingTime": 0}

Outcome = tuple[bool, list[str]]


def create(org: Org, call: Call) -> Response:
    """Answer POST jobs/ingest."""
    order = call.mapping()
    operation = str(order.get("operation"))
    spec = org.view.object(str(order.get("object")))
    if operation not in OPERATIONS:
        raise CrmError("INVALIDJOB", f"InvalidJob : Invalid operation: {operation}", None)
    if spec is None:
        raise CrmError("INVALIDJOB", f"InvalidJob : Unable to find object: {order.get('object')}", None)
    info = bulk_jobs.new_info(org, call, operation, spec.name, "Open", order)
    if operation == "upsert":
        _, key = upsert_target(org, spec.name, str(order.get("externalIdFieldName")))
        info["externalIdFieldName"] = key.name
    if order.get("assignmentRuleId"):
        info["assignmentRuleId"] = order["assignmentRuleId"]
    info["contentUrl"] = f"{call.base.lstrip('/')}/jobs/ingest/{info['id']}/batches"
    bulk_jobs.save(org, KIND, info)
    call.object = spec.name
    return call.answer(info)


def upload(org: Org, call: Call, job_id: str) -> Response:
    """Answer PUT batches, once per job."""
    info, payload = bulk_jobs.load(org, KIND, job_id)
    if info["state"] != "Open" or payload:
        raise CrmError("INVALIDJOBSTATE", f"Job {info['id']} takes no more data: it is {info['state']}", None)
    try:
        text = call.request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise CrmError("INVALIDBATCH", "InvalidBatch : the data is not UTF-8", None) from None
    org.storage.execute("UPDATE salesforce_jobs SET payload = ? WHERE id = ?", [text, info["id"]])
    call.object = info["object"]
    return empty(201)


def change(org: Org, call: Call, job_id: str) -> Response:
    """Answer PATCH: the upload is complete, or the job is aborted."""
    info, _ = bulk_jobs.load(org, KIND, job_id)
    state = call.mapping().get("state")
    if state not in ("UploadComplete", "Aborted") or (state == "UploadComplete" and info["state"] != "Open"):
        raise CrmError("INVALIDJOBSTATE", f"Job {info['id']} is {info['state']}; it cannot become {state}", None)
    call.object = info["object"]
    info = bulk_jobs.change(org, info, state=state)
    hidden = ("contentUrl", "lineEnding", "columnDelimiter")
    return call.answer({key: value for key, value in info.items() if key not in hidden})


def poll(org: Org, call: Call, job_id: str) -> Response:
    """Answer GET jobs/ingest/id; each poll works off a block of rows."""
    info, payload = bulk_jobs.load(org, KIND, job_id)
    if info["state"] in ("UploadComplete", "InProgress"):
        with org.storage.lock:
            info, payload = bulk_jobs.load(org, KIND, job_id)
            if info["state"] in ("UploadComplete", "InProgress"):
                info = _work(org, call, info, payload)
    call.object = info["object"]
    return call.answer(_shown(info))


def _shown(info: Info) -> Info:
    if info["state"] == "Open":
        return {**info, "jobType": JOB_TYPE, **{name: 0 for name in ZEROES if not name.startswith("number")}}
    return {**ZEROES, "jobType": JOB_TYPE, **{name: value for name, value in info.items() if name != "contentUrl"}}


def _work(org: Org, call: Call, info: Info, payload: str) -> Info:
    info = {**ZEROES, **info}
    try:
        job = _Job(org, info, payload)
    except CrmError as error:
        return bulk_jobs.change(org, info, state="Failed", errorMessage=error.message)
    start = info["numberRecordsProcessed"]
    block = job.rows[start : start + ROWS_PER_POLL]
    outcomes = job.work(call, block)
    done = start + len(block)
    failed = info["numberRecordsFailed"] + sum(not ok for ok, _ in outcomes)
    _keep(org, info, outcomes)
    state = "JobComplete" if done >= len(job.rows) else "InProgress"
    spent_ms = info["totalProcessingTime"] + len(block) // 2
    return bulk_jobs.change(
        org,
        info,
        state=state,
        numberRecordsProcessed=done,
        numberRecordsFailed=failed,
        totalProcessingTime=spent_ms,
        apiActiveProcessingTime=spent_ms // 2,
    )


def _keep(org: Org, info: Info, outcomes: Sequence[Outcome]) -> None:
    texts = [bulk_jobs.csv_text([row for ok, row in outcomes if ok is wanted], info) for wanted in (True, False)]
    appended = "succeeded = succeeded || ?, failed = failed || ?, position = position + ?"
    statement = f"UPDATE salesforce_jobs SET {appended} WHERE id = ?"  # noqa: S608 - no outside text
    org.storage.execute(statement, [*texts, len(outcomes), info["id"]])


class _Job:
    """Hold a job's parsed data; raises CrmError for data that no row of can be read."""

    def __init__(self, org: Org, info: Info, payload: str) -> None:
        self._org, self._info = org, info
        self._spec, self._view = _object(org, info), org.view
        self.header, self.rows = parse_rows(info, payload)
        self._fields = [_field(self._view, self._spec, name) for name in self.header]
        self._key = self._key_field()

    def work(self, call: Call, rows: Sequence[list[str]]) -> list[Outcome]:
        """Write rows, each on its own; gives the cells of the result files."""
        path = f"/services/data/v{self._info['apiVersion']}/jobs/ingest/{self._info['id']}/batches"
        columns = {field.name: position for position, field in enumerate(self._fields)}
        auto_assign = "true" if self._info.get("assignmentRuleId") else "false"
        outcomes: list[Outcome] = []
        with self._org.storage.transaction("connector", "PUT", path) as transaction:
            writer = Writer(self._org, transaction, call, auto_assign=auto_assign, columns=columns)
            for row in rows:
                try:
                    with transaction.savepoint():
                        found, created = self._write(writer, row)
                    outcomes.append((True, [found, "true" if created else "false", *row]))
                except CrmError as error:
                    outcomes.append((False, [self._given_id(row), row_error(error).cell(), *row]))
        return outcomes

    def _write(self, writer: Writer, row: Sequence[str]) -> tuple[str, bool]:
        if len(row) != len(self.header):
            raise CrmError("INVALID_FIELD", f"the row has {len(row)} cells, the header {len(self.header)}")
        cells = {field.name: cell for field, cell in zip(self._fields, row, strict=True) if cell != ""}
        values = {name: None if cell == NULL else cell for name, cell in cells.items()}
        operation = self._info["operation"]
        if operation == "insert":
            return writer.create(self._spec, values), True
        if operation == "upsert" and self._key is not None:
            key = values.pop(self._key.name, None)
            return writer.upsert(self._spec, self._key, key, values)
        found = row_id({"id": values.pop("Id", None)})
        if not found.startswith(self._spec.key_prefix):
            raise CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if operation == "delete":
            writer.delete(self._spec, found)
        else:
            writer.update(self._spec, found, values)
        return found, False

    def _given_id(self, row: Sequence[str]) -> str:
        names = [field.name for field in self._fields]
        return row[names.index("Id")] if "Id" in names and len(row) == len(names) else ""

    def _key_field(self) -> FieldSpec | None:
        name = self._info.get("externalIdFieldName")
        if name is not None and name not in {field.name for field in self._fields}:
            raise CrmError("INVALIDBATCH", f"InvalidBatch : Field name not found : {name}")
        return self._spec.fields[name] if name is not None else None


def _object(org: Org, info: Info) -> ObjectSpec:
    spec = org.view.object(info["object"])
    if spec is None:
        raise CrmError("INVALIDJOB", f"InvalidJob : Unable to find object: {info['object']}")
    return spec


def _field(view: View, spec: ObjectSpec, name: str) -> FieldSpec:
    field = view.field(spec.name, name.strip())
    if field is None:
        raise CrmError("INVALIDBATCH", f"InvalidBatch : Field name not found : {name}")
    return field


def parse_rows(info: Info, payload: str) -> tuple[list[str], list[list[str]]]:
    """Parse a job's CSV to its header and rows; raises CrmError where line endings are not as declared."""
    first_line = payload.partition("\n")[0]
    is_crlf = first_line.endswith("\r")
    if payload and is_crlf is not (info["lineEnding"] == "CRLF"):
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {info['lineEnding']}"
        raise CrmError("CLIENTINPUTERROR", f"ClientInputError : {message}")
    csv.field_size_limit(1 << 30)
    rows = list(csv.reader(io.StringIO(payload, newline=""), delimiter=DELIMITERS[info["columnDelimiter"]]))
    filled = [row for row in rows if row]
    if not filled:
        raise CrmError("INVALIDBATCH", "InvalidBatch : No data found in batch")
    return filled[0], filled[1:]


def results(org: Org, call: Call, job_id: str, asked: str) -> Response:
    """Answer successfulResults, failedResults or unprocessedrecords, letter case ignored."""
    which = asked.lower()
    info, payload = bulk_jobs.load(org, KIND, job_id)
    call.object = info["object"]
    header = payload.partition("\n")[0].rstrip("\r")
    ending = bulk_jobs.ENDINGS[info["lineEnding"]]
    if which == "unprocessedrecords":
        return bulk_jobs.csv_answer(f"{header}{ending}{_unprocessed(org, info, payload)}")
    column, own = ("succeeded", "sf__Created") if which == "successfulresults" else ("failed", "sf__Error")
    text = org.storage.query(f"SELECT {column} FROM salesforce_jobs WHERE id = ?", [info["id"]])[0][0]  # noqa: S608 - two names
    delimiter = DELIMITERS[info["columnDelimiter"]]
    return bulk_jobs.csv_answer(f'"sf__Id"{delimiter}"{own}"{delimiter}{header}{ending}{text}')


def _unprocessed(org: Org, info: Info, payload: str) -> str:
    position = org.storage.query("SELECT position FROM salesforce_jobs WHERE id = ?", [info["id"]])[0][0]
    if info["state"] not in ("Failed", "Aborted"):
        return ""
    try:
        rows: list[list[Any]] = list(parse_rows(info, payload)[1][position:])
    except CrmError:
        return ""
    return bulk_jobs.csv_text(rows, info)
