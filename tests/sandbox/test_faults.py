"""Every act of a fault, seen from the client's side of a plain socket."""

import http.client
import json
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox.faults import FaultInjector, FaultsError, parse_faults
from connector.sandbox.http import Request
from connector.sandbox.server import RunningSandbox, SandboxOptions, start

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start(SandboxOptions("hubspot", world="empty")) as running:
        yield running


def control(sandbox: RunningSandbox, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
    request = urllib.request.Request(sandbox.ready["control_url"] + path, method=method)
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data) as answer:
        return json.load(answer)


def connect(sandbox: RunningSandbox) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(sandbox.ready["url"].removeprefix("http://"), timeout=10)


def call(sandbox: RunningSandbox, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
    connection = connect(sandbox)
    connection.request(method, path, None if body is None else json.dumps(body), headers(sandbox))
    return connection.getresponse()


def headers(sandbox: RunningSandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.ready['token']}", "Content-Type": "application/json"}


def create(sandbox: RunningSandbox) -> http.client.HTTPResponse:
    return call(sandbox, "POST", CONTACTS, {"properties": {"lastname": "Okoro"}})


def contacts(sandbox: RunningSandbox) -> int:
    return len(control(sandbox, "GET", "/control/records?object=contacts"))


def break_it(sandbox: RunningSandbox, act: dict[str, Any], when: str = "before_commit", **match: object) -> None:
    control(sandbox, "POST", "/control/faults", [{"match": match, "when": when, "act": act}])


def test_status_with_headers_and_body_before_commit(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"status": 429, "headers": {"Retry-After": "7"}, "body": {"policyName": "SECONDLY"}})
    answer = create(sandbox)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert json.load(answer) == {"policyName": "SECONDLY"}
    assert answer.headers["Content-Type"] == "application/json"
    assert contacts(sandbox) == 0
    assert control(sandbox, "GET", "/control/journal")[-1]["status"] == 429


def test_status_after_commit(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"status": 502, "body": "<html>Bad Gateway</html>"}, "after_commit", method="POST")
    answer = create(sandbox)
    assert (answer.status, answer.read()) == (502, b"<html>Bad Gateway</html>")
    assert contacts(sandbox) == 1


@pytest.mark.parametrize(("when", "made"), [("before_commit", 0), ("after_commit", 1)])
def test_drop(sandbox: RunningSandbox, when: str, made: int) -> None:
    break_it(sandbox, {"drop": True}, when, method="POST")
    with pytest.raises(http.client.RemoteDisconnected):
        create(sandbox)
    assert contacts(sandbox) == made


@pytest.mark.parametrize(("when", "made"), [("before_commit", 0), ("after_commit", 1)])
def test_reset(sandbox: RunningSandbox, when: str, made: int) -> None:
    break_it(sandbox, {"reset": True}, when, method="POST")
    with pytest.raises(ConnectionResetError):
        create(sandbox)
    assert contacts(sandbox) == made


@pytest.mark.parametrize(("when", "made"), [("before_commit", 0), ("after_commit", 1)])
def test_truncate(sandbox: RunningSandbox, when: str, made: int) -> None:
    break_it(sandbox, {"truncate_at": 10}, when, method="POST")
    answer = create(sandbox)
    with pytest.raises(http.client.IncompleteRead) as error:
        answer.read()
    assert len(error.value.partial) == 10
    assert contacts(sandbox) == made


def test_truncate_a_read_is_the_true_answer_cut(sandbox: RunningSandbox) -> None:
    whole = call(sandbox, "GET", CONTACTS).read()
    break_it(sandbox, {"truncate_at": 4})
    with pytest.raises(http.client.IncompleteRead) as error:
        call(sandbox, "GET", CONTACTS).read()
    assert error.value.partial == whole[:4]


def test_drip_is_whole_in_the_end(sandbox: RunningSandbox) -> None:
    whole = call(sandbox, "GET", CONTACTS).read()
    break_it(sandbox, {"drip_bytes_s": 1_000_000})
    assert call(sandbox, "GET", CONTACTS).read() == whole


def test_a_client_that_leaves_a_hang_before_commit_leaves_nothing(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"hang_s": 600}, method="POST")
    connection = connect(sandbox)
    connection.request("POST", CONTACTS, json.dumps({"properties": {"lastname": "Okoro"}}), headers(sandbox))
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_WR)
    assert connection.sock.recv(1) == b""
    connection.close()
    assert contacts(sandbox) == 0


def test_a_client_that_leaves_a_hang_after_commit_leaves_a_record(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"hang_s": 600}, "after_commit", method="POST")
    connection = connect(sandbox)
    connection.request("POST", CONTACTS, json.dumps({"properties": {"lastname": "Okoro"}}), headers(sandbox))
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_WR)
    assert connection.sock.recv(1) == b""
    connection.close()
    assert contacts(sandbox) == 1


def test_a_short_hang_ends_in_the_answer(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"hang_s": 0.001})
    assert call(sandbox, "GET", CONTACTS).status == 200


def test_nth_and_stats_and_delete(sandbox: RunningSandbox) -> None:
    break_it(sandbox, {"status": 503}, nth=[1, 3], path_re="/contacts$", method="GET|POST")
    assert [call(sandbox, "GET", CONTACTS).status for _ in range(4)] == [503, 200, 503, 200]
    stats = control(sandbox, "GET", "/control/stats")
    assert (stats["faults_fired"], stats["requests"], stats["by_path"]) == (2, 4, {CONTACTS: 4})
    assert control(sandbox, "DELETE", "/control/faults") == {"rules": 0}
    assert call(sandbox, "GET", CONTACTS).status == 200


def requests(count: int) -> list[Request]:
    return [Request("GET", f"/x/{n}", {}, {}, b"") for n in range(count)]


def test_every_counts_per_rule_and_probability_repeats_by_seed() -> None:
    every = {"match": {"every": 3}, "act": {"drop": True}}
    chance = {"match": {"probability": 0.3, "seed": 5}, "act": {"drop": True}}
    for rule, shares in ((every, {3}), (chance, {1, 2, 3, 4, 5})):
        runs = []
        for _ in range(2):
            injector = FaultInjector()
            injector.replace(parse_faults([rule]))
            runs.append([injector.strike(request) is not None for request in requests(9)])
        assert runs[0] == runs[1]
        assert sum(runs[0]) in shares


def test_the_first_rule_that_fires_acts_and_all_count() -> None:
    injector = FaultInjector()
    injector.replace(
        parse_faults([{"match": {"nth": 2}, "act": {"drop": True}}, {"match": {"nth": 2}, "act": {"reset": True}}])
    )
    struck = [injector.strike(request) for request in requests(3)]
    assert [rule.act.drop if rule else None for rule in struck] == [None, True, None]
    assert injector.fired == 1


def test_all_mistakes_are_told_at_once() -> None:
    rules = [
        {"match": {"path_re": "("}, "act": {"status": "x"}},
        {"match": {"pathre": "/a"}, "when": "later", "act": {"drop": True}},
        {"match": {"nth": 0}, "act": {}},
        {"act": {"drip_bytes_s": 0, "headers": []}},
        7,
    ]
    with pytest.raises(FaultsError) as error:
        parse_faults(rules)
    told = error.value.problems
    assert [sum(f"faults[{n}]" in line for line in told) for n in range(5)] == [2, 2, 2, 2, 1]
