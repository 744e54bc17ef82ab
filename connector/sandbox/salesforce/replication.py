"""Ids changed or deleted in a span of time, request limits and record counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.describe import visible_object
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.objects import stored
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.storage import quote

UPDATED_DAYS = 30
DELETED_DAYS = 15
MAX_IDS = 600_000
OTHER_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DataStorageMB": 1024,
    "FileStorageMB": 1024,
    "HourlyTimeBasedWorkflow": 1000,
    "MassEmail": 5000,
    "SingleEmail": 5000,
}


def updated(org: Org, call: Call, name: str) -> Response:
    """Answer GET sobjects/X/updated (No recording: from the vendor's documentation)."""
    spec = visible_object(org, call, name)
    start_s, end_s = _span(org, call, UPDATED_DAYS)
    rows = _changed(org, spec.name, start_s, end_s, deleted=0)
    return call.answer({"ids": [row[0] for row in rows], "latestDateCovered": _covered(org, end_s)})


def deleted(org: Org, call: Call, name: str) -> Response:
    """Answer GET sobjects/X/deleted (No recording: from the vendor's documentation)."""
    spec = visible_object(org, call, name)
    start_s, end_s = _span(org, call, DELETED_DAYS)
    logged = (
        "SELECT id, at FROM salesforce_purged WHERE object = ? AND at / 1000 >= ? AND at / 1000 < ? ORDER BY at, id"
    )
    rows = _changed(org, spec.name, start_s, end_s, deleted=1)
    rows += org.storage.query(logged, [spec.name, start_s, end_s])
    records = [{"deletedDate": _text(row[1] // 1000), "id": row[0]} for row in rows]
    earliest = org.clock.now() - timedelta(days=DELETED_DAYS)
    return call.answer(
        {
            "deletedRecords": records,
            "earliestDateAvailable": _text(int(earliest.timestamp()) // 60 * 60),
            "latestDateCovered": _covered(org, end_s),
        }
    )


def _changed(org: Org, name: str, start_s: int, end_s: int, *, deleted: int) -> list[Any]:
    statement = (
        f"SELECT _id, _modified_at FROM {quote(name)} WHERE _deleted = ? AND _modified_at / 1000 >= ?"  # noqa: S608 - quoted name
        " AND _modified_at / 1000 < ? AND _modified_at <= ? ORDER BY _modified_at / 1000, _id"
    )
    until_ms = org.visible_until_ms() or org.clock.now_ms()
    rows = org.storage.query(statement, [deleted, start_s, end_s, until_ms])
    if len(rows) > MAX_IDS:
        raise CrmError("EXCEEDED_ID_LIMIT", f"the limit of {MAX_IDS} ids was exceeded: narrow the time span", None)
    return rows


def _span(org: Org, call: Call, days: int) -> tuple[int, int]:
    start, end = (_minute(call, name) for name in ("start", "end"))
    oldest = int(org.clock.now().timestamp()) - days * 86_400
    if start >= end:
        raise CrmError("INVALID_REPLICATION_DATE", "startDate before endDate required, at least one minute apart", None)
    if start < oldest - 60:
        raise CrmError("INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago", None)
    return start, end


def _minute(call: Call, name: str) -> int:
    text = (call.request.first(name) or "").replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CrmError("INVALID_REPLICATION_DATE", f"{name} is not a date and time: {text}", None) from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) // 60 * 60


def _covered(org: Org, end_s: int) -> str:
    until_ms = org.visible_until_ms() or org.clock.now_ms()
    return _text(min(end_s, until_ms // 60_000 * 60))


def _text(seconds: int) -> str:
    return str(stored(datetime.fromtimestamp(seconds, UTC)))


def limits(org: Org, call: Call) -> Response:
    """Answer GET limits."""
    most = org.daily_limit()
    daily = {"Max": most, "Remaining": max(0, most - org.usage.used())}
    return call.answer({"DailyApiRequests": daily, **{name: _unused(size) for name, size in OTHER_LIMITS.items()}})


def _unused(size: int) -> dict[str, int]:
    return {"Max": size, "Remaining": size}


def record_count(org: Org, call: Call) -> Response:
    """Answer GET limits/recordCount; objects without records are left out."""
    asked = call.request.first("sObjects")
    specs = [org.view.object(name.strip()) for name in asked.split(",")] if asked else list(org.view.objects.values())
    counts = []
    for spec in specs:
        if spec is None:
            continue
        statement = f"SELECT COUNT(*) FROM {quote(spec.name)} WHERE _deleted = 0"  # noqa: S608 - quoted name
        count = org.storage.query(statement)[0][0]
        if count:
            counts.append({"count": count, "name": spec.name})
    return call.answer({"sObjects": counts})
