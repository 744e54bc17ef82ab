"""Users and queues, who may own records."""

from collections.abc import Mapping

import pyarrow as pa

from connector.crm.base import Owner
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.selection import read_json_page
from connector.crm.salesforce.soql import select
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused

TEXT, FLAG = pa.string(), pa.bool_()
USER_COLUMNS = {"Id": TEXT, "Name": TEXT, "Email": TEXT, "IsActive": FLAG, "TimeZoneSidKey": TEXT}
QUEUE_COLUMNS = {"Id": TEXT, "Name": TEXT}


def list_owners(gateway: Gateway) -> list[Owner]:
    """List people (system users and guests own nothing) and queues, inactive users included."""
    users = _rows(gateway, "User", USER_COLUMNS, "UserType = 'Standard'")
    queues = _rows(gateway, "Group", QUEUE_COLUMNS, "Type = 'Queue'")
    return [
        *(
            Owner(
                row["Id"],
                row["Name"] or "",
                row["Email"],
                bool(row["IsActive"]),
                timezone=row["TimeZoneSidKey"],
            )
            for row in users
        ),
        *(Owner(row["Id"], row["Name"] or "", None, active=True, queue=True) for row in queues),
    ]


def _rows(gateway: Gateway, source: str, columns: Mapping[str, pa.DataType], where: str) -> list[dict[str, JsonValue]]:
    """Read all pages of a small query."""
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
    request = Request("GET", "query/", params={"q": select(columns, source, where, ["Id"])})
    rows: list[dict[str, JsonValue]] = []
    while True:
        try:
            batch = gateway.call(request, lambda answer: read_json_page(answer.body, columns))
        except BatchRefused as refused:
            raise as_config_error(refused, f"{source} cannot be read") from None
        rows += batch.table.to_pylist()
        if batch.next is None:
            return rows
        request = Request("GET", batch.next)
