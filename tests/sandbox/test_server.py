"""The server's wire: joined writes, keep-alive, TLS, gzip, the ready line, and how it ends."""

import gzip
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connector.sandbox.credentials import made_up
from connector.sandbox.http import Request, Response
from connector.sandbox.listener import Delivery, LoopbackServer, Wait
from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from connector.sandbox.state import Clock
from connector.sandbox.world.rows import WorldError
from tests.sandbox.seeded_worlds import write_folder

READY_KEYS = {
    *("schema", "crm", "url", "token", "ca_file", "instance_url", "control_url"),
    *("client_id", "client_secret", "username", "password"),
}
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def hubspot() -> Iterator[RunningSandbox]:
    with start(SandboxOptions("hubspot", people=30)) as running:
        yield running


@pytest.fixture
def salesforce() -> Iterator[RunningSandbox]:
    with start(SandboxOptions("salesforce", people=30)) as running:
        yield running


def echo(request: Request, wait: Wait) -> Delivery:
    told = [request.method, request.path, dict(request.query), request.body.decode()]
    return Delivery(Response(200, json.dumps(told).encode(), {"Content-Type": "application/json"}))


@pytest.fixture
def echoing() -> Iterator[LoopbackServer]:
    server = LoopbackServer(0, Clock())
    server.begin(echo)
    yield server
    server.end()


