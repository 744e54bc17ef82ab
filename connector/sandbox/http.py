"""Requests and responses as the sandbox's CRMs see them, free of sockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """Carry one HTTP request; header names are lower-cased, query values keep their order, gzip is undone."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever the client sent
        """Parse the body; raises ValueError where it is not JSON."""
        return json.loads(self.body)

    def first(self, name: str, default: str | None = None) -> str | None:
        """Give the first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Response:
    """Carry one HTTP answer; the server adds Date, Content-Length and, where asked for, gzip."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


ControlCall = Callable[[Mapping[str, Any]], object]
"""A vendor's own control call, from its JSON body to its JSON answer.

Raises KeyError for a record, object or field that is not there, ValueError for a body that cannot be followed.
"""


class CrmApp(Protocol):
    """Answer requests as one vendor does.

    handle_connector_side effects go through Storage.transaction(actor="connector", ...) so that the journal is whole;
    a request that only reads calls Storage.log_read once.
    """

    def handle(self, request: Request) -> Response:
        """Answer one request of the CRM's own paths."""

    def edit(self, actor: str, object: str, id: str, fields: Mapping[str, Any]) -> None:  # noqa: A002 - contract's words
        """Do what a person or an automation does in the CRM; raises KeyError for an unknown record or field."""

    def records(self, object: str) -> list[dict[str, Any]]:  # noqa: A002 - contract's words
        """List an object's records with the vendor's field names, deleted ones included (see Storage.dump)."""

    def controls(self) -> Mapping[str, ControlCall]:
        """Give what `POST /control/NAME` does beside the calls that both vendors have, by name."""

    def refusals(self) -> frozenset[str]:
        """Name what the setting `refusals` may count down."""
