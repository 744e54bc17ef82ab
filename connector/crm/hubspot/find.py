"""Looking records up by a unique property, archived ones included."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm.base import Found
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused

BATCH = 100


def find_rows(
    client: Client,
    object_type: str,
    field: str,
    values: Sequence[str],
    fields: Sequence[str],
    *,
    deleted_only: bool = False,
) -> dict[str, Found]:
    """Find records by the values of a unique property; those that are not there are looked for in the recycle bin.

    batch/read knows `archived`; no page or recording shows it together with `idProperty`, so an archived record may go
    unnoticed.
    """
    found: dict[str, Found] = {}
    for archived in (True,) if deleted_only else (False, True):
        left = [value for value in values if value not in found]
        for one in _rows(client, object_type, field, left, fields, archived=archived):
            properties = one.get("properties") or {}
            held = {name: properties.get(name) for name in fields}
            found[str(properties.get(field))] = Found(str(one["id"]), archived, held)
    return found


def _rows(
    client: Client, object_type: str, field: str, values: Sequence[str], fields: Sequence[str], *, archived: bool
) -> Iterator[Mapping[str, Any]]:
    asked = {"properties": [field, *fields], "propertiesWithHistory": [], "idProperty": field}
    for start in range(0, len(values), BATCH):
        inputs = [{"id": value} for value in values[start : start + BATCH]]
        try:
            answer = client.batch_read(object_type, {**asked, "inputs": inputs}, archived=archived)
        except Refused:
            if archived:  # an account that does not know the two together
                return
            raise
        yield from answer.json().get("results") or ()
