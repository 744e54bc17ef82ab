"""One request to HubSpot: paced, counted, retried and translated."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from connector.crm.base import CallCounter
from connector.crm.hubspot.errors import HttpFailure, headers_of, translate
from connector.crm.pacing import Bucket
from connector.crm.retry import call_with_retry
from connector.errors import RetryableError


class RawResponse(Protocol):
    """Name what we use of urllib3's response; reading `data` gives the connection back."""

    @property
    def status(self) -> int:
        """Read the HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Read the headers, whose names have no case."""

    @property
    def data(self) -> bytes:
        """Read the decoded body."""


@dataclass(frozen=True)
class Request:
    """Describe a request to the layers around it: what it asks for (for messages), and whether it writes.

    once: do not send it again by itself; the caller has to look before it does.
    """

    asks: str
    write: bool
    bucket: Bucket | None
    once: bool = False


@dataclass(frozen=True)
class Answer:
    """Hold an answer of status 2xx; server_time_at is its Date header, UTC."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    server_time_at: datetime | None

    def json(self) -> dict[str, Any]:
        """Parse the body; for small bodies, as pages of records go to Arrow without Python objects."""
        parsed = json.loads(self.body)
        if not isinstance(parsed, dict):
            raise RetryableError("HubSpot answered with JSON that is not an object")
        return parsed


@dataclass
class Session:
    """Send requests one after the other or from several threads; counts and the daily limit are its only state.

    sleep is seconds and replaceable.
    """

    calls: CallCounter
    answered_at: datetime | None = None  # the Date of the latest answer
    daily_limit: int | None = None
    daily_remaining: int | None = None
    sleep: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, request: Request, call: Callable[[], RawResponse]) -> Answer:
        """Send until answered 2xx, or raise one of connector.errors."""
        if request.once:
            return self._attempt(request, call)
        return call_with_retry(lambda: self._attempt(request, call), sleep=self.sleep)

    def _attempt(self, request: Request, call: Callable[[], RawResponse]) -> Answer:
        if request.bucket is not None:
            request.bucket.take()
        self._count(request)
        try:
            response = call()
            body = response.data
            if not 200 <= response.status < 300:
                raise HttpFailure(response.status, body, response.headers)
        except Exception as error:
            self._note(headers_of(error), request.bucket)
            translated = translate(error, asks=request.asks, write=request.write)
            if translated is None:
                raise
            raise translated from None  # the vendor's exception may print the request
        return self._answer(request, response, body)

    def _answer(self, request: Request, response: RawResponse, body: bytes) -> Answer:
        server_time_at = self._note(response.headers, request.bucket)
        if body and "json" not in response.headers.get("Content-Type", "json"):
            raise RetryableError(f"HubSpot {request.asks}: the answer is not JSON", unknown_outcome=request.write)
        return Answer(response.status, body, response.headers, server_time_at)

    def _count(self, request: Request) -> None:
        with self._lock:
            if request.write:
                self.calls.write += 1
            else:
                self.calls.read += 1

    def _note(self, headers: Mapping[str, str], bucket: Bucket | None) -> datetime | None:
        """Keep the newest server time and the limits, which only normal endpoints of private apps report."""
        server_time_at = _http_date(headers.get("Date"))
        left, most = headers.get("X-HubSpot-RateLimit-Remaining", ""), headers.get("X-HubSpot-RateLimit-Max", "")
        if bucket is not None and left.isdigit() and most.isdigit():
            bucket.learn(int(left), int(most))
        with self._lock:
            self.answered_at = server_time_at or self.answered_at
            known_at = self.calls.server_time_at
            if server_time_at is not None and (known_at is None or server_time_at > known_at):
                self.calls.server_time_at = server_time_at
            limit, remaining = (
                headers.get("X-HubSpot-RateLimit-Daily"),
                headers.get("X-HubSpot-RateLimit-Daily-Remaining"),
            )
            if limit is not None and limit.isdigit() and remaining is not None and remaining.isdigit():
                self.daily_limit, self.daily_remaining = int(limit), int(remaining)
        return server_time_at


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
