"""Composite requests, met with plain HTTP; from the vendor's documentation."""

from typing import Any

import pytest

from tests.sandbox.salesforce_org import BASE, OrgInMemory

ACCOUNT = {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "acme", "body": {"Name": "Acme"}}
CONTACT = {
    "method": "POST",
    "url": f"{BASE}/sobjects/Contact",
    "referenceId": "ada",
    "body": {"LastName": "Ada of @{acme.id}", "AccountId": "@{acme.id}"},
}
BROKEN = {**ACCOUNT, "referenceId": "broken", "body": {"Industry": "Energy"}}


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def send(org: OrgInMemory, *subrequests: dict[str, Any], **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any option
    """Send a composite request that is well formed and give its results."""
    answer = org.answer("POST", "/composite", {"compositeRequest": list(subrequests), **options})
    results: list[dict[str, Any]] = answer["compositeResponse"]
    return results


def refused(org: OrgInMemory, *subrequests: Any) -> str:  # noqa: ANN401 - any JSON
    """Send a composite request that is refused whole and give the code."""
    response = org.send("POST", "/composite", {"compositeRequest": list(subrequests)})
    assert response.status == 400
    return str(org.answer("POST", "/composite", {"compositeRequest": list(subrequests)})[0]["errorCode"])


def statuses(results: list[dict[str, Any]]) -> dict[str, int]:
    """Give the status per reference."""
    return {result["referenceId"]: result["httpStatusCode"] for result in results}


def test_a_later_subrequest_names_what_an_earlier_one_made(org: OrgInMemory) -> None:
    ask = {"method": "GET", "url": f"{BASE}/sobjects/Contact/@{{ada.id}}?fields=Name,AccountId", "referenceId": "ask"}
    account, contact, asked = send(org, ACCOUNT, CONTACT, ask)
    own = account["body"]["id"]
    assert account["httpHeaders"] == {"Location": f"{BASE}/sobjects/Account/{own}"}
    assert asked["body"]["AccountId"] == own
    assert asked["body"]["Name"] == f"Ada of {own}"
    assert statuses([account, contact, asked]) == {"acme": 201, "ada": 201, "ask": 200}


def test_the_whole_counts_as_one_request(org: OrgInMemory) -> None:
    send(org, ACCOUNT, CONTACT)
    assert org.send("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=2/100000"


def test_a_failure_stops_only_what_depends_on_it(org: OrgInMemory) -> None:
    dependent = {**CONTACT, "body": {"LastName": "L", "AccountId": "@{broken.id}"}}
    results = send(org, BROKEN, dependent, ACCOUNT)
    assert statuses(results) == {"broken": 400, "ada": 400, "acme": 201}
    assert results[0]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert results[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.values("SELECT Name FROM Account") == ["Acme"]


def test_all_or_none_undoes_everything(org: OrgInMemory) -> None:
    results = send(org, ACCOUNT, BROKEN, CONTACT, allOrNone=True)
    codes = [result["body"][0]["errorCode"] for result in results]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0
    assert [row["op"] for row in org.storage.journal(0)] == ["read", "read"]


def collection(*names: str | None, all_or_none: bool = False) -> dict[str, Any]:
    """Write a subrequest that creates accounts."""
    records = [{"attributes": {"type": "Account"}, **({"Name": name} if name else {})} for name in names]
    body = {"allOrNone": all_or_none, "records": records}
    return {"method": "POST", "url": f"{BASE}/composite/sobjects", "referenceId": "many", "body": body}


def test_all_or_none_overrules_that_of_collections(org: OrgInMemory) -> None:
    (kept,) = send(org, collection("A", None))
    assert [row["success"] for row in kept["body"]] == [True, False]
    undone = send(org, ACCOUNT, collection("B", None), allOrNone=True)
    assert [row["success"] for row in undone[1]["body"]] == [False, False]
    assert undone[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.values("SELECT Name FROM Account") == ["A"]


def test_rows_of_a_collection_may_be_named(org: OrgInMemory) -> None:
    task = {"Subject": "Call", "WhatId": "@{many[1].id}"}
    made = send(
        org,
        collection("A", "B"),
        {"method": "POST", "url": f"{BASE}/sobjects/Task", "referenceId": "task", "body": task},
    )
    assert org.values("SELECT WhatId FROM Task") == [made[0]["body"][1]["id"]]


def test_headers_are_each_subrequests_own(org: OrgInMemory) -> None:
    lead = {"method": "POST", "url": f"{BASE}/sobjects/Lead", "body": {"LastName": "L", "Company": "C"}}
    own = {"Sforce-Auto-Assign": "FALSE"}
    send(org, {**lead, "referenceId": "a"}, {**lead, "referenceId": "b", "httpHeaders": own})
    owners = org.values("SELECT OwnerId FROM Lead ORDER BY Id")
    assert [owner[:3] for owner in owners] == ["00G", "005"]


def test_writes_are_journaled_under_the_composite(org: OrgInMemory) -> None:
    send(org, ACCOUNT, CONTACT)
    rows = org.storage.journal(0)
    assert {(row["op"], row["path"], row["status"]) for row in rows} == {("create", f"{BASE}/composite", 200)}


def test_unserved_resources_are_not_found(org: OrgInMemory) -> None:
    jobs = {"method": "GET", "url": f"{BASE}/jobs/ingest", "referenceId": "jobs"}
    again = {"method": "POST", "url": f"{BASE}/composite", "referenceId": "again"}
    assert statuses(send(org, jobs, again)) == {"jobs": 404, "again": 404}


def test_requests_beyond_the_limits_are_refused_whole(org: OrgInMemory) -> None:
    many = [{**ACCOUNT, "referenceId": f"r{number}"} for number in range(26)]
    assert refused(org, *many) == "LIMIT_EXCEEDED"
    asking = [{"method": "GET", "url": f"{BASE}/query?q=x", "referenceId": f"q{number}"} for number in range(6)]
    assert refused(org, *asking) == "LIMIT_EXCEEDED"
    assert refused(org, ACCOUNT, ACCOUNT) == "INVALID_INPUT"
    assert refused(org, {**ACCOUNT, "referenceId": "a-b"}) == "INVALID_INPUT"
    assert refused(org, {**ACCOUNT, "method": "LOOK"}) == "INVALID_INPUT"
    assert refused(org, {"method": "GET", "url": BASE}) == "JSON_PARSER_ERROR"
    assert refused(org) == "JSON_PARSER_ERROR"
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0
