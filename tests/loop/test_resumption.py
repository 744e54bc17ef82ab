"""What a later run does about an earlier one that was cut off, and about a store that is gone."""

import shutil

import pytest

from connector.errors import RetryableError
from tests.loop.loops import HOT, Loop, written_state

RECORDS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}


@pytest.mark.fault("F23", "I7")
@pytest.mark.parametrize(
    ("crm", "when"), [("salesforce", "after_commit"), ("hubspot", "after_commit"), ("hubspot", "before_commit")]
)
def test_a_row_left_over_never_overwrites_an_owner_that_a_person_chose_since(fresh: Loop, when: str) -> None:
    owner = fresh.words.owner
    chosen = fresh.people()["p02"]["fields"][owner]
    first = 2 if fresh.crm == "salesforce" else 1  # Salesforce's first request holds the contacts, who have an owner
    lost = {"path_re": RECORDS[fresh.crm], "nth": list(range(first, first + 10))}
    fresh.control("faults", [{"match": lost, "when": when, "act": {"drop": True}}])
    with pytest.raises(RetryableError):
        fresh.sync(backfill=True)
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.edit(fresh.people()["p00"], **{owner: chosen})
    fresh.advance(60)
    mark = fresh.mark()
    fresh.sync()
    person = fresh.people()["p00"]
    assert person["fields"][owner] == chosen
    assert [row for row in fresh.writes(mark) if row["id"] == person["id"] and owner in row["after"]] == []
    assert fresh.waiting() == []
    assert len(fresh.tasks()) == len(HOT)


@pytest.mark.fault("F29", "I1", "I7")
def test_a_lost_store_makes_no_task_twice_and_takes_no_owner(synced: Loop) -> None:
    before = written_state(synced)
    shutil.rmtree(synced.folder / "leadlight-store")
    mark = synced.mark()
    outcome = synced.sync(backfill=True)
    assert outcome.applied is not None
    assert outcome.applied.rejected == 0
    assert written_state(synced) == before
    assert [row for row in synced.writes(mark) if row["op"] == "create"] == []


@pytest.mark.fault("F24", "I1")
def test_a_task_that_somebody_closed_stays_closed(synced: Loop) -> None:
    task = synced.tasks()[0]
    status, done = ("Status", "Completed") if synced.crm == "salesforce" else ("hs_task_status", "COMPLETED")
    synced.control("edit", {"object": synced.words.task, "id": task["id"], "fields": {status: done}})
    shutil.rmtree(synced.folder / "leadlight-store")
    synced.advance(60)
    synced.sync(backfill=True)
    after = next(found for found in synced.tasks() if found["id"] == task["id"])
    assert after["fields"][status] == done
    assert after["modified_by"] == "human"
    assert len(synced.tasks()) == len(HOT)
