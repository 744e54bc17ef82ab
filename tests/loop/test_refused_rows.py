"""What the CRM refuses: it waits, ever longer, is told as such, and lands once the CRM takes it."""

from connector.store import outbox, quarantine
from connector.store.outbox import OutboxRow
from connector.store.state import open_state
from tests.loop.loops import CHIEF, DIRECTOR, Loop

RECORDS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}
TASKS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/tasks/batch/upsert$"}
REFUSAL: dict[str, dict[str, object]] = {
    "salesforce": {
        "status": 200,
        "body": [
            {
                "success": False,
                "errors": [{"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "ask Ana", "fields": []}],
            }
        ],
    },
    "hubspot": {
        "status": 400,
        "body": {"status": "error", "category": "VALIDATION_ERROR", "message": "ask Ana", "errors": []},
    },
}
HOUR = 3600


def refuse(loop: Loop, path: str, method: str) -> None:
    """Let the CRM refuse every row of one kind, one row to a request."""
    rule = {"match": {"method": method, "path_re": path}, "act": REFUSAL[loop.crm]}
    loop.control("faults", [rule])


def refused(loop: Loop) -> list[OutboxRow]:
    """List what waits in quarantine."""
    state = open_state(loop.folder / "leadlight-store")
    try:
        return list(quarantine.refused(state))
    finally:
        state.close()


def test_a_refused_change_waits_and_lands_with_the_newest_score(synced: Loop) -> None:
    synced.retitle("p20", DIRECTOR)
    refuse(synced, RECORDS[synced.crm], "PATCH|POST")
    first = synced.sync()
    assert (first.status, first.applied and first.applied.rejected) == ("completed_with_errors", 1)
    (row,) = refused(synced)
    assert "ask Ana" in (row.reason or "")
    synced.control("faults", method="DELETE")
    synced.retitle("p20", CHIEF)
    mark = synced.mark()
    held = synced.sync()
    assert held.applied is not None
    assert (held.status, held.applied.rejected, held.applied.held) == ("ok", 0, 1)
    assert [entry for entry in synced.writes(mark) if entry["op"] == "update"] == []
    synced.advance(HOUR)
    third = synced.sync()
    assert third.applied is not None
    assert (third.applied.held, refused(synced)) == (0, [])
    assert float(synced.people()["p20"]["fields"][synced.words.score]) == 60
    state = open_state(synced.folder / "leadlight-store")
    try:
        assert [done.attempts for done in outbox.by_id(state, [row.id])] == [2]
    finally:
        state.close()


def test_a_refused_task_is_made_by_a_later_run_and_once(fresh: Loop) -> None:
    fresh.sync()  # the baseline, without tasks
    fresh.retitle("p20", CHIEF)
    refuse(fresh, TASKS[fresh.crm], "POST")
    fresh.sync()
    assert [(row.kind, row.state) for row in refused(fresh)] == [("task", "quarantined")]
    fresh.control("faults", method="DELETE")
    fresh.advance(HOUR / 2)
    fresh.sync()
    assert fresh.tasks() == []
    fresh.advance(HOUR)
    fresh.sync()
    fresh.advance(HOUR)
    fresh.sync()
    person = fresh.people()["p20"]["id"]
    assert len(fresh.tasks()) == len(fresh.tasks_of(person)) == 1
    assert refused(fresh) == []
