"""The CRM port over HubSpot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from connector.crm.administration import CallList, Right, Step
from connector.crm.base import (
    LIST,
    SEQUENCE,
    CallCounter,
    Capabilities,
    Connection,
    Found,
    Marker,
    Owner,
    Page,
    Write,
    WriteResult,
)
from connector.crm.hubspot import members
from connector.crm.hubspot import provision as properties
from connector.crm.hubspot import write as writing
from connector.crm.hubspot.call_lists import list_steps, make_lists
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor
from connector.crm.hubspot.describe import object_info
from connector.crm.hubspot.errors import Refused
from connector.crm.hubspot.find import find_rows
from connector.crm.hubspot.keyless import create_once, find_marked
from connector.crm.hubspot.links import read_links
from connector.crm.hubspot.read import Stream
from connector.crm.hubspot.scopes import token_rights
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.surfaces import Surfaces, is_surface
from connector.errors import Forbidden, RetryableError
from mappings.fields import NewField, ObjectInfo
from mappings.needs import Need

RECORD_URL = "{scheme}://{host}/contacts/{{instance}}/record/{{object}}/{{id}}"
CAPABILITIES = Capabilities(
    crm="hubspot", url_of=RECORD_URL.format(scheme="https", host="app.hubspot.com"), silent=True
)


@dataclass
class HubSpotCrm:
    """Read and write one HubSpot account (connector.crm.administration.AdministeredCrm).

    Objects are HubSpot's plural names, and what surfaces.py reads beside them. url_of takes the account's id as
    instance.
    """

    client: Client
    calls: CallCounter
    capabilities: Capabilities = CAPABILITIES
    refused: dict[str, str] = field(default_factory=dict)
    _described: dict[str, ObjectInfo | None] = field(default_factory=dict)
    _account: dict[str, Any] = field(default_factory=dict)
    _surfaces: Surfaces = field(init=False)

    def __post_init__(self) -> None:
        """Make what reads beside the objects."""
        self._surfaces = Surfaces(self.client, self._portal)

    def check(self) -> Connection:
        """Prove that the token works; user_id is empty, as a static token belongs to an app and not to a user."""
        self._account = self.client.account().json()
        host = str(self._account.get("uiDomain") or "app.hubspot.com")
        scheme = "http" if host.startswith("127.0.0.1:") else "https"  # a CRM on this machine has no certificate
        self.capabilities = replace(self.capabilities, url_of=RECORD_URL.format(scheme=scheme, host=host))
        server_time_at = self.calls.server_time_at
        if server_time_at is None:
            raise RetryableError("HubSpot answered without a Date header; a proxy may strip it")
        session = self.client.session
        used = None
        if session.daily_limit is not None and session.daily_remaining is not None:
            used = session.daily_limit - session.daily_remaining
        return Connection(self._portal(), "", server_time_at, api_used=used, api_limit=session.daily_limit)

    def owners(self) -> Sequence[Owner]:
        """List owners, archived ones as inactive; their id is what hubspot_owner_id holds."""
        return [_owner(one) for archived in (False, True) for one in self._owner_pages(archived=archived)]

    def describe(self, object: str) -> ObjectInfo | None:  # noqa: A002 - the port's name
        """Describe one object, from memory after the first time; null where it does not exist or is not granted."""
        if object not in self._described:
            self._described[object] = self._describe(object)
        return self._described[object]

    def describe_many(self, objects: Sequence[str]) -> dict[str, ObjectInfo | None]:
        """Describe objects one by one: there is no call for many."""
        return {name: self.describe(name) for name in objects}

    def changes(self, object: str, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:  # noqa: A002 - same
        """Read what changed since the cursor; deleted holds archived, purged and merged ids."""
        reached = Cursor.parse(cursor, object)
        if is_surface(object):
            yield from self._surfaces.pages(object, tuple(fields), reached)
            return
        yield from self._stream(object, tuple(fields)).pages(reached)

    def read(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> pa.Table:  # noqa: A002 - same
        """Read records by id, 100 a request."""
        info = self.describe(object)
        kinds = {name: known.kind for name, known in info.fields.items()} if info else {}
        return Stream(self.client, object, ("id", *(name for name in fields if name != "id")), kinds).by_id(ids)

    def look(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> Page:  # noqa: A002 - the port's name
        """Read records by id with their associations, 100 a request."""
        return self._stream(object, tuple(fields)).look(ids)

    def links(self, object: str, to: str, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:  # noqa: A002 - the port's name
        """Read associations, a thousand records a request."""
        return read_links(self.client, object, to, ids)

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Send writes of one object, 100 a request; results in input order."""
        name = writes[0].object if writes else ""
        if name == LIST:
            return members.add_to_lists(self.client, writes)
        return members.enroll(self.client, writes) if name == SEQUENCE else writing.write(self.client, writes)

    def create(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Create records that have no unique field, each request sent once."""
        return create_once(self.client, writes)

    def find_marked(self, object: str, markers: Sequence[Marker]) -> dict[str, str]:  # noqa: A002 - the port's name
        """Look for marks among the records that hang on the same records."""
        return find_marked(self.client, object, markers)

    def find(
        self,
        object: str,  # noqa: A002 - the port's name
        field: str,
        values: Sequence[str],
        fields: Sequence[str],
        *,
        deleted_only: bool = False,
    ) -> dict[str, Found]:
        """Look records up by a unique field, archived ones included."""
        return find_rows(self.client, object, field, values, fields, deleted_only=deleted_only)

    def provision(self, fields: Sequence[NewField]) -> tuple[list[str], list[str]]:
        """Create missing properties in the group `leadlight`; HubSpot grants every app access to them."""
        for name in {wanted.object for wanted in fields}:
            self._described.pop(name, None)
        created, existing = properties.provision(self.client, fields, self.describe)
        self._described.clear()
        return created, existing

    def plan_provision(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> list[Step]:
        """Say what `provision` would do; reads only."""
        for name in {wanted.object for wanted in fields}:
            self._described.pop(name, None)
        return [*properties.plan_steps(self.client, fields, self.describe), *list_steps(self.client, lists)]

    def share(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> None:
        """Make the lists; properties HubSpot shows to everybody who may see their object."""
        make_lists(self.client, lists)

    def rights(self, needs: Sequence[Need], *, provisioned: bool) -> Iterator[Right]:
        """Hold the scopes of the token against what is needed."""
        return token_rights(self.client, needs, provisioned=provisioned)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _stream(self, name: str, fields: tuple[str, ...]) -> Stream:
        info = self.describe(name)
        if info is None:
            raise Forbidden(f"HubSpot: the token cannot see {name}; grant its crm.objects and crm.schemas scopes")
        return Stream(self.client, name, fields, {each: known.kind for each, known in info.fields.items()})

    def _describe(self, name: str) -> ObjectInfo | None:
        try:
            if is_surface(name):
                return self._surfaces.describe(name)
            return object_info(name, self.client.properties(name).json())
        except Forbidden as error:
            self.refused[name] = error.message
            return None
        except Refused:
            return None

    def _portal(self) -> str:
        if not self._account:
            self._account = self.client.account().json()
        return str(self._account.get("portalId", ""))

    def _owner_pages(self, *, archived: bool) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            body = self.client.owners_page(after, archived=archived).json()
            yield from body.get("results") or ()
            previous, after = after, ((body.get("paging") or {}).get("next") or {}).get("after")
            if after is None:
                return
            if after == previous:
                raise RetryableError("HubSpot list of owners answers the same page again")


def connect(settings: HubSpotSettings) -> HubSpotCrm:
    """Make the adapter; nothing is sent yet."""
    calls = CallCounter()
    return HubSpotCrm(Client(settings, calls), calls)


def _owner(one: dict[str, Any]) -> Owner:
    name = " ".join(str(part) for part in (one.get("firstName"), one.get("lastName")) if part)
    email = one.get("email") or None
    return Owner(
        id=str(one["id"]),
        name=name or str(email or one["id"]),
        email=email,
        active=not one.get("archived"),
        queue=one.get("type") == "QUEUE",
    )
