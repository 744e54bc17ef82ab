"""Old settled changes go once a day; what has a key stays, for it must never be made twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.store import outbox
from connector.store.outbox import Entry, Settlement
from connector.store.state import open_state
from connector.store.tidying import KEPT, tidy


def test_old_changes_go_once_a_day_and_keys_stay(tmp_path: Path) -> None:
    connection = open_state(tmp_path)
    entries = [Entry("fields", "Lead", "a", {}), Entry("fields", "Lead", "b", {}), Entry("task", "Task", "a", {}, "k1")]
    outbox.enqueue(connection, "r1", entries)
    done, _, task = outbox.unsettled(connection)
    outbox.settle(connection, [Settlement(done.id, "done"), Settlement(task.id, "done")])
    now = datetime.now(UTC)
    assert tidy(connection, now) == 0
    late = now + KEPT + timedelta(days=2)
    assert tidy(connection, late) == 1
    outbox.settle(connection, [Settlement(outbox.unsettled(connection)[0].id, "done")])
    assert tidy(connection, late + timedelta(hours=23)) == 0  # not twice a day
    assert tidy(connection, late - timedelta(days=1)) == 1  # a clock that was set back does not stop it
    assert [row.key for row in outbox.rows(connection, ("done",))] == ["k1"]
