"""Addresses that are asked for rows: with a token, page by page, once, never too much, never in the way of a sync."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.server import Crm
from tests.feeds.drops import fed, feed, score
from tests.feeds.test_feed_inbox import BLOCK, row
from tests.loop.loops import Loop

TOKEN = "t0ken"
Answer = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


class Export:
    """A vendor's export: answers by path, and what was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Callable[[dict[str, str]], Answer]] = {}

    def give(self, path: str, *rows: object, headers: dict[str, str] | None = None, status: int = 200) -> None:
        """Answer a path with JSON."""
        body = json.dumps(rows[0] if len(rows) == 1 and isinstance(rows[0], dict) else rows).encode()
        self.answers[path] = lambda _asked: (status, JSON | (headers or {}), body)


@pytest.fixture
def export() -> Iterator[Export]:
    """Serve an export on this machine."""
    served = Export()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name.lower(): value for name, value in self.headers.items()}
            served.asked.append((self.path, asked))
            status, headers, body = served.answers[self.path](asked)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def crm() -> Crm:
    """Addresses know no vendor of CRMs; one is enough."""
    return "hubspot"


@pytest.fixture
def ask(fresh: Loop, export: Export, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loop]:
    """Make a loop that asks the export at /rows, with further settings."""
    monkeypatch.setenv("LEADLIGHT_FEED__USAGE__TOKEN", TOKEN)

    def made(**settings: object) -> Loop:
        (fresh.folder / "usage.toml").write_text(BLOCK, encoding="utf-8")
        feed(fresh, "usage", path=None, use="usage.toml", url=f"{export.url}/rows", **settings)
        return fresh

    return made


def ids(loop: Loop) -> list[str]:
    return [found["event_id"].removeprefix("feed:usage:") for found in fed(loop)]


def spooled(loop: Loop) -> list[Path]:
    folder = loop.folder / "leadlight-store" / "spool" / "usage"
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def test_the_token_is_sent_and_an_etag_saves_the_second_answer(ask: Callable[..., Loop], export: Export) -> None:
    def answer(asked: dict[str, str]) -> Answer:
        if asked.get("if-none-match") == '"one"':
            return 304, {}, b""
        return 200, JSON | {"ETag": '"one"'}, json.dumps([row(1), row(2)]).encode()

    export.answers["/rows"] = answer
    loop = ask()
    assert score(loop).fed["events"] == 2
    assert score(loop).fed == {}
    assert [asked["authorization"] for _, asked in export.asked] == [f"Bearer {TOKEN}"] * 2
    assert spooled(loop) == []


def test_the_same_answer_without_an_etag_is_landed_once_and_old_rows_stay(
    ask: Callable[..., Loop], export: Export
) -> None:
    export.give("/rows", row(1), row(2))
    loop = ask(token_header="X-Api-Key", token_prefix="")
    score(loop)
    assert score(loop).fed == {}
    assert export.asked[0][1]["x-api-key"] == TOKEN
    export.give("/rows", row(2), row(3))  # the export's window went on
    assert score(loop).fed["events"] == 2
    assert ids(loop) == ["1", "2", "3"]


def test_pages_are_followed_by_a_key_of_the_answer(ask: Callable[..., Loop], export: Export) -> None:
    export.give("/rows", {"data": {"items": [row(1)]}, "paging": {"next": "/rows?page=2"}})
    export.give("/rows?page=2", {"data": {"items": [row(2)]}, "paging": {"next": None}})
    loop = ask(rows="data.items", next="paging.next")
    assert (score(loop).fed["events"], ids(loop)) == (2, ["1", "2"])


def test_pages_are_followed_by_the_link_header(ask: Callable[..., Loop], export: Export) -> None:
    text = "id,email,feature,at\n{},p08@acme.example,export,2026-06-29T08:00:00Z\n"
    link = f'<{export.url}/rows?page=2>; rel="next"'
    first, second = ({"Content-Type": "text/csv; charset=utf-8"} | more for more in ({"Link": link}, {}))
    export.answers["/rows"] = lambda _asked: (200, first, text.format(1).encode())
    export.answers["/rows?page=2"] = lambda _asked: (200, second, text.format(2).encode())
    loop = ask()
    assert (score(loop).fed["events"], ids(loop)) == (2, ["1", "2"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b""), "answered 401; check the token"),
        ((404, {}, b""), "answered 404"),
        ((301, {"Location": "https://else.example"}, b""), "moved; set `url`"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "the answer is not JSON"),
        ((200, JSON, b'["text"]'), "something else than JSON objects"),
        ((200, JSON | {"Link": '<https://else.example/x>; rel="next"'}, b"[]"), "the token is not sent there"),
        ((200, JSON | {"Link": '</rows>; rel="next"'}, b"[]"), "go in a circle"),
        ((200, JSON | {"Content-Length": "10000000000"}, b""), "more than 1 MB, which is what max_mb leaves"),
        ((200, {"Content-Type": "application/json", "Transfer-Encoding": "identity"}, b"[" + b" " * 1_100_000 + b"]"),
         "more than 1 MB"),
        ((503, {}, b""), "answered 503"),
    ],
)  # fmt: skip
def test_an_address_that_gives_no_rows_is_told_and_stops_nothing(
    ask: Callable[..., Loop], export: Export, answer: Answer, said: str
) -> None:
    export.answers["/rows"] = lambda _asked: answer
    loop = ask(max_mb=1)
    outcome = score(loop)
    (problem,) = outcome.switched_off
    assert problem.startswith("feed usage: ")
    assert said in problem
    assert TOKEN not in problem
    assert (outcome.pulled["people"], spooled(loop)) == (24, [])


def test_a_busy_address_is_asked_again(ask: Callable[..., Loop], export: Export) -> None:
    answers: list[Answer] = [
        (429, {"Retry-After": "0"}, b""),
        (500, {}, b""),
        (200, JSON, json.dumps([row(1)]).encode()),
    ]
    export.answers["/rows"] = lambda _asked: answers.pop(0)
    assert score(ask()).fed["events"] == 1


def test_what_cannot_be_used_waits_and_is_not_asked_for_again(ask: Callable[..., Loop], export: Export) -> None:
    wrong: dict[str, Any] = {**row(1), "mail": "p08@acme.example"}
    del wrong["email"]
    export.give("/rows", wrong)
    loop = ask()
    for _ in range(2):
        assert "no column 'email'" in score(loop).switched_off[0]
    assert (len(export.asked), len(spooled(loop))) == (1, 1)
    (loop.folder / "usage.toml").write_text(BLOCK.replace('email = "email"', 'email = "mail"'), encoding="utf-8")
    assert (score(loop).fed["events"], ids(loop)) == (1, ["1"])
