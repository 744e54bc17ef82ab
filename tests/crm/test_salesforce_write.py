"""Writes over a socket: cutting, merging, keys, locks, automation, outages, jobs."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from connector.crm.base import Write
from connector.crm.salesforce import connect
from connector.errors import ConfigError, QuotaExhausted
from tests.crm.salesforce_server import Reply, ScriptedServer, Seen, json_reply, refusal

QUOTA = refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    """Retry at once, twice."""
    with stamina.set_testing(testing=True, attempts=2):
        yield


def record_id(number: int) -> str:
    return f"00Q{number:012d}AAA"


def scores(count: int) -> list[Write]:
    return [Write("Lead", {"Score__c": number}, id=record_id(number)) for number in range(count)]


def records(seen: Seen) -> list[dict[str, Any]]:
    sent = json.loads(seen.body)
    assert sent["allOrNone"] is False
    return list(sent["records"])


def done(row_id: str) -> dict[str, Any]:
    return {"id": row_id, "success": True, "errors": []}


def failed(code: str, message: str = "no") -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


def accept(seen: Seen) -> Reply:
    return json_reply([done(record["id"]) for record in records(seen)])


def test_updates_go_two_hundred_to_a_call_and_are_answered_in_order(tmp_path: Path) -> None:
    writes = scores(450)[::-1]
    with ScriptedServer(tmp_path, accept) as server:
        crm = server.connect()
        results = crm.write(writes)
    assert [result.id for result in results] == [write.id for write in writes]
    assert [len(records(seen)) for seen in server.seen] == [200, 200, 50]
    assert {seen.headers["Sforce-Auto-Assign"] for seen in server.seen} == {"FALSE"}
    assert (crm.calls.read, crm.calls.write) == (0, 3)
    assert crm.write([]) == []


def test_writes_to_one_record_become_one_row_whose_later_fields_win(tmp_path: Path) -> None:
    long, short = record_id(1), record_id(1)[:15]
    writes = [
        Write("Lead", {"A__c": 1, "B__c": 1}, id=long),
        Write("Lead", {"C__c": 9}, id=record_id(2)),
        Write("Lead", {"B__c": None}, id=short),
    ]
    with ScriptedServer(tmp_path, accept) as server:
        results = server.connect().write(writes)
    sent = [{name: value for name, value in row.items() if name != "attributes"} for row in records(server.seen[0])]
    assert sent == [{"id": long, "A__c": 1, "B__c": None}, {"id": record_id(2), "C__c": 9}]
    assert [result.id for result in results] == [long, record_id(2), long]


def test_writes_of_two_objects_or_of_no_record_are_refused(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, accept) as server:
        crm = server.connect()
        for writes in (
            [*scores(1), Write("Contact", {}, id="003")],
            [Write("Lead", {"A": 1})],
            [Write("A;B", {}, id="1")],
        ):
            with pytest.raises(ConfigError):
                crm.write(writes)
    assert server.seen == []


@pytest.mark.fault("F33", "F8")
def test_a_locked_row_may_be_sent_again_and_a_refused_one_not(tmp_path: Path) -> None:
    rows = [failed("UNABLE_TO_LOCK_ROW"), done(record_id(1)), failed("CANNOT_UPDATE_CONVERTED_LEAD")]
    with ScriptedServer(tmp_path, lambda _seen: json_reply(rows)) as server:
        results = server.connect().write(scores(3))
    assert [(result.ok, result.retry) for result in results] == [(False, True), (True, False), (False, False)]


@pytest.mark.fault("F9", "I3")
def test_one_row_that_spoils_a_whole_call_is_found_wherever_it_is(tmp_path: Path) -> None:
    """Nobody recorded it; the vendor answers so to a body of which one value cannot be parsed."""
    poison = [record_id(0)]

    def answer(seen: Seen) -> Reply:
        if any(record["id"] in poison for record in records(seen)):
            return refusal(400, "JSON_PARSER_ERROR", "Cannot deserialize instance of date")
        return accept(seen)

    with ScriptedServer(tmp_path, answer) as server:
        crm = server.connect()
        for number in (*range(0, 100, 9), 1, 49, 50):
            poison[:], sent = [record_id(number)], len(server.seen)
            results = crm.write(scores(100))
            assert [result.ok for result in results] == [place != number for place in range(100)]
            assert results[number].code == "JSON_PARSER_ERROR"
            assert len(server.seen) - sent - 1 <= 2 * math.log2(100) + 2


@pytest.mark.fault("F9", "I3")
def test_a_batch_of_poison_alone_costs_few_calls_and_the_rest_waits(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, lambda _: refusal(400, "JSON_PARSER_ERROR")) as server:
        results = server.connect().write(scores(200))
    assert not any(result.ok for result in results)
    assert {result.code for result in results if result.retry} == {"NOT_TRIED"}
    assert len(server.seen) <= 4 * 8 + 4 + 1


@pytest.mark.fault("F33", "I3")
def test_locked_rows_go_again_after_a_pause_and_in_small_calls(tmp_path: Path) -> None:
    pauses: list[float] = []

    def answer(seen: Seen) -> Reply:
        rows = records(seen)
        if len(rows) == 100:
            return json_reply([failed("UNABLE_TO_LOCK_ROW")] * 60 + [done(record["id"]) for record in rows[60:]])
        return accept(seen)

    with ScriptedServer(tmp_path, answer) as server:
        results = connect(server.settings(), sleep=pauses.append).write(scores(100))
    assert all(result.ok for result in results)
    assert [len(records(seen)) for seen in server.seen] == [100, 25, 25, 10]
    assert len(pauses) == 3
    assert all(1 <= pause <= 3 for pause in pauses)


@pytest.mark.fault("F20")
def test_fields_that_the_org_does_not_take_are_left_out_whatever_it_says_of_them(tmp_path: Path) -> None:
    def answer(seen: Seen) -> Reply:
        rows = records(seen)
        if "Gone__c" in rows[0]:
            return json_reply([failed("INVALID_FIELD", "No such column 'Gone__c' on sobject of type Lead")] * len(rows))
        if "Locked__c" in rows[0]:
            refused = {"statusCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "check", "fields": ["Locked__c"]}
            return json_reply([{"success": False, "errors": [refused]}] * len(rows))
        return accept(seen)

    fields = {"Gone__c": 1, "Locked__c": 2, "Score__c": 3}
    with ScriptedServer(tmp_path, answer) as server:
        results = server.connect().write([Write("Lead", fields, id=record_id(n)) for n in range(3)])
        alone = server.connect().write([Write("Lead", {"Gone__c": 1}, id=record_id(1))])
    assert all(result.ok for result in results)
    assert {result.fields for result in results} == {("Gone__c", "Locked__c")}
    assert len(server.seen) == 3 + 1
    assert (alone[0].ok, alone[0].code) == (False, "INVALID_FIELD")


@pytest.mark.fault("F9")
def test_rows_that_failed_with_automation_go_once_more_in_small_calls(tmp_path: Path) -> None:
    poison = record_id(7)

    def answer(seen: Seen) -> Reply:
        ids = [record["id"] for record in records(seen)]
        refused = failed("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "LeadTrigger: execution of AfterUpdate")
        return json_reply([refused if poison in ids else done(each) for each in ids])

    with ScriptedServer(tmp_path, answer) as server:
        results = server.connect().write(scores(200))
    assert [len(records(seen)) for seen in server.seen] == [200, *[25] * 8]
    assert sum(result.ok for result in results) == 175


def test_an_outage_of_the_second_try_keeps_the_answers_of_the_first(tmp_path: Path) -> None:
    first = [done(record_id(0)), failed("CANNOT_EXECUTE_FLOW_TRIGGER")]
    with ScriptedServer(
        tmp_path, lambda seen: json_reply(first) if len(records(seen)) == 2 else refusal(400, "JSON_PARSER_ERROR")
    ) as server:
        results = server.connect().write(scores(2))
    assert [(result.ok, result.code, result.retry) for result in results] == [
        (True, None, False),
        (False, "CANNOT_EXECUTE_FLOW_TRIGGER", True),
    ]


@pytest.mark.fault("F19")
def test_what_is_no_number_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, accept) as server:
        (result,) = server.connect().write([Write("Lead", {"Score__c": float("nan")}, id=record_id(1))])
    assert (result.code, result.retry) == ("INVALID_NUMBER", False)
    assert server.seen == []


def test_creates_stay_acknowledged_when_the_look_up_of_others_fails(tmp_path: Path) -> None:
    org = Tasks({"b": "00Told"})
    with ScriptedServer(tmp_path, lambda seen: org(seen) if seen.method == "POST" else QUOTA) as server:
        made, clash = server.connect().write(tasks("a", "b"))
    assert (made.ok, made.created) == (True, True)
    assert (clash.code, clash.retry) == ("DUPLICATE_VALUE", True)


@pytest.mark.fault("I2")
@pytest.mark.parametrize("outage", [QUOTA, Reply(503), refusal(401, "INVALID_SESSION_ID")])
def test_an_outage_after_the_first_call_is_told_row_by_row(tmp_path: Path, outage: Reply) -> None:
    def answer(seen: Seen) -> Reply:
        return accept(seen) if records(seen)[0]["id"] == record_id(0) else outage

    with ScriptedServer(tmp_path, answer) as server:
        results = server.connect().write(scores(500))
    assert [result.ok for result in results] == [True] * 200 + [False] * 300
    assert all(result.retry for result in results[200:])


def test_an_outage_at_the_first_call_is_raised(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, lambda _seen: QUOTA) as server, pytest.raises(QuotaExhausted):
        server.connect().write(scores(500))
    assert len(server.seen) == 1


class Tasks:
    """Answer creates as an org with a unique key field does; some keys are there from the start."""

    def __init__(self, existing: dict[str, str], *, hidden: bool = False, lose_first: bool = False) -> None:
        self.ids = dict(existing)
        self._hidden = hidden
        self._lose = lose_first

    def __call__(self, seen: Seen) -> Reply:
        """Create, or look keys up."""
        if seen.method == "GET":
            soql = parse_qs(urlsplit(seen.path).query)["q"][0]
            assert soql.startswith("SELECT Id, Key__c FROM Task WHERE Key__c IN (")
            rows = [{"Id": row_id, "Key__c": key} for key, row_id in self.ids.items() if f"'{key}'" in soql]
            return json_reply({"totalSize": len(rows), "done": True, "records": [] if self._hidden else rows})
        reply = json_reply([self._create(record["Key__c"]) for record in records(seen)])
        if self._lose:
            self._lose = False
            return Reply(200, reply.body, cut=True)
        return reply

    def _create(self, key: str) -> dict[str, Any]:
        if key in self.ids:
            text = f"duplicate value found: Key__c duplicates value on record with id: {self.ids[key]}"
            return failed("DUPLICATE_VALUE", text)
        self.ids[key] = f"00T{len(self.ids):012d}AAA"
        return done(self.ids[key])


def tasks(*keys: str) -> list[Write]:
    return [Write("Task", {"Subject": "Call"}, key=("Key__c", key)) for key in keys]


@pytest.mark.fault("F24", "I1")
def test_a_task_that_exists_is_acknowledged_and_left_alone(tmp_path: Path) -> None:
    org = Tasks({"b": "00Told"})
    with ScriptedServer(tmp_path, org) as server:
        results = server.connect().write(tasks("a", "b", "a"))
    assert [(result.id, result.created) for result in results] == [
        (org.ids["a"], True),
        ("00Told", False),
        (org.ids["a"], False),
    ]
    assert [seen.method for seen in server.seen] == ["POST", "GET"]
    assert "PATCH" not in {seen.method for seen in server.seen}


@pytest.mark.fault("F3", "I1")
def test_creates_whose_answer_was_lost_are_sent_again_and_made_once(tmp_path: Path) -> None:
    org = Tasks({}, lose_first=True)
    with ScriptedServer(tmp_path, org) as server:
        results = server.connect().write(tasks("a", "b"))
    assert [result.id for result in results] == list(org.ids.values())
    assert len(org.ids) == 2


def test_existing_keys_are_looked_up_two_hundred_at_a_time_or_fewer(tmp_path: Path) -> None:
    org = Tasks({f"key-{number:060d}": f"00T{number}" for number in range(400)})
    with ScriptedServer(tmp_path, org) as server:
        results = server.connect().write(tasks(*org.ids))
    assert [result.id for result in results] == list(org.ids.values())
    assert max(len(seen.path) for seen in server.seen) < 16_000
    assert len(server.seen) < 12


@pytest.mark.fault("F17")
def test_a_clash_that_cannot_be_seen_yet_may_be_sent_again(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, Tasks({"a": "00T1"}, hidden=True)) as server:
        (result,) = server.connect().write(tasks("a"))
    assert (result.code, result.retry) == ("DUPLICATE_VALUE", True)


def test_a_clash_on_another_field_is_a_refusal(tmp_path: Path) -> None:
    row = failed("DUPLICATE_VALUE", "duplicate value found: Other__c duplicates value on record with id: 00T1")
    with ScriptedServer(tmp_path, lambda _seen: json_reply([row])) as server:
        (result,) = server.connect().write(tasks("a"))
    assert (result.code, result.retry) == ("DUPLICATE_VALUE", False)
    assert len(server.seen) == 1


def ingest(results: dict[str, str], *, lose_upload: bool = False) -> Any:  # noqa: ANN401 - a handler with its state
    """Answer an ingest job; result files are given as text without a charset, as the vendor sends them."""
    uploads: list[Seen] = []

    def answer(seen: Seen) -> Reply:
        name = seen.path.rpartition("/")[2]
        if seen.method == "PUT":
            uploads.append(seen)
            if lose_upload:
                again = refusal(400, "CLIENTINPUTERROR", "Found multiple contents for job")
                return Reply(201, b"lost", cut=True) if len(uploads) == 1 else again
            return Reply(201)
        if name in ("unprocessedrecords", "failedResults", "successfulResults"):
            return Reply(200, results.get(name, "").encode(), {"Content-Type": "text/csv"})
        state = {"POST": "Open", "PATCH": "UploadComplete", "GET": "JobComplete"}[seen.method]
        counts = {"numberRecordsProcessed": 3, "numberRecordsFailed": 1 if results else 0}
        return json_reply({"id": "750x", "state": state} | counts)

    return answer


def test_bulk_results_are_matched_by_id_whatever_their_order_and_content(tmp_path: Path) -> None:
    files = {
        "successfulResults": f'"sf__Id","sf__Created",Id,W__c\n"{record_id(2)}","false","{record_id(2)}","a\n\u2028"\n',
        "failedResults": f'"sf__Id","sf__Error",Id,Why__c\n"","UNABLE_TO_LOCK_ROW:é ""x"":--","{record_id(0)}","ü\n"\n',
        "unprocessedrecords": f'Id,Why__c\n"{record_id(1)}","z"\n',
    }
    with ScriptedServer(tmp_path, ingest(files)) as server:
        crm = server.connect(bulk_write_above=2)
        locked, unprocessed, good = crm.write(scores(3))
    assert (locked.code, locked.message, locked.retry) == ("UNABLE_TO_LOCK_ROW", 'é "x"', True)
    assert (unprocessed.code, unprocessed.retry) == ("UNPROCESSED", True)
    assert (good.id, good.ok) == (record_id(2), True)
    upload = next(seen for seen in server.seen if seen.method == "PUT")
    assert upload.headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert upload.body.startswith(b'"Id","Score__c"\n"00Q000000000000AAA","0"\n')
    assert (crm.calls.read, crm.calls.write) == (0, 7)


def test_an_upload_whose_answer_was_lost_counts_as_done(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, ingest({}, lose_upload=True)) as server:
        results = server.connect(bulk_write_above=2).write(scores(3))
    assert all(result.ok for result in results)
