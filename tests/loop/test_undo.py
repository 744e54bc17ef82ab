"""A run is taken back where the CRM still holds what it wrote, and nowhere else."""

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import ConfigError
from connector.store import runs
from connector.undo import Undo, plan_undo
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop, written_state


def undone(loop: Loop, run_id: str) -> Undo:
    """Take a run back."""
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        found = plan_undo(job, run_id)
        pipeline.undo(job, found)
    return found


def known(state: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Keep what people's records hold, a blank text being nothing (HubSpot clears a property so)."""
    return {who: {name: value or None for name, value in held.items()} for who, held in state.items() if who != "tasks"}


def fields_left(found: Undo) -> set[tuple[str, str | None, str]]:
    """Say what was left of which record."""
    return {(left.record_id, left.field, left.why) for left in found.left}


def test_an_undone_run_leaves_the_crm_as_it_was(synced: Loop) -> None:
    before = written_state(synced)
    synced.retitle("p20", CHIEF)
    synced.retitle("p00", CLERK)
    run = synced.sync()
    assert written_state(synced) != before
    synced.advance(60)
    found = undone(synced, run.run_id)
    after = written_state(synced)
    assert known(after) == known(before)
    assert [left.why for left in found.left] == ["a task stays with those who have it"]
    assert len(after["tasks"]) == len(before["tasks"]) + 1
    synced.advance(60)
    again = synced.sync()  # the model still asks for the same
    assert again.plan is not None
    reasons = [change.owner_reason or "" for change in again.plan.changes if change.owner]
    assert reasons
    assert not [reason for reason in reasons if "not sent yet" in reason]  # it was, and was taken back
    assert written_state(synced)["p20"][synced.words.band] == "hot"
    assert written_state(synced)["tasks"] == after["tasks"]


def test_what_changed_since_is_left_and_told(synced: Loop) -> None:
    words = synced.words
    synced.retitle("p20", CHIEF)
    run = synced.sync()
    synced.advance(60)
    people = synced.people()
    chosen = people["p02"]["fields"][words.owner]
    synced.edit(people["p20"], **{words.owner: chosen, words.score: 7})
    synced.control(
        "edit", {"object": people["p21"]["object"], "id": people["p21"]["id"], "op": "delete"}
    ) if False else None
    found = undone(synced, run.run_id)
    told = fields_left(found)
    someone = "somebody changed it since"
    assert (people["p20"]["id"], words.owner, someone) in told
    assert (people["p20"]["id"], words.score, someone) in told
    now = synced.people()["p20"]["fields"]
    assert (now[words.owner], float(now[words.score])) == (chosen, 7)
    assert now[words.band] == "cold"


def test_a_later_runs_values_are_left(synced: Loop) -> None:
    synced.retitle("p20", CHIEF)
    run = synced.sync()
    synced.retitle("p20", DIRECTOR)
    later = synced.sync()
    with open_job(synced.config, writer=True) as job:
        found = plan_undo(job, run.run_id)
    person = synced.people()["p20"]["id"]
    assert (person, None, f"a later run wrote to it again ({later.run_id})") in fields_left(found)
    assert found.entries == ()


@pytest.mark.parametrize("crm", ["hubspot"])
def test_only_a_run_that_wrote_can_be_undone(synced: Loop) -> None:
    with open_job(synced.config, writer=True) as job:
        with pytest.raises(ConfigError, match="no run r00000099"):
            plan_undo(job, "r00000099")
        empty = pipeline.pull(job)
        with pytest.raises(ConfigError, match="nothing to restore"):
            plan_undo(job, empty.run_id)


def test_an_undo_is_only_shown_until_it_is_confirmed(synced: Loop) -> None:
    mark = synced.mark()
    with open_job(synced.config, writer=True) as job:
        (first, *_) = runs.list_runs(job.state)
        found = plan_undo(job, first.run_id)
    assert found.fields > 20
    assert synced.writes(mark) == []
