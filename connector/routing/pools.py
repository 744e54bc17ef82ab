"""Pools and rules as the CRM's own ids, and whose owner may be changed at all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from connector.calendars import Calendars, calendars_of
from connector.crm.base import Owner
from connector.hours import Calendar
from connector.settings.hours import HoursSettings
from connector.settings.routing import Fallback, PoolSettings, RouteSettings, away_days, members
from connector.settings.routing import Target as TargetSettings
from mappings.targets import Policy
from scoring.conditions import Condition
from scoring.names import nearest

TargetKind = Literal["pool", "user", "queue", "account_owner"]
CATCH_ALL_SHARE = 0.2


@dataclass(frozen=True)
class Target:
    """Say where a record goes; id is a pool's or an owner's, blank for the owner of the account."""

    kind: TargetKind
    id: str = ""


@dataclass(frozen=True)
class Member:
    """State one owner of a pool and when they take records; away are days of the pool's clock, both in it."""

    id: str
    name: str
    active: bool = True
    weight: int = 1
    cap_open: int | None = None
    cap_day: int | None = None
    hours: Calendar | None = None
    away: tuple[tuple[date, date], ...] = ()
    paused: bool = False


@dataclass(frozen=True)
class Pool:
    """Name who share work, in the configured order; zone is the clock of its days, null means the last 24 hours."""

    id: str
    members: tuple[Member, ...]
    zone: tzinfo | None = None
    open_when: Condition | None = None
    fallback: Target | None = None
    reassign_away: bool = False

    @property
    def active(self) -> tuple[str, ...]:
        """List the members who have not left the company."""
        return tuple(member.id for member in self.members if member.active)

    @property
    def clock(self) -> tzinfo:
        """Give the clock that days are counted by."""
        return self.zone or UTC


@dataclass(frozen=True)
class Route:
    """State one rule; blank bands and segments mean all."""

    id: str
    bands: tuple[str, ...]
    segments: tuple[str, ...]
    when: Condition | None
    to: Target


@dataclass(frozen=True)
class RoutingTable:
    """Hold all of routing as this CRM's ids.

    names are of owners by id, working the users who can be given work; hours names the [[hours]] of those who have some
    as members of a pool, the first one's where they are in several.
    """

    routes: tuple[Route, ...]
    pools: Mapping[str, Pool]
    names: Mapping[str, str]
    working: frozenset[str]
    queues: frozenset[str]
    hours: Mapping[str, str] = field(default_factory=dict)


def resolve_table(
    routes: Sequence[RouteSettings],
    pools: Sequence[PoolSettings],
    hours: Sequence[HoursSettings],
    owners: Sequence[Owner],
) -> tuple[RoutingTable, list[str]]:
    """Turn configured addresses, names and ids into this CRM's; returns the table and every problem found.

    A user who left is no problem: people leave, and the rest goes on without them.
    """
    known = _Known(owners)
    calendars = calendars_of(hours, owners)
    resolved = {pool.id: _pool(pool, calendars, known) for pool in pools}
    made = tuple(_route(route, known) for route in routes)
    table = RoutingTable(
        routes=made,
        pools=resolved,
        names={owner.id: owner.name for owner in owners},
        working=frozenset(owner.id for owner in owners if owner.active and not owner.queue),
        queues=frozenset(owner.id for owner in owners if owner.queue),
        hours=dict(reversed(list(_hours(pools, known)))),
    )
    return table, known.problems


def may_assign(
    policy: Policy,
    current: str | None,
    holders: Collection[str],
    last_written: str | None,
    unassigned: Collection[str],
) -> bool:
    """Tell whether a record's owner may be changed under the mapping's policy.

    own: always; if_empty: where it is nobody's; tracked: where it is nobody's or what we wrote last, since any other
    was chosen by a person; never: not at all. `unassigned` are ids that mean nobody: queues and our own integration
    user. An owner among `holders`, to whom it would go, is kept under every policy: the record is where it belongs.
    """
    if current in holders:
        return False
    nobody = current is None or current in unassigned
    match policy:
        case "own":
            return True
        case "if_empty":
            return nobody
        case "tracked":
            return nobody or current == last_written
        case "never":
            return False


class _Known:
    """Find owners by address, name of a queue, or id, and note who is not found."""

    def __init__(self, owners: Sequence[Owner]) -> None:
        self.problems: list[str] = []
        self._owners = {key.lower(): owner for owner in owners for key in (owner.id, owner.email) if key}
        self._queues = {key.lower(): owner for owner in owners if owner.queue for key in (owner.id, owner.name) if key}

    def find(self, name: str) -> Owner | None:
        """Find a user or a queue; null where there is none."""
        return {**self._queues, **self._owners}.get(name.lower())

    def owner(self, where: str, name: str) -> Owner | None:
        """Find a user or a queue."""
        return self._found(where, name, {**self._queues, **self._owners}, "user or queue")

    def queue(self, where: str, name: str) -> Owner | None:
        """Find a queue."""
        return self._found(where, name, self._queues, "queue")

    def _found(self, where: str, name: str, known: Mapping[str, Owner], kind: str) -> Owner | None:
        found = known.get(name.lower())
        if found is None:
            self.problems.append(f"{where}: owner {name!r} is no {kind} of this CRM{nearest(name.lower(), known)}")
        return found


def _pool(pool: PoolSettings, calendars: Calendars, known: _Known) -> Pool:
    return Pool(
        id=pool.id,
        members=tuple(_members(pool, calendars, known)),
        zone=ZoneInfo(pool.timezone) if pool.timezone else None,
        open_when=pool.open_when,
        fallback=_fallback(pool, known) if pool.when_nobody else None,
        reassign_away=pool.reassign_away,
    )


def _members(pool: PoolSettings, calendars: Calendars, known: _Known) -> Iterator[Member]:
    seen: set[str] = set()
    for one in members(pool):
        owner = known.owner(f"[[pool]] {pool.id}", one.owner)
        if owner is None:
            continue
        if owner.id in seen:
            known.problems.append(f"[[pool]] {pool.id}: owner {one.owner!r} is in it twice; give a weight instead")
        seen.add(owner.id)
        yield Member(
            id=owner.id,
            name=owner.name,
            active=owner.active,
            weight=one.weight,
            cap_open=one.cap_open,
            cap_day=one.cap_day,
            hours=calendars.of(owner.id, one.hours) if one.hours else None,
            away=tuple(map(away_days, one.away)),
            paused=one.paused,
        )


def _hours(pools: Sequence[PoolSettings], known: _Known) -> Iterator[tuple[str, str]]:
    for one in (one for pool in pools for one in members(pool) if one.hours is not None):
        if (owner := known.find(one.owner)) is not None:
            yield owner.id, one.hours or ""


def _fallback(pool: PoolSettings, known: _Known) -> Target | None:
    other = pool.when_nobody or Fallback(pool=pool.id)
    if other.pool is not None:
        return Target("pool", other.pool)
    found = known.queue(f"[[pool]] {pool.id} when_nobody", other.queue or "")
    return Target("queue", found.id) if found else None


def _route(route: RouteSettings, known: _Known) -> Route:
    to = _target(f"[[route]] {route.id}", route.to, known)
    return Route(route.id, route.band or (), route.segment or (), route.when, to)


def _target(where: str, to: TargetSettings, known: _Known) -> Target:
    if to.pool is not None:
        return Target("pool", to.pool)
    if to.queue is not None:
        found = known.queue(where, to.queue)
        return Target("queue", found.id if found else "")
    if to.user is not None:
        user = known.owner(where, to.user)
        return Target("user", user.id if user else "")
    return Target("account_owner")
