"""Whether a message is from who knows the secret, and fresh; compared in constant time.

HubSpot, version 3: https://developers.hubspot.com/docs/api/webhooks/validating-requests
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connector.settings.feeds import SignatureSettings

HUBSPOT_SIGNATURE: Final = "X-HubSpot-Signature-v3"
HUBSPOT_TIMESTAMP: Final = "X-HubSpot-Request-Timestamp"
HUBSPOT_TOLERANCE_S: Final = 300
# What is decoded in an address before it is signed, and nothing else.
_DECODED: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_MILLISECONDS: Final = 10**11  # a larger number of seconds is after the year 5000


class BadSignature(Exception):  # noqa: N818 - named by what it is
    """A message that is not from who knows the secret, or not fresh; the message says which, and nothing of either."""


def check_signature(
    settings: SignatureSettings,
    secret: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> None:
    """Raise BadSignature unless the message is signed and fresh; url is the address as the sender called it."""
    if settings.kind == "hubspot_v3":
        sent = headers.get(HUBSPOT_TIMESTAMP, "")
        content = f"{method}{hubspot_url(url)}".encode() + body + sent.encode()
        given = _decoded(headers.get(HUBSPOT_SIGNATURE, ""), "base64")
        _check_time(sent, now, HUBSPOT_TOLERANCE_S)
        _compare(hmac.new(secret.encode(), content, hashlib.sha256).digest(), given)
        return
    sent = headers.get(settings.timestamp_header, "") if settings.timestamp_header else ""
    if settings.timestamp_header:
        _check_time(sent, now, settings.tolerance_s)
    before, _, after = settings.signed.replace("{timestamp}", sent).partition("{body}")
    content = before.encode() + body + after.encode()
    text = headers.get(settings.header, "")
    if not text.startswith(settings.prefix):
        raise BadSignature("the signature does not begin as `prefix` says")
    given = _decoded(text[len(settings.prefix) :], settings.encoding)
    _compare(hmac.new(secret.encode(), content, settings.algorithm).digest(), given)


def hubspot_url(url: str) -> str:
    """Decode the few letters of an address that HubSpot decodes before it signs; the rest stays as it was sent."""
    for code, letter in _DECODED.items():
        url = url.replace(code, letter).replace(code.lower(), letter)
    return url


def _check_time(text: str, now: datetime, tolerance_s: int) -> None:
    try:
        sent_s = float(text)
    except ValueError:
        raise BadSignature("there is no time of sending") from None
    sent_s = sent_s / 1000 if sent_s > _MILLISECONDS else sent_s
    if not abs(now.timestamp() - sent_s) <= tolerance_s:
        raise BadSignature("the time of sending is too far from now")


def _decoded(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignature("the signature cannot be read") from None


def _compare(wanted: bytes, given: bytes) -> None:
    if not hmac.compare_digest(wanted, given):
        raise BadSignature("the signature is not of this message")
