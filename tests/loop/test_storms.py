"""The short forms of the long runs: the state machine, and a storm that must find what it is there for."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from benchmarks.children import Children
from benchmarks.machine import Done, Place, shake
from benchmarks.small_world import write_small_world
from benchmarks.soak import storm_of
from benchmarks.storm import storm_in
from connector.sandbox.server import Crm
from tests.loop.loops import make_template

SEED, WORLDS, STEPS = 1, 3, 16
KILLS = 2
TASKS_MADE = {"salesforce": r"/composite/sobjects$", "hubspot": r"/tasks/batch/upsert$"}


@pytest.fixture
def place(crm: Crm, tmp_path: Path) -> Iterator[Place]:
    """Give a small provisioned world, and what is needed to shake it."""
    template = make_template(crm, tmp_path / "template", write_small_world)
    with Children() as children:
        yield Place(crm, template, tmp_path, children, Done(), count())


@pytest.mark.fault("F12", "F24", "F29", "I1", "I2", "I6", "I7", "I8", "I9", "I12")
def test_whatever_comes_in_any_order_all_invariants_hold(place: Place) -> None:
    shake(place, SEED, worlds=WORLDS, steps=STEPS)
    assert place.done.steps >= WORLDS * STEPS
    assert place.done.syncs > WORLDS
    assert place.done.faults > 0


@pytest.mark.fault("F12", "I1", "I2", "I6", "I7", "I8")
def test_random_kills_lose_nothing_and_make_nothing_twice(place: Place) -> None:
    verdict = storm_of(place.crm, place.template, place.folder, place.children, SEED, KILLS, keyless=False)
    assert verdict.problems == ()
    assert (verdict.kills, verdict.operations > 0) == (KILLS, True)
    assert verdict.faults > 0  # their share is said by `make soak`: in a short storm the calm at the end counts as much


def test_a_lost_answer_without_the_unique_key_is_found_as_a_duplicate(place: Place) -> None:
    """Show that the judge sees what the storm is there for, with nothing left to chance."""
    made = {"method": "POST", "path_re": TASKS_MADE[place.crm]}
    with storm_in(place.crm, place.template, place.folder / "keyless", place.children, keyless=True) as storm:
        storm.loop.control("faults", [{"match": made, "when": "after_commit", "act": {"drop": True}}])
        storm.sync()
        storm.disturb(0, 0)
        assert [problem for problem in storm.at_rest() if problem.startswith("I1")] != []