def talk(server: LoopbackServer, *messages: bytes) -> list[bytes]:
    """Send messages over one connection; returns what one receive gave after each."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
        answers = []
        for message in messages:
            connection.sendall(message)
            answers.append(connection.recv(65536))
        return answers


def body_of(answer: bytes) -> object:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_an_answer_is_one_write(monkeypatch: pytest.MonkeyPatch, echoing: LoopbackServer) -> None:
    written: list[bytes] = []
    whole = socket.socket.sendall

    def noting(self: socket.socket, data: bytes) -> None:
        if self.getsockname() == echoing.server_address:
            written.append(bytes(data))
            assert self.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        whole(self, data)

    monkeypatch.setattr(socket.socket, "sendall", noting)
    question = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = talk(echoing, question, question)
    assert written == answers
    assert [body_of(answer) for answer in answers] == [["GET", "/a", {}, ""]] * 2


def test_paths_queries_and_bodies(echoing: LoopbackServer) -> None:
    chunked = b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n'
    packed = gzip.compress(b'{"b":2}')
    zipped = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed)
    answers = talk(
        echoing,
        b"POST /x HTTP/1.1\r\nHost: x\r\n" + chunked,
        b"PATCH /y/a%2Fb/%C3%A9?q=1&q=&r=%2B HTTP/1.1\r\nHost: x\r\n" + zipped,
        b"DELETE http://x/z HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert [body_of(answer) for answer in answers] == [
        ["POST", "/x", {}, '{"a":1}'],
        ["PATCH", "/y/a%2Fb/é", {"q": ["1", ""], "r": ["+"]}, '{"b":2}'],
        ["DELETE", "/z", {}, ""],
    ]


def test_bodies_that_cannot_be_read(echoing: LoopbackServer) -> None:
    for headers in (
        b"Content-Length: x",
        b"Content-Length: 3\r\nContent-Encoding: gzip",
        b"Transfer-Encoding: chunked",
    ):
        (answer,) = talk(echoing, b"POST / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\nzzz\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"Connection: close" in answer


def test_the_answer_carries_the_clock_s_date(echoing: LoopbackServer) -> None:
    (answer,) = talk(echoing, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"\r\nDate: Wed, 01 Jul 2026 12:00:0" in answer
    assert b" GMT\r\n" in answer


def test_a_fault_of_the_sandbox_is_a_500(echoing: LoopbackServer, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(request: Request, wait: Wait) -> Delivery:
        raise RuntimeError("broken")

    echoing.exchange = broken
    (answer,) = talk(echoing, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert "RuntimeError: broken" in capsys.readouterr().err


def test_the_ready_line(hubspot: RunningSandbox, salesforce: RunningSandbox) -> None:
    for running, crm in ((hubspot, "hubspot"), (salesforce, "salesforce")):
        assert set(running.ready) == READY_KEYS
        assert (running.ready["schema"], running.ready["crm"]) == (1, crm)
        assert running.ready["control_url"].startswith("http://127.0.0.1:")
        assert running.ready["token"] == made_up(crm, 7).token
    assert hubspot.ready["url"].startswith("http://127.0.0.1:")
    assert (hubspot.ready["ca_file"], hubspot.ready["instance_url"]) == (None, None)
    assert salesforce.ready["url"] == salesforce.ready["instance_url"]
    assert salesforce.ready["url"].startswith("https://127.0.0.1:")


def test_tls_is_verified_against_the_sandbox_s_own_authority(salesforce: RunningSandbox) -> None:
    ready = salesforce.ready
    address = f"{ready['url']}/services/data/v59.0/query/?q=SELECT+COUNT(Id)+FROM+Lead"
    headers = {"Authorization": f"Bearer {ready['token']}"}
    answer = requests.get(address, headers=headers, verify=ready["ca_file"], timeout=10)
    assert answer.status_code == 200
    assert answer.json()["totalSize"] == 1
    named = address.replace("127.0.0.1", "localhost")
    assert requests.get(named, headers=headers, verify=ready["ca_file"], timeout=10).status_code == 200
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(address, headers=headers, timeout=10)


def test_answers_are_packed_for_clients_that_take_it(hubspot: RunningSandbox) -> None:
    address = hubspot.ready["url"] + CONTACTS + "?limit=30"
    headers = {"Authorization": f"Bearer {hubspot.ready['token']}"}
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Encoding"] is None
        plain = answer.read()
    request = urllib.request.Request(address, headers={**headers, "Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = answer.read()
    assert len(packed) < len(plain)
    assert gzip.decompress(packed) == plain


def test_closing_ends_open_connections(hubspot: RunningSandbox) -> None:
    host, _, port = hubspot.ready["url"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536)
        hubspot.close()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)


def test_temporary_files_go_with_the_sandbox(salesforce: RunningSandbox) -> None:
    folder = Path(salesforce.ready["ca_file"]).parent
    assert sorted(path.suffix for path in folder.iterdir() if "db" not in path.name) == [".pem", ".pem"]
    salesforce.close()
    assert not folder.exists()


def country(sandbox: RunningSandbox, value: str | None = None) -> tuple[str, str]:
    """Set or read the first contact's country; returns it with the sandbox's time."""
    ready, control = sandbox.ready, sandbox.ready["control_url"]
    with urllib.request.urlopen(f"{control}/control/records?object=contacts") as answer:
        record = json.load(answer)[0]
    if value is not None:
        headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
        data = json.dumps({"properties": {"country": value}}).encode()
        address = f"{ready['url']}{CONTACTS}/{record['id']}"
        with urllib.request.urlopen(urllib.request.Request(address, data, headers, method="PATCH")) as answer:
            return value, json.load(answer)["updatedAt"]
    with urllib.request.urlopen(f"{control}/control/clock") as answer:
        return record["fields"]["country"], json.load(answer)["now"]


def test_a_file_that_was_filled_keeps_its_records_and_its_time(tmp_path: Path) -> None:
    options = SandboxOptions("hubspot", world=write_folder(tmp_path), db=tmp_path / "sandbox.db")
    with start(options) as running:
        control = running.ready["control_url"] + "/control/clock"
        with urllib.request.urlopen(urllib.request.Request(control, b'{"advance_s": 86400}', method="POST")):
            _, written_at = country(running, "Norway")
    with start(options) as running:
        kept, now = country(running)
    assert kept == "Norway"
    assert now[:19] >= written_at[:19] > "2026-07-02T12"


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with start(SandboxOptions("hubspot", world="empty", db=path)):
        pass
    with pytest.raises(WorldError, match="holds a hubspot sandbox"):
        start(SandboxOptions("salesforce", world="empty", db=path))
    (tmp_path / "people.csv").write_text("email\n", encoding="utf-8")
    fresh = tmp_path / "fresh.db"
    with pytest.raises(WorldError, match="person_id is missing"):
        start(SandboxOptions("hubspot", world=str(tmp_path), db=fresh))
    with start(SandboxOptions("hubspot", world="empty", db=fresh)) as running:
        assert running.ready["crm"] == "hubspot"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serve_with_exit_code_0(number: signal.Signals) -> None:
    program = (
        "from connector.sandbox.server import SandboxOptions, serve\n"
        "serve(SandboxOptions('salesforce', world='empty'))\n"
        "print('ended')"
    )
    project = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=project) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == READY_KEYS
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "ended\n")
    assert not Path(ready["ca_file"]).exists()
