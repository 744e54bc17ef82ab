"""HubSpot's answers and the network's failures, turned into our errors.

The client library has one exception family per package without a common base, so exceptions are known by what they
carry (`status`, `body`, `headers`). Nothing of a vendor exception but HubSpot's own message reaches ours.
Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urllib3 import HTTPHeaderDict
from urllib3 import exceptions as network

from connector.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    Forbidden,
    LeadlightError,
    QuotaExhausted,
    RetryableError,
)

MESSAGE_LENGTH = 500
# Nothing was sent: the outcome of a write is known.
NEVER_SENT = (network.NewConnectionError, network.ConnectTimeoutError)


class HttpFailure(Exception):  # noqa: N818 - it carries an answer, which the boundary turns into an error
    """Carry an answer that is not 2xx of a request the client library does not know."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


@dataclass(frozen=True)
class Problem:
    """Name one error of an error list: HubSpot's code, its text, the property, its value and the ids it is about.

    existing_id is the record that holds a unique value already.
    """

    code: str
    message: str
    property: str | None = None
    value: str | None = None
    ids: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()
    existing_id: str | None = None


class Refused(BatchRefused):
    """HubSpot refused a whole request for its content; `problems` are the single errors it named."""

    def __init__(self, message: str, *, code: str, status: int, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.problems = problems


@dataclass(frozen=True)
class Envelope:
    """Hold what an error body said; every key is optional on the wire and the body may be HTML."""

    message: str
    category: str
    policy: str
    body: Mapping[str, Any]


def envelope(body: bytes | str | None) -> Envelope:
    """Read an error body of any form."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        return Envelope("an answer that is not JSON", "", "", {})
    return Envelope(
        message=str(parsed.get("message") or "no message")[:MESSAGE_LENGTH],
        category=str(parsed.get("category") or parsed.get("errorType") or ""),
        policy=str(parsed.get("policyName") or ""),
        body=parsed,
    )


def problems_of(body: Mapping[str, Any]) -> tuple[Problem, ...]:
    """List the single errors of an error or 207 body."""
    entries = body.get("errors") or _in_message(str(body.get("message") or ""))
    return tuple(_problem(entry) for entry in entries) if isinstance(entries, list) else ()


def _in_message(message: str) -> object:
    """Find the list of errors that a refused property value puts into the message, behind a sentence."""
    _, bracket, rest = message.partition(": [")
    try:
        return json.loads(f"[{rest}") if bracket else None
    except ValueError:
        return None


def _problem(entry: object) -> Problem:
    if not isinstance(entry, dict):
        return Problem("", str(entry)[:MESSAGE_LENGTH])
    context = entry.get("context")
    context = context if isinstance(context, dict) else {}
    inner = _in_message(str(entry.get("message") or ""))
    if isinstance(inner, list) and inner and isinstance(inner[0], dict):  # what a refused value of one input says
        entry = {**entry, "code": inner[0].get("error"), **inner[0]}
    code = entry.get("code") or entry.get("error") or entry.get("category") or entry.get("subCategory") or ""
    return Problem(
        code=str(code),
        message=str(entry.get("message") or "")[:MESSAGE_LENGTH],
        property=next(iter(_strings(context.get("propertyName") or context.get("name") or entry.get("name"))), None),
        value=next(iter(_strings(entry.get("propertyValue"))), None),
        ids=_strings(context.get("ids") or context.get("id")),
        trace_ids=_strings(context.get("objectWriteTraceId")),
        existing_id=next(iter(_strings(context.get("existingId"))), None),
    )


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    return () if value is None else (str(value),)


def translate(error: Exception, *, asks: str, write: bool) -> LeadlightError | None:
    """Turn an exception raised while talking to HubSpot into ours; null where it is not about HubSpot.

    asks says what was asked for ("batch/update of contacts"), for the message.
    """
    carrier = _carrier(error)
    if carrier is not None:
        return from_answer(carrier.status, carrier.body, headers_of(carrier), asks=asks, write=write)
    if isinstance(error, network.HTTPError):
        return _from_network(error, asks=asks, write=write)
    return None


def headers_of(error: BaseException) -> Mapping[str, str]:
    """Take the headers of the answer that an exception carries; names have no case."""
    return HTTPHeaderDict(getattr(error, "headers", None) or {})


def _carrier(error: BaseException | None) -> Any:  # noqa: ANN401 - a vendor exception, known by what it carries
    """Find the exception with the answer: the client library may fail while decoding a body and hide it as context."""
    while error is not None:
        if getattr(error, "status", None) and hasattr(error, "body"):
            return error
        error = error.__context__
    return None


def _from_network(error: network.HTTPError, *, asks: str, write: bool) -> LeadlightError:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, network.SSLError):
        return ConfigError(
            f"HubSpot {asks}: the TLS certificate of the server is not trusted; check crm.instance_url, the proxy and "
            "the system's certificate store"
        )
    sent = not isinstance(reason, NEVER_SENT)
    what = f"the network failed ({type(reason).__name__})" if sent else "HubSpot cannot be reached"
    advice = "check crm.instance_url and the network, and try again later"
    return RetryableError(f"HubSpot {asks}: {what}; {advice}", unknown_outcome=write and sent)


def from_answer(
    status: int, body: bytes | str | None, headers: Mapping[str, str], *, asks: str, write: bool
) -> LeadlightError:
    """Turn an answer that is not 2xx into an error, named by the reaction."""
    told = envelope(body)
    where = f"HubSpot {asks}: HTTP {status}"
    if status in (401, 530):  # 530 is Cloudflare's answer to a malformed token
        return AuthError(
            f"{where}, the access token is not accepted ({told.category or 'no category'}); create or rotate the token "
            "of the private app or service key in HubSpot's settings and set LEADLIGHT_CRM__TOKEN"
        )
    if status == 403:
        return _forbidden(told, where)
    if status == 429:
        return _rate_limit(told, headers, where)
    if status in (423, 477) or status >= 500:
        wait_s = _retry_after(headers) or (2.0 if status == 423 else None)  # a lock lasts 2 s
        return RetryableError(f"{where}, {told.message}", retry_after_s=wait_s, unknown_outcome=write and status >= 500)
    if 300 <= status < 400:
        return ConfigError(f"{where}, a redirect, which is not followed with the token; check crm.instance_url")
    code = told.category or f"HTTP_{status}"
    return Refused(f"{where}, {told.message}", code=code, status=status, problems=problems_of(told.body))


def _forbidden(told: Envelope, where: str) -> AuthError:
    scopes = _scopes(told.body)
    if scopes or told.category == "MISSING_SCOPES":
        named = ", ".join(scopes) or "not named by HubSpot"
        return Forbidden(f"{where}, the token lacks a scope; grant one of: {named}")
    return Forbidden(f"{where}, {told.message}")


def _scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the scopes, which are in the top-level context or in that of the first error."""
    errors = body.get("errors")
    holders = [body, *(errors if isinstance(errors, list) else [])]
    contexts = [holder.get("context") for holder in holders if isinstance(holder, dict)]
    named = [context.get("requiredGranularScopes") for context in contexts if isinstance(context, dict)]
    return tuple(dict.fromkeys(scope for names in named for scope in _strings(names)))


def _rate_limit(told: Envelope, headers: Mapping[str, str], where: str) -> LeadlightError:
    if told.policy == "DAILY" or "daily" in told.message.lower():
        return QuotaExhausted(f"{where}, the account's daily limit of calls is used up; it resets at its midnight")
    default_s = 1.0 if told.policy == "SECONDLY" or " secondly" in told.message else 10.0
    return RetryableError(f"{where}, {told.message}", retry_after_s=_retry_after(headers) or default_s)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in seconds; HubSpot never sends the date form."""
    try:
        return max(float(headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None
