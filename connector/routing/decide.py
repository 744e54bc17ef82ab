"""Whom one record goes to, and why: the first rule that fits, then the next of its pool."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from connector.routing.pools import Pool, RoutingTable, Target, may_assign
from connector.routing.rota import Rota, away_until
from mappings.targets import Policy

Kind = Literal["record", "task", "held"]
NO_RULE = "(no rule)"
MOST_TOLD = 3


@dataclass(frozen=True)
class Asked:
    """State what is known of a record that may get an owner.

    places are the rules whose conditions and segment fit, in order; target is set where an action names a pool itself.
    promised is whom an earlier plan gave it to where that has not reached the CRM. takes_queues: a queue may own it.
    """

    object: str
    record_id: str
    band: str | None
    current: str | None
    last_written: str | None = None
    target: Target | None = None
    places: Sequence[int] = ()
    account_owner: str | None = None
    promised: str | None = None
    takes_queues: bool = True


@dataclass(frozen=True)
class Decision:
    """Tell whom a record, or its task, goes to: owner is null where it waits.

    rule is null where an action names a pool, NO_RULE where none fits. pool is the one that the owner was chosen from.
    passed are the members of the pools asked who could not take it: by pool, id and why. renewed: an earlier plan
    chose already.
    """

    object: str
    record_id: str
    kind: Kind
    rule: str | None
    pool: str | None
    before: str | None
    owner: str | None
    reason: str
    passed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    renewed: bool = False


@dataclass(frozen=True)
class Terms:
    """Hold what is the same for every record: the table, the mapping's policy, who counts as nobody, the time."""

    table: RoutingTable
    policy: Policy
    unassigned: Collection[str]
    at: datetime


@dataclass(frozen=True)
class Way:
    """Tell where a record goes and by which rule, null where an action names the target; rest ends every reason."""

    rule: str | None
    target: Target
    rest: str = ""


def decide(terms: Terms, rota: Rota, asked: Asked) -> Decision | None:
    """Decide about a record's owner; null where it keeps the one it has. Moves the rota on."""
    way = find_way(terms.table, asked)
    holders = set(_holders(terms, way.target)) if isinstance(way, Way) else set()
    if not may_assign(terms.policy, asked.current, holders, asked.last_written, terms.unassigned):
        return None
    if not isinstance(way, Way):
        return _decision(asked, NO_RULE, None, "held", f"no rule fits{way}")
    if found := _renewed(terms, asked, way):
        return None if found.owner == asked.current else found
    found = _settle(terms, rota, asked, way, "record")
    if found.owner is not None and found.owner == asked.current:
        return None
    if found.owner is not None:
        rota.count(found.owner, terms.at, asked.current)
    return found


def task_owner(terms: Terms, rota: Rota, asked: Asked) -> Decision | None:
    """Decide who gets the task of a record whose owner cannot; null where nobody can be said."""
    way = find_way(terms.table, asked)
    found = _settle(terms, rota, asked, way, "task") if isinstance(way, Way) else None
    return found if found is not None and found.owner in terms.table.working else None


def hand_over(terms: Terms, rota: Rota, asked: Asked) -> Decision | None:
    """Decide who gets a record that its owner let lie; null where that is nobody else. Moves the rota on."""
    way = find_way(terms.table, asked)
    found = _settle(terms, rota, asked, way, "record", asked.current) if isinstance(way, Way) else None
    if found is None or found.owner is None or found.owner == asked.current:
        return None
    rota.count(found.owner, terms.at, asked.current)
    return found


def find_way(table: RoutingTable, asked: Asked) -> Way | str:
    """Find the first rule that fits and can be followed; without one, the text of the rules that were passed over."""
    if asked.target is not None:
        return Way(None, asked.target)
    over: list[str] = []
    for route in (table.routes[place] for place in asked.places):
        if route.bands and asked.band not in route.bands:
            continue
        if route.to.kind == "account_owner" and asked.account_owner is None:
            continue
        problem = unusable(table, route.to, asked)
        if problem is None:
            to = Target("user", asked.account_owner or "") if route.to.kind == "account_owner" else route.to
            return Way(route.id, to, _over(over))
        over.append(f"{route.id} ({problem})")
    return _over(over)


def _over(rules: Sequence[str]) -> str:
    return f"; passed over {', '.join(rules)}" if rules else ""


