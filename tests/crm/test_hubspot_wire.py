"""Failures over a real socket: refused tokens, rate limits, HTML, lost answers, and how often each is asked again."""

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import stamina

from connector.crm.base import Write
from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.errors import AuthError, ConfigError, QuotaExhausted, RetryableError
from tests.crm.hubspot_recordings import Answering, Reply, reply, served

ACCOUNT = {"portalId": 1, "uiDomain": "app.hubspot.com"}
ROLLING = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
}
DAILY = {**ROLLING, "message": "You have reached your daily limit.", "policyName": "DAILY"}
TOKEN = "pat-na1-never-in-a-message"


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


def adapter(url: str, read_timeout_s: float = 10) -> HubSpotCrm:
    return connect(HubSpotSettings(access_token=TOKEN, base_url=url, read_timeout_s=read_timeout_s))


def in_turn(replies: Sequence[Reply | None], asked: list[str]) -> Answering:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        asked.append(f"{method} {path}")
        return replies[min(len(asked), len(replies)) - 1]

    return answering


@pytest.mark.fault("F10", "I10")
def test_a_refused_token_is_asked_once_and_not_shown() -> None:
    asked: list[str] = []
    body = {"status": "error", "message": "Authentication credentials not found.", "category": "INVALID_AUTHENTICATION"}
    with served(in_turn([reply(401, body)], asked)) as url, pytest.raises(AuthError) as raised:
        adapter(url).owners()
    assert len(asked) == 1
    assert "LEADLIGHT_CRM__TOKEN" in raised.value.message
    assert TOKEN not in raised.value.message
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_cloudflare_530_is_a_malformed_token() -> None:
    asked: list[str] = []
    with served(in_turn([reply(530, "<html>error 1016</html>")], asked)) as url, pytest.raises(AuthError):
        adapter(url).check()
    assert len(asked) == 1


@pytest.mark.fault("F1", "I3")
@pytest.mark.parametrize(
    ("headers", "message", "waits_s"),
    [({"Retry-After": "7"}, "ten_secondly_rolling", 7.0), ({}, "ten_secondly_rolling", 10.0), ({}, "secondly", 1.0)],
)
def test_a_rate_limit_says_how_long_to_wait(headers: dict[str, str], message: str, waits_s: float) -> None:
    body = {"status": "error", "message": f"You have reached your {message} limit.", "category": "RATE_LIMITS"}
    asked: list[str] = []
    with served(in_turn([reply(429, body, **headers)], asked)) as url, pytest.raises(RetryableError) as raised:
        adapter(url).check()
    assert raised.value.retry_after_s == waits_s
    assert len(asked) == 300 // waits_s + 1  # as many pauses as fit into the time of a request


@pytest.mark.fault("F1")
def test_a_rate_limit_passes() -> None:
    asked: list[str] = []
    with served(in_turn([reply(429, ROLLING), reply(429, ROLLING), reply(200, ACCOUNT)], asked)) as url:
        crm = adapter(url)
        assert crm.check().org_id == "1"
    assert crm.calls.read == 3


@pytest.mark.fault("F2")
def test_the_daily_limit_stops_at_once() -> None:
    asked: list[str] = []
    with served(in_turn([reply(429, DAILY)], asked)) as url, pytest.raises(QuotaExhausted):
        adapter(url).check()
    assert len(asked) == 1


@pytest.mark.fault("F5")
@pytest.mark.parametrize("status", [423, 500, 502, 503, 504, 521, 524])
def test_passing_faults_are_asked_again_whatever_their_body(status: int) -> None:
    asked: list[str] = []
    html = reply(status, "<html><title>Bad gateway é</title></html>")
    with served(in_turn([html, reply(200, ACCOUNT)], asked)) as url:
        assert adapter(url).check().org_id == "1"
    assert len(asked) == 2


def test_a_body_in_another_alphabet_is_no_parser_error() -> None:
    asked: list[str] = []
    html = (503, {"Content-Type": "text/html;charset=iso-8859-1"}, "<html>Indisponibilité</html>".encode("latin-1"))
    with served(in_turn([html, reply(200, {"results": []})], asked)) as url:
        assert adapter(url).owners() == []


