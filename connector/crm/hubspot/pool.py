"""Connections to one host, for the client library in place of its own pool."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.response import BaseHTTPResponse


class Pool:
    """Send requests to base_url and nowhere else: no redirect is followed with the token, nothing is sent twice.

    One host needs no pool manager, whose repeated parsing of long addresses costs as much as sending them.
    """

    def __init__(self, base_url: str, max_connections: int = 8) -> None:
        self._connections = urllib3.connection_from_url(base_url, maxsize=max_connections)
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def request(
        self,
        method: str,
        url: str,
        *,
        fields: Sequence[tuple[str, object]] | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        preload_content: bool = False,
        timeout: urllib3.Timeout,
    ) -> BaseHTTPResponse:
        """Send one request; takes what the client library gives to urllib3's pool manager."""
        if not url.startswith(f"{self._origin}/"):
            raise ValueError("an address of another host")
        target = url[len(self._origin) :] + (f"?{urlencode(fields)}" if fields else "")
        return self._connections.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            timeout=timeout,
            preload_content=preload_content,
            redirect=False,
            retries=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()
