"""Creating, updating and archiving single records, and the parts that batches share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot import associations
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.blocklist import refusal
from connector.sandbox.hubspot.computed import Moment, complete
from connector.sandbox.hubspot.ids import next_id
from connector.sandbox.hubspot.objects import ObjectType, object_type
from connector.sandbox.hubspot.pipelines import moves_back, stages_of
from connector.sandbox.hubspot.reading import (
    further_addresses,
    id_column,
    lives,
    match_text,
    projection,
    survivor,
)
from connector.sandbox.hubspot.refusing import refuse_locked
from connector.sandbox.hubspot.values import Problem, check
from connector.sandbox.hubspot.wire import ApiError, json_response, not_found, problem_error, validation_error
from connector.sandbox.hubspot.workflows import enroll
from connector.sandbox.storage import Transaction, quote

NEEDS_TIME = frozenset({"tasks", "calls", "emails", "meetings", "notes", "communications"})


@dataclass(frozen=True)
class Link:
    """Say one association that comes with a new record."""

    kind: associations.AssociationType
    to_id: int


class TakenError(Exception):
    """A unique value that another record holds."""

    def __init__(self, name: str, value: str, existing_id: str) -> None:
        super().__init__(name)
        self.name, self.value, self.existing_id = name, value, existing_id


def create_record(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST /crm/v3/objects/{object}`: 201 with everything that was stored."""
    kind = call.subject(object)
    body = call.body("properties")
    clean = accept(call.account, kind, [properties_of(body)], new=True)[0]
    links = links_of(call.account, kind, body.get("associations"))
    with call.writing(201) as transaction:
        try:
            number = insert(call.account, transaction, kind, clean)
        except TakenError as taken:
            raise conflict(call.account, kind, taken, number="") from taken
        attach(transaction, kind, number, links)
        record = show(call.account, kind, [number], None)[number]
    location = f"{call.account.base_url}{call.request.path.rstrip('/')}/{number}"
    return json_response(201, record, {"Location": location})


