"""The Salesforce adapter as the pipeline sees it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from connector.crm.administration import CallList, Right, Step
from connector.crm.base import (
    CAMPAIGN,
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
from connector.crm.salesforce.by_id import read_by_id
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.find import find_rows
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.keyless import create_once, find_marked
from connector.crm.salesforce.members import add_members
from connector.crm.salesforce.owners import list_owners
from connector.crm.salesforce.permission_sets import share
from connector.crm.salesforce.provision import create_fields, plan_steps
from connector.crm.salesforce.pull import pages
from connector.crm.salesforce.rights import user_rights
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.selection import selection_of
from connector.crm.salesforce.settings import SalesforceSettings, check_settings
from connector.crm.salesforce.wire import JsonValue, Request
from connector.crm.salesforce.write import write_rows
from connector.errors import BatchRefused, RetryableError
from mappings.fields import NewField, ObjectInfo
from mappings.needs import Need

CAPABILITIES = Capabilities(crm="salesforce", url_of="{instance}/lightning/r/{object}/{id}/view")


@dataclass
class SalesforceCrm:
    """Read and write one Salesforce org; implements connector.crm.administration.AdministeredCrm."""

    gateway: Gateway
    capabilities: Capabilities = CAPABILITIES
    calls: CallCounter = field(init=False)
    refused: dict[str, str] = field(default_factory=dict)  # Salesforce hides what we may not see without saying so
    schema: Schema = field(init=False)

    def __post_init__(self) -> None:
        self.calls = self.gateway.calls
        self.schema = Schema(self.gateway)

    def check(self) -> Connection:
        """Prove that the credentials work and learn the server's time."""
        user = identity(self.gateway)
        used, limit = api_usage(self.gateway)
        if self.calls.server_time_at is None:
            raise RetryableError("Salesforce's answers carry no Date header, so its time is unknown")
        return Connection(user["organization_id"], user["user_id"], self.calls.server_time_at, used, limit)

    def owners(self) -> Sequence[Owner]:
        """List users and queues that may own records, inactive ones included."""
        return list_owners(self.gateway)

    def describe(self, object: str) -> ObjectInfo | None:  # noqa: A002 - the port's name
        """Describe one object, null where the user cannot see it; asked for once per connection."""
        described = self.schema.describe(object)
        return described.info if described else None

    def describe_many(self, objects: Sequence[str]) -> dict[str, ObjectInfo | None]:
        """Describe objects as `describe` does, in few calls."""
        self.schema.describe_many(objects)
        return {name: self.describe(name) for name in objects}

    def changes(self, object: str, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:  # noqa: A002 - the port's name
        """Read what changed since the cursor; rows hold Id and the requested fields."""
        return pages(self.gateway, selection_of(self.schema.need(object), fields), cursor)

    def read(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> pa.Table:  # noqa: A002 - the port's name
        """Query records by id; rows hold Id and the requested fields."""
        return read_by_id(self.gateway, selection_of(self.schema.need(object), fields), ids)

    def look(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> Page:  # noqa: A002 - the port's name
        """Query records by id; deleted is empty, since `changes` tells of all deletions."""
        return Page(self.read(object, fields, ids))

    def links(self, object: str, to: str, ids: Sequence[str]) -> dict[str, Sequence[str]]:  # noqa: A002 - the port's name
        """Read nothing: all links are fields."""
        return {}

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Send writes of one object, by Collections or, for many updates, Bulk; results in input order."""
        if writes and writes[0].object == CAMPAIGN:
            return add_members(self.gateway, writes)
        return write_rows(self.gateway, writes)

    def create(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Create records that have no unique field, each request sent once."""
        return create_once(self.gateway, writes)

    def find_marked(self, object: str, markers: Sequence[Marker]) -> dict[str, str]:  # noqa: A002 - the port's name
        """Look for marks among the records that hang on the same records."""
        return find_marked(self.gateway, object, markers)

    def find(
        self,
        object: str,  # noqa: A002 - the port's name
        field: str,
        values: Sequence[str],
        fields: Sequence[str],
        *,
        deleted_only: bool = False,
    ) -> dict[str, Found]:
        """Look records up by a unique field, those in the recycle bin included."""
        return find_rows(self.gateway, object, field, values, fields, deleted_only=deleted_only)

    def provision(self, fields: Sequence[NewField]) -> tuple[list[str], list[str]]:
        """Create missing fields, with access for our user through the permission set Leadlight."""
        return create_fields(self.gateway, self.schema, fields)

    def plan_provision(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> list[Step]:
        """Say what `provision` and `share` would do; reads only."""
        return plan_steps(self.gateway, self.schema, fields)

    def share(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> None:
        """Make the permission set Leadlight Reader, which lets people read the fields; assigned to nobody.

        List views come as files alone: the REST API cannot make them.
        """
        share(self.gateway, fields)

    def rights(self, needs: Sequence[Need], *, provisioned: bool) -> Iterator[Right]:
        """Hold the permission sets of the connecting user against what is needed."""
        return user_rights(self.gateway, self.schema, needs, provisioned=provisioned)


def identity(gateway: Gateway) -> JsonValue:
    """Ask who we are: user_id and organization_id."""
    try:
        # https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
        return gateway.json(Request("GET", "/services/oauth2/userinfo"))
    except BatchRefused as refused:
        raise as_config_error(refused, "the user cannot be identified") from None


def api_usage(gateway: Gateway) -> tuple[int | None, int | None]:
    """Ask for API requests (used, limit) of the last 24 hours; the header is newer than the body."""
    try:
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm
        limits = gateway.json(Request("GET", "limits/"))
    except BatchRefused as refused:
        raise as_config_error(refused, "the API limits cannot be read") from None
    if gateway.api_usage is not None:
        return gateway.api_usage
    daily = limits.get("DailyApiRequests") or {}
    return (daily["Max"] - daily["Remaining"], daily["Max"]) if daily else (None, None)


def connect(settings: SalesforceSettings, *, sleep: Callable[[float], None] = time.sleep) -> SalesforceCrm:
    """Make the adapter; nothing is sent before the first call. Raises ConfigError for unusable settings."""
    check_settings(settings)
    return SalesforceCrm(Gateway(settings, sleep=sleep))
