"""Log in and say who is logged in.

No recording of client credentials and JWT answers is known: those are from the vendor's documentation.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.org import JSON_TYPE, Call, Org

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NO_STORE = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}
SCOPES = "api web full"


class LoginError(Exception):
    """Refuse a login in OAuth's shape."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


def token(org: Org, request: Request) -> Response:
    """Answer the token endpoint."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    grants = {"client_credentials": _client_credentials, "password": _password, JWT_GRANT: _assertion}
    try:
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise LoginError("unsupported_grant_type", "grant type not supported")
        body = grant(org, request, form)
    except LoginError as error:
        return _json({"error": error.error, "error_description": error.description}, error.status)
    return _json(body, 200)


def _json(body: Any, status: int) -> Response:  # noqa: ANN401 - any JSON
    return Response(status, json.dumps(body, separators=(",", ":")).encode(), {"Content-Type": JSON_TYPE, **NO_STORE})


def new_session(org: Org) -> str:
    """Open a session and give its id."""
    session = f"{org.credentials.org_id[:15]}!{secrets.token_urlsafe(48)}"
    org.sessions.add(session)
    return session


def _session(org: Org) -> dict[str, str]:
    credentials = org.credentials
    issued_at = str(org.clock.now_ms())
    session = new_session(org)
    identity = f"https://login.salesforce.com/id/{credentials.org_id}/{credentials.user_id}"
    return {
        "access_token": session,
        "instance_url": org.instance_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "signature": _signature(credentials.client_secret, identity + issued_at),
    }


def _signature(secret: str, text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _check_client(org: Org, client_id: str | None, secret: str | None) -> None:
    if client_id != org.credentials.client_id:
        raise LoginError("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest((secret or "").encode(), org.credentials.client_secret.encode()):
        raise LoginError("invalid_client", "invalid client credentials")


def _client_credentials(org: Org, request: Request, form: Mapping[str, str]) -> dict[str, str]:
    client_id, secret = form.get("client_id"), form.get("client_secret")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise LoginError("invalid_client", "invalid client credentials") from None
    _check_client(org, client_id, secret)
    return {**_session(org), "scope": SCOPES}


def _password(org: Org, _request: Request, form: Mapping[str, str]) -> dict[str, str]:
    _check_client(org, form.get("client_id"), form.get("client_secret"))
    same_user = form.get("username") == org.credentials.username
    if not same_user or not form.get("password", "").startswith(org.credentials.password):
        raise LoginError("invalid_grant", "authentication failure")
    return _session(org)


def _assertion(org: Org, _request: Request, form: Mapping[str, str]) -> dict[str, str]:
    key = org.credentials.jwt_public_key
    try:
        claims = jwt.decode(
            form.get("assertion", ""),
            key or "",
            algorithms=["RS256"],
            options={"verify_signature": key is not None, "verify_exp": False, "verify_aud": False},
        )
        expires = float(claims.get("exp", 0))
    except (jwt.InvalidTokenError, TypeError, ValueError):
        raise LoginError("invalid_grant", "invalid assertion") from None
    if claims.get("iss") != org.credentials.client_id:
        raise LoginError("invalid_client_id", "client identifier invalid")
    if claims.get("sub") != org.credentials.username:
        raise LoginError("invalid_grant", "user hasn't approved this consumer")
    if not _known_audience(org, str(claims.get("aud"))):
        raise LoginError("invalid_grant", "Audience validation failed")
    if expires < time.time():  # assertions live by the client's clock, not by the sandbox's
        raise LoginError("invalid_grant", "expired authorization code")
    unsigned = {key: text for key, text in _session(org).items() if key not in ("issued_at", "signature")}
    return {**unsigned, "scope": SCOPES}


def _known_audience(org: Org, audience: str) -> bool:
    host = urlsplit(audience).hostname or ""
    return host == urlsplit(org.instance_url).hostname or host == "salesforce.com" or host.endswith(".salesforce.com")


def is_authorized(org: Org, request: Request) -> bool:
    """Tell whether the request carries a living session."""
    scheme, _, session = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "oauth"):
        return False
    session = session.strip()
    return hmac.compare_digest(session.encode(), org.credentials.token.encode()) or session in org.sessions


def require_session(org: Org, request: Request) -> None:
    """Refuse a request without a living session."""
    if not is_authorized(org, request):
        raise CrmError("INVALID_SESSION_ID", "Session expired or invalid", None, 401)


def userinfo(org: Org, call: Call) -> Response:
    """Say who is logged in."""
    credentials = org.credentials
    user = org.storage.get("User", credentials.user_id) or {}
    name = " ".join(part for part in (user.get("FirstName"), user.get("LastName")) if part)
    base = org.instance_url
    return call.answer(
        {
            "sub": f"https://login.salesforce.com/id/{credentials.org_id}/{credentials.user_id}",
            "user_id": credentials.user_id,
            "organization_id": credentials.org_id,
            "preferred_username": credentials.username,
            "nickname": user.get("CommunityNickname"),
            "name": name,
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": user.get("TimeZoneSidKey"),
            "photos": {},
            "profile": f"{base}/{credentials.user_id}",
            "picture": f"{base}/profilephoto/005/F",
            "address": {},
            "is_salesforce_integration_user": True,
            "urls": {
                "rest": f"{base}/services/data/v{{version}}/",
                "sobjects": f"{base}/services/data/v{{version}}/sobjects/",
                "query": f"{base}/services/data/v{{version}}/query/",
            },
            "active": True,
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
            "utcOffset": -28800000,
            "updated_at": f"{org.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        }
    )
