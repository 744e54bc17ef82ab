"""The settings that are Salesforce's, set over the control API and met by a client library."""

from collections.abc import Iterator
from typing import Any

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceRefusedRequest

from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from tests.sandbox.salesforce_client import client, control


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """Serve an empty org."""
    with start(SandboxOptions("salesforce", world="empty")) as running:
        yield running


def test_a_locked_parent_fails_as_often_as_told(sandbox: RunningSandbox) -> None:
    crm = client(sandbox)
    account = crm.Account.create({"Name": "A"})["id"]
    control(sandbox, "settings", {"locked_records": {f"Account/{account}": 1}})
    with pytest.raises(SalesforceMalformedRequest) as error:
        crm.Contact.create({"LastName": "L", "AccountId": account})
    assert error.value.content[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"  # type: ignore[index] # the library says bytes
    crm.Contact.create({"LastName": "L", "AccountId": account})


def test_the_two_limits_differ_by_their_words(sandbox: RunningSandbox) -> None:
    crm = client(sandbox)
    control(sandbox, "settings", {"refusals": {"ConcurrentPerOrgLongTxn": 1}})
    with pytest.raises(SalesforceRefusedRequest, match="ConcurrentPerOrgLongTxn"):
        crm.limits()
    control(sandbox, "settings", {"daily_quota": 1})
    with pytest.raises(SalesforceRefusedRequest, match="TotalRequests Limit exceeded"):
        crm.limits()
    control(sandbox, "settings", {"daily_quota": None})
    assert crm.limits()["DailyApiRequests"]["Max"] == 100_000


def test_a_duplicate_passes_with_the_header_alone(sandbox: RunningSandbox) -> None:
    crm = client(sandbox)
    crm.Lead.create({"LastName": "L", "Company": "C", "Email": "l@c.example"})
    rule = {"object": "Lead", "match": ["Email"], "action": "Allow"}
    control(sandbox, "settings", {"duplicate_rules": {"Same_Mail": rule}})
    row = {"LastName": "M", "Company": "C", "Email": "l@c.example"}
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATES_DETECTED"):
        crm.Lead.create(row)
    assert crm.Lead.create(row, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})["success"]
    control(sandbox, "settings", {"duplicate_rules": {}})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"row_locks": {"hold_s": -1}}, "row_locks.hold_s: -1 is not a number from 0.0"),
        ({"row_locks": {"held": 1}}, "row_locks: expected"),
        ({"locked_records": {"Lead/x": -1}}, "locked_records.Lead/x: -1"),
        ({"refusals": {"Tired": 1}}, "refusals.Tired: unknown, expected one of ConcurrentPerOrgLongTxn"),
        ({"concurrent_limit": "many"}, "concurrent_limit: 'many'"),
        ({"duplicate_rules": {"A": {}}}, "duplicate_rules.A: expected an object"),
    ],
)
def test_mistaken_settings_are_refused(sandbox: RunningSandbox, body: dict[str, Any], words: str) -> None:
    assert control(sandbox, "settings", body)[0].startswith(words)
