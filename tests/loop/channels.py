"""A channel under test: a web server that notes the messages posted to it, and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Behaviour = Literal["take", "refuse", "hang", "lose"]


@dataclass
class Channel:
    """Note what came; behaviour: take it, refuse it with 500, hang until the test ends, or note it and hang up."""

    url: str = ""
    behaviour: Behaviour = "take"
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def texts(self) -> list[str]:
        """List the messages that arrived."""
        return [post["message"] for post in self.posts]


@contextmanager
def listening() -> Iterator[Channel]:
    """Serve a channel on loopback, at Apprise's address for plain JSON posts."""
    channel = Channel()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(channel))
    channel.url = f"json://127.0.0.1:{server.server_port}/hook?rto=0.3&cto=1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield channel
    finally:
        channel.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(channel: Channel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            channel.asked += 1
            if channel.behaviour == "refuse":
                self.send_error(500)
                return
            if channel.behaviour == "hang":
                channel.ended.wait()
                return
            channel.posts.append(body)
            if channel.behaviour == "take":
                self.send_response(204)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Say nothing."""

    return Handler
