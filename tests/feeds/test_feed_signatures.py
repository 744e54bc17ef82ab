"""Signed messages: HubSpot's way and the common ones, fresh, and of this very message."""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from connector.feeds.signatures import BadSignature, check_signature, hubspot_url
from connector.settings.feeds import SignatureSettings

SECRET = "secret"
HUBSPOT = SignatureSettings(kind="hubspot_v3")
# The answer of HubSpot's own client for these values; it signs the address as it stands.
VECTOR_URL, VECTOR_BODY, VECTOR_MS = "https://www.example.com/webhook_uri?x=%40", b'[{"eventId":1}]', 1731664624123
VECTOR = "lIs3Tafgq/xlnvapo/Rs3+iLmu1utP3zq0v6c39yRJo="
NOW = datetime.fromtimestamp(VECTOR_MS / 1000, UTC)


def hubspot(url: str, body: bytes = VECTOR_BODY, sent_ms: int = VECTOR_MS) -> dict[str, str]:
    """Sign as HubSpot says it does."""
    content = f"POST{url}".encode() + body + str(sent_ms).encode()
    signature = b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(sent_ms)}


def check(settings: SignatureSettings, headers: dict[str, str], body: bytes = VECTOR_BODY, now: datetime = NOW) -> None:
    check_signature(settings, SECRET, "POST", VECTOR_URL, headers, body, now)


def test_the_vector_of_hubspots_own_client_is_rebuilt() -> None:
    assert hubspot(VECTOR_URL)["X-HubSpot-Signature-v3"] == VECTOR


def test_the_address_is_decoded_where_hubspot_says_so_and_nowhere_else() -> None:
    assert hubspot_url("https://a.example/x%3a%2F?y=%40%20%25&z=%7B") == "https://a.example/x:/?y=@%20%25&z=%7B"
    check(HUBSPOT, hubspot("https://www.example.com/webhook_uri?x=@"))
    with pytest.raises(BadSignature, match="not of this message"):
        check(HUBSPOT, hubspot(VECTOR_URL))


@pytest.mark.parametrize("late_s", [301, -301])
def test_a_message_of_another_time_is_refused(late_s: int) -> None:
    headers = hubspot("https://www.example.com/webhook_uri?x=@")
    check(HUBSPOT, headers, now=NOW + timedelta(seconds=299))
    with pytest.raises(BadSignature, match="too far from now"):
        check(HUBSPOT, headers, now=NOW + timedelta(seconds=late_s))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X-HubSpot-Signature-v3": ""}, "not of this message"),
        ({"X-HubSpot-Signature-v3": "é"}, "cannot be read"),
        ({"X-HubSpot-Signature-v3": b64encode(bytes(32)).decode()}, "not of this message"),
        ({"X-HubSpot-Request-Timestamp": ""}, "no time"),
        ({"X-HubSpot-Request-Timestamp": "nan"}, "too far"),
        ({"X-HubSpot-Request-Timestamp": str(VECTOR_MS + 1)}, "not of this message"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(BadSignature, match=said):
        check(HUBSPOT, hubspot("https://www.example.com/webhook_uri?x=@") | change)
    with pytest.raises(BadSignature, match="not of this message"):
        check(HUBSPOT, hubspot("https://www.example.com/webhook_uri?x=@"), body=VECTOR_BODY + b" ")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_the_common_ways_to_sign(algorithm: str, encoding: str) -> None:
    raw = hmac.new(SECRET.encode(), VECTOR_BODY, algorithm).digest()
    text = raw.hex() if encoding == "hex" else b64encode(raw).decode()
    said = {"header": "X-Hub-Signature", "algorithm": algorithm, "encoding": encoding, "prefix": f"{algorithm}="}
    settings = SignatureSettings.model_validate(said)
    check(settings, {"X-Hub-Signature": f"{algorithm}={text}"})
    for wrong in (text, f"{algorithm}={text[:-2]}", f"{algorithm}="):
        with pytest.raises(BadSignature):
            check(settings, {"X-Hub-Signature": wrong})
    with pytest.raises(BadSignature):
        check_signature(settings, "other", "POST", "", {"X-Hub-Signature": f"{algorithm}={text}"}, VECTOR_BODY, NOW)


def test_a_time_that_is_signed_too() -> None:
    settings = SignatureSettings(
        signed="v0:{timestamp}:{body}", timestamp_header="X-Time", header="X-Sig", prefix="v0="
    )
    sent = str(int(NOW.timestamp()))
    text = hmac.new(SECRET.encode(), f"v0:{sent}:".encode() + VECTOR_BODY, hashlib.sha256).hexdigest()
    check(settings, {"X-Time": sent, "X-Sig": f"v0={text}"})
    with pytest.raises(BadSignature, match="not of this message"):
        check(settings, {"X-Time": str(int(sent) + 1), "X-Sig": f"v0={text}"})
    with pytest.raises(BadSignature, match="too far"):
        check(settings, {"X-Time": sent, "X-Sig": f"v0={text}"}, now=NOW + timedelta(seconds=400))


@pytest.mark.parametrize(
    "said", [{"signed": "{timestamp}"}, {"signed": "{timestamp}{body}"}, {"timestamp_header": "X-Time"}]
)
def test_a_signature_that_would_not_cover_the_message_is_no_setting(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="holds"):
        SignatureSettings.model_validate(said)
