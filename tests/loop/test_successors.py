"""Records that are merged, converted or deleted while something was begun for them."""

from typing import Any

import pytest

from tests.loop.loops import CHIEF, CLERK, Loop

TASKS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/tasks/batch/upsert$"}


def remove(loop: Loop, person: dict[str, Any]) -> None:
    """Delete somebody in the CRM."""
    if loop.crm == "salesforce":
        loop.ask("DELETE", f"/services/data/v62.0/sobjects/{person['object']}/{person['id']}")
    else:
        loop.ask("DELETE", f"/crm/v3/objects/contacts/{person['id']}")


def merge(loop: Loop, winner: dict[str, Any], loser: dict[str, Any]) -> str:
    """Merge two records as a person does; gives the id that lives on."""
    asked = {"object": winner["object"], "winner": winner["id"], "losers": [loser["id"]]}
    told = loop.control("merge", asked)
    return str(told["id"]) if loop.crm == "hubspot" else str(winner["id"])  # HubSpot makes a new record of both


def creates(loop: Loop, mark: int) -> int:
    """Count the tasks that we made since a mark."""
    rows = [row for row in loop.writes(mark) if row["op"] == "create" and row["object"] == loop.words.task]
    return len(rows)


@pytest.mark.fault("F22", "I1")
@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_converted_lead_goes_on_as_its_contact_without_a_second_task(synced: Loop) -> None:
    lead = synced.people()["p00"]
    told = synced.control("convert", {"id": lead["id"]})
    synced.advance(60)
    mark = synced.mark()
    synced.sync()
    contact = next(one for one in synced.records("Contact") if one["id"] == told["contact_id"])
    assert contact["fields"][synced.words.band] == "hot"
    assert creates(synced, mark) == 0
    assert not [row for row in synced.writes(mark) if row["id"] == lead["id"]]
    synced.edit(contact | {"object": "Contact"}, **{synced.words.title: CLERK})
    synced.advance(60)
    synced.sync()
    synced.edit(contact | {"object": "Contact"}, **{synced.words.title: CHIEF})
    synced.advance(60)
    synced.sync()
    assert creates(synced, mark) == 1  # hot once more: an episode of its own
    assert synced.waiting() == []


@pytest.mark.fault("F22", "I1")
def test_a_survivor_takes_over_what_was_begun_for_the_loser(synced: Loop) -> None:
    winner, loser = synced.people()["p08"], synced.people()["p00"]
    survivor = merge(synced, winner, loser)
    person = {"object": winner["object"], "id": survivor}
    synced.edit(person, **{synced.words.title: CHIEF})
    synced.advance(60)
    mark = synced.mark()
    outcome = synced.sync()
    assert outcome.applied is not None
    assert outcome.applied.rejected == 0
    fields = {record["id"]: record["fields"] for record in synced.records(winner["object"])}[survivor]
    assert fields[synced.words.band] == "hot"
    assert creates(synced, mark) == 0
    synced.advance(60)
    synced.sync()
    assert creates(synced, mark) == 0


@pytest.mark.fault("F22", "I2")
def test_a_task_that_still_waits_is_dropped_with_its_record(synced: Loop) -> None:
    synced.retitle("p20", CHIEF)
    down = {"match": {"method": "POST", "path_re": TASKS[synced.crm]}, "act": {"status": 503}}
    synced.control("faults", [down])
    with pytest.raises(Exception, match="503"):
        synced.sync()
    assert synced.waiting() != []
    synced.control("faults", method="DELETE")
    remove(synced, synced.people()["p20"])
    synced.advance(60)
    mark = synced.mark()
    outcome = synced.sync()
    assert outcome.status == "ok"
    assert creates(synced, mark) == 0
    assert synced.waiting() == []
