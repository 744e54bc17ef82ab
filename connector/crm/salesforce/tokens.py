"""Access tokens: where they come from and how they are renewed, once, for everyone who waits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
import requests

from connector.crm.salesforce.faults import network_fault, refusal_of
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.wire import Answer, JsonValue, Refusal, Request, Session, json_of
from connector.errors import AuthError, BatchRefused, ConfigError, LeadlightError, RetryableError

ASSERTION_LIFETIME_S = 180


@dataclass(frozen=True)
class Token:
    """Hold a bearer token and the origin it is for."""

    value: str = field(repr=False)
    instance_url: str


def _assertion(settings: SalesforceSettings) -> str:
    """Sign the claims of the JWT bearer flow."""
    origin = (settings.login_url or settings.instance_url).rstrip("/")
    expires_at_s = int(time.time()) + ASSERTION_LIFETIME_S
    claims = {"iss": settings.client_id, "sub": settings.username, "aud": origin, "exp": expires_at_s}
    try:
        return jwt.encode(claims, settings.private_key or "", algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ConfigError("crm.private_key is not a readable RSA key in PEM") from None


def _form(settings: SalesforceSettings) -> tuple[dict[str, str], tuple[str, str] | None]:
    if settings.auth == "jwt":
        # https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return {"grant_type": grant, "assertion": _assertion(settings)}, None
    # https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
    return {"grant_type": "client_credentials"}, (settings.client_id or "", settings.client_secret or "")


def _refused(error: LeadlightError, settings: SalesforceSettings) -> LeadlightError:
    if not isinstance(error, BatchRefused):
        return error
    if error.code == "unknown_error":  # "retry your request"
        return RetryableError(error.message)
    return AuthError(f"no token with crm.auth = {settings.auth!r}: {error.message}; check client id, secret and user")


def _trusted_origin(answered: str | None, settings: SalesforceSettings) -> str:
    """Accept the configured host, or one of Salesforce's own; a bearer goes nowhere else."""
    if not answered:
        return settings.instance_url
    ours, theirs = urlsplit(settings.instance_url), urlsplit(answered)
    own_host = (theirs.hostname, theirs.port or 443) == (ours.hostname, ours.port or 443)
    vendor_host = (theirs.hostname or "").endswith(".salesforce.com") and theirs.port in (None, 443)
    if theirs.scheme == "https" and (own_host or vendor_host):
        return answered
    raise AuthError(
        f"the token answer names the instance {theirs.scheme}://{theirs.netloc}, which is neither {ours.netloc} nor a "
        "*.salesforce.com host; the token is not sent there"
    )


def _token_of(content: JsonValue, settings: SalesforceSettings) -> Token:
    if not isinstance(content, dict) or not content.get("access_token"):
        raise AuthError("the token answer holds no access_token")
    return Token(str(content["access_token"]), _trusted_origin(content.get("instance_url"), settings))


def fetch_token(settings: SalesforceSettings, session: Session) -> Token:
    """Ask for a token; raises AuthError, ConfigError or RetryableError."""
    request = Request("POST", "/services/oauth2/token")
    data, basic = _form(settings)
    try:
        response = session.post(settings.token_url, data=data, auth=basic)
    except Refusal as refusal:
        raise _refused(refusal_of(request, refusal.response), settings) from None
    except requests.RequestException as error:
        raise network_fault(request, error, urlsplit(settings.token_url).netloc) from None
    return _token_of(json_of(Answer(request, response.headers, response.content)), settings)


@dataclass
class Tokens:
    """Keep the current token; `renew` makes one call for all who saw the same token fail."""

    settings: SalesforceSettings
    fetch: Callable[[], Token]
    _current: Token | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Token:
        """Give the token, asking for the first one when it is needed."""
        with self._lock:
            if self._current is None:
                self._current = self._first()
            return self._current

    def renew(self, failed: Token) -> Token | None:
        """Replace a token that was refused; null where there is no way to get another."""
        if self.settings.auth == "token":
            return None
        with self._lock:
            if self._current is None or self._current == failed:
                self._current = self.fetch()
            return self._current

    def _first(self) -> Token:
        if self.settings.auth == "token":
            return Token(self.settings.access_token or "", self.settings.instance_url)
        return self.fetch()
