"""Cassettes made on the fly from recorded answers of the real HubSpot, and a loopback server that answers by script.

The recordings hold few requests that our adapter would make word for word. So a cassette pairs the request that the
adapter does make (matched by method, path, query and the meaning of its body) with a recorded answer: status, headers
and body as HubSpot sent them. Bodies of `amp-labs-connectors` were recorded without headers; they get a Date and a
Content-Type. Every request of a cassette must have been made once, and no other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    query: Mapping[str, str] = field(default_factory=dict)
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
    query = f"?{urlencode(asked.query)}" if asked.query else ""
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
