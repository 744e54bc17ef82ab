"""Refused rows: they wait ever longer, learn the newest wish meanwhile, and obey a person."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.store import outbox, quarantine
from connector.store.outbox import Entry, OutboxRow, Settlement
from connector.store.state import open_state

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def fields(record: str, score: int = 1) -> Entry:
    return Entry("fields", "Lead", record, {"Score": score})


def refuse(connection: Connection, entry: Entry, run_id: str = "r1") -> OutboxRow:
    """Send an entry that the CRM refuses."""
    outbox.enqueue(connection, run_id, [entry])
    (row,) = outbox.take(connection, 10, entry.object, entry.kind)
    until = quarantine.try_again_at(NOW, row.attempts)
    outbox.settle(connection, [Settlement(row.id, "quarantined", "RULE: no", not_before=until)])
    return row


def plan(connection: Connection, run_id: str, entries: list[Entry], now: datetime) -> None:
    """Commit what a plan asks for."""
    outbox.enqueue(connection, run_id, quarantine.ask_again(connection, run_id, entries, now))


def seen(connection: Connection) -> list[tuple[str, str, object]]:
    found = outbox.rows(connection, ("planned", "inflight", "retry", "quarantined"))
    return [(row.record_id, row.state, row.payload.get("Score")) for row in found]


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [(0, HOUR), (1, HOUR), (2, 2 * HOUR), (4, 8 * HOUR), (6, 24 * HOUR), (900, 24 * HOUR)],
)
def test_each_refusal_doubles_the_wait_up_to_a_day(attempts: int, wait: timedelta) -> None:
    assert quarantine.try_again_at(NOW, attempts) - NOW == wait


def test_a_refused_change_waits_and_learns_the_newest_wish(connection: Connection) -> None:
    row = refuse(connection, fields("a"))
    plan(connection, "r2", [fields("a", 2), fields("b")], NOW + HOUR / 2)
    assert seen(connection) == [("a", "quarantined", 2), ("b", "planned", 1)]
    assert outbox.counts(connection, "r1") == {"quarantined": 1}  # it is not the second run that was refused
    plan(connection, "r3", [fields("a", 3)], NOW + HOUR)
    assert seen(connection) == [("a", "planned", 3), ("b", "planned", 1)]
    (again,) = [taken for taken in outbox.take(connection, 9, "Lead", "fields") if taken.record_id == "a"]
    assert (again.id, again.attempts, again.run_id) == (row.id, 2, "r3")


def test_a_refused_change_that_nobody_asks_for_is_superseded(connection: Connection) -> None:
    refuse(connection, fields("a"))
    plan(connection, "r2", [], NOW)
    (row,) = outbox.rows(connection, ("superseded",))
    assert row.reason == "a newer plan: r2"


def test_a_refused_task_is_tried_when_its_wait_is_over(connection: Connection) -> None:
    refuse(connection, Entry("task", "Task", "a", {"Subject": "Call"}, "k1"))
    assert quarantine.release_due(connection, "r2", NOW + HOUR / 2) == 0
    plan(connection, "r2", [], NOW)  # a plan asks for a task once
    assert [row.state for row in quarantine.refused(connection)] == ["quarantined"]
    assert quarantine.release_due(connection, "r3", NOW + HOUR) == 1
    assert outbox.counts(connection, "r3") == {"retry": 1}


def test_a_person_can_have_it_tried_at_once(connection: Connection) -> None:
    task = refuse(connection, Entry("task", "Task", "a", {"Subject": "Call"}, "k1"))
    other = refuse(connection, fields("b"))
    assert quarantine.retry(connection, [task.id]) == [task.id]
    assert quarantine.release_due(connection, "r2", NOW) == 1
    assert quarantine.retry(connection) == [other.id]
    plan(connection, "r2", [fields("b", 5)], NOW)
    assert seen(connection) == [("a", "retry", None), ("b", "planned", 5)]


def test_a_dropped_task_is_never_made_and_a_dropped_change_is_asked_for_anew(connection: Connection) -> None:
    task = refuse(connection, Entry("task", "Task", "a", {"Subject": "Call"}, "k1"))
    change = refuse(connection, fields("b"))
    assert quarantine.drop(connection, [task.id, change.id, 99]) == [task.id, change.id]
    plan(connection, "r2", [Entry("task", "Task", "a", {"Subject": "Call"}, "k1"), fields("b")], NOW)
    assert seen(connection) == [("b", "planned", 1)]
    (first, _) = outbox.rows(connection, ("superseded",))
    assert first.reason == "dropped by a person; was RULE: no"
