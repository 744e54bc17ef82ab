"""The inbox: signed messages of webhooks, on the disk before the sender is told so.

One feed each at /feeds/<id>. A message that comes again is harmless: its rows have the ids they had.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import structlog

from connector.errors import ConfigError, LeadlightError, StoreError
from connector.feeds import spool
from connector.feeds.messages import Refusal, parsed
from connector.feeds.signatures import BadSignature, check_signature
from connector.settings.feeds import FeedSettings
from connector.settings.file import Settings

log = structlog.get_logger()
PATH: Final = "/feeds/"
MOST_ROWS: Final = 10_000
TIMEOUT_S: Final = 10.0  # a sender that dawdles holds a thread for so long at most


class Inbox:
    """Take messages for the feeds of a configuration; knows no sockets."""

    def __init__(self, settings: Settings) -> None:
        self._feeds = {feed.id: feed for feed in settings.feed if feed.inbox}
        self._public_url = settings.inbox.public_url or ""
        self._store = Path(settings.store.path)
        self.most_bytes = settings.inbox.max_kb * 1000

    def take(self, target: str, headers: Mapping[str, str], body: bytes, now: datetime) -> int:
        """Keep the rows of a message; target is its path and query. Returns how many; raises Refusal."""
        feed = self._feeds.get(target.partition("?")[0].removeprefix(PATH).strip("/"))
        if feed is None or feed.secret is None or not target.startswith(PATH):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such feed")
        try:
            secret, url = feed.secret.get_secret_value(), self._public_url + target
            check_signature(feed.signed_by, secret, "POST", url, headers, body, now)
        except BadSignature as error:
            log.warning("message refused", feed=feed.id, reason=str(error))
            raise Refusal(HTTPStatus.UNAUTHORIZED, str(error)) from None
        rows = [_stamped(row, now) for row in parsed(body, feed.rows, MOST_ROWS)]
        try:
            spool.append(self._store, feed.id, rows)
        except LeadlightError as error:
            log.error("message not kept", feed=feed.id, error=type(error).__name__, message=error.message)
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the message could not be kept; send it again") from None
        log.info("message kept", feed=feed.id, rows=len(rows))
        return len(rows)


def _stamped(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"received_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **row}


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve the inbox in the background; gives its address. Raises ConfigError and StoreError."""
    require_secrets(settings)
    host, _, port = settings.inbox.listen.rpartition(":")
    try:
        server = _Server((host.strip("[]"), int(port)), _handler_of(Inbox(settings)))
    except OSError as error:
        raise StoreError(f"inbox.listen: {settings.inbox.listen}: {error.strerror}; choose another port") from None
    thread = threading.Thread(target=server.serve_forever, name="inbox", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def require_secrets(settings: Settings) -> None:
    """Raise ConfigError for every feed of the inbox whose messages could not be checked."""
    feeds = [feed for feed in settings.feed if feed.inbox]
    problems = [
        f"feed.{feed.id}.secret: is missing; set LEADLIGHT_FEED__{feed.id.upper()}__SECRET, or the same with _FILE"
        for feed in feeds
        if not feed.secret
    ]
    if settings.inbox.public_url is None and any(feed.signed_by.kind == "hubspot_v3" for feed in feeds):
        problems.append("inbox.public_url: is missing; HubSpot signs the address that it calls")
    if problems:
        raise ConfigError(problems)


def has_inbox(feeds: Sequence[FeedSettings]) -> bool:
    """Tell whether any feed is sent to us."""
    return any(feed.inbox for feed in feeds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


def _handler_of(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Speak HTTP for the inbox."""

        timeout = TIMEOUT_S
        server_version, sys_version = "Leadlight", ""

        def do_POST(self) -> None:
            try:
                rows = inbox.take(self.path, self.headers, self._body(), datetime.now(UTC))  # type: ignore[arg-type] # headers are read by name alone
            except Refusal as error:
                self._answer(error.status, {"error": error.words})
            except (TimeoutError, ConnectionError):
                self.close_connection = True
            else:
                self._answer(HTTPStatus.OK, {"rows": rows})

        def do_GET(self) -> None:
            is_health = self.path == "/health"
            self._answer(HTTPStatus.OK if is_health else HTTPStatus.NOT_FOUND, {"ok": is_health})

        def _body(self) -> bytes:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit():
                raise Refusal(HTTPStatus.LENGTH_REQUIRED, "the message has no Content-Length")
            if int(length) > inbox.most_bytes:
                raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {inbox.most_bytes:,} bytes")
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                raise Refusal(HTTPStatus.BAD_REQUEST, "the message ended early")
            return body

        def _answer(self, status: HTTPStatus, told: Mapping[str, object]) -> None:
            body = json.dumps(told).encode()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep addresses of senders out of the log; what was taken is logged by the inbox."""

    return Handler
