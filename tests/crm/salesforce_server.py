"""A TLS server on loopback that answers by a script: what the adapter does on a real socket."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from connector.crm.salesforce import SalesforceCrm, SalesforceSettings, connect
from connector.sandbox.tls import make_authority

SERVER_DATE = "Wed, 01 Jul 2026 12:00:00 GMT"


@dataclass(frozen=True)
class Seen:
    """Hold one request as it arrived; path includes the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """Say what to answer; cut closes the socket half way through the body, hang never answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


def json_reply(content: Any, status: int = 200, **headers: str) -> Reply:  # noqa: ANN401 - any JSON
    """Answer with JSON."""
    typed = {"Content-Type": "application/json;charset=UTF-8", "Date": SERVER_DATE}
    return Reply(status, json.dumps(content).encode(), typed | {k.replace("_", "-"): v for k, v in headers.items()})


def refusal(status: int, code: str, message: str = "") -> Reply:
    """Answer with the data API's error shape."""
    return json_reply([{"message": message, "errorCode": code}], status)


class ScriptedServer:
    """Serve https until left; `seen` is what arrived, in order."""

    def __init__(self, folder: Path, answer: Callable[[Seen], Reply]) -> None:
        self.seen: list[Seen] = []
        self._answer = answer
        self._released = threading.Event()
        context, self.ca_file = make_authority(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                script.seen.append(seen)
                script.reply(self, script._answer(seen))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base
                """Keep the tests' output clean."""

        return Handler

    def reply(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        """Write one answer, or what is left of it."""
        if reply.hang:
            self._released.wait(30)
            handler.close_connection = True
            return
        handler.send_response_only(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        handler.wfile.flush()
        if reply.cut:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def settings(self, **changes: Any) -> SalesforceSettings:  # noqa: ANN401 - fields of the settings
        """Make settings that reach this server."""
        given: dict[str, Any] = {
            "instance_url": self.url,
            "auth": "token",
            "access_token": "00D!t0",
            "ca_file": self.ca_file,
        } | changes
        return SalesforceSettings(**given)

    def connect(self, **changes: Any) -> SalesforceCrm:  # noqa: ANN401 - fields of the settings
        """Make an adapter that never pauses."""
        return connect(self.settings(**changes), sleep=lambda _pause_s: None)
