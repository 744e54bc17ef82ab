"""The daemon's turns: everybody after a start and at every rescore, whoever changed in between."""

import threading

import pytest

from connector.daemon import Turns


def test_everybody_first_then_what_changed() -> None:
    asked: list[bool] = []

    def run(changed_only: bool) -> bool:
        asked.append(changed_only)
        return True

    turns = Turns(run)
    for turn in (turns.sync, turns.sync, turns.rescore, turns.sync):
        turn()
    assert asked == [False, True, False, True]


@pytest.mark.fault("F35")
def test_a_rescore_that_fails_is_made_up_for() -> None:
    asked: list[bool] = []

    def run(changed_only: bool) -> bool:
        asked.append(changed_only)
        if len(asked) == 2:
            raise ValueError("a bug")
        return len(asked) > 2

    turns = Turns(run)
    turns.sync()
    with pytest.raises(ValueError, match="a bug"):
        turns.sync()
    turns.sync()
    turns.sync()
    assert asked == [False, False, False, True]


def test_a_rescore_that_comes_while_a_sync_runs_is_not_forgotten() -> None:
    asked: list[bool] = []
    begun, may_end = threading.Event(), threading.Event()

    def run(changed_only: bool) -> bool:
        asked.append(changed_only)
        begun.set()
        may_end.wait(30)
        return True

    turns = Turns(run)
    first = threading.Thread(target=turns.sync)
    first.start()
    begun.wait(30)
    turns.rescore()
    may_end.set()
    first.join()
    turns.sync()
    turns.sync()
    assert asked == [False, False, True]
