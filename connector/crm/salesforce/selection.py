"""What a pull asks for, and how its bytes become rows.

Bodies go from bytes to Arrow in one step, without a Python object per record.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json

from connector.crm.base import Moved, Page
from connector.crm.salesforce.schema import Described
from connector.crm.salesforce.soql import Position
from connector.crm.salesforce.wire import JsonValue
from connector.errors import ConfigError, RetryableError
from mappings.fields import FieldKind

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")  # best first; formula fields move none of them
# where a merged record and a converted lead go on, by the column that tells; null is the object itself
SUCCESSORS: Mapping[str, str | None] = {"MasterRecordId": None, "ConvertedContactId": "Contact"}
INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Selection:
    """Name the columns of a pull: those asked for, and those the pull itself needs (Id, stamp, flags)."""

    object: str
    requested: tuple[str, ...]
    columns: Mapping[str, pa.DataType]
    stamp: str
    deletable: bool


@dataclass(frozen=True)
class Batch:
    """Hold one page as it came; total counts the whole query's rows, next names the next page if there is one."""

    table: pa.Table
    total: int
    next: str | None


def arrow_type(kind: FieldKind) -> pa.DataType:
    """Map a field's kind to the column type that the port promises."""
    if kind == "number":
        return pa.float64()
    if kind == "boolean":
        return pa.bool_()
    return INSTANT if kind == "datetime" else pa.string()


def selection_of(described: Described, fields: Sequence[str]) -> Selection:
    """Check the requested fields against the describe; raises ConfigError naming all that are missing."""
    known = described.info.fields
    unknown = [name for name in fields if name not in known and not _follows(name, described.relationships)]
    stamp = next((name for name in STAMPS if name in known), None)
    if unknown or stamp is None:
        raise ConfigError([_absent(described.info.name, name) for name in unknown or STAMPS[:1]])
    deletable = "IsDeleted" in known
    successors = [name for name in SUCCESSORS if name in known]
    names = dict.fromkeys(["Id", *fields, stamp, *(["IsDeleted"] if deletable else []), *successors])
    columns = {name: arrow_type(known[name].kind) if name in known else pa.string() for name in names}
    return Selection(described.info.name, tuple(dict.fromkeys(["Id", *fields])), columns, stamp, deletable)


def _follows(path: str, relationships: frozenset[str]) -> bool:
    head, _, rest = path.partition(".")
    return bool(rest) and head in relationships


def _absent(source: str, name: str) -> str:
    return f"{source}.{name} does not exist or this user may not read it; correct the mapping or grant read access"


def _record_type(columns: Mapping[str, pa.DataType]) -> pa.StructType:
    """Nest dotted paths as the answer nests parents."""
    tree: dict[str, dict[str, pa.DataType] | pa.DataType] = {}
    for name, kind in columns.items():
        head, _, rest = name.partition(".")
        branch = tree.setdefault(head, {} if rest else kind)
        if rest and isinstance(branch, dict):
            branch[rest] = kind
    return pa.struct([(name, _record_type(kind) if isinstance(kind, dict) else kind) for name, kind in tree.items()])


def read_json_page(body: bytes, columns: Mapping[str, pa.DataType]) -> Batch:
    """Read a query's answer; raises RetryableError where it is cut off or is none."""
    schema = pa.schema(
        [
            ("totalSize", pa.int64()),
            ("done", pa.bool_()),
            ("nextRecordsUrl", pa.string()),
            ("records", pa.list_(_record_type(columns))),
        ]
    )
    options = pa.json.ParseOptions(explicit_schema=schema, newlines_in_values=True, unexpected_field_behavior="ignore")
    # one block: the page is one JSON value, and a block must hold it whole
    reading = pa.json.ReadOptions(block_size=max(len(body) + 1, 1024), use_threads=False)
    try:
        page = pa.json.read_json(io.BytesIO(body), read_options=reading, parse_options=options)
    except pa.ArrowInvalid:
        return _read_odd_page(body, columns)
    total, done, following = (page[name][0].as_py() for name in ("totalSize", "done", "nextRecordsUrl"))
    if total is None:
        raise RetryableError("Salesforce answered a query with something other than records")
    records = page["records"].combine_chunks().flatten()
    arrays = [pc.struct_field(records, name.split(".")) for name in columns]
    return Batch(pa.table(arrays, names=list(columns)), total, None if done else following)


def _read_odd_page(body: bytes, columns: Mapping[str, pa.DataType]) -> Batch:
    """Read a page whose values are not of the described types (a parent's number, half a surrogate pair), slowly."""
    try:
        page = json.loads(body)
        arrays = [_array([_value(record, name) for record in page["records"]], kind) for name, kind in columns.items()]
        following = None if page.get("done") else page.get("nextRecordsUrl")
        return Batch(pa.table(arrays, names=list(columns)), page["totalSize"], following)
    except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowInvalid, pa.ArrowTypeError):
        raise RetryableError("Salesforce answered a query with something other than records") from None


def _value(record: JsonValue, path: str) -> JsonValue:
    for part in path.split("."):
        record = record.get(part) if record else None
    return record


def _array(values: Sequence[JsonValue], kind: pa.DataType) -> pa.Array:
    if kind not in (pa.string(), INSTANT):
        return pa.array(values, kind)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.string()).cast(kind)


def read_csv_page(body: bytes, columns: Mapping[str, pa.DataType], *, missing_is_null: bool = False) -> pa.Table:
    """Read one set of Bulk results: an empty cell is null, "NA" is text, cells may hold line feeds.

    Raises RetryableError where it is cut off.
    """
    if b"\0" in body:  # Salesforce stores NUL bytes and sends them; no reader of CSV takes them
        body = body.replace(b"\0", b"")
    converting = pa.csv.ConvertOptions(
        column_types=dict(columns),
        include_columns=list(columns),
        include_missing_columns=missing_is_null,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        true_values=["true"],
        false_values=["false"],
    )
    parsing = pa.csv.ParseOptions(newlines_in_values=True)
    try:
        return pa.csv.read_csv(io.BytesIO(body), parse_options=parsing, convert_options=converting)
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        raise RetryableError("Salesforce answered with a CSV that is cut off or is none") from None


def newest_position(table: pa.Table, selection: Selection) -> Position | None:
    """Name the last row of a page that is ordered by (stamp, id); null where there is none."""
    if not table.num_rows:
        return None
    stamp, record_id = table[selection.stamp][-1].as_py(), table["Id"][-1].as_py()
    return Position(stamp, record_id) if stamp is not None else None


def page_of(table: pa.Table, selection: Selection, cursor: str) -> Page:
    """Part the deleted rows from the living, and drop the columns that nobody asked for."""
    deleted: tuple[str, ...] = ()
    moved = tuple(_moved(table, selection))
    if selection.deletable:
        gone = pc.fill_null(table["IsDeleted"], False)  # the loser of a merge is deleted, too
        if pc.any(gone).as_py():
            deleted = tuple(table["Id"].filter(gone).to_pylist())
            table = table.filter(pc.invert(gone))
    return Page(table.select(list(selection.requested)), deleted, cursor, moved)


def _moved(table: pa.Table, selection: Selection) -> Iterator[Moved]:
    for name, source in SUCCESSORS.items():
        if name in table.column_names and table[name].null_count < table.num_rows:
            rows = table.filter(pc.is_valid(table[name]))
            for old, new in zip(rows["Id"].to_pylist(), rows[name].to_pylist(), strict=True):
                yield Moved(old, source or selection.object, new)
