"""Cassettes made on the fly from recorded answers of the real Salesforce.

Few recordings hold a request that our adapter would make word for word, so a cassette pairs the request the adapter
does make (matched by method, path, query and the meaning of its body) with a recorded answer. Where a request was
recorded with its answer, the test takes the expected body from the recording. Bodies recorded without status or headers
get those that the vendor's documentation gives. Every request of a cassette must have been made once, and no other.
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

from connector.crm.salesforce import SalesforceCrm, SalesforceSettings, connect

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "recordings" / "salesforce"
DATE = "Wed, 01 Jul 2026 12:00:00 GMT"
INSTANCE = "https://orgname.my.salesforce.com"
API = "/services/data/v62.0/"
AMP = "amp-labs-connectors/providers/salesforce/test/"
CUMULUS = "CumulusCI/cumulusci/"

needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"recorded Salesforce traffic is not there ({RECORDINGS})"
)


@dataclass(frozen=True)
class Recorded:
    """Hold an answer."""

    body: str
    status: int = 200
    type: str = "application/json;charset=UTF-8"

    def json(self) -> Any:  # noqa: ANN401 - any recorded JSON
        """Parse the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Asked:
    """Name a request that the adapter is expected to make; body is JSON, text is anything else."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    text: str | None = None


def body_of(name: str, status: int = 200, kind: str = "application/json;charset=UTF-8") -> Recorded:
    """Take a file that is a body."""
    return Recorded((RECORDINGS / name).read_text(), status, kind)


def wrapped(name: str) -> Recorded:
    """Take an answer of SalesforcePy: status and body in a JSON envelope."""
    envelope = json.loads((RECORDINGS / "SalesforcePy" / "tests" / "fixtures" / name).read_text())
    body = envelope["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Recorded(text if body is not None else "", envelope["status_code"], envelope.get("content_type", "text/csv"))


def interaction(name: str, nth: int = 0) -> tuple[Any, Recorded]:
    """Take the nth (request, answer) of a CumulusCI cassette, the versions of its paths made ours."""
    content = yaml.safe_load((RECORDINGS / CUMULUS / name).read_text())
    found = content if "request" in content else [one for one in content["interactions"] if "request" in one][nth]
    body = found["response"]["body"]["string"].replace("/vxx.0/", "/v62.0/")
    return found["request"], Recorded(body, found["response"]["status"]["code"])


def recorded_describe(name: str) -> Recorded:
    """Take a recorded describe."""
    return interaction(f"tests/shared_cassettes/GET_sobjects_{name}_describe.yaml")[1]


def adapter(**changes: Any) -> SalesforceCrm:  # noqa: ANN401 - fields of the settings
    """Make an adapter for the recorded org that never pauses."""
    given = {"instance_url": INSTANCE, "auth": "token", "access_token": "00D!made-up"} | changes
    return connect(SalesforceSettings(**given), sleep=lambda _pause_s: None)


@contextmanager
def replayed(folder: Path, exchanges: Sequence[tuple[Asked, Recorded]]) -> Iterator[Any]:
    """Answer from a cassette alone; fails where a request of the cassette was not made."""
    path = folder / "cassette.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [_interaction(*one) for one in exchanges]}))
    recorder = vcr.VCR(record_mode="none", match_on=["method", "path", "query", "meaning"])
    recorder.register_matcher("meaning", _same_meaning)
    with recorder.use_cassette(str(path)) as cassette:
        yield cassette
    assert cassette.all_played, list(exchanges[cassette.play_count :])


def _interaction(asked: Asked, recorded: Recorded) -> dict[str, Any]:
    path = asked.path if asked.path.startswith("/") else API + asked.path
    query = f"?{urlencode(asked.query)}" if asked.query else ""
    return {
        "request": {
            "method": asked.method,
            "uri": f"{INSTANCE}{path}{query}",
            "body": asked.text if asked.body is None else json.dumps(asked.body),
            "headers": {},
        },
        "response": {
            "status": {"code": recorded.status, "message": "recorded"},
            "headers": {"Content-Type": [recorded.type], "Date": [DATE]},
            "body": {"string": recorded.body},
        },
    }


def _same_meaning(one: Any, other: Any) -> None:  # noqa: ANN401 - vcrpy's requests
    """Raise where two bodies do not mean the same."""
    first, second = (_meaning(request.body) for request in (one, other))
    assert first == second, f"{first} is not {second}"


def _meaning(body: bytes | str | None) -> object:
    text = body.decode() if isinstance(body, bytes) else body
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
