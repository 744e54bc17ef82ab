"""Who of a pool is next: weighted round robin over those who are there, with nobody flooded who comes back.

Every member has a pointer; the lowest is next, ties go to the lower id, and it grows by 1/weight. A member who was
passed over, or who is new, is lifted to the pool's level, which is the lowest pointer of those who were there: what was
missed is not made up for.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from fractions import Fraction
from math import lcm

from connector.hours import is_open, next_open
from connector.routing.pools import Member, Pool

TURN = lcm(*range(1, 101))  # whole for every weight, so that pointers are exact
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Choice:
    """Tell who of a pool is next, null where nobody is there, and why others were passed over, by id."""

    owner: str | None
    passed: Mapping[str, str]


@dataclass
class Rota:
    """Hold how far the pools have gone: the state of one plan, which grows as records are handed out.

    pointers are in turns of 1/TURN, by pool and owner. given are the times at which an owner got records from us,
    sorted; open_now counts open records by pool and owner.
    """

    pointers: dict[str, dict[str, int]] = field(default_factory=dict)
    given: dict[str, list[datetime]] = field(default_factory=dict)
    open_now: dict[str, Counter[str]] = field(default_factory=dict)

    def take(self, pool: Pool, at: datetime, without: str | None = None) -> Choice:
        """Choose the next owner and move on; nothing moves where nobody is there. `without` had it and let it lie."""
        reasons = {member.id: self.why_not(pool, member, at) for member in pool.members}
        if without in reasons:
            reasons[without] = "let it lie"
        passed = {owner: why for owner, why in reasons.items() if why}
        able = [member.id for member in pool.members if member.id not in passed]
        if not able:
            return Choice(None, passed)
        levels = self._levels(pool, able)
        chosen = min(able, key=lambda owner: (levels[owner], owner))
        self.move(pool, chosen, passed)
        return Choice(chosen, passed)

    def move(self, pool: Pool, chosen: str, passed: Collection[str]) -> None:
        """Move the pool's pointers on, as one record goes to `chosen` while these members are passed over."""
        able = [member.id for member in pool.members if member.id not in passed]
        levels = self._levels(pool, able)
        held = self.pointers.setdefault(pool.id, {})
        held.update(levels)
        level = levels.get(chosen, 0)
        for member in pool.members:
            held[member.id] = max(held.get(member.id, level), level)
        weight = next((one.weight for one in pool.members if one.id == chosen), 1)
        held[chosen] = level + TURN // weight

    def count(self, owner: str, at: datetime, before: str | None = None) -> None:
        """Note that an owner gets a record which was somebody else's before."""
        insort(self.given.setdefault(owner, []), at)
        for counts in self.open_now.values():
            counts[owner] += 1
            if before is not None:
                counts[before] -= 1

    def why_not(self, pool: Pool, member: Member, at: datetime) -> str | None:
        """Say why a member gets nothing at a time; null where they can."""
        if not member.active:
            return "inactive"
        if member.paused:
            return "paused"
        if (until := away_until(pool, member, at)) is not None:
            return f"away until {until}"
        if member.hours is not None and not is_open(member.hours, at):
            opens_at = next_open(member.hours, at).astimezone(member.hours.zone)
            return f"off until {opens_at:%a %d %b %H:%M %Z}"
        return self._full(pool, member, at)

    def _full(self, pool: Pool, member: Member, at: datetime) -> str | None:
        if member.cap_day is not None and (today := self.given_since(member.id, day_start(pool, at))) >= member.cap_day:
            return f"{today} of {member.cap_day} today"
        held = self.open_now.get(pool.id, Counter())[member.id]
        if member.cap_open is not None and held >= member.cap_open:
            return f"{held} open, {member.cap_open} is the most"
        return None

    def given_since(self, owner: str, since: datetime) -> int:
        """Count the records that an owner got from us since then."""
        times = self.given.get(owner, [])
        return len(times) - bisect_left(times, since)

    def _levels(self, pool: Pool, able: Collection[str]) -> dict[str, int]:
        """Give the pointers of those who are there; who has none begins where the others are."""
        held = self.pointers.get(pool.id, {})
        here = [held[owner] for owner in able if owner in held]
        present = {member.id for member in pool.members}
        beginning = min(here, default=max((held[owner] for owner in present if owner in held), default=0))
        return {owner: held.get(owner, beginning) for owner in able}


def away_until(pool: Pool, member: Member, at: datetime) -> str | None:
    """Give the last day that a member is out of office, as text; null where they are there."""
    day = at.astimezone(pool.clock).date()
    ends = [last for first, last in member.away if first <= day <= last]
    return max(ends).isoformat() if ends else None


def day_start(pool: Pool, at: datetime) -> datetime:
    """Give the time since when records count for a day's cap."""
    if pool.zone is None:
        return at - DAY + timedelta(microseconds=1)
    local = at.astimezone(pool.zone)
    return datetime.combine(local.date(), time(), pool.zone).astimezone(at.tzinfo)


def pointer_text(pointer: int) -> str:
    """Write a pointer as the exact number of turns, such as 7/2."""
    return str(Fraction(pointer, TURN))


def pointer_of(text: str) -> int:
    """Read what `pointer_text` wrote."""
    return int(Fraction(text) * TURN)
