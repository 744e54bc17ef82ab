"""What all endpoints of one org share: its data, its users and the request at hand."""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.catalog import Catalog, View
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.locks import Claims, RowLocks
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage, Transaction

JSON_TYPE = "application/json;charset=UTF-8"
VENDOR_DAILY_LIMIT = 100_000
FULLY_PRETTY_ROWS = 20
UNLIMITED = 5_000_000
INTEGRATION_USER = record_id("User", 1)
ADMIN_USER = record_id("User", 2)
PERSON_USER = record_id("User", 3)
AUTOMATED_USER = record_id("User", 4)
UNASSIGNED_QUEUE = record_id("Group", 1)


@dataclass(frozen=True, repr=False)
class Credentials:
    """Hold what the org accepts at login; token is a session that is always valid, jwt_public_key a PEM or null."""

    token: str
    client_id: str
    client_secret: str
    username: str
    password: str
    jwt_public_key: str | None = None
    org_id: str = record_id("Organization", 1)
    user_id: str = INTEGRATION_USER

    def __repr__(self) -> str:
        """Show nothing secret."""
        return f"Credentials(username={self.username!r})"


class Usage:
    """Count API requests of the last 24 hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hours: deque[tuple[int, int]] = deque()

    def used(self) -> int:
        """Give the requests counted in the last 24 hours."""
        hour = self._clock.now_ms() // 3_600_000
        while self._hours and not hour - 24 < self._hours[0][0] <= hour:
            self._hours.popleft()
        return sum(number for _, number in self._hours)

    def add(self) -> None:
        """Count one request."""
        hour = self._clock.now_ms() // 3_600_000
        if self._hours and self._hours[-1][0] == hour:
            self._hours[-1] = (hour, self._hours[-1][1] + 1)
        else:
            self._hours.append((hour, 1))


@dataclass
class Org:
    """Hold the org's state."""

    storage: Storage
    clock: Clock
    switches: Switches
    credentials: Credentials
    catalog: Catalog
    usage: Usage
    locks: RowLocks
    instance_url: str = "https://127.0.0.1"
    sessions: set[str] = field(default_factory=set)

    @property
    def view(self) -> View:
        """Give the objects and fields the connecting user may see now."""
        return self.catalog.view()

    def daily_limit(self) -> int:
        """Give the number of API requests allowed in 24 hours."""
        quota = self.switches.daily_quota
        return VENDOR_DAILY_LIMIT if quota is None else quota or UNLIMITED

    def visible_until_ms(self) -> int | None:
        """Give the time of the last change that queries see, or null where all are visible."""
        lag_s = self.switches.read_lag_s
        if lag_s <= 0:
            return None
        return int((self.clock.now() - timedelta(seconds=lag_s)).timestamp() * 1000)


@dataclass
class Call:
    """Hold one request with its API version and row locks; object and wrote are noted for the journal.

    outer: the transaction of the composite request that it is part of, null for a request of its own.
    """

    request: Request
    version: str
    claims: Claims
    outer: Transaction | None = None
    object: str | None = None
    wrote: bool = False

    @property
    def base(self) -> str:
        """Give the path of this version, such as /services/data/v59.0."""
        return f"/services/data/v{self.version}"

    def payload(self) -> Any:  # noqa: ANN401 - whatever the client sent
        """Parse the body; raises CrmError JSON_PARSER_ERROR where it is not JSON."""
        try:
            return self.request.json()
        except ValueError:
            message = "Unexpected character in the request body: it is not valid JSON"
            raise CrmError("JSON_PARSER_ERROR", message, None) from None

    def mapping(self) -> dict[str, Any]:
        """Parse the body as a JSON object; raises CrmError JSON_PARSER_ERROR for anything else."""
        payload = self.payload()
        if not isinstance(payload, dict):
            raise CrmError("JSON_PARSER_ERROR", "The request body is not a JSON object", None)
        return payload

    @contextmanager
    def transaction(self, org: Org, status: int = 200) -> Iterator[Transaction]:
        """Change records as the connector; notes whether anything was written."""
        if self.outer is not None:
            yield self.outer
            return
        with org.storage.transaction("connector", self.request.method, self.request.path) as transaction:
            transaction.status = status
            yield transaction
            self.wrote |= bool(transaction.journal_rows())

    def answer(self, payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 - any JSON
        """Answer JSON, pretty where the client asks for it."""
        text = (
            pretty_json(payload) if self.is_pretty else json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        )
        return Response(status, text.encode(), {"Content-Type": JSON_TYPE, **(headers or {})})

    def answer_records(self, head: dict[str, Any], records: Iterable[str]) -> Response:
        """Answer a page whose records are JSON texts already."""
        between, end = (" : ", "\n}") if self.is_pretty else (":", "}")
        text = pretty_json(head).removesuffix("\n}") if self.is_pretty else json.dumps(head, separators=(",", ":"))[:-1]
        gap = ",\n  " if self.is_pretty else ","
        body = f'{text}{gap}"records"{between}[{",".join(records)}]{end}'
        return Response(200, body.encode(), {"Content-Type": JSON_TYPE})

    @property
    def is_pretty(self) -> bool:
        """Tell whether the client asks for line breaks; long pages keep a record on one line."""
        return self.request.headers.get("x-prettyprint", "0") not in ("0", "false")

    def header_flag(self, name: str) -> str | None:
        """Give a header's value in lower case, or null."""
        value = self.request.headers.get(name)
        return None if value is None else value.strip().lower()


def pretty_json(payload: Any) -> str:  # noqa: ANN401 - any JSON
    """Write JSON with the vendor's space before the colon.

    A long answer gets its line breaks without the nesting depth: only so can the fast encoder write it.
    """
    if isinstance(payload, dict) and len(payload.get("records") or ()) > FULLY_PRETTY_ROWS:
        return json.dumps(payload, separators=(",\n    ", " : "), ensure_ascii=False)
    text = json.dumps(payload, indent=2, separators=(",", " : "), ensure_ascii=False)
    return re.sub(r"\[\]", "[ ]", text) if '"[]' not in text else text


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer without a body."""
    return Response(status, b"", dict(headers or {}))
