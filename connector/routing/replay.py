"""A month of leads through a table of rules and pools, as if nobody owned them: who would have got what, and when.

Nothing is written. Facts are those of today, since the store keeps no earlier ones; hours, days away and caps are those
of the time when a lead came. Pools begin level.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.routing.decide import NO_RULE, Asked, Decision, Terms, decide, find_way
from connector.routing.rota import Rota

RETRY_EVERY = timedelta(minutes=15)  # how often waiting records are tried; a daemon does so at every sync


@dataclass(frozen=True)
class Arrival:
    """State one lead and when it came; owner_now is the CRM's, by_person where a person chose it."""

    at: datetime
    asked: Asked
    owner_now: str | None = None
    by_person: bool = False


@dataclass(frozen=True)
class Outcome:
    """Tell what became of one lead: owner is null where it waits to the end; waited is from arrival to owner."""

    arrival: Arrival
    decision: Decision
    waited: timedelta = timedelta()


def simulate(terms: Terms, arrivals: Sequence[Arrival], until: datetime, rota: Rota | None = None) -> list[Outcome]:
    """Hand out leads in the order in which they came; those that wait are tried again until the end."""
    rota = rota or Rota()
    found: dict[int, Outcome] = {}
    waiting: list[int] = []
    ordered = sorted(arrivals, key=lambda one: (one.at, one.asked.object, one.asked.record_id))
    at = until
    for place, arrival in enumerate(ordered):
        while waiting and at + RETRY_EVERY < arrival.at:
            at += RETRY_EVERY
            waiting = _retried(terms, rota, ordered, waiting, found, at)
        at = arrival.at
        waiting = _retried(terms, rota, ordered, [*waiting, place], found, at)
    while waiting and at + RETRY_EVERY <= until:
        at += RETRY_EVERY
        waiting = _retried(terms, rota, ordered, waiting, found, at)
    return [found[place] for place in range(len(ordered))]


def _retried(
    terms: Terms,
    rota: Rota,
    ordered: Sequence[Arrival],
    waiting: Sequence[int],
    found: dict[int, Outcome],
    at: datetime,
) -> list[int]:
    """Try what waits, oldest first; where one finds nobody, others of the same target need not be tried."""
    still: list[int] = []
    closed: dict[object, Decision] = {}
    for place in waiting:
        arrival = ordered[place]
        way = find_way(terms.table, arrival.asked)
        goal = (getattr(way, "target", way), arrival.asked.takes_queues)
        if place in found and goal in closed:
            still.append(place)
            continue
        made = decide(replace(terms, at=at), rota, arrival.asked)
        if made is None:  # not for a lead that nobody owns
            continue
        found[place] = Outcome(arrival, made, at - arrival.at)
        if made.owner is None and made.rule != NO_RULE:
            closed[goal] = made
            still.append(place)
    return still


def report(outcomes: Sequence[Outcome], names: Mapping[str, str]) -> dict[str, Any]:
    """Give a simulation as the command line's JSON has it: load by owner, hits by rule, what waits."""
    total = len(outcomes)
    given = [one for one in outcomes if one.decision.owner is not None]
    waited = sorted(one.waited for one in given if one.waited)
    return {
        "leads": total,
        "owners": [_load(owner, names, given) for owner in sorted({one.decision.owner or "" for one in given})],
        "rules": [
            {"rule": rule, "records": n, "share": round(n / total, 4)}
            for rule, n in Counter(one.decision.rule or f"pool {one.decision.pool}" for one in outcomes).most_common()
        ],
        "waited": len(waited),
        "longest_wait_s": int(waited[-1].total_seconds()) if waited else 0,
        "waiting_at_the_end": total - len(given),
        "owned_by_people": sum(1 for one in outcomes if one.arrival.by_person),
    }


def _load(owner: str, names: Mapping[str, str], given: Sequence[Outcome]) -> dict[str, Any]:
    times = [one.arrival.at + one.waited for one in given if one.decision.owner == owner]
    days = Counter(moment.date() for moment in times)
    return {
        "owner": owner,
        "name": names.get(owner, owner),
        "records": len(times),
        "share": round(len(times) / len(given), 4),
        "most_in_a_day": max(days.values()),
    }


def differences(one: Sequence[Outcome], other: Sequence[Outcome] | None) -> Iterator[dict[str, Any]]:
    """Walk the leads whose owner would differ: between two simulations, or from the CRM where there is one alone."""
    for n, before in enumerate(one):
        after = before.decision if other is None else other[n].decision
        was = before.arrival.owner_now if other is None else before.decision.owner
        if was != after.owner:
            yield {
                "object": after.object,
                "record_id": after.record_id,
                "at": before.arrival.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "from": was,
                "to": after.owner,
                "reason": after.reason,
            }
