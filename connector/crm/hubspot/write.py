"""Writes of one object: updates by id, and creates that cannot be made twice.

A refused row is a value. An error that ends the run is raised only while nothing of the call took effect; later ones
leave the rest unsent, to be tried again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from connector.crash import crash_point
from connector.crm.base import Write, WriteResult
from connector.crm.halving import Search, not_tried
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.columns import ASSOCIATIONS
from connector.crm.hubspot.errors import Problem, Refused, problems_of
from connector.crm.hubspot.links import create_links
from connector.crm.hubspot.session import Answer
from connector.crm.hubspot.values import to_text
from connector.crm.retry import call_with_retry
from connector.errors import AuthError, QuotaExhausted, RetryableError

BATCH = 100
# Codes of properties that spoil every row which holds them, or of values that do: no need to look for the rows by
# halving, and the rest of a row can land without them.
BAD_PROPERTY = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
BAD_VALUE = frozenset({"INVALID_OPTION"})
# What HubSpot keeps unique by itself: a creation that meets another is refused, an upsert would overwrite that one.
IDENTITY = ("contacts", "email")
CONFLICTS = frozenset({"CONFLICT", "HTTP_409"})  # two writers at once; may pass later


@dataclass(frozen=True)
class Row:
    """Hold one input of a batch: name is the record id, or the unique value; at is the place of its write.

    without are the problems of properties that were left out. again: an earlier attempt may have made the record.
    """

    name: str
    properties: Mapping[str, str]
    at: int
    without: tuple[Problem, ...] = ()
    again: bool = False


Results = dict[int, WriteResult]
Send = Callable[[Sequence[Row]], Answer]


def write(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    """Send writes of one object; results in input order."""
    results: Results = {}
    rows = {at: _row(one, at, results) for at, one in enumerate(writes)}
    places: dict[tuple[str, str], list[int]] = {}
    for at, row in rows.items():
        if row is not None:
            places.setdefault((_unique_property(writes[at]), row.name), []).append(at)
    try:
        for chunk in _chunks(places):
            _send_chunk(client, writes, rows, chunk, results)
    except (RetryableError, QuotaExhausted, AuthError) as error:
        if not any(result.ok for result in results.values()):
            raise
        code = "OUTCOME_UNKNOWN" if getattr(error, "unknown_outcome", False) else "NOT_SENT"
        rest = WriteResult(code=code, message=error.message, retry=True)
        results = {at: results.get(at, rest) for at in range(len(writes))}
    return [results[at] for at in range(len(writes))]


def _unique_property(one: Write) -> str:
    return one.key[0] if one.id is None and one.key is not None else ""


def _links(one: Write) -> list[tuple[str, str]]:
    """List what a new record belongs to: its links, and fields named as associations are."""
    named = [
        (field.removeprefix(ASSOCIATIONS), str(value))
        for field, value in one.fields.items()
        if field.startswith(ASSOCIATIONS) and value not in (None, "")
    ]
    return list(dict.fromkeys([*one.links, *named]))


def _row(one: Write, at: int, results: Results) -> Row | None:
    """Turn a write into an input, or refuse it."""
    name = one.id if one.id is not None else (one.key[1] if one.key else None)
    if name is None:
        results[at] = WriteResult(code="KEY_REQUIRED", message="a HubSpot write needs an id or a unique key")
        return None
    try:
        properties = {
            field: to_text(value) for field, value in one.fields.items() if not field.startswith(ASSOCIATIONS)
        }
        return Row(name, properties, at, again=one.again)
    except ValueError as error:
        results[at] = WriteResult(code="INVALID_NUMBER", message=str(error))
        return None


@dataclass(frozen=True)
class Chunk:
    """Hold what goes into one batch: each name once, with the places of all the writes that share it."""

    field: str  # the unique property of creates; empty for updates
    places: Mapping[str, Sequence[int]]


def _chunks(places: Mapping[tuple[str, str], Sequence[int]]) -> Iterator[Chunk]:
    for field in dict.fromkeys(field for field, _ in places):
        names = [name for of, name in places if of == field]
        for start in range(0, len(names), BATCH):
            yield Chunk(field, {name: places[field, name] for name in names[start : start + BATCH]})


def _send_chunk(
    client: Client, writes: Sequence[Write], rows: Mapping[int, Row | None], chunk: Chunk, results: Results
) -> None:
    object_type = writes[next(iter(chunk.places.values()))[0]].object
    merged = [_merged(name, [rows[at] for at in ats]) for name, ats in chunk.places.items()]
    if chunk.field:
        deleted = _deleted(client, object_type, chunk.field, [row for row in merged if row.again])
        wanted = [row for row in merged if row.at not in deleted]
        sent = _create(client, object_type, chunk.field, wanted) if wanted else {}
        crash_point("send: made, not linked")
        sent = deleted | _linked(client, object_type, {row.at: _links(writes[row.at]) for row in wanted}, sent)
    else:
        sent = _halving(merged, lambda part: client.batch_update(object_type, {"inputs": _inputs(part)}))
    for ats in chunk.places.values():
        first = sent[ats[0]]
        results[ats[0]] = first
        results.update((at, replace(first, created=False)) for at in ats[1:])


def _merged(name: str, rows: Sequence[Row | None]) -> Row:
    """Merge the writes of one record, as ids must be unique in a batch; later fields win."""
    given = [row for row in rows if row is not None]
    properties = {field: value for row in given for field, value in row.properties.items()}
    return Row(name, properties, given[0].at, again=any(row.again for row in given))


def _inputs(rows: Sequence[Row], id_property: str | None = None) -> list[dict[str, Any]]:
    extra = {} if id_property is None else {"idProperty": id_property}
    return [
        {"id": row.name, **extra, "objectWriteTraceId": str(row.at), "properties": dict(row.properties)} for row in rows
    ]


def _create(client: Client, object_type: str, field: str, rows: Sequence[Row]) -> Results:
    """Create the records that do not exist; an existing one is acknowledged and left as a person may have changed it.

    After a lost answer the records are looked for again before anything is sent a second time, and count as created;
    upsert closes the gap between the look and the write. Contacts by their address are created and not upserted, so
    that somebody who came in between keeps what they have.
    """
    tries = count()
    send = partial(_create_once, client, object_type, field, rows)
    return call_with_retry(lambda: send(again=next(tries) > 0), sleep=client.session.sleep)


def _create_once(client: Client, object_type: str, field: str, rows: Sequence[Row], *, again: bool) -> Results:
    try:
        found = _found(client, object_type, field, rows)
        done = {at: replace(result, created=again) for at, result in found.items()}
    except Refused as error:
        told = f"{error.message}; is {field} a unique property of {object_type}? Run `leadlight provision`"
        return {row.at: WriteResult(code=error.code, message=told) for row in rows}
    missing = [replace(row, properties={**row.properties, field: row.name}) for row in rows if row.at not in done]
    if not missing:
        return done
    if (object_type, field) == IDENTITY:
        return done | _halving(missing, lambda part: client.batch_create(object_type, {"inputs": _new(part)}), field)
    return done | _halving(
        missing, lambda part: client.batch_upsert(object_type, {"inputs": _inputs(part, field)}), field
    )


def _new(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"objectWriteTraceId": str(row.at), "properties": dict(row.properties), "associations": []} for row in rows]


def _deleted(client: Client, object_type: str, field: str, rows: Sequence[Row]) -> Results:
    """Find records that an earlier attempt made and a person deleted since: they are not made again.

    A unique value is free again once its record is archived. That a batch finds archived records by such a value is
    read from the vendor's reference, which has both parameters, and from no recording.
    """
    try:
        return _found(client, object_type, field, rows, archived=True) if rows else {}
    except Refused:
        return {}


def _found(client: Client, object_type: str, field: str, rows: Sequence[Row], *, archived: bool = False) -> Results:
    asked = {"properties": [field], "propertiesWithHistory": [], "idProperty": field}
    body = {**asked, "inputs": [{"id": row.name} for row in rows]}
    results = client.batch_read(object_type, body, archived=archived).json().get("results") or ()
    ids = {str((one.get("properties") or {}).get(field)): str(one["id"]) for one in results}
    return {row.at: WriteResult(id=ids[row.name]) for row in rows if row.name in ids}


def _linked(
    client: Client, object_type: str, links: Mapping[int, Sequence[tuple[str, str]]], results: Results
) -> Results:
    """Link the records, also those found existing: a crash may have come between record and link."""
    wanted: dict[str, dict[tuple[str, str], int]] = {}
    for at, targets in links.items():
        record_id = results[at].id
        if record_id is not None and results[at].ok:
            for to_type, to_id in targets:
                wanted.setdefault(to_type, {})[record_id, to_id] = at
    linked = dict(results)
    for to_type, pairs in wanted.items():
        for pair, message in create_links(client, object_type, to_type, list(pairs)).items():
            linked[pairs[pair]] = replace(linked[pairs[pair]], code="LINK_REFUSED", message=message)
    return linked


def _halving(rows: Sequence[Row], send: Send, field: str = "", within: Search | None = None) -> Results:
    """Send a batch; where HubSpot refuses it whole, find what spoils it so that the rest lands."""
    if not rows:
        return {}
    search = within or Search(len(rows))
    try:
        return _outcomes(rows, send(rows), field)
    except Refused as error:
        lean = [_without_bad(row, error.problems, field) for row in rows]
        if lean != list(rows):
            empty = [row for row in lean if not row.properties.keys() - {field}]
            left = _halving([row for row in lean if row not in empty], send, field, search)
            return left | {row.at: _nothing_left(row) for row in empty}
        if len(rows) == 1:
            return {rows[0].at: _refusal(error.code, error.message, error.problems)}
        half, found = len(rows) // 2, dict[int, WriteResult]()
        for part in (rows[:half], rows[half:]):
            is_tried = search.goes_on()
            unknown = {row.at: not_tried(error.code, error.message) for row in part}
            found |= _halving(part, send, field, search) if is_tried else unknown
        return found


def _without_bad(row: Row, problems: Sequence[Problem], field: str) -> Row:
    """Leave out the properties that HubSpot takes from nobody, and values it takes in no row; never the unique one."""
    bad = [
        problem
        for problem in problems
        if problem.property is not None
        and problem.property in row.properties
        and problem.property != field
        and (
            problem.code in BAD_PROPERTY
            or (problem.code in BAD_VALUE and row.properties[problem.property] == problem.value)
        )
    ]
    names = {problem.property for problem in bad}
    kept = {name: value for name, value in row.properties.items() if name not in names}
    return replace(row, properties=kept, without=(*row.without, *bad)) if bad else row


def _nothing_left(row: Row) -> WriteResult:
    first = row.without[0]
    return WriteResult(code=first.code, message=first.message, fields=_left_out(row))


def _left_out(row: Row) -> tuple[str, ...]:
    return tuple(problem.property for problem in row.without if problem.property)


def _refusal(code: str, message: str, problems: Sequence[Problem]) -> WriteResult:
    first = next((problem for problem in problems if problem.code), Problem(code, message))
    return WriteResult(code=first.code, message=first.message or message, retry=first.code in CONFLICTS)


def _outcomes(rows: Sequence[Row], answer: Answer, field: str) -> Results:
    """Match the results and errors of a batch with its rows."""
    body = answer.json()
    results = body.get("results") or ()
    outcomes: Results = {}
    for problem in problems_of(body):
        refused = WriteResult(code=problem.code or "REFUSED", message=problem.message, retry=problem.code in CONFLICTS)
        if field == IDENTITY[1] and problem.code in CONFLICTS and problem.existing_id:
            refused = WriteResult(id=problem.existing_id)
        for row in rows:
            if row.name in problem.ids or str(row.at) in problem.trace_ids:
                outcomes[row.at] = refused
    open_rows = [row for row in rows if row.at not in outcomes]
    named = _named(results, field)
    for row in open_rows:
        one = named.get(row.name) or named.get(f"trace {row.at}")
        if one is not None:
            outcomes[row.at] = _landed(row, str(one["id"]), created=bool(field) and one.get("new") is not False)
    return outcomes | _unnamed([row for row in open_rows if row.at not in outcomes], results, body, outcomes)


def _landed(row: Row, record_id: str, *, created: bool) -> WriteResult:
    told = "; ".join(f"{problem.code}: {problem.message}" for problem in row.without) or None
    return WriteResult(id=record_id, created=created, message=told, fields=_left_out(row))


def _named(results: Sequence[Mapping[str, Any]], field: str) -> dict[str, Mapping[str, Any]]:
    """Index results by what they answer: the record id or the unique value, and our trace id where it is echoed."""
    named = {}
    for one in results:
        name = (one.get("properties") or {}).get(field) if field else one.get("id")
        named[str(name)] = one
        if one.get("objectWriteTraceId") is not None:
            named[f"trace {one['objectWriteTraceId']}"] = one
    return named


def _unnamed(
    rows: Sequence[Row], results: Sequence[Mapping[str, Any]], body: Mapping[str, Any], outcomes: Results
) -> Results:
    """Judge rows that no result and no error names.

    Results under other ids belong to them where the counts agree: the ids were merged into survivors.
    """
    spare = len(results) - sum(result.ok for result in outcomes.values())
    if rows and spare == len(rows) and not body.get("numErrors"):
        return {row.at: _landed(row, row.name, created=False) for row in rows}
    problem = next(iter(problems_of(body)), Problem("NO_ANSWER", "HubSpot named no outcome for this row"))
    return {row.at: WriteResult(code=problem.code, message=problem.message, retry=True) for row in rows}
