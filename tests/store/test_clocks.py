"""SLA clocks in the store: every step once, whatever comes again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.sla.figures import as_hours, sla_figures
from connector.store import clocks, episodes
from connector.store.clocks import Step, StepName
from connector.store.episodes import Opening
from connector.store.state import open_state

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOT = ("Lead", "1", "band:hot")


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    state = open_state(tmp_path)
    episodes.open_many(state, [Opening(*HOT, AT, "key")])
    clocks.record(state, [Step(*HOT, 1, "start", AT, "ana", "key")])
    return state


def step(name: StepName, at: datetime, owner: str = "ana", worked_s: int | None = None) -> Step:
    return Step(*HOT, 1, name, at, owner, touched_by="call" if worked_s else None, worked_s=worked_s)


def test_a_step_that_comes_again_changes_nothing(connection: Connection) -> None:
    first = [step("remind", AT + HOUR), step("breach", AT + HOUR), step("touch", AT + 2 * HOUR, worked_s=7200)]
    again = [step(s.name, s.at + HOUR, "ben", s.worked_s and 1) for s in first]
    clocks.record(connection, [*first, *again, Step(*HOT, 1, "start", AT + HOUR, "ben", "other")])
    [clock] = clocks.every(connection)
    assert (clock.started_at, clock.task_key, clock.owner_id) == (AT, "key", "ana")
    assert (clock.reminded_at, clock.breached_at) == (AT + HOUR, AT + HOUR)
    assert (clock.touched_at, clock.touched_by, clock.worked_s) == (AT + 2 * HOUR, "call", 7200)
    assert not clock.is_running


def test_a_touch_that_was_logged_late_takes_the_breach_back(connection: Connection) -> None:
    clocks.record(connection, [step("breach", AT + HOUR), step("touch", AT + HOUR / 2, "ben", 1800)])
    [clock] = clocks.every(connection)
    assert (clock.breached_at, clock.owner_id, clock.worked_s) == (None, "ben", 1800)


def test_a_clock_stops_with_its_episode_and_goes_on_with_it(connection: Connection) -> None:
    episodes.close_many(connection, [HOT], AT + HOUR)
    assert clocks.in_band(connection) == {}
    episodes.resume_many(connection, [HOT])
    assert clocks.in_band(connection)[HOT].is_running


def test_an_unknown_clock_is_nobodys(connection: Connection) -> None:
    clocks.record(connection, [Step("Lead", "9", "band:hot", 1, "breach", AT)])
    assert len(list(clocks.every(connection))) == 1


def test_figures_are_those_of_every_clock(tmp_path: Path) -> None:
    state = open_state(tmp_path)
    seconds = [600, 1200, 1800, 2400, 9000]
    owners = ["ana", "ana", "ana", "ben", "ben"]
    for number, (worked_s, owner) in enumerate(zip(seconds, owners, strict=True)):
        key = ("Lead", str(number), "band:hot")
        episodes.open_many(state, [Opening(*key, AT)])
        late = [Step(*key, 1, "breach", AT + HOUR, owner)] if worked_s > 3600 else []
        touch = Step(*key, 1, "touch", AT + timedelta(seconds=worked_s), owner, touched_by="call", worked_s=worked_s)
        clocks.record(state, [Step(*key, 1, "start", AT, owner), *late, touch])
    for number, closed in ((7, True), (8, False)):
        key = ("Lead", str(number), "expansion:band:hot")
        episodes.open_many(state, [Opening(*key, AT)])
        clocks.record(state, [Step(*key, 1, "start", AT, "ana")])
        if closed:
            episodes.close_many(state, [key], AT + HOUR)
    first, second = sla_figures(state)
    assert (first.band, first.model, second.band, second.model) == ("hot", None, "hot", "expansion")
    assert (first.all.clocks, first.all.touched, first.all.breached, first.all.breach_share) == (5, 5, 1, 0.2)
    assert (first.all.median_s, first.all.p90_s) == (1800, 9000)
    assert [(owner, f.median_s, f.breach_share) for owner, f in first.owners] == [
        ("ana", 1200, 0.0),
        ("ben", 2400, 0.5),
    ]
    assert (second.all.running, second.all.left, second.all.breach_share, second.all.median_s) == (1, 1, None, None)
    assert first.as_dict()["owners"][0]["owner_id"] == "ana"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "none yet"), (0, "0 min"), (3599, "1 h 00 min"), (2700, "45 min"), (11100, "3 h 05 min")],
)
def test_working_time_for_people(seconds: int | None, shown: str) -> None:
    assert as_hours(seconds) == shown
