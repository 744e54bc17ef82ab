"""Bodies of HubSpot pages to typed Arrow columns, without a Python object per record.

Every property value is a string on the wire; types come from the property definitions.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from connector.crm.hubspot.values import cast
from connector.errors import RetryableError
from mappings.fields import FieldKind

ASSOCIATIONS = "associations."
EVENT_PROPERTY = "properties."
PRIMARY_TYPE = "_to_company"
TEXTS = pa.list_(pa.string())
AFTER = pa.struct([("next", pa.struct([("after", pa.string())]))])

Links = Mapping[str, Mapping[str, Sequence[str]]]
"""Associated ids by object type, then by record id."""


def next_after(body: bytes) -> str | None:
    """Find the cursor of the next page, reading only the end of the body where `paging` is its last member."""
    at = body.rfind(b'"paging"')
    if at < 0:
        return None
    try:
        paging = json.loads(b"{" + body[at:])
    except ValueError:  # it belonged to a record, or other members follow
        paging = _loads(body)
    after = ((paging.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)


def association_types(fields: Sequence[str]) -> list[str]:
    """Name the object types whose associations are asked for."""
    return [name.removeprefix(ASSOCIATIONS) for name in fields if name.startswith(ASSOCIATIONS)]


def property_names(fields: Sequence[str]) -> list[str]:
    """Name the properties to ask for."""
    return [name for name in fields if name != "id" and not name.startswith(ASSOCIATIONS)]


def record_rows(bodies: Sequence[bytes], fields: Sequence[str]) -> pa.StructArray:
    """Parse pages of records: id, properties, inline associations."""
    one = pa.struct([("id", pa.string()), ("type", pa.string())])
    linked = pa.struct([("results", pa.list_(one)), ("paging", AFTER)])
    types = association_types(fields)
    row = [("id", pa.string()), ("properties", _texts(property_names(fields)))]
    if types:
        row.append(("associations", pa.struct([(name, linked) for name in types])))
    return _parse(bodies, pa.struct(row))


def event_rows(bodies: Sequence[bytes], fields: Sequence[str]) -> pa.StructArray:
    """Parse pages of event occurrences."""
    own = [name for name in fields if not name.startswith(EVENT_PROPERTY)]
    properties = [name.removeprefix(EVENT_PROPERTY) for name in fields if name.startswith(EVENT_PROPERTY)]
    row = [(name, pa.string()) for name in own]
    return _parse(bodies, pa.struct([*row, ("properties", _texts(properties))]))


def archived_rows(bodies: Sequence[bytes]) -> pa.StructArray:
    """Parse pages of archived records: id and archivedAt."""
    return _parse(bodies, pa.struct([("id", pa.string()), ("archivedAt", pa.string())]))


def record_table(
    rows: pa.StructArray, fields: Sequence[str], kinds: Mapping[str, FieldKind], links: Links | None = None
) -> pa.Table:
    """Type the columns of records as connector.crm.base.Page says.

    links replaces the inline associations where it has the type and the id; a record that is in neither has none.
    """
    ids = pc.struct_field(rows, "id")
    columns = []
    for name in fields:
        if name == "id":
            columns.append(ids)
        elif name.startswith(ASSOCIATIONS):
            columns.append(_associated(rows, ids, name.removeprefix(ASSOCIATIONS), links or {}))
        else:
            columns.append(cast(pc.struct_field(rows, ["properties", name]), kinds.get(name, "text")))
    return pa.Table.from_arrays(columns, names=list(fields))


def event_table(rows: pa.StructArray, fields: Sequence[str]) -> pa.Table:
    """Type the columns of event occurrences: text, but for occurredAt."""
    columns = []
    for name in fields:
        path = ["properties", name.removeprefix(EVENT_PROPERTY)] if name.startswith(EVENT_PROPERTY) else [name]
        columns.append(cast(pc.struct_field(rows, path), "datetime" if name == "occurredAt" else "text"))
    return pa.Table.from_arrays(columns, names=list(fields))


def unfinished(rows: pa.StructArray, association: str) -> list[str]:
    """List the ids of records whose inline associations go on on a further page."""
    after = pc.struct_field(rows, ["associations", association, "paging", "next", "after"])
    if after.null_count == len(after):
        return []
    return [str(record_id) for record_id in pc.struct_field(rows, "id").filter(pc.is_valid(after)).to_pylist()]


def _associated(rows: pa.StructArray, ids: pa.Array, association: str, links: Links) -> pa.Array:
    known = links.get(association, {})
    if rows.type.get_field_index("associations") < 0:
        return pa.array([list(known.get(record_id, ())) for record_id in ids.to_pylist()], TEXTS)
    inline = distinct(pc.struct_field(rows, ["associations", association, "results"]))
    if not known:
        return inline
    pairs = zip(ids.to_pylist(), inline.to_pylist(), strict=True)
    return pa.array([list(known.get(record_id, found)) for record_id, found in pairs], TEXTS)


def distinct(results: pa.ListArray) -> pa.Array:
    """Turn lists of {id, type} into lists of ids, the primary one first.

    HubSpot repeats an id for every association type, and tells the primary company of a record by the name of the type
    alone: `contact_to_company`, where all others are `contact_to_company_unlabeled` or labels.
    """
    flat = pc.list_flatten(results)
    ids, types = pc.struct_field(flat, "id"), pc.struct_field(flat, "type")
    further = pc.invert(pc.fill_null(pc.ends_with(types, PRIMARY_TYPE), fill_value=False))
    places = pa.array(range(len(ids)), pa.int32())  # groups come in any order
    places = pc.if_else(further, pc.add(places, len(ids)), places)
    pairs = pa.table([pc.list_parent_indices(results), ids, places], ["row", "id", "place"])
    pairs = pairs.group_by(["row", "id"], use_threads=False).aggregate([("place", "min")])
    pairs = pairs.sort_by([("row", "ascending"), ("place_min", "ascending")])
    offsets = [0]
    rows, counts = pc.value_counts(pairs["row"]).flatten()
    sizes = dict(zip(rows.to_pylist(), counts.to_pylist(), strict=True))
    for row in range(len(results)):
        offsets.append(offsets[-1] + sizes.get(row, 0))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pairs["id"].combine_chunks())


def _texts(names: Sequence[str]) -> pa.DataType:
    return pa.struct([(name, pa.string()) for name in dict.fromkeys(names)])


def _parse(bodies: Sequence[bytes], row: pa.DataType) -> pa.StructArray:
    data = b"\n".join(bodies)
    if not data.strip():
        return pa.array([], row)
    try:
        table = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema([("results", pa.list_(row))]),
                newlines_in_values=True,
                unexpected_field_behavior="ignore",
            ),
        )
    except pa.ArrowInvalid:  # a number or a boolean where text belongs
        return pa.array([shaped(record, row) for body in bodies for record in _loads(body).get("results") or ()], row)
    return table["results"].combine_chunks().flatten()


def _loads(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise RetryableError("HubSpot answered with a page that is not a JSON object; the next run reads it again")
    return parsed


def shaped(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - JSON of any shape, made to fit an Arrow type
    """Bring parsed JSON into the shape of an Arrow type of structs, lists and texts; what does not fit is null."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return (
            {part.name: shaped(value.get(part.name), part.type) for part in kind} if isinstance(value, dict) else None
        )
    if pa.types.is_list(kind):
        return [shaped(item, kind.value_type) for item in value] if isinstance(value, list) else None
    return value if isinstance(value, str) else json.dumps(value)
