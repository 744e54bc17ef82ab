"""The outbox: nothing is lost, nothing is sent twice, the newest wish of a record counts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection, IntegrityError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.store import outbox
from connector.store.outbox import Entry, Settlement
from connector.store.state import open_state, transaction


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def fields(record: str, score: int = 1) -> Entry:
    return Entry("fields", "Lead", record, {"Score": score})


def task(record: str, key: str, subject: str = "Call") -> Entry:
    return Entry("task", "Task", record, {"Subject": subject}, key)


def states(connection: Connection) -> list[tuple[str, str]]:
    found = outbox.rows(connection, ("planned", "inflight", "done", "retry", "quarantined", "superseded"))
    return [(row.record_id, row.state) for row in found]


def take(connection: Connection, limit: int = 10, after_id: int = 0) -> list[int]:
    return [row.id for row in outbox.take(connection, limit, "Lead", "fields", after_id=after_id)]


def test_a_row_from_plan_to_done(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [Entry("fields", "Lead", "00Q1", {"Wort": "schön", "Leer": None})])
    (row,) = outbox.take(connection, 10, "Lead", "fields")
    assert (row.run_id, row.seq, row.state, row.attempts) == ("r1", 1, "inflight", 1)
    assert row.payload == {"Wort": "schön", "Leer": None}
    assert [stored.id for stored in outbox.unsettled(connection)] == [row.id]
    outbox.settle(connection, [Settlement(row.id, "done", None, "00Q1")])
    (stored,) = outbox.rows(connection, ("done",))
    assert (stored.result_id, stored.reason, stored.attempts) == ("00Q1", None, 1)
    assert outbox.unsettled(connection) == []
    assert outbox.counts(connection, "r1") == {"done": 1}


def test_rows_are_taken_in_plan_order_by_object_and_kind(connection: Connection) -> None:
    rows = [fields("b"), task("b", "k1"), fields("a"), Entry("owner", "Lead", "b", {}), fields("c")]
    outbox.enqueue(connection, "r1", rows)
    assert [row.record_id for row in outbox.take(connection, 2, "Lead", "fields")] == ["b", "a"]
    assert [row.record_id for row in outbox.take(connection, 2, "Lead", "fields")] == ["c"]
    assert outbox.take(connection, 2, "Contact", "fields") == []
    assert [row.seq for row in outbox.take(connection, 9, "Task", "task")] == [2]
    outbox.enqueue(connection, "r1", [fields("d")])
    assert [row.seq for row in outbox.take(connection, 9, "Lead", "fields")] == [6]


def test_a_newer_wish_supersedes_an_unsent_one(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [fields("sent"), fields("tried"), fields("waiting"), fields("other")])
    sent, tried = take(connection, 2)
    outbox.settle(connection, [Settlement(tried, "retry", "locked")])
    outbox.enqueue(
        connection, "r2", [fields("sent", 2), fields("tried", 2), fields("waiting", 2), fields("waiting", 3)]
    )
    outbox.settle(connection, [Settlement(sent, "done", None, "sent")])
    assert states(connection) == [
        ("sent", "done"),
        ("tried", "superseded"),
        ("waiting", "superseded"),
        ("other", "planned"),
        ("sent", "planned"),
        ("tried", "planned"),
        ("waiting", "superseded"),
        ("waiting", "planned"),
    ]
    (newest,) = [row for row in outbox.unsettled(connection) if row.record_id == "waiting"]
    assert newest.payload == {"Score": 3}
    assert {row.reason for row in outbox.rows(connection, ("superseded",))} == {"a newer change of the record: r2"}
    assert outbox.counts(connection, "r1") == {"done": 1, "planned": 1, "superseded": 2}


@pytest.mark.fault("I1")
def test_a_key_is_one_row_for_ever(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [task("a", "k1"), task("a", "k2"), task("b", "k3"), task("c", "k4")])
    done, inflight, refused = (row.id for row in outbox.take(connection, 3, "Task", "task"))
    outbox.settle(connection, [Settlement(done, "done", None, "00T1"), Settlement(refused, "quarantined", "bad")])
    again = [task("a", "k1", "new"), task("a", "k2", "new"), task("b", "k3", "new"), task("c", "k4", "new")]
    outbox.enqueue(connection, "r2", again)
    found = {row.id: row for row in outbox.rows(connection, ("planned", "inflight", "done", "quarantined"))}
    assert len(found) == 4
    assert (found[done].state, found[inflight].state) == ("done", "inflight")
    assert found[inflight].payload == {"Subject": "Call"}
    assert (found[refused].state, found[refused].reason, found[refused].payload) == (
        "planned",
        None,
        {"Subject": "new"},
    )


def test_a_pass_over_the_outbox_ends(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [fields(str(n)) for n in range(5)])
    seen: list[int] = []
    while ids := take(connection, 2, seen[-1] if seen else 0):
        outbox.settle(connection, [Settlement(row_id, "retry", "locked") for row_id in ids])
        seen += ids
    assert len(seen) == 5
    assert len(take(connection)) == 5


@pytest.mark.fault("F12", "I2")
def test_what_was_in_flight_at_a_crash_is_tried_again(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [fields("a"), fields("b"), fields("c")])
    first, _ = take(connection, 2)
    outbox.settle(connection, [Settlement(first, "done", None, "a")])
    assert outbox.release_inflight(connection) == 1
    assert states(connection) == [("a", "done"), ("b", "retry"), ("c", "planned")]
    (again, _) = outbox.take(connection, 10, "Lead", "fields")
    assert again.attempts == 2


def test_enqueueing_joins_the_callers_transaction(connection: Connection) -> None:
    with pytest.raises(RuntimeError), transaction(connection):  # noqa: PT012 - the block is the point
        outbox.enqueue(connection, "r1", [fields("a")])
        raise RuntimeError
    assert states(connection) == []


def test_wrong_values_are_bugs(connection: Connection) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        outbox.enqueue(connection, "r1", [Entry("fields", "Lead", "a", {"Score": float("nan")})])
    outbox.enqueue(connection, "r1", [fields("a")])
    (row_id,) = take(connection)
    with pytest.raises(IntegrityError):
        outbox.settle(connection, [Settlement(row_id, "finished")])  # type: ignore[arg-type] # on purpose
    assert states(connection) == [("a", "inflight")]


def test_old_rows_go_but_keys_stay(connection: Connection) -> None:
    outbox.enqueue(connection, "r1", [fields("a"), fields("b"), task("a", "k1")])
    outbox.settle(connection, [Settlement(1, "done", None, "a"), Settlement(3, "done", None, "00T1")])
    assert outbox.prune(connection, settled_before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert outbox.prune(connection, settled_before=datetime.now(UTC) + timedelta(days=1)) == 1
    assert states(connection) == [("b", "planned"), ("a", "done")]


def test_questions_about_open_rows_do_not_read_the_history(connection: Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outbox.take(connection, 200, "Lead", "fields")
    outbox.release_inflight(connection)
    outbox.unsettled(connection)
    connection.set_trace_callback(None)
    asked = [statement for statement in statements if "outbox" in statement]
    plans = [" ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")) for statement in asked]
    assert len(plans) == 3
    assert all("INDEX outbox_open" in plan for plan in plans), plans
    assert "object=? AND kind=? AND id>?" in plans[0]


WISH = st.tuples(st.sampled_from("abc"), st.integers(0, 9))
STEP = st.one_of(
    st.tuples(st.just("enqueue"), st.lists(WISH, max_size=5)),
    st.tuples(st.just("send"), st.sampled_from(["done", "retry", "quarantined"])),
    st.tuples(st.just("crash"), st.none()),
)


@pytest.mark.fault("I2")
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_the_newest_wish_of_a_record_is_never_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[str, object]]
) -> None:
    connection = open_state(tmp_path_factory.mktemp("store"))
    newest: dict[str, int] = {}
    for n, (step, argument) in enumerate(steps):
        if step == "enqueue":
            wishes = [fields(record, score) for record, score in argument]  # type: ignore[attr-defined] # a list of wishes
            outbox.enqueue(connection, f"r{n}", wishes)
            newest |= {wish.record_id: int(wish.payload["Score"]) for wish in wishes}
        elif step == "send":
            settled = [Settlement(row_id, argument, "why") for row_id in take(connection, 2)]  # type: ignore[arg-type] # a state
            outbox.settle(connection, settled)
        else:
            outbox.release_inflight(connection)
    last = {
        row.record_id: row for row in outbox.rows(connection, ("planned", "retry", "inflight", "done", "quarantined"))
    }
    assert {record: row.payload["Score"] for record, row in last.items()} == newest
    unsent = [row.record_id for row in outbox.rows(connection, ("planned", "retry"))]
    assert len(unsent) == len(set(unsent))
    json.dumps([row.payload for row in last.values()])
