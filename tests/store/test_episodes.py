"""An episode opens once, closes once, and the next one has the next number."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.store import episodes
from connector.store.episodes import Episode, Opening
from connector.store.state import open_state

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)
HOT = ("Lead", "1", "band:hot")


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def test_episodes_are_counted_up_by_record_and_trigger(connection: Connection) -> None:
    assert episodes.open_many(connection, [Opening(*HOT, AT, "key 1"), Opening("Lead", "2", "band:hot", AT)]) == 2
    assert episodes.open_many(connection, [Opening(*HOT, LATER), Opening("Lead", "1", "band:warm", LATER)]) == 1
    assert episodes.current(connection)[HOT] == Episode(*HOT, 1, AT, None, "key 1")
    assert episodes.close_many(connection, [HOT, ("Lead", "9", "band:hot")], LATER) == 1
    assert episodes.close_many(connection, [HOT], LATER) == 0
    assert episodes.current(connection)[HOT] == Episode(*HOT, 1, AT, LATER, "key 1")
    assert episodes.open_many(connection, [Opening(*HOT, LATER)]) == 1
    assert episodes.current(connection)[HOT] == Episode(*HOT, 2, LATER)
    assert {key: episode.number for key, episode in episodes.current(connection).items()} == {
        HOT: 2,
        ("Lead", "2", "band:hot"): 1,
        ("Lead", "1", "band:warm"): 1,
    }


def test_an_episode_that_goes_on_keeps_its_number_and_its_task(connection: Connection) -> None:
    episodes.open_many(connection, [Opening(*HOT, AT, "key 1")])
    episodes.close_many(connection, [HOT], LATER)
    episodes.open_many(connection, [Opening(*HOT, LATER, "key 2")])
    episodes.close_many(connection, [HOT], LATER + timedelta(days=1))
    assert episodes.resume_many(connection, [HOT, ("Lead", "9", "band:hot")]) == 1
    assert episodes.current(connection)[HOT] == Episode(*HOT, 2, LATER, None, "key 2")
    assert episodes.resume_many(connection, [HOT]) == 0
    closed = connection.execute("SELECT count(*) FROM episodes WHERE closed_at IS NOT NULL").fetchone()[0]
    assert closed == 1


def numbers(connection: Connection, record: str) -> list[tuple[int, bool]]:
    """List the numbers of a record's hot episodes, and whether each is open."""
    rows = connection.execute("SELECT number, closed_at FROM episodes WHERE record_id = ? ORDER BY 1", (record,))
    return [(number, closed_at is None) for number, closed_at in rows.fetchall()]


def test_of_two_that_are_open_the_survivors_goes_on_as_the_newest(connection: Connection) -> None:
    loser = ("Lead", "2", "band:hot")
    for opening in (Opening(*HOT, AT, "key 1"), Opening(*loser, AT, "loser 1")):
        episodes.open_many(connection, [opening])
    episodes.close_many(connection, [loser], LATER)
    episodes.open_many(connection, [Opening(*loser, LATER, "loser 2")])
    assert episodes.follow(connection, "Lead", [("2", "Lead", "1")], LATER) == 2
    assert numbers(connection, "1") == [(-1, False), (0, False), (1, True)]
    assert episodes.current(connection)[HOT] == Episode(*HOT, 1, AT, None, "key 1")
    episodes.close_many(connection, [HOT], LATER)
    episodes.open_many(connection, [Opening(*HOT, LATER)])
    assert episodes.current(connection)[HOT].number == 2


def test_an_open_one_goes_on_as_the_newest_of_a_survivor_that_has_none_open(connection: Connection) -> None:
    loser = ("Lead", "2", "band:hot")
    episodes.open_many(connection, [Opening(*HOT, AT), Opening(*loser, AT, "loser 1")])
    episodes.close_many(connection, [HOT], LATER)
    clock = "INSERT INTO sla_clocks (object, record_id, trigger_id, number, started_at) VALUES (?, ?, ?, 1, ?)"
    connection.execute(clock, (*loser, "2026-07-01T12:00:00.000000Z"))
    episodes.follow(connection, "Lead", [("2", "Contact", "9"), ("1", "Contact", "9")], LATER)
    assert numbers(connection, "9") == [(0, False), (1, True)]
    episodes.follow(connection, "Contact", [("9", "Contact", "3")], LATER)
    assert numbers(connection, "3") == [(0, False), (1, True)]
    held = connection.execute("SELECT object, record_id, number FROM sla_clocks").fetchall()
    assert held == [("Contact", "3", 1)]


def test_nothing_to_open_or_close(connection: Connection) -> None:
    assert episodes.open_many(connection, []) == 0
    assert episodes.close_many(connection, [], AT) == 0
    assert episodes.current(connection) == {}
