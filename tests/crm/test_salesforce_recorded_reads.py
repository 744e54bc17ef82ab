"""Real answers of Salesforce, read by the adapter over the real client library."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from connector.crm.base import Page
from connector.crm.salesforce import SalesforceCrm
from connector.errors import AuthError, ConfigError
from tests.crm.salesforce_recordings import (
    AMP,
    API,
    Asked,
    Recorded,
    adapter,
    body_of,
    interaction,
    needs_recordings,
    recorded_describe,
    replayed,
    wrapped,
)

pytestmark = needs_recordings
TASKS = "tasks/bulkdata/tests/cassettes/"
START = json.dumps({"stamp": "2026-07-01T12:00:00+00:00"})


def describe_asked(name: str) -> Asked:
    return Asked("GET", f"sobjects/{name}/describe")


def query_asked(source: str, *columns: str) -> Asked:
    """Write the query of a first pull, as the adapter puts it: with what it needs to see deletions and successors."""
    there = {raw["name"] for raw in recorded_describe(source).json()["fields"]}
    successors = [name for name in ("MasterRecordId", "ConvertedContactId") if name in there]
    names = ", ".join(["Id", *columns, "SystemModstamp", "IsDeleted", *successors])
    rest = "WHERE IsDeleted = false ORDER BY SystemModstamp, Id"
    return Asked("GET", "queryAll/", {"q": " ".join(["SELECT", names, "FROM", source, rest])})


def pull(crm: SalesforceCrm, source: str, *columns: str) -> list[Page]:
    return list(crm.changes(source, columns, None))


@pytest.mark.parametrize("name", ["Lead", "Contact", "Account", "Event", "Opportunity", "OpportunityContactRole"])
def test_a_recorded_describe_is_read_field_by_field(tmp_path: Path, name: str) -> None:
    recorded = recorded_describe(name)
    with replayed(tmp_path, [(describe_asked(name), recorded)]):
        info = adapter().describe(name)
    assert info is not None
    expected = {raw["name"] for raw in recorded.json()["fields"] if raw["type"] not in ("address", "location")}
    assert set(info.fields) == expected
    assert info.fields["Id"].kind == "text"
    assert info.fields["SystemModstamp"].kind == "datetime"
    assert not info.fields["SystemModstamp"].updateable


def test_the_lead_describe_has_lengths_owners_and_choices(tmp_path: Path) -> None:
    crm = adapter()
    with replayed(tmp_path, [(describe_asked("Lead"), recorded_describe("Lead"))]):
        info = crm.describe("Lead")
        assert crm.describe("Lead") is info
    assert info is not None
    assert info.fields["Company"].length == 255
    assert set(info.fields["OwnerId"].references) == {"Group", "User"}
    assert info.fields["IsConverted"].createable
    assert not info.fields["IsConverted"].updateable
    assert (info.fields["NumberOfEmployees"].kind, info.fields["AnnualRevenue"].kind) == ("number", "number")
    assert info.fields["LeadSource"].options
    assert "Address" not in info.fields
    assert crm.calls.read == 1


def test_describes_come_together_in_one_recorded_answer(tmp_path: Path) -> None:
    recorded = [body_of(f"{AMP}metadata/read/{name}-sampled.json").json() for name in ("accounts", "organization")]
    parts = [part for each in recorded for part in each["compositeResponse"]]
    names = [part["referenceId"] for part in parts]
    asked = [
        {"method": "GET", "url": f"{API}sobjects/{name}/describe", "referenceId": f"r{place}"}
        for place, name in enumerate(names)
    ]
    answer = {"compositeResponse": [part | {"referenceId": f"r{place}"} for place, part in enumerate(parts)]}
    order = Asked("POST", "composite", body={"allOrNone": False, "compositeRequest": asked})
    with replayed(tmp_path, [(order, Recorded(json.dumps(answer)))]):
        crm = adapter()
        found = crm.describe_many(names)
    assert names == ["Account", "Organization"]
    assert [info.name for info in found.values() if info] == names
    account = found["Account"]
    assert account is not None
    assert {"Name", "CreatedDate"} <= account.fields.keys()
    assert (crm.calls.read, crm.calls.write) == (1, 0)


def test_a_person_account_describe_is_read(tmp_path: Path) -> None:
    _, recorded = interaction("tests/cassettes/GET_sobjects_Account_PersonAccount_describe.yaml")
    with replayed(tmp_path, [(describe_asked("Account"), recorded)]):
        info = adapter().describe("Account")
    assert info is not None
    assert info.fields["IsPersonAccount"].kind == "boolean"
    assert info.fields["PersonMailingLatitude"].kind == "number"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (AMP + "unknown-object.json", 400),
        ("restforce/spec/fixtures/sobject/sobject_describe_error_response.json", 404),
    ],
)
def test_an_unknown_object_is_no_object(tmp_path: Path, body: str, status: int) -> None:
    with replayed(tmp_path, [(describe_asked("Accout"), body_of(body, status))]):
        assert adapter().describe("Accout") is None


def test_a_recorded_page_of_accounts_becomes_rows(tmp_path: Path) -> None:
    _, recorded = interaction(TASKS + "TestUpdatesIntegrationTests.test_updates_task.yaml", 1)
    asked = query_asked("Account", "Name", "NumberOfEmployees")
    with replayed(tmp_path, [(describe_asked("Account"), recorded_describe("Account")), (asked, recorded)]):
        (page,) = pull(adapter(), "Account", "Name", "NumberOfEmployees")
    expected = [(row["Id"], row["Name"], None) for row in recorded.json()["records"]]
    assert [tuple(row.values()) for row in page.rows.to_pylist()] == expected
    assert page.rows.schema.field("NumberOfEmployees").type == pa.float64()
    assert (page.deleted, page.cursor) == ((), START)


def test_text_with_commas_and_line_feeds_comes_through(tmp_path: Path) -> None:
    _, recorded = interaction(TASKS + "TestSelect.test_select_similarity_select_and_insert_strategy.yaml", 1)
    asked = query_asked("Account", "Description", "AccountNumber")
    with replayed(tmp_path, [(describe_asked("Account"), recorded_describe("Account")), (asked, recorded)]):
        (page,) = pull(adapter(), "Account", "Description", "AccountNumber")
    assert page.rows["Description"].to_pylist() == [row["Description"] for row in recorded.json()["records"]]


def test_parents_that_are_null_or_of_several_types_become_text_columns(tmp_path: Path) -> None:
    """The recorded query asked by TYPEOF; the answer nests parents as a dotted path does."""
    cassette = TASKS + "TestSelect.test_select_similarity_select_and_insert_strategy.yaml"
    _, recorded = interaction(cassette, 9)
    columns = ("Subject", "DurationInMinutes", "ActivityDateTime", "Who.LastName", "Who.Email", "What.Name")
    with replayed(
        tmp_path,
        [(describe_asked("Event"), recorded_describe("Event")), (query_asked("Event", *columns), recorded)],
    ):
        (page,) = pull(adapter(), "Event", *columns)
    assert page.rows["What.Name"].to_pylist() == [None, "Tom Cruise", "Tom Cruise"]
    assert page.rows["Who.LastName"].to_pylist() == ["Contact"] * 3
    assert page.rows["Who.Email"].null_count == 3
    assert page.rows["DurationInMinutes"].to_pylist() == [60.0] * 3
    assert page.rows["ActivityDateTime"][2].as_py() == datetime(3156, 11, 12, 13, tzinfo=UTC)


def test_compound_values_and_child_rows_are_passed_over(tmp_path: Path) -> None:
    recorded = body_of(AMP + "read-opportunity-with-contacts.json")
    asked = query_asked("Opportunity", "Amount", "StageName")
    with replayed(tmp_path, [(describe_asked("Opportunity"), recorded_describe("Opportunity")), (asked, recorded)]):
        (page,) = pull(adapter(), "Opportunity", "Amount", "StageName")
    assert page.rows.drop(["Id"]).to_pylist() == [{"Amount": 50000.0, "StageName": "Prospecting"}]


def test_pages_follow_the_recorded_locator_to_the_last(tmp_path: Path) -> None:
    """The last page is recorded; the ones before it are recorded leads in the envelope of an unfinished query."""
    last, leads = wrapped("query_more_multibatch_2_200.json"), body_of(AMP + "read-list-leads.json")
    locators = [f"/services/data/v37.0/query/01g0Y00000WSKTzQAP-{at}" for at in (2000, 4000)]
    early = [
        Recorded(json.dumps({**leads.json(), "totalSize": 4021, "done": False, "nextRecordsUrl": locator}))
        for locator in locators
    ]
    with replayed(
        tmp_path,
        [
            (describe_asked("Lead"), recorded_describe("Lead")),
            (query_asked("Lead", "City"), early[0]),
            (Asked("GET", locators[0]), early[1]),
            (Asked("GET", locators[1]), last),
        ],
    ):
        pages = pull(adapter(), "Lead", "City")
    assert [page.rows.num_rows for page in pages] == [8, 8, len(last.json()["records"])]
    assert pages[0].rows["City"].to_pylist()[:2] == ["Tallahassee", None]
    assert [page.cursor for page in pages] == ["", "", START]


def test_people_who_were_deleted_for_good_are_told_by_the_log(tmp_path: Path) -> None:
    logged = body_of("restforce/spec/fixtures/sobject/get_deleted_success_response.json")
    span = {"start": "2026-07-01T11:55:00+00:00", "end": "2026-07-01T12:00:00+00:00"}
    names = "Id, City, SystemModstamp, IsDeleted, MasterRecordId, ConvertedContactId"
    since = "WHERE SystemModstamp >= 2026-07-01T11:55:00Z ORDER BY SystemModstamp, Id"
    query = Asked("GET", "queryAll/", {"q": f"SELECT {names} FROM Lead {since}"})  # noqa: S608 - SOQL, as expected
    exchanges = [
        (describe_asked("Lead"), recorded_describe("Lead")),
        (query, body_of(AMP + "read-list-leads.json")),
        (Asked("GET", "sobjects/Lead/deleted/", span), logged),
    ]
    with replayed(tmp_path, exchanges):
        first, second = adapter().changes("Lead", ("City",), START)
    assert (first.deleted, first.rows.num_rows) == (("a00D0000008pQRAIA2",), 0)
    assert second.rows.num_rows == 8


def test_a_finished_page_is_the_last_even_where_it_names_another(tmp_path: Path) -> None:
    with replayed(
        tmp_path,
        [
            (describe_asked("Lead"), recorded_describe("Lead")),
            (query_asked("Lead", "City"), body_of(AMP + "read-list-leads.json")),
        ],
    ):
        (page,) = pull(adapter(), "Lead", "City")
    assert page.rows.num_rows == 8


def test_a_field_that_does_not_exist_is_a_problem_of_configuration(tmp_path: Path) -> None:
    exchanges = [
        (describe_asked("Account"), recorded_describe("Account")),
        (query_asked("Account", "Name"), body_of(AMP + "unknown-field.json", 400)),
    ]
    with replayed(tmp_path, exchanges), pytest.raises(ConfigError, match="INVALID_FIELD No such column 'AccountNumer'"):
        pull(adapter(), "Account", "Name")


def test_all_fields_missing_from_the_describe_are_named_before_anything_is_read(tmp_path: Path) -> None:
    with (
        replayed(tmp_path, [(describe_asked("Lead"), recorded_describe("Lead"))]),
        pytest.raises(ConfigError) as caught,
    ):
        pull(adapter(), "Lead", "Email", "Nope__c", "Other.Name")
    assert [problem.split(" ")[0] for problem in caught.value.problems] == ["Lead.Nope__c", "Lead.Other.Name"]


def test_an_expired_token_that_was_given_is_said_at_once(tmp_path: Path) -> None:
    expired = wrapped("login_response_401.json")
    with replayed(tmp_path, [(Asked("GET", f"{API}sobjects/Lead/describe"), expired)]), pytest.raises(AuthError):
        adapter().describe("Lead")
