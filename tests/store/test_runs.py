"""Runs are told apart by ids that sort, and remember how they ended."""

from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.store import runs
from connector.store.state import open_state

AS_OF = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def start(connection: Connection, command: str = "sync", as_of: datetime = AS_OF) -> str:
    return runs.start(connection, command=command, as_of=as_of, config_hash="c" * 12, model_hash="m" * 12)


def test_a_run_from_start_to_end(connection: Connection) -> None:
    run_id = start(connection)
    begun = runs.get(connection, run_id)
    assert begun is not None
    assert (begun.status, begun.as_of, begun.finished_at, begun.counts) == ("running", AS_OF, None, {})
    assert runs.unfinished(connection) == [begun]
    runs.finish(connection, run_id, "ok", {"pulled": {"people": 7}})
    ended = runs.get(connection, run_id)
    assert ended is not None
    assert (ended.status, ended.counts) == ("ok", {"pulled": {"people": 7}})
    assert ended.finished_at is not None
    assert ended.finished_at >= ended.started_at
    assert runs.unfinished(connection) == []


def test_ids_sort_in_the_order_of_starting(connection: Connection) -> None:
    ids = [start(connection) for _ in range(12)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 12
    assert [run.run_id for run in runs.list_runs(connection, limit=3)] == ids[:-4:-1]


def test_unknown_runs(connection: Connection) -> None:
    assert runs.get(connection, "r00000009") is None
    with pytest.raises(KeyError):
        runs.finish(connection, "r00000009", "ok", {})


def test_the_baseline_is_made_once(connection: Connection) -> None:
    assert not runs.baseline_made(connection)
    runs.mark_baseline(connection, start(connection))
    runs.mark_baseline(connection, start(connection))
    assert runs.baseline_made(connection)
