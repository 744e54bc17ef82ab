"""Batches with a poison row, over a socket: the others land, at a bounded price."""

import math
from typing import Any

import pytest
import stamina

from connector.crm.base import Write
from connector.crm.hubspot import HubSpotSettings, connect
from connector.errors import RetryableError
from tests.crm.hubspot_recordings import Reply, reply, served

BAD_OPTION = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "message": 'Property values were not valid: [{"isValid":false,"message":"x was not one of the allowed options",'
    '"error":"INVALID_OPTION","name":"band"}]',
}


def accepting(poison: set[str], calls: list[int]) -> Any:  # noqa: ANN401 - an Answering
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        calls.append(len(body["inputs"]))
        if any(one["id"] in poison for one in body["inputs"]):
            return reply(400, BAD_OPTION)
        return reply(200, {"status": "COMPLETE", "results": [{"id": one["id"]} for one in body["inputs"]]})

    return answering


@pytest.mark.fault("F9", "I3")
def test_one_poison_row_of_a_hundred_wherever_it_is() -> None:
    calls: list[int] = []
    poison: set[str] = set()
    with served(accepting(poison, calls)) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url, rate_per_10s=100_000))
        for place in range(100):
            poison.clear()
            poison.add(str(place))
            calls.clear()
            results = crm.write([Write("contacts", {"band": "x"}, id=str(number)) for number in range(100)])
            assert [result.ok for result in results] == [number != place for number in range(100)]
            assert results[place].code == "INVALID_OPTION"
            assert len(calls) - 1 <= 2 * math.log2(100) + 2


@pytest.mark.fault("F9", "I3")
def test_a_batch_of_poison_alone_costs_few_calls_and_the_rest_waits() -> None:
    calls: list[int] = []
    with served(accepting({str(number) for number in range(100)}, calls)) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        results = crm.write([Write("contacts", {"band": "x"}, id=str(number)) for number in range(100)])
    assert not any(result.ok for result in results)
    assert {result.code for result in results if result.retry} == {"NOT_TRIED"}
    assert len(calls) <= 4 * 7 + 4 + 1


def test_chunks_are_of_a_hundred_unique_ids() -> None:
    calls: list[int] = []
    with served(accepting(set(), calls)) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        results = crm.write([Write("contacts", {"score": 1}, id=str(number % 250)) for number in range(500)])
    assert calls == [100, 100, 50]
    assert [result.id for result in results] == [str(number % 250) for number in range(500)]


def test_a_write_without_id_and_key_and_a_number_beyond_all_are_refused_alone() -> None:
    calls: list[int] = []
    with served(accepting(set(), calls)) as url:
        results = connect(HubSpotSettings(access_token="t", base_url=url)).write(
            [
                Write("tasks", {"hs_task_subject": "a"}),
                Write("tasks", {"hours": math.inf}, id="1"),
                Write("tasks", {"hours": 1.5}, id="2"),
            ]
        )
    assert [result.code for result in results] == ["KEY_REQUIRED", "INVALID_NUMBER", None]
    assert calls == [1]


def test_a_survivor_answers_for_the_id_that_was_merged_into_it() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        return reply(200, {"results": [{"id": "900"}, {"id": "2"}]})

    with served(answering) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        results = crm.write([Write("contacts", {"a": 1}, id="1"), Write("contacts", {"a": 1}, id="2")])
    assert [result.ok for result in results] == [True, True]


def test_rows_without_an_outcome_are_tried_again() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        error = {"status": "error", "category": "INTERNAL_ERROR", "message": "try later"}
        return reply(207, {"results": [{"id": "2"}], "errors": [error], "numErrors": 1})

    with served(answering) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        results = crm.write([Write("contacts", {"a": 1}, id="1"), Write("contacts", {"a": 1}, id="2")])
    assert (results[0].code, results[0].retry) == ("INTERNAL_ERROR", True)
    assert results[1].ok


def test_a_key_that_is_not_unique_in_hubspot_refuses_its_rows_and_says_what_to_do() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        return reply(400, {"status": "error", "message": "no unique property", "category": "VALIDATION_ERROR"})

    with served(answering) as url:
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        results = crm.write([Write("tasks", {"hs_task_subject": "a"}, key=("leadlight_key", "k"))])
    assert not results[0].ok
    assert "leadlight provision" in (results[0].message or "")


@pytest.mark.fault("F3", "I1")
def test_an_upsert_whose_answer_was_lost_makes_one_task() -> None:
    tasks: dict[str, str] = {}
    linked: list[tuple[str, str]] = []
    asked: list[str] = []

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        asked.append(path.rsplit("/", 1)[-1])
        if path.endswith("/read"):
            found = [one["id"] for one in body["inputs"] if one["id"] in tasks]
            results = [{"id": tasks[name], "properties": {"leadlight_key": name}} for name in found]
            return reply(200, {"results": results})
        if path.endswith("/upsert"):
            made: list[dict[str, Any]] = []
            for one in body["inputs"]:
                new = one["id"] not in tasks
                tasks.setdefault(one["id"], str(1000 + len(tasks)))
                made.append({"id": tasks[one["id"]], "new": new, "objectWriteTraceId": one["objectWriteTraceId"]})
            return None if asked.count("upsert") == 1 else reply(200, {"results": made})
        linked.extend((one["from"]["id"], one["to"]["id"]) for one in body["inputs"])
        return reply(201, {"results": []})

    with served(answering) as url, stamina.set_testing(True, attempts=3):
        crm = connect(HubSpotSettings(access_token="t", base_url=url))
        wanted = [Write("tasks", {"associations.contacts": "5"}, key=("leadlight_key", name)) for name in "abc"]
        first = crm.write(wanted)
        second = crm.write(wanted)
    assert [result.id for result in first] == [result.id for result in second] == ["1000", "1001", "1002"]
    assert not any(result.created for result in second)
    assert set(linked) == {("1000", "5"), ("1001", "5"), ("1002", "5")}


def test_nothing_landed_so_the_error_is_raised() -> None:
    with (
        served(lambda method, path, body: reply(503, "<html>down</html>")) as url,
        stamina.set_testing(True, attempts=2),
        pytest.raises(RetryableError) as raised,
    ):
        connect(HubSpotSettings(access_token="t", base_url=url)).write([Write("tasks", {"a": 1}, id="1")])
    assert raised.value.unknown_outcome
