"""Row locks and refused requests, met with plain HTTP; without a recording: from the vendor's documentation."""

import json
import threading
from typing import Any

import pytest

from connector.sandbox.salesforce.locks import RowLocks
from connector.sandbox.state import Clock, Switches
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory

COLLECTION = "/composite/sobjects"


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def tasks(org: OrgInMemory, *parents: str) -> list[dict[str, Any]]:
    """Create a dated task per lead in one collection and give the rows of the answer."""
    records = [
        {"attributes": {"type": "Task"}, "Subject": "Call", "WhoId": parent, "ActivityDate": "2026-07-02"}
        for parent in parents
    ]
    answer: list[dict[str, Any]] = org.answer("POST", COLLECTION, {"allOrNone": False, "records": records})
    return answer


def codes(rows: list[dict[str, Any]]) -> list[str]:
    """Give each row's refusal, empty where it went through."""
    return [row["errors"][0]["statusCode"] if row["errors"] else "" for row in rows]


def lead(org: OrgInMemory, name: str = "L") -> str:
    """Make a lead."""
    return org.create("Lead", LastName=name, Company="C")


def test_rows_of_a_locked_parent_fail_for_the_next_requests(org: OrgInMemory) -> None:
    held, free = lead(org, "Held"), lead(org, "Free")
    org.switches.locked_records = {f"Lead/{held[:15]}": 2}
    rows = tasks(org, held, free, held)
    assert codes(rows) == ["UNABLE_TO_LOCK_ROW", "", "UNABLE_TO_LOCK_ROW"]
    assert held in rows[0]["errors"][0]["message"]
    assert org.send("PATCH", f"/sobjects/Lead/{held}", {"Title": "T"}, headers=NO_RULES).status == 400
    assert codes(tasks(org, held)) == [""]
    assert org.switches.locked_records == {f"Lead/{held[:15]}": 0}


def test_a_task_without_a_date_leaves_its_parents_alone(org: OrgInMemory) -> None:
    held = lead(org)
    org.switches.locked_records = {held: 1}
    task = org.create("Task", Subject="Call", WhoId=held)
    (error,) = org.answer("PATCH", f"/sobjects/Task/{task}", {"Status": "Completed"})
    assert (error["errorCode"], error["fields"]) == ("UNABLE_TO_LOCK_ROW", [])


def test_rolled_back_rows_name_the_culprit(org: OrgInMemory) -> None:
    held, free = lead(org, "Held"), lead(org, "Free")
    org.switches.locked_records = {held: 1}
    records = [{"attributes": {"type": "Lead"}, "id": own, "Title": "T"} for own in (held, free)]
    rows = org.answer("PATCH", COLLECTION, {"allOrNone": True, "records": records}, headers=NO_RULES)
    assert codes(rows) == ["UNABLE_TO_LOCK_ROW", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]


def test_locks_are_held_on_after_the_answer(org: OrgInMemory) -> None:
    parent, other = lead(org), lead(org, "Other")
    org.switches.row_locks = {"hold_s": 30}
    assert codes(tasks(org, parent, parent)) == ["", ""]
    assert codes(tasks(org, parent, other)) == ["UNABLE_TO_LOCK_ROW", ""]
    org.clock.advance(31)
    assert codes(tasks(org, parent)) == [""]


class Meeting(RowLocks):
    """Let requests go on once three have arrived."""

    def __init__(self, org: OrgInMemory) -> None:
        super().__init__(org.clock, org.switches)
        self.barrier = threading.Barrier(3)

    def arrive(self) -> int:
        arrival = super().arrive()
        self.barrier.wait()
        return arrival


def test_parallel_writes_to_one_parent_fail_but_for_the_first(
    org: OrgInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, seen = lead(org), list[str]()
    org.switches.row_locks = {"hold_s": 0}
    monkeypatch.setattr(org.app._org, "locks", Meeting(org))
    threads = [threading.Thread(target=lambda: seen.extend(codes(tasks(org, parent)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["", "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW"]


def test_requests_that_do_not_overlap_lock_the_same_row() -> None:
    locks = RowLocks(Clock(), Switches(row_locks={"hold_s": 0}))
    first, second = locks.arrive(), locks.arrive()
    assert locks.take(first, "row")
    assert not locks.take(second, "row")
    locks.leave(first)
    assert not locks.take(second, "row")
    locks.leave(second)
    assert locks.take(locks.arrive(), "row")


def test_bulk_rows_meet_locks(org: OrgInMemory) -> None:
    held, free = lead(org, "Held"), lead(org, "Free")
    org.switches.locked_records = {held: 1}
    job = org.answer("POST", "/jobs/ingest", {"operation": "update", "object": "Lead", "lineEnding": "LF"})["id"]
    org.send("PUT", f"/jobs/ingest/{job}/batches", f"Id,Title\n{held},T\n{free},T\n".encode())
    org.send("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})
    org.send("GET", f"/jobs/ingest/{job}")
    failed = org.send("GET", f"/jobs/ingest/{job}/failedResults").body.decode()
    assert failed.count("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access") == 1


@pytest.mark.parametrize(
    ("name", "status", "code", "words"),
    [
        ("TotalRequests", 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        ("ConcurrentRequests", 403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests)"),
        ("ConcurrentPerOrgLongTxn", 403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
        ("SERVER_UNAVAILABLE", 503, "SERVER_UNAVAILABLE", "Too many requests waiting for connections"),
    ],
)
def test_the_next_requests_are_refused(org: OrgInMemory, name: str, status: int, code: str, words: str) -> None:
    org.switches.refusals, org.switches.retry_after_s = {name: 2}, 7
    for _ in range(2):
        refused = org.send("GET", "/limits")
        (error,) = json.loads(refused.body)
        assert (refused.status, error["errorCode"]) == (status, code)
        assert error["message"].startswith(words)
        assert refused.headers.get("Retry-After") == ("7" if status == 503 else None)
        assert refused.headers["Sforce-Limit-Info"] == "api-usage=0/100000"
    assert org.send("GET", "/limits").status == 200


def test_every_row_of_the_next_writes_is_locked(org: OrgInMemory) -> None:
    parent = lead(org)
    org.switches.refusals = {"UNABLE_TO_LOCK_ROW": 1}
    assert codes(tasks(org, parent, parent)) == ["UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW"]
    assert codes(tasks(org, parent)) == [""]


def test_too_many_requests_at_once_are_refused(org: OrgInMemory) -> None:
    org.switches.concurrent_limit = 0
    refused = org.send("GET", "/limits")
    assert (refused.status, b"ConcurrentRequests" in refused.body) == (403, True)
    org.switches.concurrent_limit = 1
    assert org.send("GET", "/limits").status == 200
