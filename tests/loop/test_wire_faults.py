"""Faults at every endpoint, tokens that expire, redirects to elsewhere."""

import threading
from pathlib import Path

import pytest

from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.tokens import Token, Tokens
from connector.errors import AuthError, ConfigError
from connector.sandbox.server import SandboxOptions, start
from tests.loop.loops import Loop, written_state

PAGE = {"status": 503, "body": "<html>down é</html>", "headers": {"Content-Type": "text/html"}}
EXPIRED = {"status": 401, "body": [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]}


@pytest.mark.fault("F5", "I1", "I2", "I4")
def test_a_page_of_html_at_every_third_request_changes_nothing(fresh: Loop, expected: dict[str, object]) -> None:
    fresh.control("faults", [{"match": {"every": 3}, "act": PAGE}])
    fresh.sync(backfill=True)
    assert fresh.control("stats")["faults_fired"] >= 8
    fresh.control("faults", method="DELETE")
    assert written_state(fresh) == expected
    assert fresh.waiting() == []


def by_secret(loop: Loop) -> None:
    """Let the configuration log in with the connected app's secret, which can be done again."""
    text = loop.config.read_text(encoding="utf-8")
    secret = f'client_id = "{loop.ready["client_id"]}"\nclient_secret = "{loop.ready["client_secret"]}"\n'
    head, token, rest = text.partition("token = ")
    assert token
    text = head + secret + rest.partition("\n")[2]
    loop.config.write_text(text.replace('auth = "token"', 'auth = "client_credentials"'), encoding="utf-8")


@pytest.mark.fault("F10", "I4")
@pytest.mark.parametrize("crm", ["salesforce"])
@pytest.mark.parametrize("nth", [3, 9, 18])
def test_a_token_that_expires_in_a_run_is_renewed_once(fresh: Loop, expected: dict[str, object], nth: int) -> None:
    by_secret(fresh)
    fresh.control("faults", [{"match": {"path_re": "/services/data/", "nth": nth}, "act": EXPIRED}])
    fresh.sync(backfill=True)
    stats = fresh.control("stats")
    assert stats["faults_fired"] == 1
    assert stats["by_path"]["/services/oauth2/token"] == 2
    assert written_state(fresh) == expected


@pytest.mark.fault("F10", "I3")
def test_a_token_that_stays_refused_ends_the_run_after_two_calls(synced: Loop) -> None:
    if synced.crm == "salesforce":
        by_secret(synced)
    before = synced.control("stats")["requests"]
    synced.control(
        "faults", [{"match": {"path_re": "/crm/|/account-info/|/services/(data|oauth2/userinfo)"}, "act": EXPIRED}]
    )
    with pytest.raises(AuthError) as raised:
        synced.sync()
    assert raised.value.exit_code == 5
    logins = 2 if synced.crm == "salesforce" else 0
    assert synced.control("stats")["requests"] - before <= 2 + logins


@pytest.mark.fault("F10")
def test_many_who_wait_for_a_token_make_one_call() -> None:
    asked: list[int] = []
    settings = SalesforceSettings("https://a.my.salesforce.com", "client_credentials", client_id="i", client_secret="s")
    gate = threading.Barrier(8)

    def fetch() -> Token:
        asked.append(1)
        return Token(f"token {len(asked)}", settings.instance_url)

    tokens = Tokens(settings, fetch)
    old = tokens.current()
    renewed: list[Token | None] = []

    def renew() -> None:
        gate.wait(30)
        renewed.append(tokens.renew(old))

    threads = [threading.Thread(target=renew) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(asked) == 2
    assert {token.value for token in renewed if token} == {"token 2"}


@pytest.mark.fault("F32", "I10")
def test_a_redirect_takes_the_token_nowhere(synced: Loop, tmp_path: Path) -> None:
    with start(SandboxOptions(synced.crm, world="empty", db=tmp_path / "other.db")) as other:
        elsewhere = Loop(synced.crm, tmp_path, other.ready, synced.words)
        away = {"status": 302, "headers": {"Location": f"{other.ready['url']}/crm/v3/owners"}, "body": "moved"}
        synced.control("faults", [{"match": {"path_re": "/owners|/query"}, "act": away}])
        with pytest.raises(ConfigError, match="redirect"):
            synced.sync()
        assert elsewhere.control("stats")["requests"] == 0