@pytest.mark.fault("F5")
def test_an_html_page_with_200_is_no_answer() -> None:
    asked: list[str] = []
    html = reply(200, "<html>a proxy's login</html>")
    with served(in_turn([html], asked)) as url, pytest.raises(RetryableError, match="not JSON"):
        adapter(url).owners()
    assert len(asked) == 3


def test_a_migrating_portal_is_not_waited_for_in_the_run() -> None:
    asked: list[str] = []
    moving = {"status": "error", "message": "This account is being migrated"}
    answer = reply(477, moving, **{"Retry-After": "86400"})
    with served(in_turn([answer], asked)) as url, pytest.raises(RetryableError) as raised:
        adapter(url).check()
    assert raised.value.retry_after_s == 86400
    assert len(asked) == 1


@pytest.mark.fault("F32")
def test_a_redirect_is_not_followed_with_the_token() -> None:
    seen: list[str] = []
    with served(in_turn([reply(200, ACCOUNT)], seen)) as other:
        asked: list[str] = []
        with served(in_turn([reply(302, {}, Location=f"{other}/stolen")], asked)) as url:
            with pytest.raises(ConfigError, match="redirect"):
                adapter(url).check()
            with pytest.raises(ConfigError, match="redirect"):
                adapter(url).owners()
    assert len(asked) == 2
    assert seen == []


@pytest.mark.fault("F3")
def test_a_lost_answer_is_asked_again_and_its_outcome_is_unknown() -> None:
    asked: list[str] = []
    update = Write("contacts", {"leadlight_score": 5}, id="1")
    with served(in_turn([None], asked)) as url:
        crm = adapter(url)
        with pytest.raises(RetryableError) as raised:
            crm.write([update])
        with pytest.raises(RetryableError) as read:
            crm.owners()
    assert raised.value.unknown_outcome
    assert not read.value.unknown_outcome
    assert (crm.calls.read, crm.calls.write) == (3, 3)


@pytest.mark.fault("F7")
def test_a_truncated_body_is_asked_again() -> None:
    asked: list[str] = []
    cut = (200, {"Content-Type": "application/json", "Content-Length": "500"}, b'{"results":[{"id":"1"')

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        asked.append(path)
        return cut if len(asked) == 1 else reply(200, {"results": []})

    with served(answering) as url:
        assert adapter(url, read_timeout_s=0.3).owners() == []
    assert len(asked) == 3  # the first page twice, then the archived owners


@pytest.mark.fault("F6")
def test_a_server_that_hangs_is_given_up() -> None:
    asked: list[str] = []
    done = threading.Event()

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        asked.append(path)
        done.wait(10)
        return None

    with served(answering) as url:
        with pytest.raises(RetryableError, match="network"):
            adapter(url, read_timeout_s=0.05).owners()
        done.set()
    assert len(asked) == 3


@pytest.mark.fault("F32")
def test_a_server_that_is_not_there_never_got_the_write() -> None:
    with served(in_turn([None], [])) as url:
        pass
    with pytest.raises(RetryableError) as raised:
        adapter(url).write([Write("contacts", {"a": "b"}, id="1")])
    assert not raised.value.unknown_outcome


def test_what_landed_before_the_limit_is_acknowledged() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        if body["inputs"][0]["id"] == "100":
            return reply(429, DAILY)
        return reply(200, {"results": [{"id": one["id"]} for one in body["inputs"]]})

    with served(answering) as url:
        crm = adapter(url)
        results = crm.write([Write("contacts", {"a": number}, id=str(number)) for number in range(150)])
        with pytest.raises(QuotaExhausted):
            crm.write([Write("contacts", {"a": 1}, id="100")])
    assert [result.ok for result in results] == [True] * 100 + [False] * 50
    assert all(result.retry for result in results[100:])


def test_requests_ask_for_gzip_and_read_it() -> None:
    body = gzip.compress(json.dumps({"results": []}).encode())
    packed = (200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)
    with served(in_turn([packed], [])) as url:
        assert adapter(url).owners() == []
