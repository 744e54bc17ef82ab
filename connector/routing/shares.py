"""How much went where: the hits of every rule, what waits, and a word where too much falls to one."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.routing.decide import NO_RULE, Decision
from connector.routing.pools import CATCH_ALL_SHARE
from connector.settings.routing import RouteSettings
from connector.store import assignments

LOOK_BACK = timedelta(days=30)
FEWEST = 20  # below, a share says nothing


def watched_shares(routes: Sequence[RouteSettings]) -> dict[str, float]:
    """Give the largest share that each watched rule may take; the one that takes everything is watched always."""
    set_here = {route.id: route.warn_share for route in routes}
    shares = {
        route.id: CATCH_ALL_SHARE if route.catches_all and set_here[route.id] is None else set_here[route.id]
        for route in routes
    }
    return {name: share for name, share in shares.items() if share is not None}


def share_warnings(hits: Mapping[str, int], watched: Mapping[str, float]) -> Iterator[str]:
    """Say which rules took too large a share of these records, and how many no rule fits."""
    total = sum(hits.values())
    if total < FEWEST:
        return
    for rule, most in watched.items():
        took = hits.get(rule, 0)
        if took / total > most:
            share = f"{took / total:.0%}, {most:.0%} is the most"
            yield f"rule {rule} took {took:,} of {total:,} records in 30 days ({share}); see `leadlight route --replay`"
    if hits.get(NO_RULE):
        nobody = f"no rule fits {hits[NO_RULE]:,} of {total:,} records in 30 days"
        yield f"{nobody}; add a rule without conditions at the end"


def rule_hits(state: sqlite3.Connection, as_of: datetime, planned: Sequence[Decision] = ()) -> Counter[str]:
    """Count the records of the last 30 days by rule, each by its newest decision, and those of a plan."""
    found: Counter[str] = Counter()
    for hit in assignments.hits_since(state, as_of - LOOK_BACK):
        if hit.rule is not None:
            found[hit.rule] += hit.records
    found.update(made.rule for made in planned if made.rule is not None and made.kind != "task" and not made.renewed)
    return found


def summary(routing: Sequence[Decision], warnings: Sequence[str]) -> dict[str, Any]:
    """Give a plan's routing as the command line's JSON has it."""
    given = [made for made in routing if made.kind == "record"]
    return {
        "rules": dict(sorted(Counter(made.rule for made in routing if made.rule and made.kind != "task").items())),
        "owners": dict(sorted(Counter(made.owner for made in given if made.owner).items())),
        "waiting": [
            {"object": made.object, "record_id": made.record_id, "reason": made.reason}
            for made in routing
            if made.kind == "held"
        ],
        "warnings": list(warnings),
    }


def lines(routing: Sequence[Decision], warnings: Sequence[str]) -> list[str]:
    """Tell a plan's routing in a few lines; nothing where no rule was asked and nobody waits."""
    told = summary(routing, warnings)
    rules = ", ".join(f"{name} {n:,}" for name, n in told["rules"].items())
    reasons = Counter(row["reason"] for row in told["waiting"])
    return [
        *([f"routed by rule: {rules}"] if rules else []),
        *(f"{n:,} without a new owner: {reason}" for reason, n in reasons.most_common()),
        *(f"warning: {warning}" for warning in warnings),
    ]
