"""What the adapter does on a real socket: tokens, headers, timeouts, broken answers, quotas."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import stamina
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.crm.base import Write, WriteResult
from connector.crm.salesforce import SalesforceSettings, connect
from connector.errors import AuthError, ConfigError, QuotaExhausted, RetryableError
from tests.crm.salesforce_server import Reply, ScriptedServer, Seen, json_reply, refusal

EXPIRED = refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
PAGE = json_reply([{"id": "00Q000000000001AAA", "success": True, "errors": []}])
UPDATE = [Write("Lead", {"Score__c": 7}, id="00Q000000000001AAA")]
HTML = Reply(503, b"<html>We are setting things up</html>", {"Content-Type": "text/html"})


@pytest.fixture(autouse=True)
def no_waits() -> object:
    """Retry at once, three times."""
    with stamina.set_testing(testing=True, attempts=3):
        yield


def script(*replies: Reply) -> Callable[[Seen], Reply]:
    """Answer in order; the last one again and again."""
    left = list(replies)
    return lambda _seen: left.pop(0) if len(left) > 1 else left[0]


def token_reply(number: int, instance_url: str | None = None) -> Reply:
    return json_reply(
        {"access_token": f"00D!t{number}", "token_type": "Bearer"}
        | ({"instance_url": instance_url} if instance_url else {})
    )


def login() -> dict[str, object]:
    return {"auth": "client_credentials", "access_token": None, "client_id": "key", "client_secret": "s3cr3t"}


@pytest.mark.fault("F10", "F25")
def test_an_expired_token_costs_one_renewal_and_one_repeat_with_all_headers(tmp_path: Path) -> None:
    replies = script(token_reply(1), EXPIRED, token_reply(2), PAGE)
    with ScriptedServer(tmp_path, replies) as server:
        crm = server.connect(**login())
        assert crm.write(UPDATE) == [WriteResult(id="00Q000000000001AAA")]
        first, again = server.seen[1], server.seen[3]
    assert [seen.path for seen in server.seen].count("/services/oauth2/token") == 2
    assert (first.headers["Authorization"], again.headers["Authorization"]) == ("Bearer 00D!t1", "Bearer 00D!t2")
    assert first.headers["Sforce-Auto-Assign"] == again.headers["Sforce-Auto-Assign"] == "FALSE"
    assert first.body == again.body
    assert "X-PrettyPrint" not in again.headers
    assert (crm.calls.read, crm.calls.write) == (2, 2)


@pytest.mark.fault("F10", "I3")
def test_a_token_that_is_always_refused_ends_after_two_calls(tmp_path: Path) -> None:
    def answer(seen: Seen) -> Reply:
        return token_reply(1) if seen.path.endswith("/token") else EXPIRED

    with ScriptedServer(tmp_path, answer) as server, pytest.raises(AuthError):
        server.connect(**login()).write(UPDATE)
    assert sum("composite" in seen.path for seen in server.seen) == 2
    assert len(server.seen) == 4


def test_a_given_token_is_tried_once(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(EXPIRED)) as server, pytest.raises(AuthError) as caught:
        server.connect().write(UPDATE)
    assert len(server.seen) == 1
    assert "00D!t0" not in caught.value.message


def test_a_login_by_secret_sends_it_as_basic_credentials_only(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(token_reply(1), PAGE)) as server:
        server.connect(**login()).write(UPDATE)
    assert server.seen[0].headers["Authorization"].startswith("Basic ")
    assert parse_qs(server.seen[0].body.decode()) == {"grant_type": ["client_credentials"]}


def test_a_login_by_key_signs_who_and_where_for(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    with ScriptedServer(tmp_path, script(token_reply(1), PAGE)) as server:
        server.connect(auth="jwt", access_token=None, client_id="key", username="u@x.io", private_key=pem).write(UPDATE)
        form = parse_qs(server.seen[0].body.decode())
        claims = jwt.decode(form["assertion"][0], key.public_key(), algorithms=["RS256"], audience=server.url)
    assert (claims["iss"], claims["sub"]) == ("key", "u@x.io")
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


@pytest.mark.fault("F32", "I10")
@pytest.mark.parametrize("url", ["https://evil.example", "http://acme.my.salesforce.com", "https://xsalesforce.com"])
def test_a_token_for_a_strange_host_is_not_sent_there(tmp_path: Path, url: str) -> None:
    with ScriptedServer(tmp_path, script(token_reply(1, url))) as server, pytest.raises(AuthError, match="not sent"):
        server.connect(**login()).write(UPDATE)
    assert len(server.seen) == 1


@pytest.mark.fault("F5")
def test_a_page_of_html_is_a_passing_fault(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(HTML, HTML, PAGE)) as server:
        assert server.connect().write(UPDATE)[0].ok
    assert len(server.seen) == 3


@pytest.mark.fault("F5")
@pytest.mark.parametrize(
    "reply",
    [
        HTML,
        Reply(200, b"<html>hello</html>"),
        Reply(406),
        Reply(420, b"We are setting things up"),
        refusal(429, "TOO_MANY"),
        refusal(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        json_reply([], 200),
    ],
)
def test_faults_that_do_not_pass_are_told_after_our_retries(tmp_path: Path, reply: Reply) -> None:
    with ScriptedServer(tmp_path, script(reply)) as server, pytest.raises(RetryableError):
        server.connect().write(UPDATE)
    assert len(server.seen) == 3


@pytest.mark.fault("F2")
def test_a_used_up_day_stops_at_once(tmp_path: Path) -> None:
    reply = refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    with ScriptedServer(tmp_path, script(reply)) as server, pytest.raises(QuotaExhausted):
        server.connect().write(UPDATE)
    assert len(server.seen) == 1


@pytest.mark.fault("F11")
def test_a_right_that_is_missing_stops_at_once(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(refusal(403, "API_DISABLED_FOR_ORG"))) as server, pytest.raises(AuthError):
        server.connect().write(UPDATE)
    assert len(server.seen) == 1


@pytest.mark.fault("F3", "F6", "F7")
@pytest.mark.parametrize("fault", [Reply(200, PAGE.body, cut=True), Reply(hang=True)])
def test_a_lost_answer_to_a_write_is_of_unknown_outcome(tmp_path: Path, fault: Reply) -> None:
    with ScriptedServer(tmp_path, script(fault)) as server, pytest.raises(RetryableError) as caught:
        server.connect(read_timeout_s=0.2).write(UPDATE)
    assert caught.value.unknown_outcome
    assert len(server.seen) == 3


@pytest.mark.fault("F7")
def test_a_lost_answer_to_a_read_is_simply_read_again(tmp_path: Path) -> None:
    users = json_reply({"totalSize": 0, "done": True, "records": []})
    with ScriptedServer(tmp_path, script(Reply(200, users.body, cut=True), users)) as server:
        assert server.connect().owners() == []
    assert len(server.seen) == 3


@pytest.mark.fault("F32")
def test_a_stopped_server_is_named_and_no_outcome_is_unknown(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(PAGE)) as server:
        crm = server.connect()
    with pytest.raises(RetryableError, match=f"{urlsplit(server.url).netloc} cannot be reached") as caught:
        crm.write(UPDATE)
    assert not caught.value.unknown_outcome


@pytest.mark.fault("F32")
def test_an_unknown_authority_is_a_problem_of_configuration(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, script(PAGE)) as server, pytest.raises(ConfigError, match="ca_file"):
        server.connect(ca_file=None).write(UPDATE)


@pytest.mark.fault("F32")
def test_redirects_are_not_followed(tmp_path: Path) -> None:
    moved = Reply(302, b"", {"Location": "https://evil.example/"})
    with ScriptedServer(tmp_path, script(moved)) as server, pytest.raises(ConfigError, match="instance_url"):
        server.connect().write(UPDATE)
    assert len(server.seen) == 1


def test_check_learns_org_user_time_and_usage(tmp_path: Path) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path.endswith("userinfo"):
            return json_reply({"user_id": "005x", "organization_id": "00Dx"})
        usage = "api-usage=18/15000; per-app-api-usage=17/250(appName=x)"
        return json_reply({"DailyApiRequests": {"Max": 15000, "Remaining": 14990}}, Sforce_Limit_Info=usage)

    with ScriptedServer(tmp_path, answer) as server:
        connection = server.connect().check()
    assert (connection.org_id, connection.user_id, connection.api_used, connection.api_limit) == (
        "00Dx",
        "005x",
        18,
        15000,
    )
    assert connection.server_time_at.isoformat() == "2026-07-01T12:00:00+00:00"


def test_settings_name_all_their_problems() -> None:
    settings = SalesforceSettings("http://acme.my.salesforce.com", "jwt", client_id="key", ca_file=Path("/no/such/ca"))
    with pytest.raises(ConfigError) as caught:
        connect(settings)
    assert len(caught.value.problems) == 4


def test_settings_do_not_show_secrets() -> None:
    settings = SalesforceSettings(
        "https://x", "token", access_token="s3cr3t", client_secret="s3cr3t", private_key="s3cr3t"
    )
    assert "s3cr3t" not in repr(settings)


@pytest.mark.fault("F32")
def test_a_next_page_that_is_no_path_of_salesforce_is_not_asked_for(tmp_path: Path) -> None:
    page = {"totalSize": 9, "done": False, "nextRecordsUrl": "@evil.example/services/data/v62.0/query/1", "records": []}
    with ScriptedServer(tmp_path, script(json_reply(page))) as server, pytest.raises(ConfigError):
        server.connect().owners()
    assert len(server.seen) == 1
