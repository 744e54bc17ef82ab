"""A HubSpot sandbox without sockets, for tests to fill and to ask."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.sandbox.http import Request, Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.app import HubSpotApp
from connector.sandbox.hubspot.objects import object_types, virtual_columns
from connector.sandbox.hubspot.values import milliseconds
from connector.sandbox.hubspot.wire import stored_stamp
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage

TOKEN = "pat-na1-test"


class StoppedClock(Clock):
    """Stand still until it is moved."""

    def now(self) -> datetime:
        """Tell the time that was set last."""
        return self.base_at


@dataclass
class Portal:
    """Hold one app over an empty account."""

    clock: Clock = field(default_factory=StoppedClock)
    switches: Switches = field(default_factory=Switches)
    storage: Storage = field(init=False)
    app: HubSpotApp = field(init=False)

    def __post_init__(self) -> None:
        """Install the app in memory."""
        self.storage = Storage(":memory:", self.clock)
        self.app = HubSpotApp(self.storage, self.clock, self.switches, token=TOKEN)
        self.app.install()

    def ask(
        self, method: str, path: str, body: object = None, query: dict[str, list[str]] | None = None, token: str = TOKEN
    ) -> Response:
        """Send one request."""
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.app.handle(Request(method, path, query or {}, {"authorization": f"Bearer {token}"}, sent))

    def read(self, method: str, path: str, body: object = None, **query: str) -> Any:  # noqa: ANN401 - JSON
        """Send one request and parse its answer."""
        response = self.ask(method, path, body, {name: [value] for name, value in query.items()})
        return json.loads(response.body) if response.body else None

    def status(self, method: str, path: str, body: object = None, **query: str) -> int:
        """Send one request and tell the status."""
        return self.ask(method, path, body, {name: [value] for name, value in query.items()}).status

    def search(self, plural: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Search an object."""
        return self.read("POST", f"/crm/v3/objects/{plural}/search", body)

    def hold(self, plural: str, record: dict[str, Any]) -> None:
        """Store a record as the wire shows it."""
        kind, known = object_types()[plural], self.app.schema.of(plural)
        values = {}
        for name, value in record.get("properties", {}).items():
            if name in virtual_columns(kind):
                continue
            moment = known[name].type == "datetime" and value
            values[name] = stored_stamp(milliseconds(value) or 0) if moment else value
        created, modified = (milliseconds(record.get(key, "2024-01-01")) for key in ("createdAt", "updatedAt"))
        self.storage.seed(plural, list(values), [(record["id"], created, modified, *values.values())])

    def link(self, type_id: int, from_id: object, to_id: object) -> None:
        """Store an association of living records; those that are missing are made."""
        kind = associations.type_by_id(type_id)
        assert kind is not None
        for plural, number in ((kind.from_type, from_id), (kind.to_type, to_id)):
            self.ensure(plural, number)
        associations.link(self.storage.execute, kind, int(str(from_id)), int(str(to_id)))

    def ensure(self, plural: str, number: object) -> None:
        """Make a bare record where there is none."""
        if self.storage.get(plural, str(number)) is None:
            self.hold(plural, {"id": str(number)})

    def own(self, number: object, user_id: int = 11598694, email: str | None = None) -> None:
        """Make an owner."""
        row = (str(number), 0, 0, email or f"owner{number}@example.com", "First", "Last", user_id, "PERSON")
        self.storage.seed("owners", ["email", "firstName", "lastName", "userId", "type"], [row])
