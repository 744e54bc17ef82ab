"""The inbox: what a sender was told we have is on the disk, lands once, and nothing unsigned is taken."""

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.errors import ConfigError
from connector.feeds import spool
from connector.feeds.inbox import serving
from connector.sandbox.server import Crm
from connector.settings.file import load_settings
from tests.cli.commands import Shell
from tests.feeds.drops import fed, score, table
from tests.feeds.test_feed_signatures import hubspot
from tests.feeds.test_feeds_commands import ask
from tests.loop.loops import Loop

BLOCK = """
vendor = "product"
key = { email = "email" }
id = ["id"]
time = "at"
event = [ { type = "product_usage", asset = "feature" } ]
"""
SECRET = "hush-hush"


@pytest.fixture
def crm() -> Crm:
    """The inbox knows no vendor of CRMs; one is enough."""
    return "salesforce"


@pytest.fixture
def loop(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Give a loop with a feed that is sent to us."""
    (fresh.folder / "usage.toml").write_text(BLOCK, encoding="utf-8")
    text = fresh.config.read_text(encoding="utf-8")
    inbox = '\n[inbox]\nlisten = "127.0.0.1:0"\nmax_kb = 4\n'
    fed_by = '\n[[feed]]\nid = "usage"\nuse = "usage.toml"\ninbox = true\n'
    fresh.config.write_text(text + inbox + fed_by, encoding="utf-8")
    monkeypatch.setenv("LEADLIGHT_FEED__USAGE__SECRET", SECRET)
    return fresh


@pytest.fixture
def address(loop: Loop) -> Iterator[str]:
    """Serve the inbox."""
    with serving(load_settings(loop.config)) as found:
        yield found


def message(*rows: object) -> tuple[bytes, dict[str, str]]:
    """Write and sign a message."""
    body = json.dumps(list(rows)).encode()
    return body, {"X-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def send(address: str, *rows: object, path: str = "/feeds/usage", **headers: str) -> requests.Response:
    body, signed = message(*rows)
    return requests.post(address + path, body, headers=signed | headers, timeout=30)


def row(number: int, who: int = 8) -> dict[str, Any]:
    return {"id": number, "email": f"p{who:02d}@acme.example", "feature": "export", "at": "2026-06-29T08:00:00Z"}


def kept(loop: Loop) -> list[dict[str, Any]]:
    """Give the rows that lie in the spool."""
    files = spool.waiting(loop.folder / "leadlight-store", "usage")
    return [json.loads(line) for file in files for line in file.path.read_text(encoding="utf-8").splitlines()]


def test_messages_are_landed_once_however_often_they_come(loop: Loop, address: str) -> None:
    assert send(address, row(1), row(2)).json() == {"rows": 2}
    assert send(address, row(2), row(3, who=9)).status_code == 200
    read = score(loop).fed
    assert (read["rows"], read["events"]) == (4, 4)
    assert [found["event_id"] for found in fed(loop)] == [f"feed:usage:{number}" for number in (1, 2, 3)]
    assert kept(loop) == []
    send(address, row(1), row(4))
    score(loop)
    assert [found["event_id"] for found in fed(loop)] == [f"feed:usage:{number}" for number in (1, 2, 3, 4)]
    (told,) = ask(loop, "feeds", "list")["feeds"]
    assert (told["files"], told["rows"], told["events"]) == (1, 6, 6)
    assert score(loop).fed == {}


def test_what_cannot_be_read_is_kept_and_refuses_nothing(loop: Loop, address: str) -> None:
    send(address, row(1), *({"id": number, "email": "", "at": "someday"} for number in range(30)))
    read = score(loop).fed
    assert (read["events"], read["rejects"]) == (1, 30)
    assert len(table(loop, "feed_rejects")) == 30


def test_what_is_not_signed_is_not_taken(loop: Loop, address: str) -> None:
    body, signed = message(row(1))
    wrong = hmac.new(b"other", body, hashlib.sha256).hexdigest()
    for headers in ({}, {"X-Signature": wrong}, {"X-Signature": "zz"}):
        assert requests.post(f"{address}/feeds/usage", body, headers=headers, timeout=30).status_code == 401
    assert requests.post(f"{address}/feeds/usage", body + b" ", headers=signed, timeout=30).status_code == 401
    assert kept(loop) == []


@pytest.mark.parametrize(
    ("path", "status"), [("/feeds/other", 404), ("/usage", 404), ("/", 404), ("/feeds/usage?x=1", 200)]
)
def test_only_feeds_that_are_there_are_served(loop: Loop, address: str, path: str, status: int) -> None:
    assert send(address, row(1), path=path).status_code == status
    assert len(kept(loop)) == (status == 200)


def test_what_is_no_json_object_or_too_large_is_refused(loop: Loop, address: str) -> None:
    assert send(address, "text").status_code == 400
    assert send(address, {"id": "x" * 4100}).status_code == 413
    body = b"{broken"
    signed = {"X-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
    assert requests.post(f"{address}/feeds/usage", body, headers=signed, timeout=30).status_code == 400
    chunks = requests.post(f"{address}/feeds/usage", iter([b"x"]), headers=signed, timeout=30)
    assert chunks.status_code == 411
    assert (requests.get(f"{address}/health", timeout=30).status_code, kept(loop)) == (200, [])


def test_a_message_that_ends_early_is_not_taken(loop: Loop, address: str) -> None:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(b"POST /feeds/usage HTTP/1.1\r\nContent-Length: 99\r\n\r\n[{}")
        line.shutdown(socket.SHUT_WR)
        assert b" 400 " in line.recv(1000)
    assert kept(loop) == []


def test_many_senders_at_once_lose_nothing(loop: Loop, address: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: send(address, row(number)).status_code, range(60)))
        between = kept(loop)  # as a sync that takes what is there
    assert answers == [200] * 60
    assert sorted(found["id"] for found in between) == list(range(60))


def test_a_line_that_a_crash_cut_off_spoils_no_other(loop: Loop, address: str) -> None:
    send(address, row(1))
    folder = loop.folder / "leadlight-store" / "spool" / "usage"
    with (folder / ".open.jsonl").open("ab") as file:
        file.write(b'{"id": 2, "ema')
    send(address, row(3))
    read = score(loop).fed
    assert (read["events"], read["rejects"]) == (2, 1)


def test_hubspots_signature_is_checked_against_the_public_address(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    text = loop.config.read_text(encoding="utf-8").replace(
        "inbox = true", 'inbox = true\nsignature = { kind = "hubspot_v3" }'
    )
    loop.config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"inbox\.public_url: is missing"), serving(load_settings(loop.config)):
        pass
    loop.config.write_text(text.replace("max_kb", 'public_url = "https://hooks.example"\nmax_kb'), encoding="utf-8")
    monkeypatch.setenv("LEADLIGHT_FEED__USAGE__SECRET", "secret")
    body = json.dumps([row(1)]).encode()
    sent_ms = int(datetime.now(UTC).timestamp() * 1000)
    with serving(load_settings(loop.config)) as address:
        signed = hubspot("https://hooks.example/feeds/usage", body, sent_ms)
        assert requests.post(f"{address}/feeds/usage", body, headers=signed, timeout=30).status_code == 200
        old = hubspot("https://hooks.example/feeds/usage", body, sent_ms - 400_000)
        assert requests.post(f"{address}/feeds/usage", body, headers=old, timeout=30).status_code == 401
    assert [found["id"] for found in kept(loop)] == [1]


def test_a_secret_that_is_missing_is_told(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADLIGHT_FEED__USAGE__SECRET")
    with pytest.raises(ConfigError, match="LEADLIGHT_FEED__USAGE__SECRET"), serving(load_settings(loop.config)):
        pass


def test_secrets_of_feeds_are_kept_out_of_open_files(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADLIGHT_FEED__USAGE__SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(ConfigError, match="are both set"):
        load_settings(loop.config)
    monkeypatch.delenv("LEADLIGHT_FEED__USAGE__SECRET")
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    assert SECRET in load_settings(loop.config).secrets()
    monkeypatch.setenv("LEADLIGHT_FEED__USAGE__SECRETS", "x")
    with pytest.raises(ConfigError, match="no such setting"):
        load_settings(loop.config)
    monkeypatch.delenv("LEADLIGHT_FEED__USAGE__SECRETS")
    text = loop.config.read_text(encoding="utf-8").replace("inbox = true", 'inbox = true\nsecret = "x"')
    loop.config.write_text(text, encoding="utf-8")
    loop.config.chmod(0o644)
    with pytest.raises(ConfigError, match=r"feed.usage.secret: a secret in a file that others can read"):
        load_settings(loop.config)


def test_a_forgotten_address_leaves_the_spool(loop: Loop, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    send(address, row(1, who=8), row(2, who=9))
    score(loop)  # the store knows people from here on
    send(address, row(3, who=8), row(4, who=9))
    assert Shell(capsys).on(loop, "erase", "p08@acme.example", "--yes").code == 0
    assert [found["id"] for found in kept(loop)] == [4]
    assert [found["event_id"] for found in fed(loop)] == ["feed:usage:2"]


@contextmanager
def process(loop: Loop, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that serves until it is told to stop."""
    command = [sys.executable, "-m", "connector", *words, "-c", str(loop.config)]
    environment = {**os.environ, "LEADLIGHT_LOG__FORMAT": "json"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2], env=environment, **pipes) as one:
        try:
            yield one
        finally:
            one.kill()


def test_the_command_serves_until_it_is_told_to_stop(loop: Loop) -> None:
    with process(loop, "feeds", "serve", "--json") as one:
        assert one.stdout is not None
        told = json.loads(one.stdout.readline())
        answer = requests.post(told["feeds"]["usage"], message(row(1))[0], headers=message(row(1))[1], timeout=30)
        one.send_signal(signal.SIGTERM)
        assert (answer.status_code, one.wait(60)) == (200, 0)
        assert one.stderr is not None
        said = one.stderr.read()
    assert ("message kept" in said, SECRET in said, "p08@" in said) == (True, False, False)
    assert [found["id"] for found in kept(loop)] == [1]


def test_the_daemon_takes_messages_and_lands_them(loop: Loop) -> None:
    with process(loop, "daemon") as one:
        assert one.stderr is not None
        started = next(line for line in one.stderr if "daemon started" in line)
        assert send(json.loads(started)["inbox"], row(1)).status_code == 200
        for line in one.stderr:
            if "sync ended" in line:  # one follows the start at once
                break
        one.send_signal(signal.SIGTERM)
        assert one.wait(60) == 0
    score(loop)
    assert [found["event_id"] for found in fed(loop)] == ["feed:usage:1"]
