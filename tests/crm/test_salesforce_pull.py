"""Pulls over a socket: what is asked, how places are kept, when Bulk takes over."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from connector.crm.base import Page
from connector.crm.salesforce import SalesforceCrm
from connector.errors import RetryableError
from tests.crm.salesforce_server import SERVER_DATE, Reply, ScriptedServer, Seen, json_reply, refusal

FIELDS = [("Id", "id"), ("Email", "email"), ("SystemModstamp", "datetime"), ("IsDeleted", "boolean")]
DESCRIBE = json_reply({"name": "Lead", "fields": [{"name": name, "type": kind} for name, kind in FIELDS]})
NEXT = "/services/data/v62.0/query/0r8xx5R2yF2gs3VASQ-2000"
START = json.dumps({"stamp": "2026-07-01T12:00:00+00:00"})
GONE = refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
JOB = {"id": "750x", "state": "UploadComplete"}


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    """Retry at once, three times."""
    with stamina.set_testing(testing=True, attempts=3):
        yield


def lead(number: int, second: int = 0, *, deleted: bool = False) -> dict[str, Any]:
    stamp = f"2026-06-30T10:00:{second:02d}.000+0000"
    return {"Id": f"00Q{number}", "Email": f"{number}@x.io", "SystemModstamp": stamp, "IsDeleted": deleted}


def page(*records: dict[str, Any], total: int | None = None, following: str | None = None) -> Reply:
    more = {"nextRecordsUrl": following} if following else {}
    return json_reply({"totalSize": total or len(records), "done": not following, "records": list(records)} | more)


def csv_set(*numbers: int, locator: str = "null", count: int | None = None) -> Reply:
    rows = [f'"00Q{number}","{number}@x.io","2026-06-30T10:00:00.000Z","false"\n' for number in numbers]
    text = '"Id","Email","SystemModstamp","IsDeleted"\n' + "".join(rows)
    counted = str(len(numbers) if count is None else count)
    headers = {"Content-Type": "text/csv", "Sforce-Locator": locator, "Sforce-NumberOfRecords": counted}
    return Reply(200, text.encode(), headers | {"Date": SERVER_DATE})


def after_describe(*replies: Reply) -> Callable[[Seen], Reply]:
    left = list(replies)
    return lambda seen: DESCRIBE if seen.path.endswith("describe") else left.pop(0) if len(left) > 1 else left[0]


def pull(crm: SalesforceCrm, cursor: str | None = None) -> list[Page]:
    return list(crm.changes("Lead", ["Email"], cursor))


def ids(pages: list[Page]) -> list[str]:
    return [record_id for each in pages for record_id in each.rows["Id"].to_pylist()]


def query_of(seen: Seen) -> str:
    return parse_qs(urlsplit(seen.path).query)["q"][0]


@pytest.mark.fault("F17", "F22")
def test_a_later_pull_overlaps_and_hears_of_what_was_deleted(tmp_path: Path) -> None:
    cursor = json.dumps({"stamp": "2026-06-30T10:00:00+00:00"})
    with ScriptedServer(tmp_path, after_describe(page(lead(1), lead(2, 5, deleted=True)))) as server:
        (only,) = pull(server.connect(), cursor)
    assert urlsplit(server.seen[1].path).path == "/services/data/v62.0/queryAll/"
    assert query_of(server.seen[1]) == (
        "SELECT Id, Email, SystemModstamp, IsDeleted FROM Lead "
        "WHERE SystemModstamp >= 2026-06-30T09:55:00Z ORDER BY SystemModstamp, Id"
    )
    assert (ids([only]), only.deleted, only.cursor) == (["00Q1"], ("00Q2",), START)


def test_a_pull_that_finds_nothing_still_moves_the_cursor(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, after_describe(page())) as server:
        (only,) = pull(server.connect(), START.replace("12:", "11:"))
    assert (only.rows.num_rows, only.cursor) == (0, START)


def test_pages_carry_the_stamp_they_reached(tmp_path: Path) -> None:
    replies = page(lead(1, 1), lead(2, 9), total=3, following=NEXT), page(lead(3, 9), total=3)
    with ScriptedServer(tmp_path, after_describe(*replies)) as server:
        pages = pull(server.connect())
    assert [each.cursor for each in pages] == [json.dumps({"stamp": "2026-06-30T10:00:09+00:00"}), START]
    assert server.seen[2].path == NEXT


@pytest.mark.fault("F18")
def test_a_lost_place_is_found_again_behind_the_last_row(tmp_path: Path) -> None:
    replies = page(lead(1), lead(2, 9), total=3, following=NEXT), GONE, page(lead(3, 9))
    with ScriptedServer(tmp_path, after_describe(*replies)) as server:
        assert ids(pull(server.connect())) == ["00Q1", "00Q2", "00Q3"]
    assert "((SystemModstamp = 2026-06-30T10:00:09Z AND Id > '00Q2') OR SystemModstamp > 2026-06-30T10:00:09Z)" in (
        query_of(server.seen[3])
    )


def test_a_place_that_is_always_lost_is_told(tmp_path: Path) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path.endswith("describe"):
            return DESCRIBE
        return GONE if seen.path == NEXT else page(lead(1), total=2, following=NEXT)

    with ScriptedServer(tmp_path, answer) as server, pytest.raises(RetryableError, match="place"):
        pull(server.connect())
    assert len(server.seen) == 9


def bulk(*replies: Reply, finished: dict[str, Any] | None = None) -> Callable[[Seen], Reply]:
    """Answer a query of five rows that a bulk job of two looks then reads."""
    done = JOB | {"state": "JobComplete", "numberRecordsProcessed": 5} | (finished or {})
    looks = [json_reply(JOB | {"state": "InProgress"}), json_reply(done)]
    left = list(replies)

    def answer(seen: Seen) -> Reply:
        path = urlsplit(seen.path).path.removeprefix("/services/data/v62.0/")
        if path == "jobs/query/750x":
            return looks.pop(0) if len(looks) > 1 else looks[0]
        if path.startswith("jobs/query/750x/results"):
            return left.pop(0) if len(left) > 1 else left[0]
        answers = {
            "jobs/query": json_reply(JOB),
            "sobjects/Lead/describe": DESCRIBE,
            "queryAll/": page(lead(1), lead(2), total=5, following=NEXT),
        }
        return answers.get(path, page(lead(3), lead(4), lead(5), total=5))

    return answer


def test_many_rows_are_read_by_a_bulk_job_that_moves_the_cursor_at_its_end(tmp_path: Path) -> None:
    script = bulk(csv_set(4, 1, locator="MTAw"), csv_set(2, 5, locator="MjAw"), csv_set(3))
    with ScriptedServer(tmp_path, script) as server:
        crm = server.connect(bulk_read_above=4)
        pages = pull(crm)
    order = json.loads(server.seen[2].body)
    assert order["query"] == "SELECT Id, Email, SystemModstamp, IsDeleted FROM Lead WHERE IsDeleted = false"
    assert (order["operation"], order["lineEnding"]) == ("queryAll", "LF")
    assert [parse_qs(urlsplit(seen.path).query) for seen in server.seen[5:]] == [
        {"maxRecords": ["50000"]},
        {"maxRecords": ["50000"], "locator": ["MTAw"]},
        {"maxRecords": ["50000"], "locator": ["MjAw"]},
    ]
    assert ids(pages) == ["00Q4", "00Q1", "00Q2", "00Q5", "00Q3"]
    assert [each.cursor for each in pages] == ["", "", START]
    assert (crm.calls.read, crm.calls.write) == (8, 0)


@pytest.mark.fault("F18", "I5")
def test_a_set_that_lacks_rows_is_asked_for_again(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, bulk(csv_set(1, 2, 3, 4, count=5), csv_set(1, 2, 3, 4, 5))) as server:
        assert len(ids(pull(server.connect(bulk_read_above=4)))) == 5


def test_a_job_whose_results_lack_rows_is_told(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, bulk(csv_set(1, 2, 3))) as server, pytest.raises(RetryableError, match="3 of 5 rows"):
        pull(server.connect(bulk_read_above=4))


def test_an_object_that_bulk_does_not_serve_is_read_by_pages(tmp_path: Path) -> None:
    served = bulk(csv_set())

    def answer(seen: Seen) -> Reply:
        return refusal(400, "INVALIDENTITY", "not supported") if seen.path.endswith("jobs/query") else served(seen)

    with ScriptedServer(tmp_path, answer) as server:
        assert ids(pull(server.connect(bulk_read_above=4))) == [f"00Q{number}" for number in range(1, 6)]


def test_a_failed_job_is_made_up_for_by_pages(tmp_path: Path) -> None:
    failed = {"state": "Failed", "errorMessage": "InternalServerError: retry"}
    with ScriptedServer(tmp_path, bulk(csv_set(), finished=failed)) as server:
        assert len(ids(pull(server.connect(bulk_read_above=4)))) == 5


def test_a_job_that_never_ends_is_told(tmp_path: Path) -> None:
    script = bulk(csv_set(), finished={"state": "InProgress"})
    with ScriptedServer(tmp_path, script) as server, pytest.raises(RetryableError, match="within 60 s"):
        pull(server.connect(bulk_read_above=4, job_timeout_s=60.0))


def test_a_query_too_long_for_an_address_goes_to_bulk_at_once(tmp_path: Path) -> None:
    names = [f"A_field_with_a_rather_long_name_{number}__c" for number in range(400)]
    fields = [{"name": name, "type": kind} for name, kind in [*FIELDS, *((name, "string") for name in names)]]
    header = ",".join(f'"{name}"' for name in ["Id", *names, "SystemModstamp", "IsDeleted"])
    served = bulk(
        Reply(200, header.encode() + b"\n", {"Sforce-Locator": "null"}), finished={"numberRecordsProcessed": 0}
    )

    def answer(seen: Seen) -> Reply:
        if seen.path.endswith("describe"):
            return json_reply({"name": "Lead", "fields": fields})
        return json_reply({}) if seen.path.endswith("limits/") else served(seen)

    with ScriptedServer(tmp_path, answer) as server:
        (only,) = server.connect().changes("Lead", names, None)
    assert (only.rows.num_rows, only.cursor) == (0, START)
    assert max(len(seen.path) for seen in server.seen) < 200


def test_owners_are_people_and_queues_of_all_pages(tmp_path: Path) -> None:
    users = [{"Id": f"005{n}", "Name": f"U{n}", "Email": None, "IsActive": n > 1} for n in (1, 2)]
    replies = [
        page(users[0], total=2, following=NEXT),
        page(users[1], total=2),
        page({"Id": "00G1", "Name": "Inbound"}),
    ]
    with ScriptedServer(tmp_path, after_describe(*replies)) as server:
        owners = server.connect().owners()
    assert [(each.id, each.active, each.queue) for each in owners] == [
        ("0051", False, False),
        ("0052", True, False),
        ("00G1", True, True),
    ]
    assert "UserType = 'Standard'" in query_of(server.seen[0])
