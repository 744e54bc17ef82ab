"""Rows out of JSON that came by the network."""

import json
from http import HTTPStatus
from typing import Any


class Refusal(Exception):  # noqa: N818 - named by what it is
    """A message that is not taken: the status and a few words for the sender."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def parsed(body: bytes, place: str | None, most_rows: int | None = None) -> list[dict[str, Any]]:
    """Read the rows of a message: an object, a list of them, JSON lines, or what stands at a place; raises Refusal."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = _lines(body)
    for part in (place or "").split(".") if place else ():
        found = found.get(part) if isinstance(found, dict) else None
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the message holds something else than JSON objects")
    if most_rows is not None and len(rows) > most_rows:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the message holds more than {most_rows:,} rows")
    return rows


def _lines(body: bytes) -> list[Any]:
    try:
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the message is not JSON") from None
