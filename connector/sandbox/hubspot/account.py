"""One HubSpot account: what every handler works on, and one call to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from connector.sandbox.http import Request, Response
from connector.sandbox.hubspot.limits import RateLimits
from connector.sandbox.hubspot.objects import ObjectType, object_type
from connector.sandbox.hubspot.pipelines import known_stages
from connector.sandbox.hubspot.schema import Schema
from connector.sandbox.hubspot.values import Rules
from connector.sandbox.hubspot.wire import (
    ApiError,
    json_response,
    missing_scopes,
    stamp,
    validation_error,
    whole_number,
)
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage, Transaction

COUNTS_MAX = 256
UI_DOMAIN = "app.hubspot.com"
NEVER_MS = 2**62


class Counts:
    """Keep the totals of searches until something changes: every page of a search tells the total."""

    def __init__(self) -> None:
        self._changes = -1
        self._known: dict[tuple[str, tuple[Any, ...]], int] = {}

    def get(self, storage: Storage, statement: str, values: Sequence[Any]) -> int:
        """Run a counting statement, or tell what it told since the last change."""
        with storage.lock:
            if storage.changes != self._changes or len(self._known) >= COUNTS_MAX:
                self._known, self._changes = {}, storage.changes
            key = (statement, tuple(values))
            if key not in self._known:
                self._known[key] = int(storage.query(statement, values)[0][0])
            return self._known[key]


@dataclass
class Account:
    """Hold the parts of one account."""

    storage: Storage
    clock: Clock
    switches: Switches
    schema: Schema
    limits: RateLimits
    portal_id: int
    token: str
    base_url: str = "https://api.hubapi.com"
    counts: Counts = field(default_factory=Counts)

    def hidden(self, kind: ObjectType) -> frozenset[str]:
        """Name the properties of an object that the token may not see (`contacts.phone`, letter case ignored)."""
        spellings = (kind.plural, kind.singular, kind.type_id)
        pairs = (name.lower().partition(".") for name in self.switches.hidden_fields)
        return frozenset(name for owner, _, name in pairs if owner in spellings)

    def visible_type(self, name: str, access: str = "read") -> ObjectType:
        """Find an object type; raises ApiError: 400 for an unknown one, 403 where `Object.*` is hidden."""
        kind = object_type(name)
        if kind is None:
            raise ApiError(400, f"Unable to infer object type from: {name}")
        if "*" in self.hidden(kind):
            raise missing_scopes([f"crm.objects.{kind.plural}.{access}"])
        return kind

    def changes_seen_until(self, lag_s: float) -> int:
        """Give the time of the last change that a lagging read sees, in milliseconds; without lag all are seen."""
        return self.clock.now_ms() - int(lag_s * 1000) if lag_s > 0 else NEVER_MS

    def rules(self, kind: ObjectType) -> Rules:
        """Say what values of an object are measured against now."""
        return Rules(
            kind=kind,
            portal_id=self.portal_id,
            properties=self.schema.of(kind.plural),
            hidden=self.hidden(kind),
            owners=self.user_ids().keys(),
            stages=known_stages(kind.plural),
        )

    def user_ids(self) -> Mapping[str, str]:
        """Give the user ids of active owners by owner id."""
        rows = self.storage.query("SELECT _id, userId FROM owners WHERE _deleted = 0")
        return {row[0]: str(row[1]) for row in rows if row[0] not in self.switches.inactive_users}


@dataclass
class Call:
    """Hold one request on its way; `wrote` tells whether it has changed anything."""

    account: Account
    request: Request
    kind: ObjectType | None = None
    wrote: bool = field(default=False, init=False)

    @property
    def storage(self) -> Storage:
        """Give the account's storage."""
        return self.account.storage

    def subject(self, name: str) -> ObjectType:
        """Find the object type that the path names."""
        access = "read" if self.request.method == "GET" or self.request.path.endswith(("/read", "/search")) else "write"
        self.kind = self.account.visible_type(name, access)
        return self.kind

    @contextmanager
    def writing(self, status: int) -> Iterator[Transaction]:
        """Change records as the connector; the journal tells the status unless the caller sets another."""
        method, path = self.request.method, self.request.path
        with self.storage.transaction("connector", method, path) as transaction:
            transaction.status = status
            yield transaction
        self.wrote = bool(transaction.journal_rows())

    def body(self, *required: str) -> dict[str, Any]:
        """Read the body as a JSON object with the required keys; raises ApiError in HubSpot's words."""
        try:
            body = self.request.json()
        except json.JSONDecodeError as error:
            raise ApiError(
                400, f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}"
            ) from error
        except ValueError as error:
            raise ApiError(400, "Invalid input JSON on line 1, column 1: not UTF-8") from error
        if not isinstance(body, dict):
            raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value")
        missing = [name for name in required if body.get(name) is None]
        if missing:
            column = max(len(self.request.body), 1)
            listed = ", ".join(missing)
            raise ApiError(
                400, f"Invalid input JSON on line 1, column {column}. Some required fields were not set: [{listed}]"
            )
        return body

    def inputs(self, most: int) -> list[dict[str, Any]]:
        """Read a batch's inputs; raises ApiError where there are too many or they are no objects."""
        inputs = self.body("inputs")["inputs"]
        if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
            raise ApiError(400, "Invalid input JSON on line 1, column 11: Cannot deserialize value")
        if len(inputs) > most:
            raise validation_error(f"The maximum number of inputs supported in a batch request is {most}.")
        return inputs

    def names(self, parameter: str) -> list[str] | None:
        """Read a list from the query, given as repeated parameters or joined by commas; null where absent."""
        given = self.request.query.get(parameter)
        return None if given is None else split_names(given)

    def flag(self, parameter: str) -> bool:
        """Read a boolean from the query, letter case ignored; absent is false."""
        return (self.request.first(parameter) or "").lower() == "true"

    def number(self, parameter: str, default: int, most: int) -> int:
        """Read a whole number from the query; raises ApiError outside 1..most."""
        text = self.request.first(parameter)
        if text is None or text == "":
            return default
        number = whole_number(text)
        if number is None or not 1 <= number <= most:
            raise validation_error(f"{parameter} must be between 1 and {most}, was {text}")
        return number


def split_names(given: list[str]) -> list[str]:
    """Take names apart where they are joined by commas."""
    return [name for part in given for name in part.split(",") if name]


def details(call: Call) -> Response:
    """Answer `GET /account-info/v3/details`."""
    body = {
        "portalId": call.account.portal_id,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": ui_domain(call.account),
        "dataHostingLocation": "na1",
    }
    return json_response(200, body)


def api_usage(call: Call) -> Response:
    """Answer `GET /account-info/v3/api-usage/daily/private-apps`."""
    return json_response(200, {"results": [call.account.limits.usage()]})


def record_url(account: Account, kind: ObjectType) -> str:
    """Give the address of an object's records in HubSpot's own pages, without the id."""
    scheme = "https" if ui_domain(account) == UI_DOMAIN else "http"
    return f"{scheme}://{ui_domain(account)}/contacts/{account.portal_id}/record/{kind.type_id}/"


def ui_domain(account: Account) -> str:
    """Tell where the account's pages are: the sandbox's own address, the vendor's where it is not served."""
    host = urlsplit(account.base_url).netloc
    return UI_DOMAIN if host.endswith(".hubapi.com") else host


def told_now(account: Account) -> str:
    """Write the current time as the wire shows it."""
    return stamp(account.clock.now_ms())
