"""Refusals of whole requests: counted down through the setting `refusals`, or too many requests at once.

The vendor limits 25 requests that run for 20 seconds; the setting `concurrent_limit` counts those of any length. No
recording: codes from the vendor's page on errors, messages from public reports; Retry-After comes with a 503 at most.
"""

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.locks import RowLocks
from connector.sandbox.state import Switches

LIMITS = {
    "TotalRequests": "TotalRequests Limit exceeded.",
    "ConcurrentRequests": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    "ConcurrentPerOrgLongTxn": "ConcurrentPerOrgLongTxn Limit exceeded.",
}
BUSY = "SERVER_UNAVAILABLE"
REFUSALS = frozenset({*LIMITS, BUSY, "UNABLE_TO_LOCK_ROW"})


def limit_exceeded(name: str) -> CrmError:
    """Refuse a request for a limit; the message alone tells the daily limit from the passing ones."""
    return CrmError("REQUEST_LIMIT_EXCEEDED", LIMITS[name], None, 403)


def refuse(switches: Switches, locks: RowLocks) -> None:
    """Raise the refusal that stands next for any request of the data API."""
    limit = switches.concurrent_limit
    if limit is not None and locks.running > limit:
        raise limit_exceeded("ConcurrentRequests")
    for name in LIMITS:
        if switches.take("refusals", name):
            raise limit_exceeded(name)
    if switches.take("refusals", BUSY):
        error = CrmError(BUSY, "Too many requests waiting for connections", None, 503)
        if switches.retry_after_s is not None:
            error.headers = {"Retry-After": str(switches.retry_after_s)}
        raise error
