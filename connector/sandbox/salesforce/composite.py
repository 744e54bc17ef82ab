"""Composite requests: up to 25 subrequests in one call, later ones naming what earlier ones answered.

Envelope, limits and allOrNone as the vendor's pages on composite resources have them; recordings hold read
subrequests alone. Undocumented and read strictly: headers of the whole request do not reach a subrequest, whose own
`httpHeaders` do; a collection that fails under allOrNone answers its rows. No page gives the refusals of a whole
request: their wording is made up.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.errors import CrmError, not_found
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.storage import Transaction

MAX_SUBREQUESTS = 25
MAX_HEAVY = 5
HEAVY = re.compile(r"/(query|queryAll|composite/sobjects)\b", re.IGNORECASE)
SERVED = re.compile(r"(/services/data/v(\d+\.\d))(/(?:sobjects|query|queryAll|limits|composite/sobjects)(?:/.*)?)")
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])+)\}")
REFERENCE_ID = re.compile(r"\w+", re.ASCII)
STEP = re.compile(r"\w+")
HALTED = "The transaction was rolled back since another operation in the same transaction failed."
KEPT_HEADERS = ("Location", "ETag")

Answer = Callable[[Request, Call, str], Response]


class Halted(Exception):  # noqa: N818 - the vendor's word
    """Undo all subrequests."""


@dataclass
class Batch:
    """Hold one composite request under way and what its subrequests answered."""

    org: Org
    call: Call
    answer: Answer
    all_or_none: bool
    transaction: Transaction | None = None
    results: list[dict[str, Any]] = field(default_factory=list)


def composite(org: Org, call: Call, answer: Answer) -> Response:
    """Answer POST composite; `answer` serves a subrequest by its path without the version."""
    order = call.mapping()
    subrequests = _subrequests(order)
    batch = Batch(org, call, answer, bool(order.get("allOrNone", False)))
    writes = any(each["method"] != "GET" for each in subrequests)
    try:
        with call.transaction(org) if writes else nullcontext() as transaction:
            batch.transaction = transaction
            for each in subrequests:
                _serve(batch, each)
            if transaction is not None:
                transaction.status = 200
    except Halted:
        call.wrote = False
        _halt(batch.results, subrequests)
    return call.answer({"compositeResponse": batch.results})


def _subrequests(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = order.get("compositeRequest")
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise CrmError("JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests", None)
    if len(found) > MAX_SUBREQUESTS:
        raise CrmError("LIMIT_EXCEEDED", f"{len(found)} subrequests; at most {MAX_SUBREQUESTS} are allowed", None)
    heavy = sum(bool(HEAVY.search(str(each.get("url")))) for each in found)
    if heavy > MAX_HEAVY:
        message = f"{heavy} queries and collections among the subrequests; at most {MAX_HEAVY} are allowed"
        raise CrmError("LIMIT_EXCEEDED", message, None)
    names = [_checked(each) for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CrmError("INVALID_INPUT", f"Duplicate reference ID: {twice[0]}", None)
    return found


def _checked(subrequest: Mapping[str, Any]) -> str:
    for key in ("method", "url", "referenceId"):
        if not isinstance(subrequest.get(key), str):
            raise CrmError("JSON_PARSER_ERROR", f"Missing required field: {key}", None)
    name = str(subrequest["referenceId"])
    if not REFERENCE_ID.fullmatch(name):
        raise CrmError("INVALID_INPUT", f"Reference ID {name} has characters other than letters, digits and _", None)
    if subrequest["method"] not in METHODS:
        raise CrmError("INVALID_INPUT", f"{subrequest['method']} is not a method of subrequests", None)
    return name


def _serve(batch: Batch, subrequest: Mapping[str, Any]) -> None:
    """Carry out one subrequest; raises Halted where its failure undoes all."""
    try:
        with batch.transaction.savepoint() if batch.transaction is not None else nullcontext():
            response = _answered(batch, subrequest)
    except CrmError as error:
        response = batch.call.answer(error.body(), error.status)
    body = json.loads(response.body) if response.body else None
    batch.results.append(_result(subrequest, response, body))
    rows = body if isinstance(body, list) else []
    failed = response.status >= 400 or any(isinstance(row, dict) and row.get("success") is False for row in rows)
    if failed and batch.all_or_none:
        raise Halted


def _answered(batch: Batch, subrequest: Mapping[str, Any]) -> Response:
    known = {each["referenceId"]: each for each in batch.results}
    address = urlsplit(_filled(subrequest["url"], known))
    matched = SERVED.fullmatch(address.path.rstrip("/"))
    if matched is None:
        raise not_found()
    body, query = _filled(subrequest.get("body"), known), parse_qs(address.query, keep_blank_values=True)
    if batch.all_or_none and matched[3].startswith("/composite/"):
        body = {**body, "allOrNone": True} if isinstance(body, dict) else body
        query = {**query, "allOrNone": ["true"]}
    headers = {str(key).lower(): str(value) for key, value in (subrequest.get("httpHeaders") or {}).items()}
    sent = b"" if body is None else json.dumps(body).encode()
    request = Request(subrequest["method"], address.path, query, headers, sent)
    inner = Call(request, matched[2], batch.call.claims, outer=batch.transaction)
    response = batch.answer(request, inner, matched[3])
    batch.call.object = batch.call.object or inner.object
    return response


def _filled(value: Any, known: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ANN401 - any JSON
    """Put what earlier subrequests answered in place of references; raises CrmError PROCESSING_HALTED."""
    if isinstance(value, dict):
        return {key: _filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    if whole is not None:
        return _looked_up(whole, known)
    return REFERENCE.sub(lambda found: str(_looked_up(found, known)), value)


def _looked_up(found: re.Match[str], known: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ANN401 - any JSON
    value: Any = known.get(found[1], {}).get("body")
    try:
        for step in STEP.findall(found[2]):
            value = value[int(step)] if isinstance(value, list) else value[step]
    except (KeyError, IndexError, ValueError, TypeError):
        message = f"Invalid reference specified. No value for {found[1]}{found[2]} found in {found[1]}"
        raise CrmError("PROCESSING_HALTED", message, None) from None
    return value


def _result(subrequest: Mapping[str, Any], response: Response, body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {
        "body": body,
        "httpHeaders": {name: value for name, value in response.headers.items() if name in KEPT_HEADERS},
        "httpStatusCode": response.status,
        "referenceId": subrequest["referenceId"],
    }


def _halt(results: list[dict[str, Any]], subrequests: Sequence[Mapping[str, Any]]) -> None:
    """Keep the culprit's answer, the last, and say of all others that they were undone."""
    culprit = len(results) - 1
    halted = Response(400, b"", {})
    error = CrmError("PROCESSING_HALTED", HALTED, None).body()
    results[:] = [
        results[culprit] if place == culprit else _result(each, halted, error) for place, each in enumerate(subrequests)
    ]
