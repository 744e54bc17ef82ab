"""Rows that others hold: the run goes round them, the next one catches up, and nothing is written twice."""

from collections import Counter
from pathlib import Path

import pytest

from tests.loop.loops import CHIEF, Loop, score_fields


def settled(loop: Loop) -> None:
    """Let runs go on until nothing waits."""
    for _ in range(4):
        loop.advance(3600)
        loop.sync()
        if not loop.waiting():
            return
    raise AssertionError(loop.waiting())


def tasks_by_person(loop: Loop) -> Counter[int]:
    """Count how many people have how many of our tasks."""
    return Counter(len(loop.tasks_of(person["id"])) for person in loop.people().values())


@pytest.mark.fault("F33", "I1", "I2")
def test_locked_records_are_written_once_they_are_free(fresh: Loop, tmp_path: Path) -> None:
    people = fresh.people()
    held = {
        f"{people[who]['object']}/{people[who]['id']}": times for who, times in (("p00", 3), ("p01", 40), ("p09", 2))
    }
    fresh.control("settings", {"locked_records": held})
    outcome = fresh.sync(backfill=True)
    assert outcome.applied is not None
    assert outcome.applied.done > 20
    assert (fresh.crm == "salesforce") == (outcome.applied.waiting > 0)  # HubSpot lets go sooner than a run gives up
    fresh.control("settings", {"locked_records": {}})
    settled(fresh)
    after = fresh.people()
    assert all(score_fields(fresh, after[who])[fresh.words.band] for who in ("p00", "p01", "p09"))
    assert tasks_by_person(fresh) == {0: 19, 1: 5}


@pytest.mark.fault("F33", "I1")
@pytest.mark.parametrize("crm", ["salesforce"])
def test_parents_that_stay_locked_after_an_answer_delay_their_tasks(synced: Loop) -> None:
    synced.control("settings", {"row_locks": {"hold_s": 600}})
    for who in ("p03", "p23", "p20"):  # two people of one account, and one of none
        synced.retitle(who, CHIEF)
    synced.sync()
    synced.control("settings", {"row_locks": {}})
    settled(synced)
    assert all(len(synced.tasks_of(synced.people()[who]["id"])) == 1 for who in ("p03", "p23", "p20"))
    assert all(synced.people()[who]["fields"][synced.words.band] == "hot" for who in ("p03", "p23", "p20"))
