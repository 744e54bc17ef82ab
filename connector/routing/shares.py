"""How much went where: the hits of every rule, and a word where too much falls to one."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connector.routing.decide import NO_RULE, Decision
from connector.routing.pools import RoutingTable
from connector.store import assignments

LOOK_BACK = timedelta(days=30)
FEWEST = 20  # below, a share says nothing


def share_warnings(
    state: sqlite3.Connection, table: RoutingTable, planned: Sequence[Decision], as_of: datetime
) -> Iterator[str]:
    """Say which rules took too large a share of the last 30 days' records and those planned, and who fits none."""
    hits = rule_hits(state, as_of)
    hits.update(made.rule for made in planned if made.rule is not None and made.kind != "task" and not made.renewed)
    total = hits.total()
    if total < FEWEST:
        return
    for route in table.routes:
        share = hits[route.id] / total
        if route.warn_share is not None and share > route.warn_share:
            took = f"rule {route.id} took {hits[route.id]:,} of {total:,} records in 30 days"
            yield f"{took} ({share:.0%}, {route.warn_share:.0%} is the most); see `leadlight route --replay`"
    if hits[NO_RULE]:
        nobody = f"no rule fits {hits[NO_RULE]:,} of {total:,} records in 30 days"
        yield f"{nobody}; add a rule without conditions at the end"


def rule_hits(state: sqlite3.Connection, as_of: datetime) -> Counter[str]:
    """Count the records of the last 30 days by rule, each by its newest decision."""
    found: Counter[str] = Counter()
    for hit in assignments.hits_since(state, as_of - LOOK_BACK):
        if hit.rule is not None:
            found[hit.rule] += hit.records
    return found
