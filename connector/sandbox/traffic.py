"""What passes through the sandbox, counted."""

import re
import threading
from collections import Counter
from typing import Any

READING_POSTS = re.compile(
    r"/search/?$|/batch/read/?$|/jobs/query/?$|/token/?$|/introspect/?$|/composite/sobjects/\w+/?$"
)
COMPOSITE = re.compile(r"/composite/?$")
SUBREQUEST = re.compile(rb'"method"\s*:\s*"(\w+)"')
IDENTIFIER = re.compile(
    r"\d+"  # HubSpot's ids and codes
    r"|[0-9a-fA-F-]{32,36}"  # UUIDs
    r"|(?=(?:\D*\d){3})[0-9a-zA-Z]{15}(?:[0-9a-zA-Z]{3})?"  # Salesforce ids; no resource name has three digits
    r"|0r8\w+(?:-\d+)?"  # Salesforce query locators
    r"|.*@.*"  # an e-mail address as the key of a record
)


def is_read(method: str, path: str, body: bytes = b"") -> bool:
    """Tell whether a request changes nothing: GETs, and the POSTs that only ask or bundle GETs."""
    if method != "POST":
        return method in ("GET", "HEAD", "OPTIONS")
    bundled = set(SUBREQUEST.findall(body)) if COMPOSITE.search(path) else set()
    return bool(READING_POSTS.search(path)) or bundled == {b"GET"}


def shape_of(path: str) -> str:
    """Give a path with its identifiers replaced by `{id}`."""
    shaped: list[str] = []
    for segment in path.split("/"):
        keyed = bool(shaped) and shaped[-1].endswith("__c") and len(shaped) > 1 and shaped[-2] != "sobjects"
        shaped.append("{id}" if segment and (keyed or IDENTIFIER.fullmatch(segment)) else segment)
    return "/".join(shaped)


class Traffic:
    """Count requests to the CRM's own paths."""

    def __init__(self) -> None:
        self._reads = 0
        self._writes = 0
        self._by_path: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, method: str, path: str, *, reads: bool) -> None:
        """Count one request, whatever its answer will be."""
        with self._lock:
            self._reads += reads
            self._writes += not reads
            self._by_path[shape_of(path)] += 1

    def figures(self) -> dict[str, Any]:
        """Give the counts as the control API shows them."""
        with self._lock:
            total = self._reads + self._writes
            by_path = dict(sorted(self._by_path.items()))
            return {"requests": total, "reads": self._reads, "writes": self._writes, "by_path": by_path}
