"""Recorded Salesforce traffic, read from the folder beside the project."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "recordings" / "salesforce"
VERSION = "v59.0"


@dataclass(frozen=True)
class Interaction:
    """Hold one recorded request and its answer; a body alone has neither method nor path."""

    method: str
    path: str
    query: dict[str, str]
    sent: Any
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def all_files() -> list[str]:
    """Name every recording, licences and the index aside."""
    found = (path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.name != "INDEX.md" and not path.name.startswith("LICENSE"))


@cache
def interactions(name: str) -> tuple[Interaction, ...]:
    """Read the interactions of a file, in order; an included one is kept as null would be: with an empty method."""
    text = (FOLDER / name).read_text("utf-8")
    text = text.replace("<api_version>", VERSION).replace("vxx.0", VERSION).replace("<host>", "sandbox.invalid")
    if name.endswith((".yml", ".yaml")):
        return tuple(_from_yaml(yaml.safe_load(text)))
    if name.endswith(".json"):
        return (_from_json(json.loads(text)),)
    return (Interaction("", "", {}, None, 200, text),)


def _from_yaml(document: dict[str, Any]) -> list[Interaction]:
    listed = document.get("interactions") or document.get("http_interactions") or [document]
    return [_interaction(item) for item in listed]


def _interaction(item: dict[str, Any]) -> Interaction:
    if "request" not in item:
        return Interaction("", "", {}, None, 0, None)
    asked, answered = item["request"], item["response"]
    path, query = _split(asked["uri"])
    headers = {key.lower(): values[0] for key, values in answered["headers"].items() if isinstance(values, list)}
    body = answered["body"].get("string") if isinstance(answered["body"], dict) else answered["body"]
    sent = asked["body"].get("string") if isinstance(asked["body"], dict) else asked["body"]
    return Interaction(
        asked["method"].upper(), path, query, _parsed(sent), answered["status"]["code"], _parsed(body), headers
    )


def _from_json(document: Any) -> Interaction:  # noqa: ANN401 - JSON
    if isinstance(document, dict) and "status_code" in document:
        path, query = _split(document["url"])
        return Interaction(document["method"], path, query, None, document["status_code"], document["body"])
    return Interaction("", "", {}, None, 200, document)


def _split(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    return re.sub("^//", "/", parts.path), {name: unquote_plus(value) for name, _, value in pairs}


def _parsed(text: Any) -> Any:  # noqa: ANN401 - JSON or text
    if not isinstance(text, str):
        return text
    return json.loads(text) if text.lstrip().startswith(("{", "[")) else text