def update_record(call: Call, object: str, id: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `PATCH /crm/v3/objects/{object}/{id}`."""
    kind = call.subject(object)
    body = call.body("properties")
    number = resolve(call.account, kind, id, call.request.first("idProperty"))
    if number is None:
        raise not_found()
    clean = accept(call.account, kind, [properties_of(body)], new=False)[0]
    with call.writing(200) as transaction:
        try:
            update(call.account, transaction, kind, number, clean)
        except TakenError as taken:
            raise conflict(call.account, kind, taken, number=number) from taken
        record = show(call.account, kind, [number], clean)[number]
    return json_response(200, record)


def archive_record(call: Call, object: str, id: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `DELETE /crm/v3/objects/{object}/{id}`: 204, again and again."""
    kind = call.subject(object)
    archive(call, kind, [id])
    return Response(204)


def archive(call: Call, kind: ObjectType, ids: Iterable[str]) -> None:
    """Archive those records that are there, with their associations."""
    living = [number for number in ids if lives(call.account, kind, number)]
    if not living:
        return
    with call.writing(204) as transaction:
        for number in living:
            refuse_locked(call.account.switches, kind, number)
            transaction.delete(kind.plural, number)
            associations.unlink_all(transaction.execute, kind.plural, int(number))


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Take the properties of one input; raises ApiError where they are no object."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise ApiError(400, "Invalid input JSON on line 1, column 15: Cannot deserialize value")
    return properties


def accept(
    account: Account, kind: ObjectType, inputs: Sequence[Mapping[str, Any]], *, new: bool
) -> list[dict[str, str]]:
    """Check the values of all inputs; raises one ApiError that tells everything wrong with any of them."""
    rules = account.rules(kind)
    checked = [check(rules, raw) for raw in inputs]
    problems: list[Problem] = [problem for _, found in checked for problem in found]
    if problems:
        raise problem_error(problems)
    clean = [values for values, _ in checked]
    if new and kind.plural == "contacts" and (blocked := refusal(account.storage, clean)):
        raise blocked
    if new and kind.plural in NEEDS_TIME and not all(values.get("hs_timestamp") for values in clean):
        raise missing_time(kind)
    return clean


def missing_time(kind: ObjectType) -> ApiError:
    """Refuse an activity without its time. No recording: from the vendor's documentation."""
    message = f"Error creating {kind.singular.upper()}. Some required properties were not set."
    return validation_error(message, context={"properties": ["hs_timestamp"]})


def insert(account: Account, transaction: Transaction, kind: ObjectType, clean: Mapping[str, str]) -> str:
    """Create a record with all that follows from its values; raises TakenError."""
    check_unique(account, kind, clean, number="")
    number = next_id(account.storage, kind.plural)
    now_ms = account.clock.now_ms()
    moment = Moment(kind, number, now_ms, {}, account.user_ids(), stages_of(kind.plural))
    transaction.insert(kind.plural, number, storable(account, kind, complete(moment, clean)), now_ms)
    return number


def update(
    account: Account,
    transaction: Transaction,
    kind: ObjectType,
    number: str,
    clean: Mapping[str, str],
    *,
    by_person: bool = False,
) -> None:
    """Change a record with all that follows from its values; raises TakenError, and KeyError where there is none.

    by_person: a change inside the CRM, which may take the lifecycle stage back.
    """
    refuse_locked(account.switches, kind, number)
    check_unique(account, kind, clean, number)
    before = account.storage.get(kind.plural, number)
    if before is None:
        raise KeyError(number)
    clean = clean if by_person else forward_only(kind, before, clean)
    moment = Moment(kind, number, account.clock.now_ms(), before, account.user_ids(), stages_of(kind.plural))
    transaction.update(kind.plural, number, storable(account, kind, complete(moment, clean)))
    enroll(account, transaction, kind, number, before, clean)


def forward_only(kind: ObjectType, before: Mapping[str, Any], clean: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out a lifecycle stage that would go back, which the API passes over in silence unless it was cleared first.

    No recording: from the vendor's help pages and its staff in the developers' community.
    """
    stage = clean.get("lifecyclestage")
    if kind.plural not in ("contacts", "companies") or not moves_back(kind.plural, before["lifecyclestage"], stage):
        return clean
    return {name: value for name, value in clean.items() if name != "lifecyclestage"}


def storable(account: Account, kind: ObjectType, values: Mapping[str, str]) -> dict[str, str | None]:
    """Take values to their columns: a cleared unique value is null, so that it can be cleared twice."""
    known = account.schema.of(kind.plural)
    return {name: None if value == "" and known[name].unique else value for name, value in values.items()}


def check_unique(account: Account, kind: ObjectType, clean: Mapping[str, str], number: str) -> None:
    """Raise TakenError where another living record holds a unique value, of a contact as a further address too."""
    known = account.schema.of(kind.plural)
    for name, value in clean.items():
        if not known[name].unique or value == "":
            continue
        found = resolve(account, kind, value, name)
        if found is None and (kind.plural, name) == ("contacts", "email"):
            found = further_addresses(account, [value]).get(value.lower())
        if found not in (None, number):
            raise TakenError(name, value, str(found))


def resolve(account: Account, kind: ObjectType, key: str, id_property: str | None) -> str | None:
    """Find a living record's id by its id or by a unique property."""
    column = id_column(account, kind, id_property)
    statement = f"SELECT _id FROM {quote(kind.plural)} WHERE {match_text(column)} AND _deleted = 0"  # noqa: S608 - quoted identifiers
    rows = account.storage.query(statement, [key])
    if not rows and column == "_id":
        return survivor(account, kind, key)
    return str(rows[0][0]) if rows else None


def conflict(account: Account, kind: ObjectType, taken: TakenError, number: str, *, tell_id: bool = True) -> ApiError:
    """Tell of a unique value that is taken.

    The e-mail's form is recorded; that of other properties is not: a text seen in the vendor's community.
    """
    if taken.name == "email" and kind.plural == "contacts":
        known = f". Existing ID: {taken.existing_id}" if tell_id else ""
        return ApiError(409, f"Contact already exists{known}", "CONFLICT")
    return validation_error(
        f"Cannot set PropertyValueCoordinates{{portalId={account.portal_id}, objectTypeId={kind.type_id},"
        f" propertyName={taken.name}, value={taken.value}}} on {number or 'a new record'}."
        f" {taken.existing_id} already has that value."
    )


def show(
    account: Account, kind: ObjectType, numbers: Sequence[str], names: Iterable[str] | None
) -> dict[str, dict[str, Any]]:
    """Show written records by id: what was written and what HubSpot tells beside it, where set; null names: all."""
    known = account.schema.of(kind.plural)
    chosen = projection(account, kind, known if names is None else {*names, *kind.echoed})
    marks = ", ".join("?" for _ in numbers)
    records = chosen.select(account, f"_id IN ({marks})", numbers)
    for record in records:
        record["properties"] = {name: value for name, value in record["properties"].items() if value is not None}
    return {record["id"]: record for record in records}


def links_of(account: Account, kind: ObjectType, raw: object) -> list[Link]:
    """Read the associations of a new record; raises ApiError where a type or a target is not valid."""
    links = []
    for each in raw if isinstance(raw, list) else []:
        to_id = str((each.get("to") or {}).get("id", ""))
        for asked in each.get("types") or []:
            found = associations.type_by_id(int(asked.get("associationTypeId", 0)))
            if found is None or found.from_type != kind.plural:
                raise validation_error(
                    f"Association type {asked.get('associationTypeId')} is not valid for {kind.singular}"
                )
            target = object_type(found.to_type)
            if target is None or not lives(account, target, to_id):
                raise validation_error(f"{found.to_type[:-1].upper()}={to_id} is not valid")
            links.append(Link(found, int(to_id)))
    return links


def attach(transaction: Transaction, kind: ObjectType, number: str, links: Sequence[Link]) -> None:
    """Store a new record's associations."""
    for each in links:
        associations.link(transaction.execute, each.kind, int(number), each.to_id)
        after = {"to_object": each.kind.to_type, "to_id": str(each.to_id), "type_id": each.kind.type_id}
        transaction.associate(kind.plural, number, after)
