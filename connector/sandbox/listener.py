"""A loopback HTTP/1.1 listener: one thread per connection, keep-alive, one joined write per answer.

A head and a body sent in two writes cost a keep-alive client about 45 ms per call (Nagle's algorithm waiting for a
delayed acknowledgement), so every answer is one write and TCP_NODELAY is set as well.
"""

import gzip
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from connector.sandbox.http import Request, Response
from connector.sandbox.state import Clock

BODY_MAX_BYTES = 200_000_000
GZIP_MIN_BYTES = 1024
DRIP_MAX_S = 600.0
DRIP_STEP_S = 0.05
GRACE_S = 5.0


@dataclass(frozen=True)
class Delivery:
    """Say how an answer travels; no response: the connection ends without one.

    reset ends the connection with RST instead of FIN; truncate_at sends that many body bytes of a promised whole and
    ends the connection; drip_bytes_s sends the body at that speed.
    """

    response: Response | None
    reset: bool = False
    truncate_at: int | None = None
    drip_bytes_s: float | None = None

    @property
    def ends(self) -> bool:
        """Tell whether the connection ends with this answer."""
        return self.response is None or self.truncate_at is not None


Wait = Callable[[float], bool]
"""Wait so many seconds; true at once when the client hung up meanwhile (or the listener closes)."""

Exchange = Callable[[Request, Wait], Delivery]


class LoopbackServer(ThreadingHTTPServer):
    """Serve one exchange function on 127.0.0.1; port 0 takes a free one; https where a TLS context is given."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.exchange: Exchange = refuse
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._answering = 0
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        super().__init__(("127.0.0.1", port), ConnectionHandler)

    @property
    def url(self) -> str:
        """Give the address, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def begin(self, exchange: Exchange) -> None:
        """Answer with an exchange function from now on, in a thread of its own."""
        self.exchange = exchange
        self._thread.start()

    def end(self) -> None:
        """Stop listening, let answers under way go out, end every open connection."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._idle:
            for connection in self._open:
                hang_up(connection, socket.SHUT_RD)
            self._idle.wait_for(lambda: not self._answering, GRACE_S)
            for connection in self._open:
                hang_up(connection, socket.SHUT_RDWR)

    def answer(self, request: Request, wait: Wait) -> Delivery:
        """Call the exchange function; a fault of its own is answered as a server answers it."""
        try:
            return self.exchange(request, wait)
        except Exception:
            traceback.print_exc()
            return Delivery(Response(500, b"sandbox fault, see its stderr", {"Content-Type": "text/plain"}))

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Mark an answer as under way."""
        with self._idle:
            self._answering += 1
        try:
            yield
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake is left to the connection's own thread."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._idle:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the base class's type
        """Close a connection."""
        with self._idle:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's types
        """Stay silent about clients that leave; print what is the sandbox's own fault."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


def refuse(request: Request, wait: Wait) -> Delivery:
    """Answer a listener that has nothing behind it yet."""
    return Delivery(Response(503))


def hang_up(connection: socket.socket, direction: int) -> None:
    """Wake whoever reads from a connection; one that is closed already is left alone."""
    try:
        socket.socket.shutdown(connection, direction)  # under TLS: of the plain socket, as a dying machine would
    except OSError:
        return


class ConnectionHandler(BaseHTTPRequestHandler):
    """Read requests from one connection and answer them one after another."""

    protocol_version = "HTTP/1.1"
    rbufsize = 65536
    server: LoopbackServer
    connection: socket.socket

    def setup(self) -> None:
        """Shake hands where the listener speaks TLS."""
        accepted: socket.socket = self.request
        if isinstance(accepted, ssl.SSLSocket):
            accepted.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's signature
        """Keep quiet: the journal is the log."""

    def handle_one_request(self) -> None:
        """Read one request, hand it over, deliver the answer."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        try:
            request = self._read_request()
        except ValueError as error:
            self.close_connection = True
            self._deliver(Delivery(Response(400, str(error).encode(), {"Content-Type": "text/plain"})), "")
            return
        with self.server.busy():
            delivery = self.server.answer(request, self._wait)
            self._deliver(delivery, request.headers.get("accept-encoding", ""))

    def _read_request(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        target = urlsplit(self.path)
        body = read_body(self.rfile, headers)
        if headers.get("content-encoding", "").lower() == "gzip":
            body = gunzip(body)
        query = parse_qs(target.query, keep_blank_values=True)
        return Request(self.command, decoded_path(target.path), query, headers, body)

    def _wait(self, seconds: float) -> bool:
        # A client that waits for an answer sends nothing: readable means that it hung up.
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _deliver(self, delivery: Delivery, accepts: str) -> None:
        if delivery.ends:
            self.close_connection = True
        if delivery.response is None:
            if delivery.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            return
        head, body = self._render(delivery.response, accepts)
        if delivery.drip_bytes_s is not None:
            self._drip(head, body[: delivery.truncate_at], delivery.drip_bytes_s)
        else:
            self.connection.sendall(head + body[: delivery.truncate_at])

    def _drip(self, head: bytes, body: bytes, bytes_s: float) -> None:
        self.connection.sendall(head)
        deadline_s = time.monotonic() + DRIP_MAX_S
        size = max(1, int(bytes_s * DRIP_STEP_S))
        for start in range(0, len(body), size):
            if time.monotonic() > deadline_s or self._wait(min(size / bytes_s, DRIP_MAX_S)):
                self.close_connection = True
                return
            self.connection.sendall(body[start : start + size])

    def _render(self, response: Response, accepts: str) -> tuple[bytes, bytes]:
        body = response.body
        headers = dict(response.headers)
        if len(body) >= GZIP_MIN_BYTES and "gzip" in accepts.lower() and "Content-Encoding" not in headers:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        lines = [f"HTTP/1.1 {response.status} {phrase(response.status)}"]
        lines += [f"Date: {format_datetime(self.server.clock.now(), usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        bodiless = response.status in (204, 304)
        if not bodiless:
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        return head, b"" if bodiless or self.command == "HEAD" else body


def phrase(status: int) -> str:
    """Give the reason phrase; vendors use numbers outside the registry (477, 530)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def decoded_path(path: str) -> str:
    """Undo percent-encoding, but keep an encoded slash encoded so that segments stay segments."""
    return "/".join(unquote(segment).replace("/", "%2F") for segment in path.split("/"))


def read_body(stream: BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    """Read a body by its length or its chunks; raises ValueError where neither can be followed."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return b"".join(chunks(stream))
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_MAX_BYTES:
        raise ValueError(f"Content-Length: {length[:20]!r} is not a whole number up to {BODY_MAX_BYTES}")
    body = stream.read(int(length))
    if len(body) < int(length):
        raise ValueError(f"body ended after {len(body)} of {length} bytes")
    return body


def chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Read the chunks of a chunked body (RFC 9112 section 7.1); extensions and trailers are dropped."""
    total = 0
    while size := int(stream.readline(1024).split(b";")[0], 16):
        total += size
        if total > BODY_MAX_BYTES:
            raise ValueError(f"chunked body is longer than {BODY_MAX_BYTES} bytes")
        yield stream.read(size)
        stream.readline(2)
    while stream.readline(65536).strip():
        continue


def gunzip(body: bytes) -> bytes:
    """Undo gzip; raises ValueError where it is not gzip."""
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as error:
        raise ValueError("body is not the gzip that Content-Encoding promises") from error
