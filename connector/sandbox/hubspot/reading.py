"""Reading records: lists, single reads, batch reads, and how a record is shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.http import Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.account import Account, Call, record_url
from connector.sandbox.hubspot.histories import attach_history
from connector.sandbox.hubspot.objects import ObjectType, object_type, virtual_columns
from connector.sandbox.hubspot.wire import (
    ApiError,
    batch_body,
    epoch_ms,
    html_not_found,
    json_response,
    not_found,
    some_missing,
    stamp,
    trim,
    validation_error,
    whole_number,
)
from connector.sandbox.storage import quote

PAGE_DEFAULT, PAGE_MAX = 10, 100
BATCH_MAX, HISTORY_MAX = 100, 50
HTML_MISSING = frozenset({"tickets", "tasks", "calls", "emails", "meetings", "notes", "communications"})
HEAD_COLUMNS = "_id, _created_at, _modified_at, _deleted"

Row = Sequence[Any]


@dataclass(frozen=True)
class Projection:
    """Say which properties of a record are read, and how a row becomes a record of the wire."""

    kind: ObjectType
    names: tuple[str, ...]
    columns: str
    converters: tuple[tuple[str, Callable[[Any], str]], ...]
    url: str

    def render(self, row: Row) -> dict[str, Any]:
        """Show one row of the projection's columns."""
        number, created, modified, archived, *values = row
        properties = dict(zip(self.names, values, strict=True))
        for name, convert in self.converters:
            value = properties[name]
            if value:
                properties[name] = convert(value)
        record = {
            "id": number,
            "properties": properties,
            "createdAt": stamp(created),
            "updatedAt": stamp(modified),
            "archived": bool(archived),
        }
        if archived:
            record["archivedAt"] = stamp(modified)
        record["url"] = self.url + number
        return record

    def select(self, account: Account, where: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        """Read and show records."""
        statement = f"SELECT {self.columns} FROM {quote(self.kind.plural)} WHERE {where}"  # noqa: S608 - quoted identifiers
        return [self.render(row) for row in account.storage.query(statement, values)]


def projection(account: Account, kind: ObjectType, names: Iterable[str] | None) -> Projection:
    """Choose columns: the asked ones that exist, else the object's default ones, always with id and stamps."""
    known, hidden, virtual = account.schema.of(kind.plural), account.hidden(kind), virtual_columns(kind)
    asked = kind.shown if names is None else names
    chosen = tuple(sorted(name for name in {*kind.always, *asked} if name in known and name not in hidden))
    columns = ", ".join([HEAD_COLUMNS, *(quote(virtual.get(name, name)) for name in chosen)])
    converters: list[tuple[str, Callable[[Any], str]]] = []
    for name in chosen:
        if name in (kind.created, kind.modified):
            converters.append((name, stamp))
        elif known[name].epoch:
            converters.append((name, lambda stored: str(epoch_ms(stored))))
        elif known[name].type == "datetime":
            converters.append((name, trim))
    return Projection(kind, chosen, columns, tuple(converters), record_url(account, kind))


def list_records(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/objects/{object}`: ids ascending, `after` is the next id to read.

    Records changed within the sandbox's read lag are left out.
    """
    kind = call.subject(object)
    told = call.names("propertiesWithHistory")
    limit = call.number("limit", PAGE_DEFAULT, HISTORY_MAX if told else PAGE_MAX)
    after = after_id(call.request.first("after"))
    archived = call.flag("archived")
    seen_until = call.account.changes_seen_until(call.account.switches.read_lag_s)
    where = "_deleted = ? AND CAST(_id AS INTEGER) >= ? AND _modified_at <= ? ORDER BY CAST(_id AS INTEGER) LIMIT ?"
    chosen = projection(call.account, kind, call.names("properties"))
    records = chosen.select(call.account, where, [int(archived), after, seen_until, limit + 1])
    page = records[:limit]
    attach_associations(call, kind, page)
    attach_history(call.account, kind, told, page)
    body: dict[str, Any] = {"results": page}
    if len(records) > limit:
        body["paging"] = {"next": next_page(call, str(int(page[-1]["id"]) + 1))}
    return json_response(200, body)


def after_id(text: str | None) -> int:
    """Read a list's cursor; raises ApiError where it is no number."""
    if not text:
        return 0
    number = whole_number(text)
    if number is None:
        raise validation_error(f"Invalid after value: {text}")
    return number


def next_page(call: Call, after: str) -> dict[str, str]:
    """Tell the cursor of the next page, and the address that holds it."""
    query = {name: values for name, values in call.request.query.items() if name != "after"}
    address = urlencode({**query, "after": [after]}, doseq=True)
    return {"after": after, "link": f"{call.account.base_url}{call.request.path}?{address}"}


def get_record(call: Call, object: str, id: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `GET /crm/v3/objects/{object}/{id}`."""
    kind = call.subject(object)
    column = id_column(call.account, kind, call.request.first("idProperty"))
    if column == "_id" and whole_number(id) is None:
        raise ApiError(404, "Object not found.  objectId are usually numeric.", "OBJECT_NOT_FOUND")
    names = call.names("properties")
    where = f"{match_text(column)} AND _deleted = ?"
    records = projection(call.account, kind, names).select(call.account, where, [id, int(call.flag("archived"))])
    if not records and column == "_id" and (merged := survivor(call.account, kind, id)):
        records = projection(call.account, kind, names).select(call.account, "_id = ?", [merged])
    if not records:
        raise html_not_found() if names and kind.plural in HTML_MISSING else not_found()
    attach_associations(call, kind, records)
    attach_history(call.account, kind, call.names("propertiesWithHistory"), records)
    return json_response(200, records[0])


def id_column(account: Account, kind: ObjectType, id_property: str | None) -> str:
    """Choose the column that ids are looked up in; raises ApiError where the property is not unique."""
    if id_property in (None, "", "hs_object_id"):
        return "_id"
    prop = account.schema.of(kind.plural).get(str(id_property))
    if prop is None or not prop.unique:
        raise validation_error(f"{id_property} is not a unique property of {kind.singular}")
    return prop.name


def match_text(column: str) -> str:
    """Compare one column with one value; unique properties ignore letter case."""
    if column == "_id":
        return "_id = ?"
    return f"{quote(column)} IS NOT NULL AND {quote(column)} = ? COLLATE NOCASE"


def batch_read(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/batch/read`: 207 with one error that lists the ids not found."""
    kind, started = call.subject(object), call.account.clock.now_ms()
    inputs = call.inputs(BATCH_MAX)
    body = call.body()
    told = body.get("propertiesWithHistory")
    if told and len(inputs) > HISTORY_MAX:
        raise validation_error(
            "The maximum number of inputs supported in a batch request for property histories is"
            f" {HISTORY_MAX}. The number of inputs in this request is {len(inputs)}."
        )
    ids = list(dict.fromkeys(str(each.get("id", "")) for each in inputs))
    column = id_column(call.account, kind, body.get("idProperty"))
    numbers = numbers_by_key(call.account, kind, column, ids, archived=call.flag("archived"))
    missing = [each for each in ids if each.lower() not in numbers]
    errors = [some_missing(kind.singular, missing)] if missing else []
    found = list(dict.fromkeys(numbers.values()))
    chosen = projection(call.account, kind, body.get("properties"))
    results = chosen.select(call.account, f"_id IN ({', '.join('?' for _ in found)})", found)
    attach_history(call.account, kind, told, results)
    answer = batch_body(started, call.account.clock.now_ms(), results, errors)
    return json_response(207 if errors else 200, answer)


def numbers_by_key(
    account: Account, kind: ObjectType, column: str, keys: Sequence[str], *, archived: bool = False
) -> dict[str, str]:
    """Find record ids by id or by a unique property's value; keys come back in lower case."""
    marks = ", ".join("?" for _ in keys)
    living = f"_deleted = {int(archived)}"
    where = f"_id IN ({marks}) AND +{living}"  # the plus keeps SQLite on the primary key
    if column != "_id":
        where = f"{quote(column)} IS NOT NULL AND {quote(column)} COLLATE NOCASE IN ({marks}) AND {living}"
    statement = f"SELECT {quote(column)}, _id FROM {quote(kind.plural)} WHERE {where}"  # noqa: S608 - quoted identifiers
    found = {key.lower(): number for key, number in account.storage.query(statement, keys)}
    if column == "email" and len(found) < len(keys) and not archived:
        found = further_addresses(account, keys) | found
    if column == "_id" and len(found) < len(keys) and not archived:
        merged = ((key, survivor(account, kind, key)) for key in keys if key not in found)
        found |= {key: number for key, number in merged if number is not None}
    return found


def further_addresses(account: Account, keys: Sequence[str]) -> dict[str, str]:
    """Find contacts by an address that another contact brought into a merge."""
    wanted = {key.lower() for key in keys}
    statement = "SELECT _id, hs_additional_emails FROM contacts WHERE hs_additional_emails IS NOT NULL AND _deleted = 0"
    pairs = ((each.lower(), row[0]) for row in account.storage.query(statement) for each in str(row[1]).split(";"))
    return {address: number for address, number in pairs if address in wanted}


def lives(account: Account, kind: ObjectType, number: str) -> bool:
    """Tell whether there is such a record, not archived."""
    statement = f"SELECT 1 FROM {quote(kind.plural)} WHERE _id = ? AND _deleted = 0"  # noqa: S608 - quoted identifiers
    return bool(account.storage.query(statement, [number]))


def survivor(account: Account, kind: ObjectType, number: str) -> str | None:
    """Give the id of a living record, or of the one that it was merged into; null where there is neither."""
    if lives(account, kind, number):
        return number
    rows = account.storage.query("SELECT new_id FROM merged_ids WHERE object = ? AND old_id = ?", [kind.plural, number])
    return rows[0][0] if rows and lives(account, kind, rows[0][0]) else None


def attach_associations(call: Call, kind: ObjectType, records: Sequence[dict[str, Any]]) -> None:
    """Add the asked associations to records: one entry per id and type, no key where there are none."""
    for name in call.names("associations") or ():
        target = object_type(name)
        if target is None:
            raise ApiError(400, f"Unable to infer object type from: {name}")
        linked = linked_entries(call.account, kind, target, [record["id"] for record in records])
        for record in records:
            if entries := linked.get(int(record["id"])):
                record.setdefault("associations", {})[target.plural] = {"results": entries}


def linked_entries(
    account: Account, kind: ObjectType, target: ObjectType, ids: Sequence[str]
) -> Mapping[int, list[dict[str, str]]]:
    """Give the inline association entries of many records by id."""
    marks = ", ".join("?" for _ in ids)
    rows = account.storage.query(
        f"SELECT from_id, to_id, type_id FROM associations WHERE from_type = ? AND to_type = ? AND from_id IN ({marks})"  # noqa: S608 - marks alone
        " ORDER BY from_id, to_id, type_id",
        [kind.plural, target.plural, *map(int, ids)],
    )
    found: dict[int, list[dict[str, str]]] = {}
    for from_id, to_id, type_id in rows:
        link = associations.type_by_id(type_id)
        if link:
            found.setdefault(from_id, []).append({"id": str(to_id), "type": link.name})
    return found
