"""Sales people accept and reject leads on the record; it comes back as outcomes."""

from typing import Any

import pytest

from connector.reading import open_reading
from connector.status import status_of
from tests.loop.loops import Loop


def feedback_field(loop: Loop) -> str:
    """Name the field that people judge in, which was provisioned."""
    return "Leadlight_Feedback__c" if loop.crm == "salesforce" else "leadlight_feedback"


def outcomes(loop: Loop) -> dict[str, tuple[Any, ...]]:
    """Give the verdicts by person: kind, reason, time."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("outcomes")
        columns = "person_id, kind, reason, epoch(occurred_at)"
        select = f"SELECT {columns} FROM {relation} WHERE kind IN ('accepted', 'rejected')"  # noqa: S608 - our own files
        return {person: tuple(rest) for person, *rest in engine.execute(select).fetchall()}


def told(loop: Loop) -> list[dict[str, Any]]:
    with open_reading(loop.config) as reading:
        found: list[dict[str, Any]] = status_of(reading)["feedback"]
        return found


def test_verdicts_come_back_with_reason_and_band(synced: Loop) -> None:
    field = feedback_field(synced)
    people = synced.people()
    synced.edit(people["p00"], **{field: "accepted"})
    synced.edit(people["p05"], **{field: "rejected: no budget"})
    synced.advance(60)
    synced.sync()
    found = outcomes(synced)
    assert found[people["p00"]["id"]][:2] == ("accepted", None)
    assert found[people["p05"]["id"]][:2] == ("rejected", "no budget")
    assert {(row["kind"], row["reason"], row["band"], row["people"]) for row in told(synced)} == {
        ("accepted", None, "hot", 1),
        ("rejected", "no budget", "warm", 1),
    }


def test_a_verdict_keeps_its_time_until_another_takes_its_place(synced: Loop) -> None:
    field = feedback_field(synced)
    person = synced.people()["p05"]
    synced.edit(person, **{field: "rejected: no budget"})
    synced.advance(60)
    synced.sync()
    first = outcomes(synced)[person["id"]]
    synced.retitle("p05", "Clerk")
    synced.advance(3600)
    synced.sync()
    assert outcomes(synced)[person["id"]] == first
    synced.edit(synced.people()["p05"], **{field: "accepted"})
    synced.advance(60)
    synced.sync()
    kind, reason, at = outcomes(synced)[person["id"]]
    assert (kind, reason) == ("accepted", None)
    assert at > first[2]
    synced.edit(synced.people()["p05"], **{field: ""})
    synced.advance(60)
    synced.sync()
    assert person["id"] not in outcomes(synced)


@pytest.mark.parametrize("crm", ["hubspot"])
def test_without_the_field_nothing_is_asked_for(synced: Loop) -> None:
    assert told(synced) == []
