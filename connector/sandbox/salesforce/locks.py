"""Row locks: a write locks its record and the records it points to until its request is answered.

Which parents are locked: the vendor's cheat sheet on record locking. The vendor waits up to ten seconds for a lock;
the sandbox refuses at once. No recording of the refusal: its message is from public reports.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.state import Clock, Switches

ACTIVITY_PARENTS = ("WhoId", "WhatId", "AccountId")
PARENTS: Mapping[str, tuple[str, ...]] = {
    "CampaignMember": ("CampaignId", "ContactId", "LeadId"),
    "Contact": ("AccountId",),
    "Event": ACTIVITY_PARENTS,
    "Opportunity": ("AccountId",),
    "OpportunityContactRole": ("ContactId", "OpportunityId"),
    "Task": ACTIVITY_PARENTS,
}


@dataclass
class Hold:
    """Note who locked a record; released counts requests as arrivals do, null while the request runs."""

    arrival: int
    until_ms: int
    released: int | None = None


class RowLocks:
    """Keep the locks of all requests; those whose times overlap cannot lock the same record."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock, self._switches = clock, switches
        self._guard = threading.Lock()
        self._count = 0
        self._running: set[int] = set()
        self._held: dict[str, Hold] = {}

    def arrive(self) -> int:
        """Note that a request begins and give its number; end it with `leave`."""
        with self._guard:
            self._count += 1
            self._running.add(self._count)
            return self._count

    def leave(self, arrival: int) -> None:
        """Let go what a request has locked."""
        with self._guard:
            self._count += 1
            self._running.discard(arrival)
            for hold in self._held.values():
                if hold.arrival == arrival:
                    hold.released = self._count
            first = min(self._running, default=self._count)
            self._held = {row: hold for row, hold in self._held.items() if self._matters(hold, first)}

    @property
    def running(self) -> int:
        """Count the requests under way."""
        return len(self._running)

    def take(self, arrival: int, row_id: str) -> bool:
        """Lock a record for a request; false where another one holds it, or held it while this one waited."""
        with self._guard:
            hold = self._held.get(row_id)
            if hold is not None and hold.arrival != arrival and self._matters(hold, arrival):
                return False
            hold_ms = int(float(self._switches.row_locks.get("hold_s", 0)) * 1000)
            self._held[row_id] = Hold(arrival, self._clock.now_ms() + hold_ms)
            return True

    def _matters(self, hold: Hold, arrival: int) -> bool:
        return hold.released is None or hold.released > arrival or hold.until_ms > self._clock.now_ms()


@dataclass
class Claims:
    """Lock rows for one request, by the settings `row_locks`, `locked_records` and `refusals`."""

    locks: RowLocks
    switches: Switches
    arrival: int
    _decided: dict[str, bool] = field(default_factory=dict)
    _all_locked: bool | None = None

    def claim(self, row_id: str | None, name: str, *states: Mapping[str, Any]) -> None:
        """Lock a row and the parents it has, before and after; raises CrmError UNABLE_TO_LOCK_ROW."""
        if not (self.switches.row_locks or self.switches.locked_records or self.switches.refusals or self._decided):
            return
        if self._all_locked is None:
            self._all_locked = self.switches.take("refusals", "UNABLE_TO_LOCK_ROW")
        rows = [*([row_id] if row_id else []), *parents(name, states)]
        locked = rows[:1] if self._all_locked else [row for row in rows if not self._may(row)]
        if locked or self._all_locked:
            raise unable_to_lock(locked)

    def _may(self, row_id: str) -> bool:
        if row_id not in self._decided:
            keys = [key for key in self.switches.locked_records if canonical_id(key.rpartition("/")[2]) == row_id]
            counted = [key for key in keys if self.switches.take("locked_records", key)]
            free = not self.switches.row_locks or self.locks.take(self.arrival, row_id)
            self._decided[row_id] = free and not counted
        return self._decided[row_id]


def parents(name: str, states: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the records that are locked with a row in these states."""
    found: dict[str, None] = {}
    for state in states:
        found |= dict.fromkeys(state[key] for key in PARENTS.get(name, ()) if state.get(key))
    return list(found)


def locks_parents_when_new(name: str, values: Mapping[str, Any]) -> bool:
    """Tell whether a new row locks its parents: a task does where it is open and has a date."""
    return name != "Task" or bool(values.get("ActivityDate") and values.get("Status") != "Completed")


def unable_to_lock(rows: list[str]) -> CrmError:
    """Refuse a row whose record or parent another transaction holds."""
    named = f": {','.join(rows)}" if rows else ""
    message = f"unable to obtain exclusive access to this record or {len(rows) or 1} records{named}"
    return CrmError("UNABLE_TO_LOCK_ROW", message, ())
