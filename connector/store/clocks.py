"""SLA clocks: one for each episode that is to be acted on in time, with what happened on it, each thing once."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from connector.store.episodes import EpisodeKey
from connector.store.state import from_text, store_errors, to_text, transaction

StepName = Literal["start", "remind", "breach", "touch"]
_COLUMNS = (
    "c.object, c.record_id, c.trigger_id, c.number, c.started_at, c.owner_id, c.task_key, c.reminded_at, "
    "c.breached_at, c.given_to, c.touched_at, c.touched_by, c.worked_s, c.task_id, c.task_open, c.task_done_at, "
    "c.task_owner_id, c.task_priority, e.closed_at IS NULL"
)
_STATEMENTS: dict[StepName, str] = {
    "start": "INSERT OR IGNORE INTO sla_clocks (object, record_id, trigger_id, number, started_at, owner_id, task_key) "
    "VALUES (:object, :record_id, :trigger, :number, :at, :owner_id, :task_key)",
    "remind": "UPDATE sla_clocks SET reminded_at = :at {} AND reminded_at IS NULL",
    "breach": "UPDATE sla_clocks SET breached_at = :at, owner_id = :owner_id, given_to = :given_to {} "
    "AND breached_at IS NULL",
    # an activity that was logged late may turn out to have been in time
    "touch": "UPDATE sla_clocks SET touched_at = :at, touched_by = :touched_by, worked_s = :worked_s, "
    "owner_id = CASE WHEN breached_at IS NULL OR breached_at >= :at THEN coalesce(:owner_id, owner_id) "
    "ELSE owner_id END, breached_at = CASE WHEN breached_at >= :at THEN NULL ELSE breached_at END "
    "{} AND touched_at IS NULL",
}
_WHERE = "WHERE (object, record_id, trigger_id, number) = (:object, :record_id, :trigger, :number)"


class Step(NamedTuple):
    """Record what happened on one clock, UTC; owner_id is who was in charge, given_to who got the record at a breach.

    worked_s are the seconds of working time from the start to the first touch.
    """

    object: str
    record_id: str
    trigger: str
    number: int
    name: StepName
    at: datetime
    owner_id: str | None = None
    task_key: str | None = None
    given_to: str | None = None
    touched_by: str | None = None
    worked_s: int | None = None


class TaskLook(NamedTuple):
    """Tell how a task stood when it was looked at; owner_id and priority are null where a person chose another."""

    task_key: str
    task_id: str
    is_open: bool
    done_at: datetime | None
    owner_id: str | None
    priority: str | None


@dataclass(frozen=True)
class Clock:
    """State one clock; owner_id is who was in charge when it started, was breached or was touched.

    task_* tell how its task stood at the last look: task_owner_id and task_priority are null where they are not ours
    to change.
    """

    object: str
    record_id: str
    trigger: str
    number: int
    started_at: datetime
    owner_id: str | None
    task_key: str | None
    reminded_at: datetime | None
    breached_at: datetime | None
    given_to: str | None
    touched_at: datetime | None
    touched_by: str | None
    worked_s: int | None
    task_id: str | None
    task_open: bool
    task_done_at: datetime | None
    task_owner_id: str | None
    task_priority: str | None
    in_band: bool

    @property
    def key(self) -> EpisodeKey:
        """Return (object, record_id, trigger)."""
        return self.object, self.record_id, self.trigger

    @property
    def is_running(self) -> bool:
        """Tell whether nobody has acted yet, and the record is still in the band."""
        return self.in_band and self.touched_at is None


def record(connection: sqlite3.Connection, steps: Iterable[Step]) -> None:
    """Record steps; one that is on its clock already changes nothing, whatever it says."""
    with transaction(connection):
        for step in steps:
            values = {**step._asdict(), "at": to_text(step.at)}
            connection.execute(_STATEMENTS[step.name].format(_WHERE), values)


def see_tasks(connection: sqlite3.Connection, looks: Iterable[TaskLook]) -> None:
    """Record how the tasks of clocks stand now."""
    rows = [
        (
            look.task_id,
            look.is_open,
            look.done_at and to_text(look.done_at),
            look.owner_id,
            look.priority,
            look.task_key,
        )
        for look in looks
    ]
    with transaction(connection):
        connection.executemany(
            "UPDATE sla_clocks SET task_id = ?, task_open = ?, task_done_at = ?, task_owner_id = ?, task_priority = ? "
            "WHERE task_key = ?",
            rows,
        )


def in_band(connection: sqlite3.Connection) -> dict[EpisodeKey, Clock]:
    """Return the clocks of the episodes that are open now."""
    return {clock.key: clock for clock in every(connection) if clock.in_band}


def every(connection: sqlite3.Connection) -> Iterator[Clock]:
    """Iterate over all clocks, by record and episode."""
    query = (
        f"SELECT {_COLUMNS} FROM sla_clocks c JOIN episodes e USING (object, record_id, trigger_id, number) "  # noqa: S608 - constant
        "ORDER BY c.object, c.record_id, c.trigger_id, c.number"
    )
    with store_errors():
        yield from map(_clock, connection.execute(query))


def _clock(row: tuple[Any, ...]) -> Clock:
    times = {place: from_text(row[place]) for place in (4, 7, 8, 10, 15) if row[place] is not None}
    flags = {place: bool(row[place]) for place in (14, 18)}
    return Clock(*(times.get(place, flags.get(place, value)) for place, value in enumerate(row)))
