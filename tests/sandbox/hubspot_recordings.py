"""Recorded HubSpot traffic, read from the folder beside the project."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "recordings" / "hubspot"
CASSETTES = "captaincontrat-hubspot-api-ruby"
BODIES = "amp-labs-connectors"


@dataclass(frozen=True)
class Interaction:
    """Hold one recorded request and its answer; a body alone has neither request nor headers."""

    method: str
    path: str
    query: dict[str, list[str]]
    sent: str
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:  # noqa: ANN401 - JSON
        """Parse the answer's body; null where it is empty or HTML."""
        return json.loads(self.text) if self.text.startswith(("{", "[")) else None

    @property
    def sent_json(self) -> Any:  # noqa: ANN401 - JSON
        """Parse the request's body."""
        return json.loads(self.sent)


class CassetteLoader(yaml.SafeLoader):
    """Read cassettes, whose non-ASCII texts are base64."""


def _binary(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return base64.b64decode(loader.construct_scalar(node)).decode()


CassetteLoader.add_constructor("!binary", _binary)


def interactions(name: str) -> list[Interaction]:
    """Read a cassette's interactions, or the one that a body file stands for."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        return [Interaction("", "", {}, "", 0, {}, text)]
    return [_interaction(raw) for raw in yaml.load(text, CassetteLoader)["http_interactions"]]  # noqa: S506 - a SafeLoader


def _interaction(raw: dict[str, Any]) -> Interaction:
    request, response = raw["request"], raw["response"]
    parts = urlsplit(request["uri"])
    return Interaction(
        method=request["method"].upper(),
        path=parts.path,
        query=parse_qs(parts.query, keep_blank_values=True),
        sent=request["body"].get("string") or "",
        status=response["status"]["code"],
        headers={name.lower(): values[0] for name, values in response["headers"].items()},
        text=(response["body"].get("string") or "")
        .replace('<PORTAL_ID>,"', '4242424,"')
        .replace("<PORTAL_ID>", "4242424"),
    )


def all_files() -> Iterator[str]:
    """Name every recording, as paths below the folder."""
    for pattern in (f"{CASSETTES}/**/*.yml", f"{BODIES}/**/*.json"):
        for path in sorted(FOLDER.glob(pattern)):
            yield path.relative_to(FOLDER).as_posix()
