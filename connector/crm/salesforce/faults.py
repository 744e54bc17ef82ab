"""Translation of what Salesforce and the network say into our errors."""

import json
from collections.abc import Mapping

import requests

from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import (
    AuthError,
    BatchRefused,
    ConfigError,
    Forbidden,
    LeadlightError,
    QuotaExhausted,
    RetryableError,
    SchemaChanged,
)

# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
PASSING_CODES = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
        "UNKNOWN_EXCEPTION",
        "TXN_SECURITY_RUNTIME_EXCEPTION",
        "TOO_MANY_CONCURRENT_REQUESTS",
    }
)
AUTOMATION_CODES = frozenset(
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR", "LIMIT_EXCEEDED"}
)
GONE_CODES = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
NEVER_SENT = ("NewConnectionError", "NameResolutionError")
PASSING_STATUS = frozenset({406, 408, 420, 425, 429})


class SessionExpired(AuthError):  # noqa: N818 - named by the reaction, as its base is
    """The token is no longer valid; a new one may be."""


def _first_error(body: bytes) -> tuple[str, str]:
    try:
        content: JsonValue = json.loads(body)
    except ValueError:
        return "", ""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return "", ""
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("error") or ""
    message = first.get("message") or first.get("exceptionMessage") or first.get("error_description") or ""
    return str(code), " ".join(str(message).split())[:300]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _forbidden(request: Request, code: str, message: str) -> LeadlightError:
    if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in message.lower():
        return RetryableError(f"Salesforce runs too many long requests at once; {request} was turned away")
    if code == "REQUEST_LIMIT_EXCEEDED":
        return QuotaExhausted("Salesforce's API requests of the last 24 hours are used up; the next run goes on")
    return Forbidden(
        f"Salesforce forbids {request}: {code or 'HTTP 403'} {message}; give the integration user the right, "
        "or check that the org allows API access"
    )


def _unauthorised(request: Request, code: str, message: str) -> LeadlightError:
    if code == "INVALID_SESSION_ID" and "not valid for use" not in message:
        return SessionExpired(f"Salesforce does not accept the token for {request}: {code}; check the credentials")
    return AuthError(f"Salesforce refused {request}: {code or 'HTTP 401'} {message}; check the credentials")


def refusal_of(request: Request, response: requests.Response) -> LeadlightError:
    """Name the error that an answer other than 2xx stands for."""
    status = response.status_code
    code, message = _first_error(response.content)
    if status == 401:
        return _unauthorised(request, code, message)
    if status == 403 and response.content.strip() == b"Bad_OAuth_Token":  # how userinfo says 401
        return SessionExpired(f"Salesforce does not accept the token for {request}; check the credentials")
    if status == 403:
        return _forbidden(request, code, message)
    if status >= 500 or status in PASSING_STATUS or code in PASSING_CODES:
        return RetryableError(
            f"Salesforce could not serve {request}: HTTP {status} {code}".rstrip(),
            retry_after_s=_retry_after_s(response.headers),
            unknown_outcome=request.write and status >= 500,
        )
    if status < 400 and status != 300:
        return ConfigError(f"Salesforce redirects {request} elsewhere; set crm.instance_url to the org's My Domain")
    return BatchRefused(
        f"Salesforce refused {request}: HTTP {status} {code} {message}".rstrip(), code=code or f"HTTP_{status}"
    )


def network_fault(request: Request, error: requests.RequestException, host: str) -> LeadlightError:
    """Name the error that a failed exchange stands for; nothing of the exception's own text is kept."""
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return BatchRefused(f"{request}: a value is not a finite number", code="INVALID_NUMBER")
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigError(f"the certificate of {host} is not trusted; set crm.ca_file to the authority that signed it")
    unsent = isinstance(error, requests.ConnectTimeout) or any(name in repr(error) for name in NEVER_SENT)
    if isinstance(error, requests.Timeout):
        reason = "did not answer in time"
    elif unsent:
        reason = "cannot be reached"
    else:
        reason = "broke off the connection"
    advice = "check crm.instance_url and the network, and try again later"
    return RetryableError(f"{host} {reason} ({request}); {advice}", unknown_outcome=request.write and not unsent)


def as_config_error(refused: BatchRefused, what: str) -> LeadlightError:
    """Say a refusal of a read as a problem of configuration, which it is once it is not passing."""
    kind = SchemaChanged if refused.code in GONE_CODES else ConfigError
    return kind(f"{what}: {refused.message}")
