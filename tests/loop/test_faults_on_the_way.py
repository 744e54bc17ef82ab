"""A wire that fails: every effect once, nothing lost, and the next run goes on."""

import contextlib

import pytest

from connector.errors import AuthError, QuotaExhausted, RetryableError
from tests.loop.loops import HOT, Loop, written_state

RECORDS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}
TASKS = {"salesforce": r"/composite/sobjects(/Task/.*)?$", "hubspot": r"/tasks/batch/upsert$"}
QUOTA: dict[str, dict[str, object]] = {
    "salesforce": {
        "status": 403,
        "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
    },
    "hubspot": {
        "status": 429,
        "body": {
            "status": "error",
            "message": "You have reached your daily limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "DAILY",
        },
    },
}


def settled(loop: Loop) -> bool:
    """Tell whether the outbox holds nothing that waits or was refused."""
    return loop.waiting() == []


@pytest.mark.fault("F3", "F7", "I1", "I2")
@pytest.mark.parametrize(
    ("what", "act"),
    [("records", {"drop": True}), ("tasks", {"drop": True}), ("tasks", {"truncate_at": 5})],
    ids=["records dropped", "tasks dropped", "tasks truncated"],
)
def test_an_answer_lost_after_the_commit_makes_no_second_effect(
    fresh: Loop, expected: dict[str, object], what: str, act: dict[str, object]
) -> None:
    path = (RECORDS if what == "records" else TASKS)[fresh.crm]
    method = ".*" if what == "records" or fresh.crm == "hubspot" else "POST"
    fresh.fault(method, path, "after_commit", **act)
    fresh.sync(backfill=True)
    assert fresh.control("stats")["faults_fired"] == 1
    assert written_state(fresh) == expected
    assert len(fresh.tasks()) == len(HOT)
    assert settled(fresh)


@pytest.mark.fault("F4", "I4")
def test_a_request_lost_before_the_commit_is_sent_again(fresh: Loop, expected: dict[str, object]) -> None:
    fresh.fault("PATCH|POST", RECORDS[fresh.crm], "before_commit", reset=True)
    fresh.sync(backfill=True)
    assert written_state(fresh) == expected


@pytest.mark.fault("F5", "I2", "I4")
def test_a_crm_that_goes_on_failing_stops_the_run_and_the_next_one_ends_it(
    fresh: Loop, expected: dict[str, object]
) -> None:
    page = {"status": 503, "body": "<html>down</html>", "headers": {"Content-Type": "text/html"}}
    fresh.control("faults", [{"match": {"path_re": RECORDS[fresh.crm]}, "act": page}])
    with pytest.raises(RetryableError):
        fresh.sync(backfill=True)
    assert not settled(fresh)
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert settled(fresh)
    assert written_state(fresh) == expected


@pytest.mark.fault("F3", "I1", "I4")
def test_a_lost_answer_that_never_comes_is_reconciled_by_the_next_run(fresh: Loop, expected: dict[str, object]) -> None:
    fresh.control("faults", [{"match": {"path_re": TASKS[fresh.crm]}, "when": "after_commit", "act": {"drop": True}}])
    with contextlib.suppress(
        RetryableError
    ):  # an adapter may find its tasks by their keys, or leave that to the next run
        fresh.sync(backfill=True)
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync()
    assert settled(fresh)
    assert written_state(fresh) == expected


@pytest.mark.fault("F2", "I3")
def test_a_used_up_quota_stops_the_run_and_the_next_day_ends_it(fresh: Loop, expected: dict[str, object]) -> None:
    mark = fresh.mark()
    fresh.control("faults", [{"match": {"path_re": RECORDS[fresh.crm]}, "act": QUOTA[fresh.crm]}])
    with pytest.raises(QuotaExhausted):
        fresh.sync(backfill=True)
    assert QuotaExhausted.exit_code == 75
    assert fresh.control("stats")["faults_fired"] == 1  # nobody hammers on a closed door
    assert fresh.writes(mark) == []
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync()
    assert settled(fresh)
    assert written_state(fresh) == expected


@pytest.mark.fault("F2")
def test_our_share_of_the_day_is_not_overspent(fresh: Loop, expected: dict[str, object]) -> None:
    fresh.control("settings", {"daily_quota": 40})  # of which a run may have 12
    before = fresh.control("stats")["requests"]
    with pytest.raises(QuotaExhausted, match="share of the day"):
        fresh.sync(backfill=True)
    assert fresh.control("stats")["requests"] - before <= 30
    fresh.control("settings", {"daily_quota": 100_000})
    fresh.sync(backfill=True)
    assert settled(fresh)
    assert written_state(fresh) == expected


@pytest.mark.fault("F11")
def test_tasks_that_we_may_not_make_keep_no_score_back(fresh: Loop, expected: dict[str, object]) -> None:
    forbidden: dict[str, object] = {
        "salesforce": [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no create access to Task"}],
        "hubspot": {"status": "error", "category": "MISSING_SCOPES", "message": "no scope"},
    }
    act = {"status": 403, "body": forbidden[fresh.crm]}
    path = r"/tasks/batch/upsert$" if fresh.crm == "hubspot" else TASKS[fresh.crm]
    fresh.control("faults", [{"match": {"method": "POST", "path_re": path}, "act": act}])
    with pytest.raises(AuthError):
        fresh.sync(backfill=True)
    landed = {who: state for who, state in written_state(fresh).items() if who != "tasks"}
    assert landed == {who: state for who, state in expected.items() if who != "tasks"}
    assert len(fresh.waiting()) == len(HOT)
    fresh.control("faults", method="DELETE")
    fresh.sync()
    assert written_state(fresh) == expected
