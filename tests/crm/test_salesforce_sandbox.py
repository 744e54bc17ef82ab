"""The adapter against the sandbox: the whole port, over TLS, with the real client library."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.crm.base import JsonScalar, Page, Write
from connector.crm.salesforce import SalesforceCrm, SalesforceSettings, connect
from connector.errors import AuthError
from connector.sandbox.server import SandboxOptions, start
from mappings.fields import NewField

FIELDS = [
    NewField("Lead", "Leadlight_Score__c", "Score", "number", "Points"),
    NewField("Lead", "Leadlight_Why__c", "Why", "text", "Reasons", length=2000),
    NewField("Lead", "Leadlight_Scored_At__c", "Scored at", "datetime", "When"),
    NewField("Lead", "Leadlight_Hot__c", "Hot", "boolean", "Whether"),
    NewField("Task", "Leadlight_Key__c", "Key", "text", "Identity", length=80, unique=True),
]
NAMES = [f"{field.object}.{field.name}" for field in FIELDS]
COLUMNS = ["Email", "NumberOfEmployees", "CreatedDate", "IsConverted", "OwnerId", "Owner.Name"]


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """Serve a small world."""
    with start(SandboxOptions("salesforce", people=400)) as sandbox:
        yield sandbox.ready


def settings(ready: dict[str, Any]) -> SalesforceSettings:
    return SalesforceSettings(
        instance_url=ready["url"],
        auth="client_credentials",
        client_id=ready["client_id"],
        client_secret=ready["client_secret"],
        ca_file=Path(ready["ca_file"]),
        poll_first_s=0.05,
    )


@pytest.fixture
def crm(ready: dict[str, Any]) -> SalesforceCrm:
    """Connect, with the fields in place."""
    crm = connect(settings(ready))
    crm.provision(FIELDS)
    return crm


def rows_of(pages: Iterator[Page]) -> list[dict[str, Any]]:
    rows = [row for page in pages for row in page.rows.to_pylist()]
    return sorted(rows, key=lambda row: str(row["Id"]))


def test_who_we_are_and_who_may_own(crm: SalesforceCrm) -> None:
    connection = crm.check()
    assert connection.org_id.startswith("00D")
    assert connection.api_limit
    assert connection.server_time_at.year == 2026
    owners = crm.owners()
    assert {owner.queue for owner in owners} == {True, False}
    assert any(owner.id == connection.user_id for owner in owners) or len(owners) > 2


def test_provisioning_again_creates_nothing(crm: SalesforceCrm) -> None:
    assert crm.provision(FIELDS) == ([], NAMES)
    lead = crm.describe("Lead")
    assert lead is not None
    assert [lead.fields[field.name].kind for field in FIELDS[:4]] == [field.kind for field in FIELDS[:4]]
    assert crm.describe("No_Such_Thing__c") is None


def test_pages_and_bulk_read_the_same_rows(crm: SalesforceCrm, ready: dict[str, Any]) -> None:
    by_bulk = connect(replace(settings(ready), bulk_read_above=10))
    for name, columns in {"Lead": COLUMNS, "CampaignMember": ["Status", "Campaign.Name"], "Task": ["Subject"]}.items():
        rows = rows_of(crm.changes(name, columns, None))
        assert rows == rows_of(by_bulk.changes(name, columns, None))
        assert len(rows) > 10


def test_updates_by_call_and_by_job_arrive_and_are_seen_by_the_next_pull(
    crm: SalesforceCrm, ready: dict[str, Any]
) -> None:
    pages = list(crm.changes("Lead", COLUMNS, None))
    open_ids = [row["Id"] for page in pages for row in page.rows.to_pylist() if not row["IsConverted"]]
    for number, above in enumerate((2_000, 10)):
        why = f'round {number}: "quoted", ünïcode\nand a line'
        fields: dict[str, JsonScalar] = {
            "Leadlight_Score__c": 40 + number,
            "Leadlight_Why__c": why,
            "Leadlight_Hot__c": True,
        }
        writer = connect(replace(settings(ready), bulk_write_above=above))
        assert all(result.ok for result in writer.write([Write("Lead", fields, id=each) for each in open_ids]))
        seen = rows_of(crm.changes("Lead", list(fields), pages[-1].cursor))
        assert [{name: row[name] for name in fields} for row in seen] == [fields] * len(open_ids)
    cleared = connect(replace(settings(ready), bulk_write_above=0))
    assert cleared.write([Write("Lead", {"Leadlight_Why__c": None}, id=open_ids[0])])[0].ok
    rows = rows_of(crm.changes("Lead", ["Leadlight_Why__c"], None))
    assert next(row for row in rows if row["Id"] == open_ids[0])["Leadlight_Why__c"] is None


@pytest.mark.fault("I1")
def test_a_task_is_made_once_per_key(crm: SalesforceCrm) -> None:
    fields = {"Subject": "Call", "Status": "Not Started", "Priority": "High"}
    tasks = [Write("Task", fields, key=("Leadlight_Key__c", f"key-{number}")) for number in range(210)]
    first, second = crm.write(tasks), crm.write(tasks)
    assert all(result.created for result in first)
    assert not any(result.created for result in second)
    assert [result.id for result in first] == [result.id for result in second]


@pytest.mark.fault("F8")
def test_refusals_are_told_row_by_row(crm: SalesforceCrm) -> None:
    (lead, *_) = [
        row
        for page in crm.changes("Lead", ["IsConverted"], None)
        for row in page.rows.to_pylist()
        if not row["IsConverted"]
    ]
    good, bad = crm.write(
        [
            Write("Lead", {"Leadlight_Score__c": 1}, id=lead["Id"]),
            Write("Lead", {"Leadlight_Score__c": 1}, id="00Q000000000000AAA"),
        ]
    )
    assert good.ok
    assert not bad.ok
    assert bad.code


def test_a_wrong_secret_is_an_auth_error(ready: dict[str, Any]) -> None:
    with pytest.raises(AuthError):
        connect(replace(settings(ready), client_secret="wrong")).check()
    with pytest.raises(AuthError):
        connect(replace(settings(ready), auth="token", access_token="wrong")).check()
