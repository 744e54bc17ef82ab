"""Records that were deleted for good: no query shows them, the log of deletions does for fifteen days."""

from datetime import datetime, timedelta

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import identifier
from connector.crm.salesforce.wire import Request
from connector.errors import BatchRefused

KEPT = timedelta(days=14)  # the vendor keeps fifteen; a day is left for clocks


def purged(gateway: Gateway, name: str, since: datetime, until: datetime) -> tuple[str, ...]:
    """List the ids that were deleted in a span of time, those in the recycle bin too; none where there is no log.

    What was deleted for good more than fourteen days before `until` is told no more.
    """
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
    span = {"start": max(since, until - KEPT).isoformat(timespec="seconds"), "end": until.isoformat(timespec="seconds")}
    try:
        answer = gateway.json(Request("GET", f"sobjects/{identifier(name)}/deleted/", params=span))
    except BatchRefused:  # not replicated, or the log was cut: INVALID_REPLICATION_DATE
        return ()
    return tuple(row["id"] for row in answer.get("deletedRecords") or ())
