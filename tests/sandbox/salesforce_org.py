"""An org in memory, spoken to without a socket."""

import json
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.app import SalesforceApp
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.org import Credentials
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage

TOKEN = "00DSb0000000001!session"
BASE = "/services/data/v59.0"
NO_RULES = {"sforce-auto-assign": "FALSE"}


class OrgInMemory:
    """Hold an org and speak to it as a client does."""

    def __init__(self, **login: str) -> None:
        self.clock, self.switches = Clock(), Switches()
        self.storage = Storage(":memory:", self.clock)
        self.credentials = Credentials(TOKEN, "client", "secret", "connector@sandbox.invalid", "password", **login)
        self.app = SalesforceApp(self.storage, self.clock, self.switches, self.credentials)
        self._number = 0

    def send(
        self,
        method: str,
        path: str,
        payload: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request; a path without /services gets the API's base in front."""
        full = path if path.startswith("/services") else BASE + path
        body = payload if isinstance(payload, bytes) else b"" if payload is None else json.dumps(payload).encode()
        sent = {"authorization": f"Bearer {TOKEN}", **(headers or {})}
        asked = {name: [value] for name, value in (query or {}).items()}
        return self.app.handle(Request(method, full, asked, sent, body))

    def answer(self, method: str, path: str, payload: object = None, **options: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Send one request and parse the answer's JSON."""
        response = self.send(method, path, payload, **options)
        return json.loads(response.body) if response.body else None

    def query(self, soql: str, path: str = "/query") -> Any:  # noqa: ANN401 - JSON
        """Ask a query; gives the answer, or the array of errors."""
        return self.answer("GET", path, query={"q": soql})

    def values(self, soql: str) -> list[Any]:
        """Ask a query of one field and give its values."""
        records = self.query(soql)["records"]
        return [next(value for key, value in record.items() if key != "attributes") for record in records]

    def error(self, soql: str) -> tuple[str, str]:
        """Ask a query that is refused; gives code and message."""
        (error,) = self.query(soql)
        return error["errorCode"], error["message"]

    def create(self, name: str, **fields: object) -> str:
        """Create a record without assignment rules; raises AssertionError where it is refused."""
        response = self.send("POST", f"/sobjects/{name}/", fields, headers=NO_RULES)
        assert response.status == 201, response.body
        return str(json.loads(response.body)["id"])

    def put(self, name: str, fields: Mapping[str, Any]) -> str:
        """Put a record into the storage as it is, unchecked."""
        self._number += 1
        new_id = record_id(name, 500_000 + self._number)
        known = self.storage.columns(name)
        with self.storage.transaction("seed", "POST", "/seed") as transaction:
            kept = {key: _plain(value) for key, value in fields.items() if key in known}
            transaction.insert(name, new_id, kept)
        return new_id

    def add_text_field(self, name: str, field: str, *, key: bool = False) -> None:
        """Add a text field everyone sees; a key is unique and serves for upserts."""
        self.app.add_custom_field(name, FieldSpec(field, "string", 255, external_id=key, unique=key))


def _plain(value: object) -> object:
    return int(value) if isinstance(value, bool) else value
