"""Batches of writes: all or nothing, or partly done with status 207."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.reading import BATCH_MAX, id_column, numbers_by_key
from connector.sandbox.hubspot.wire import ApiError, batch_body, json_response, some_missing, validation_error
from connector.sandbox.hubspot.writing import (
    TakenError,
    accept,
    archive,
    attach,
    conflict,
    insert,
    links_of,
    properties_of,
    show,
    update,
)
from connector.sandbox.storage import Transaction

Input = dict[str, Any]
Values = Mapping[str, str]


def batch_create(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/batch/create`: all or nothing, unless every input has an objectWriteTraceId of its own."""
    kind, started = call.subject(object), call.account.clock.now_ms()
    inputs = call.inputs(BATCH_MAX)
    traces = [each.get("objectWriteTraceId") for each in inputs]
    partly = bool(inputs) and None not in traces and len(set(map(str, traces))) == len(traces)
    errors: list[dict[str, Any]] = []
    numbers: list[str] = []
    if not partly:
        accept(call.account, kind, [properties_of(each) for each in inputs], new=True)
    with call.writing(201) as transaction:
        for each in inputs:
            try:
                clean = accept(call.account, kind, [properties_of(each)], new=True)[0]
                links = links_of(call.account, kind, each.get("associations"))
                number = insert(call.account, transaction, kind, clean)
            except (ApiError, TakenError) as error:
                errors.append(refused(call, kind, error, each, partly=partly))
                continue
            attach(transaction, kind, number, links)
            numbers.append(number)
        shown = show(call.account, kind, numbers, None)
        transaction.status = 207 if errors else 201
    body = batch_body(started, call.account.clock.now_ms(), [shown[number] for number in numbers], errors)
    return json_response(207 if errors else 201, body)


def refused(call: Call, kind: ObjectType, error: Exception, each: Input, *, partly: bool) -> dict[str, Any]:
    """Tell why one input of a partly done batch failed; raises the whole batch's error where it is all or nothing."""
    context: dict[str, list[str]] = {"objectWriteTraceId": [str(each.get("objectWriteTraceId"))]}
    if isinstance(error, TakenError):
        told = conflict(call.account, kind, error, number="", tell_id=partly)
        context["existingId"] = [error.existing_id]
    elif isinstance(error, ApiError):
        told = error
    else:
        raise error
    if not partly:
        raise told
    category = told.body.get("category", "VALIDATION_ERROR")
    return {"status": "error", "category": category, "message": told.body["message"], "context": context}


def batch_update(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/batch/update`: 400 for a bad value anywhere, 207 with one error that lists ids not found."""
    kind, started = call.subject(object), call.account.clock.now_ms()
    inputs = call.inputs(BATCH_MAX)
    keys = keys_of(inputs)
    clean = accept(call.account, kind, [properties_of(each) for each in inputs], new=False)
    numbers = numbers_of(call, kind, inputs, keys)
    found = [(number, values) for number, values in zip(numbers, clean, strict=True) if number]
    missing = [key for key, number in zip(keys, numbers, strict=True) if number is None]
    errors = [some_missing(kind.singular, missing)] if missing else []
    with call.writing(207 if errors else 200) as transaction:
        for number, values in found:
            try:
                update(call.account, transaction, kind, number, values)
            except TakenError as taken:
                raise conflict(call.account, kind, taken, number) from taken
        results = shown_updates(call, kind, found)
    body = batch_body(started, call.account.clock.now_ms(), results, errors)
    return json_response(207 if errors else 200, body)


def shown_updates(call: Call, kind: ObjectType, found: Sequence[tuple[str, Values]]) -> list[dict[str, Any]]:
    """Show updated records, each with its own written properties."""
    names = {name for _, values in found for name in values}
    shown = show(call.account, kind, [number for number, _ in found], names)
    results = []
    for number, values in found:
        record = shown[number]
        kept = {*values, *kind.echoed, *kind.always}
        properties = {name: value for name, value in record["properties"].items() if name in kept}
        results.append({**record, "properties": properties})
    return results


def keys_of(inputs: Iterable[Input]) -> list[str]:
    """Take the ids of a batch; raises ApiError where one is missing or comes twice."""
    keys = [str(each["id"]) if each.get("id") is not None else "" for each in inputs]
    if "" in keys:
        raise ApiError(400, "Invalid input JSON on line 1, column 11. Some required fields were not set: [id]")
    twice = [key for key, count in Counter(key.lower() for key in keys).items() if count > 1]
    if twice:
        message = f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique"
        raise validation_error(message, context={"ids": twice})
    return keys


def numbers_of(call: Call, kind: ObjectType, inputs: Sequence[Input], keys: Sequence[str]) -> list[str | None]:
    """Find the record ids that a batch's keys mean; null where there is no record."""
    properties = {each.get("idProperty") for each in inputs}
    if len(properties) > 1:
        raise validation_error("All inputs of a batch must have the same idProperty.")
    column = id_column(call.account, kind, properties.pop() if properties else None)
    found = numbers_by_key(call.account, kind, column, keys)
    return [found.get(key.lower()) for key in keys]


def batch_upsert(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/batch/upsert`: each input's id is the value of its idProperty; results tell `new`.

    Without idProperty ids are record ids, and those not found are told as in an update.
    No recording: from the vendor's documentation.
    """
    kind, started = call.subject(object), call.account.clock.now_ms()
    inputs = call.inputs(BATCH_MAX)
    keys = keys_of(inputs)
    numbers = numbers_of(call, kind, inputs, keys)
    raw = [{**keyed(each), **properties_of(each)} for each in inputs]
    fresh = [number is None and bool(keyed(each)) for number, each in zip(numbers, inputs, strict=True)]
    clean = accept(call.account, kind, raw, new=False)
    accept(call.account, kind, [values for values, new in zip(raw, fresh, strict=True) if new], new=True)
    missing = [key for key, number, new in zip(keys, numbers, fresh, strict=True) if number is None and not new]
    errors = [some_missing(kind.singular, missing)] if missing else []
    with call.writing(207 if errors else 200) as transaction:
        results = [
            upsert(call, transaction, kind, number, values)
            for number, values, new in zip(numbers, clean, fresh, strict=True)
            if number or new
        ]
    body = batch_body(started, call.account.clock.now_ms(), results, errors)
    return json_response(207 if errors else 200, body)


def upsert(
    call: Call, transaction: Transaction, kind: ObjectType, number: str | None, values: Values
) -> dict[str, Any]:
    """Update a record or create one, and show it; raises ApiError where a unique value is taken."""
    try:
        if number:
            update(call.account, transaction, kind, number, values)
        written = number or insert(call.account, transaction, kind, values)
    except TakenError as taken:
        raise conflict(call.account, kind, taken, number or "") from taken
    record = show(call.account, kind, [written], values if number else None)[written]
    return {**record, "new": number is None}


def keyed(each: Input) -> dict[str, Any]:
    """Give the value that an upsert's input is found by, as a property of a new record."""
    name = each.get("idProperty")
    return {} if name in (None, "hs_object_id") else {str(name): each["id"]}


def batch_archive(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/batch/archive`: 204 whatever was there."""
    kind = call.subject(object)
    archive(call, kind, [str(each.get("id", "")) for each in call.inputs(BATCH_MAX)])
    return Response(204)
