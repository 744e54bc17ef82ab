"""The one module that knows simple-salesforce: every exchange with Salesforce passes here."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connector.crm.base import CallCounter
from connector.crm.retry import call_with_retry
from connector.crm.salesforce.faults import SessionExpired, network_fault, refusal_of
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.tokens import Token, Tokens, fetch_token
from connector.crm.salesforce.wire import Answer, JsonValue, Refusal, Request, Session, json_of
from connector.errors import AuthError, ConfigError, RetryableError

T = TypeVar("T")
RELATIVE = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*/?")
ABSOLUTE = re.compile(r"/services/(data/v[0-9.]+/query(All)?/[A-Za-z0-9_-]+|oauth2/userinfo)")
USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


class _BytesSalesforce(Salesforce):
    """Hand out whole responses: bodies go to Arrow as bytes, not through dictionaries."""

    def parse_result_to_json(self, result: requests.Response) -> list[requests.Response]:
        return [result]


@dataclass
class Gateway:
    """Send requests with authentication, counting, retry and translated errors.

    api_usage is (used, limit) of the rolling 24 hours as last told. sleep is seconds and replaceable.
    """

    settings: SalesforceSettings
    calls: CallCounter = field(default_factory=CallCounter)
    sleep: Callable[[float], None] = time.sleep
    api_usage: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._session = Session(self.settings, self._observe, self.calls.time_for)
        self._tokens = Tokens(self.settings, self._fetch_token)
        self._client: tuple[Token, _BytesSalesforce] | None = None

    def call(self, request: Request, read: Callable[[Answer], T], *, once: bool = False) -> T:
        """Send until `read` has understood the answer, or once; raises the port's errors and BatchRefused."""
        if once:
            return read(self._authorised(request))
        return call_with_retry(lambda: read(self._authorised(request)), sleep=self.sleep)

    def json(self, request: Request) -> JsonValue:
        """Send and decode the answer."""
        return self.call(request, json_of)

    def _authorised(self, request: Request) -> Answer:
        """Send; where the token has expired, renew it once and send once more."""
        token = self._tokens.current()
        try:
            return self._exchange(token, request)
        except SessionExpired as expired:
            fresh = self._tokens.renew(token)
            if fresh is None:
                raise AuthError(expired.message) from None
        try:
            return self._exchange(fresh, request)
        except SessionExpired as expired:
            raise AuthError(f"{expired.message} (a new token was refused, too)") from None

    def _exchange(self, token: Token, request: Request) -> Answer:
        self._count(write=request.write)
        try:
            response = self._dispatch(self._client_of(token), request)
        except Refusal as refusal:
            raise refusal_of(request, refusal.response) from None
        except SalesforceError as error:
            raise RetryableError(
                f"Salesforce's answer to {request} was not understood: HTTP {error.status}",
                unknown_outcome=request.write,
            ) from None
        except requests.RequestException as error:
            raise network_fault(request, error, urlsplit(token.instance_url).netloc) from None
        if response is None:
            return Answer(request, {}, b"")
        return Answer(request, response.headers, response.content)

    def _dispatch(self, client: _BytesSalesforce, request: Request) -> requests.Response | None:
        if ABSOLUTE.fullmatch(request.path):
            # the library's public call that takes a path from the root
            answers = client.query_more(request.path, identifier_is_url=True)
        elif not RELATIVE.fullmatch(request.path):
            # answers name pages and jobs; the library puts them behind the host, where "@elsewhere/" would win
            raise ConfigError(f"Salesforce names {request.path!r} to go on with, which is not one of its paths")
        else:
            options: dict[str, Any] = {"headers": dict(request.headers or {})}
            if request.json is not None:
                options["json"] = request.json
            if request.data is not None:
                options["data"] = request.data
            answers = client.restful(request.path, params=dict(request.params or {}), method=request.method, **options)
        return answers[0] if answers else None

    def _client_of(self, token: Token) -> _BytesSalesforce:
        if self._client is None or self._client[0] != token:
            client = _BytesSalesforce(
                session_id=token.value,
                instance_url=token.instance_url,
                version=self.settings.api_version,
                session=self._session,
            )
            client.headers.pop("X-PrettyPrint", None)  # indented bodies are a third larger
            self._client = (token, client)
        return self._client[1]

    def _fetch_token(self) -> Token:
        self._count(write=False)
        return fetch_token(self.settings, self._session)

    def _count(self, *, write: bool) -> None:
        if write:
            self.calls.write += 1
        else:
            self.calls.read += 1

    def _observe(self, response: requests.Response) -> None:
        """Note the server's time and the API usage, which every answer may carry."""
        told_at = server_time(response.headers.get("Date", ""))
        if told_at is not None and (self.calls.server_time_at is None or told_at > self.calls.server_time_at):
            self.calls.server_time_at = told_at
        if usage := USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
            self.api_usage = (int(usage[1]), int(usage[2]))


def server_time(date_header: str) -> datetime | None:
    """Read an HTTP date as UTC, null where there is none."""
    try:
        return parsedate_to_datetime(date_header).astimezone(UTC)
    except (ValueError, TypeError):
        return None
