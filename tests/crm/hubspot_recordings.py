"""Cassettes made on the fly from recorded answers of the real HubSpot, and a loopback server that answers by script.

The recordings hold few requests that our adapter would make word for word. So a cassette pairs the request that the
adapter does make (matched by method, path, query and the meaning of its body) with a recorded answer: status, headers
and body as HubSpot sent them. Bodies of `amp-labs-connectors` were recorded without headers; they get a Date and a
Content-Type. Every request of a cassette must have been made once, and no other.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import vcr
import yaml

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "recordings" / "hubspot"
DATE = "Wed, 01 Jul 2026 12:00:00 GMT"
BASE = "https://api.hubapi.com"
JSON_HEADERS = {"Content-Type": "application/json;charset=utf-8", "Date": DATE}

needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"recorded HubSpot traffic is not there ({RECORDINGS})"
)


@dataclass(frozen=True)
class Recorded:
    """Hold an answer."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=lambda: dict(JSON_HEADERS))

    def json(self) -> Any:  # noqa: ANN401 - any recorded JSON
        """Parse the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Asked:
    """Name a request that the adapter is expected to make."""

    method: str
    path: str
    query: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    body: object = None


def from_cassette(name: str, path_part: str, nth: int = 0) -> Recorded:
    """Take the answer of the nth interaction of a recorded Ruby cassette whose address holds path_part."""
    recorded = yaml.safe_load((RECORDINGS / "captaincontrat-hubspot-api-ruby" / name).read_text())
    matching = [one for one in recorded["http_interactions"] if path_part in one["request"]["uri"]]
    response = matching[nth]["response"]
    headers = {name: values[0] for name, values in response["headers"].items()}
    body = response["body"]["string"].replace("<PORTAL_ID>", "62515")
    return Recorded(response["status"]["code"], body, headers)


def from_body(name: str, status: int = 200) -> Recorded:
    """Take a recorded body."""
    return Recorded(status, (RECORDINGS / "amp-labs-connectors" / "test" / name).read_text())


@contextmanager
def replayed(folder: Path, exchanges: Sequence[tuple[Asked, Recorded]]) -> Iterator[Any]:
    """Answer from a cassette alone; fails where a request of the cassette was not made."""
    path = folder / "cassette.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [_interaction(*one) for one in exchanges]}))
    recorder = vcr.VCR(record_mode="none", match_on=["method", "path", "query", "json"])
    recorder.register_matcher("json", _same_json)
    with recorder.use_cassette(str(path)) as cassette:
        yield cassette
    assert cassette.all_played, list(exchanges[cassette.play_count :])


def _interaction(asked: Asked, recorded: Recorded) -> dict[str, Any]:
    query = f"?{urlencode(asked.query, doseq=True)}" if asked.query else ""
    hop = {"transfer-encoding", "content-encoding", "content-length"}  # the recorded body is whole and decoded
    return {
        "request": {
            "method": asked.method,
            "uri": f"{BASE}{asked.path}{query}",
            "body": None if asked.body is None else json.dumps(asked.body),
            "headers": {},
        },
        "response": {
            "status": {"code": recorded.status, "message": "recorded"},
            "headers": {name: [value] for name, value in recorded.headers.items() if name.lower() not in hop},
            "body": {"string": recorded.body},
        },
    }


def _same_json(one: Any, other: Any) -> None:  # noqa: ANN401 - vcrpy's requests
    """Raise where two bodies do not mean the same."""
    first, second = (json.loads(request.body) if request.body else None for request in (one, other))
    assert first == second, f"{first} is not {second}"


Reply = tuple[int, Mapping[str, str], bytes]
Answering = Callable[[str, str, dict[str, Any]], Reply | None]
"""Answer (method, path with query, parsed body); null closes the connection without an answer."""


def reply(status: int, body: object, **headers: str) -> Reply:
    """Make an answer: JSON, or HTML where the body is text."""
    if isinstance(body, str):
        return status, {"Content-Type": "text/html", "Date": DATE, **headers}, body.encode()
    return status, {**JSON_HEADERS, **headers}, json.dumps(body).encode()


@contextmanager
def served(answering: Answering) -> Iterator[str]:
    """Serve on a loopback port; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and a short body leave in one packet
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            answer = answering(self.command, self.path, body)
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that the base class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