def unusable(table: RoutingTable, to: Target, asked: Asked) -> str | None:
    """Say why a rule cannot be followed for this record; null where it can."""
    match to.kind:
        case "account_owner" if asked.account_owner not in table.working:
            named = table.names.get(asked.account_owner or "", "its account's owner")
            return "it has no account with an owner" if asked.account_owner is None else f"{named} is inactive"
        case "user" if to.id not in table.working and to.id not in table.queues:
            return f"{table.names.get(to.id, to.id)} is inactive"
        case "queue" | "user" if to.id in table.queues and not asked.takes_queues:
            return f"a queue cannot own a record of {asked.object}"
        case _:
            return None


def _holders(terms: Terms, target: Target) -> Iterator[str]:
    """Walk everybody with whom a record is where it belongs."""
    if target.kind != "pool":
        yield target.id
    for pool in _chain(terms.table, target):
        away = {member.id for member in pool.members if away_until(pool, member, terms.at)}
        yield from (owner for owner in pool.active if not (pool.reassign_away and owner in away))


def _chain(table: RoutingTable, target: Target) -> Iterator[Pool]:
    """Walk a pool and those it falls back to."""
    here: Target | None = target
    while here is not None and here.kind == "pool":
        pool = table.pools[here.id]
        yield pool
        here = pool.fallback


def _renewed(terms: Terms, asked: Asked, way: Way) -> Decision | None:
    """Keep to whom an earlier plan chose, where they can still take the record; caps have counted it already."""
    for pool in _chain(terms.table, way.target):
        member = next((member for member in pool.members if member.id == asked.promised), None)
        if member and member.active and not member.paused and away_until(pool, member, terms.at) is None:
            why = f"{member.name}, as planned before and not sent yet"
            reason = _told(way, f"pool {pool.id}", why)
            return replace(_decision(asked, way.rule, pool.id, "record", reason, member.id), renewed=True)
    return None


def _settle(terms: Terms, rota: Rota, asked: Asked, way: Way, kind: Kind, without: str | None = None) -> Decision:
    """Name the owner that a target gives; the pools' own terms decide who, and whether anybody."""
    names = terms.table.names
    passed: dict[str, Mapping[str, str]] = {}
    end: Target | None = way.target
    for pool in _chain(terms.table, way.target):
        choice = rota.take(pool, terms.at, without)
        if choice.passed:
            passed[pool.id] = choice.passed
        if choice.owner is not None:
            why = f"{names.get(choice.owner, choice.owner)} is next{_passed_text(names, passed)}"
            reason = _told(way, f"pool {pool.id}", why)
            return _decision(asked, way.rule, pool.id, kind, reason, choice.owner, passed)
        end = pool.fallback
    if not passed and end is not None:
        return _decision(asked, way.rule, None, kind, _told(way, names.get(end.id, end.id)), end.id)
    where = f"pool {way.target.id}"
    if end is None or not asked.takes_queues:
        reason = _told(way, where, f"waits, nobody is there{_passed_text(names, passed)}")
        return _decision(asked, way.rule, way.target.id, "held", reason, None, passed)
    why = f"queue {names.get(end.id, end.id)}, for nobody is there{_passed_text(names, passed)}"
    return _decision(asked, way.rule, None, kind, _told(way, where, why), end.id, passed)


def _decision(
    asked: Asked,
    rule: str | None,
    pool: str | None,
    kind: Kind,
    reason: str,
    owner: str | None = None,
    passed: Mapping[str, Mapping[str, str]] | None = None,
) -> Decision:
    return Decision(asked.object, asked.record_id, kind, rule, pool, asked.current, owner, reason, passed or {})


def _told(way: Way, *parts: str) -> str:
    by = (f"rule {way.rule}",) if way.rule else ()
    return ", ".join((*by, *parts)) + way.rest


def _passed_text(names: Mapping[str, str], passed: Mapping[str, Mapping[str, str]]) -> str:
    """Say in a few words who was passed over."""
    told = [f"{names.get(owner, owner)} {why}" for whys in passed.values() for owner, why in whys.items()]
    shown = told if len(told) <= MOST_TOLD else [*told[:MOST_TOLD], f"{len(told) - MOST_TOLD} more"]
    return f" ({'; '.join(shown)})" if told else ""
