"""The first few records of a large plan are read back before the rest is sent."""

import pytest

from connector import canary
from connector.compose import open_job
from connector.errors import UnsafePlan
from tests.loop.loops import Loop, written_state

CANARY = 2  # of the 24 people of this world


def with_canary(loop: Loop) -> None:
    """Make the canary small enough for a small world."""
    loop.config.write_text(loop.config.read_text("utf-8") + f"canary_records = {CANARY}\n", encoding="utf-8")


def test_a_large_plan_flies_a_canary_and_lands_whole(fresh: Loop, expected: dict[str, object]) -> None:
    with_canary(fresh)
    fresh.sync(backfill=True)
    assert written_state(fresh) == expected


def test_a_canary_that_does_not_hold_what_was_written_stops_the_rest(fresh: Loop, expected: dict[str, object]) -> None:
    with_canary(fresh)
    answer: dict[str, object] = {
        "salesforce": [{"id": "x", "success": True, "errors": []}] * CANARY,
        "hubspot": {"status": "COMPLETE", "results": [], "errors": []},
    }
    lost = {"status": 200, "body": answer[fresh.crm]}
    if fresh.crm == "hubspot":
        lost["body"] = {"status": "COMPLETE", "results": hubspot_rows(fresh), "errors": []}
    path = r"/composite/sobjects$" if fresh.crm == "salesforce" else r"/contacts/batch/update$"
    fresh.control("faults", [{"match": {"method": "PATCH|POST", "path_re": path}, "act": lost}])
    mark = fresh.mark()
    with pytest.raises(UnsafePlan, match="guard canary: 2 of the first 2 records"):
        fresh.sync(backfill=True)
    assert fresh.writes(mark) == []
    assert fresh.control("stats")["faults_fired"] == 1  # the rest was never sent
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert written_state(fresh) == expected


def test_a_canary_flies_over_large_plans_alone_and_not_where_a_person_lets_it_pass(fresh: Loop) -> None:
    with_canary(fresh)
    with open_job(fresh.config, writer=True, writes_crm=True) as job:
        assert canary.is_due(job, 5 * CANARY + 1, ())
        assert not canary.is_due(job, 5 * CANARY, ())
        assert not canary.is_due(job, 5 * CANARY + 1, ("canary",))
    fresh.config.write_text(fresh.config.read_text("utf-8").replace(f"s = {CANARY}\n", "s = 0\n"), encoding="utf-8")
    with open_job(fresh.config, writer=True, writes_crm=True) as job:
        assert not canary.is_due(job, 1_000_000, ())


def hubspot_rows(loop: Loop) -> list[dict[str, object]]:
    """Give answers to the two hottest people, who are first in a plan."""
    people = loop.people()
    ids = sorted((people[who]["id"] for who in ("p00", "p01", "p02", "p03", "p04")), key=str)
    return [{"id": record_id, "properties": {}} for record_id in ids[:CANARY]]
