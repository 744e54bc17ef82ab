"""Rows that were refused for a field which the org no longer takes: what is left of them is worth sending."""

import re
from dataclasses import replace

from connector.crm.base import WriteResult
from connector.crm.salesforce.collections_write import Item

# https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_calls_concepts_core_data_objects.htm
FIELD_CODES = frozenset(
    {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "InvalidBatch"}
)
NAMED = re.compile(r"No such column '(\w+)'|Field name not found ?: ?(\w+)")


def without_refused(item: Item, result: WriteResult) -> Item | None:
    """Give a refused row without the fields that its refusal names; null where that leaves it as it is, or empty."""
    if result.ok or result.code not in FIELD_CODES:
        return None
    named = {*result.fields, *(name for pair in NAMED.findall(result.message or "") for name in pair if name)}
    left = {name: value for name, value in item.fields.items() if name not in named}
    return replace(item, fields=left) if left and len(left) < len(item.fields) else None


def landed_without(before: WriteResult, after: WriteResult, item: Item, lean: Item) -> WriteResult:
    """Say of a row that landed at the second try what it did without."""
    if not after.ok:
        return after
    gone = tuple(name for name in item.fields if name not in lean.fields)
    return replace(after, message=f"{before.code}: {before.message}", fields=gone)
