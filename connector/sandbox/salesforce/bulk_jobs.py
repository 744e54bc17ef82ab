"""Bulk API 2.0 jobs, kept in SQLite: what both kinds share."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.errors import CrmError, not_found
from connector.sandbox.salesforce.ids import canonical_id, record_id
from connector.sandbox.salesforce.objects import stored
from connector.sandbox.salesforce.org import Call, Org, empty

SCHEMA = """
CREATE TABLE IF NOT EXISTS salesforce_jobs (id TEXT PRIMARY KEY, kind TEXT, info TEXT, payload TEXT, position INTEGER,
  succeeded TEXT, failed TEXT)
"""
DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
FINISHED = ("JobComplete", "Failed", "Aborted")

Info = dict[str, Any]


def install(org: Org) -> None:
    """Make the table."""
    org.storage.execute(SCHEMA)


def new_info(org: Org, call: Call, operation: str, object_name: str, state: str, options: Info) -> Info:
    """Give the fields every new job answers."""
    with org.storage.lock:
        job_id = record_id("Job", org.storage.next_number("Job"))
    now = stored(org.clock.now().astimezone(UTC).replace(microsecond=0))
    return {
        "id": job_id,
        "operation": operation,
        "object": object_name,
        "createdById": org.credentials.user_id,
        "createdDate": now,
        "systemModstamp": now,
        "state": state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(call.version),
        "lineEnding": _chosen(options, "lineEnding", "LF", ENDINGS),
        "columnDelimiter": _chosen(options, "columnDelimiter", "COMMA", DELIMITERS),
    }


def _chosen(options: Info, name: str, default: str, allowed: Iterable[str]) -> str:
    value = str(options.get(name) or default)
    if value not in allowed:
        raise CrmError("INVALIDJOB", f"InvalidJob : {name} {value} is not supported", None)
    return value


def save(org: Org, kind: str, info: Info, payload: str = "") -> None:
    """Store a new job."""
    statement = "INSERT INTO salesforce_jobs VALUES (?, ?, ?, ?, 0, '', '')"
    org.storage.execute(statement, [info["id"], kind, json.dumps(info), payload])


def load(org: Org, kind: str, text: str) -> tuple[Info, str]:
    """Give a job's info and payload; raises CrmError NOT_FOUND."""
    statement = "SELECT info, payload FROM salesforce_jobs WHERE id = ? AND kind = ?"
    rows = org.storage.query(statement, [canonical_id(text) or text, kind])
    if not rows:
        raise not_found()
    return json.loads(rows[0]["info"]), rows[0]["payload"]


def change(org: Org, info: Info, **changes: Any) -> Info:  # noqa: ANN401 - any JSON value
    """Change a job's info and give the new one."""
    now = stored(datetime.fromtimestamp(org.clock.now_ms() // 1000, UTC))
    changed = {**info, **changes, "systemModstamp": now}
    org.storage.execute("UPDATE salesforce_jobs SET info = ? WHERE id = ?", [json.dumps(changed), info["id"]])
    return changed


def listed(org: Org, call: Call, kind: str) -> Response:
    """Answer the list of jobs of a kind."""
    rows = org.storage.query("SELECT info FROM salesforce_jobs WHERE kind = ? ORDER BY id", [kind])
    job_type = "V2Query" if kind == "query" else "V2Ingest"
    records = [{**json.loads(row["info"]), "jobType": job_type} for row in rows]
    return call.answer({"done": True, "nextRecordsUrl": None, "records": records})


def delete(org: Org, kind: str, text: str) -> Response:
    """Delete a finished job and its results."""
    info, _ = load(org, kind, text)
    if info["state"] not in FINISHED:
        raise CrmError("INVALIDJOBSTATE", f"Job {info['id']} is {info['state']}: abort it first", None)
    org.storage.execute("DELETE FROM salesforce_jobs WHERE id = ?", [info["id"]])
    return empty(204)


def csv_text(rows: Iterable[Sequence[Any]], info: Info) -> str:
    """Write rows with every value quoted; null is an empty value."""
    out = io.StringIO(newline="")
    delimiter, ending = DELIMITERS[info["columnDelimiter"]], ENDINGS[info["lineEnding"]]
    csv.writer(out, quoting=csv.QUOTE_ALL, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return out.getvalue()


def csv_answer(text: str, headers: dict[str, str] | None = None) -> Response:
    """Answer CSV."""
    return Response(200, text.encode(), {"Content-Type": "text/csv", **(headers or {})})
