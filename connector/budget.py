"""Our share of the CRM's daily API calls; the rest belongs to people and other tools."""

import sqlite3
from datetime import datetime, timedelta

from connector.crm.base import CallCounter, Connection
from connector.errors import QuotaExhausted
from connector.store import runs
from connector.store.state import utc_text

DAY = timedelta(days=1)
RUNS_OF_A_DAY = 2000


def allowance(state: sqlite3.Connection, connection: Connection, share: float, reserve_share: float) -> int | None:
    """Count the calls that may still be sent; null where the CRM names no daily limit.

    What runs of the last 24 hours sent, by the CRM's clock, is taken off. However little that is, the reserve stays
    for people and other tools.
    """
    if connection.api_limit is None:
        return None
    since = utc_text(connection.server_time_at - DAY)
    spent = (run.counts for run in runs.list_runs(state, limit=RUNS_OF_A_DAY))
    ours = (counts["api_calls"] for counts in spent if str(counts.get("server_time_at", "")) > since)
    sent: int = sum(calls["read"] + calls["write"] for calls in ours)
    left = int(connection.api_limit * share) - sent
    if connection.api_used is None:
        return left
    return min(left, int(connection.api_limit * (1 - reserve_share)) - connection.api_used)


def refuse_overspending(calls: CallCounter, allowed: int | None) -> None:
    """Raise QuotaExhausted where our share is used up; what was committed stays, the next run goes on from it."""
    sent = calls.read + calls.write
    if allowed is not None and sent > max(allowed, 0):
        raise QuotaExhausted(
            f"API calls: this run sent {sent:,} of the {max(allowed, 0):,} left of our share of the day"
            " ([limits] daily_api_share, daily_api_reserve_share); the next run goes on where this one stopped"
        )


def server_day(at: datetime | None) -> str:
    """Write the CRM's time for a run's record; empty where it was never heard."""
    return utc_text(at) if at else ""
