"""Reading a few records by their ids."""

from collections.abc import Sequence

import pyarrow as pa

from connector.crm.salesforce.collections_write import chunks
from connector.crm.salesforce.faults import as_config_error
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.selection import Selection, read_json_page
from connector.crm.salesforce.soql import is_one_of, select
from connector.crm.salesforce.wire import Request
from connector.errors import BatchRefused

IDS_PER_QUERY = 500  # an id of 15 characters takes 25 of an address, which may have 16,000
ID_LENGTH = 15  # the 18-character form only adds a checksum


def read_by_id(gateway: Gateway, selection: Selection, ids: Sequence[str]) -> pa.Table:
    """Read living records, one row for each that is found: Id and the requested fields."""
    short = list(dict.fromkeys(record_id[:ID_LENGTH] for record_id in ids))
    tables = [_read(gateway, selection, chunk) for chunk in chunks(short, IDS_PER_QUERY)]
    empty = pa.schema([(name, selection.columns[name]) for name in selection.requested]).empty_table()
    return pa.concat_tables([empty, *tables])


def _read(gateway: Gateway, selection: Selection, ids: Sequence[str]) -> pa.Table:
    # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
    columns = {name: selection.columns[name] for name in selection.requested}
    request = Request("GET", "query/", params={"q": select(columns, selection.object, is_one_of("Id", ids))})
    try:
        return gateway.call(request, lambda answer: read_json_page(answer.body, columns).table)
    except BatchRefused as refused:
        raise as_config_error(refused, f"{selection.object} cannot be read") from None
