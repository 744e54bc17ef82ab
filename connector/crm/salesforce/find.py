"""Looking records up by a field, those in the recycle bin and archived activities included."""

from collections.abc import Iterator, Sequence

from connector.crm.base import Found
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import identifier, is_one_of, select
from connector.crm.salesforce.wire import JsonValue, Request

ROWS_PER_QUERY = 200
VALUES_LENGTH = 8_000  # characters of values in one query


def find_rows(
    gateway: Gateway,
    source: str,
    field: str,
    values: Sequence[str],
    fields: Sequence[str],
    *,
    deleted_only: bool = False,
) -> dict[str, Found]:
    """Find records by the values of a unique field, compared without case as the vendor's index does.

    Of several with one value a living record counts, and a deleted one where none lives.
    """
    columns = [identifier(name) for name in dict.fromkeys(["Id", "IsDeleted", field, *fields])]
    asked = {value.casefold(): value for value in values}
    found: dict[str, Found] = {}
    for chunk in _chunks(list(asked.values())):
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
        where = f"{is_one_of(identifier(field), chunk)}{' AND IsDeleted = true' if deleted_only else ''}"
        soql = select(columns, identifier(source), where)
        records = _records(gateway, Request("GET", "queryAll/", params={"q": soql}))
        for row in sorted(records, key=lambda row: not row["IsDeleted"]):
            value = asked.get(str(row[field]).casefold())
            if value is not None:
                held = {name: row.get(name) for name in fields}
                found[value] = Found(row["Id"], bool(row["IsDeleted"]), held)
    return found


def _records(gateway: Gateway, request: Request) -> Iterator[JsonValue]:
    """Read every page: a field such as an address is not unique, whatever is asked for."""
    while True:
        page = gateway.json(request)
        yield from page["records"]
        if page.get("done", True):
            return
        request = Request("GET", page["nextRecordsUrl"])


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    longest = max((len(value) for value in values), default=0) + 12
    size = max(1, min(ROWS_PER_QUERY, VALUES_LENGTH // longest))
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
