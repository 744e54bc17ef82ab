"""Real answers of Salesforce to writes, jobs, logins and setup, met by the adapter over the real client library."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from connector.crm.base import Write, WriteResult
from connector.errors import AuthError
from mappings.fields import NewField
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
CASSETTE = "tasks/bulkdata/tests/cassettes/TestUpdatesIntegrationTests.test_updates_task.yaml"
JOB = "jobs/ingest/750ak000009BWKLAA4"
TOKEN_FORM = urlencode({"grant_type": "client_credentials"})


def contacts() -> list[Write]:
    """Make the two updates that were recorded."""
    return [
        Write("Contact", {"FirstName": "Siena", "LastName": "Dyer"}, id="003ak00000jvIfpAAE"),
        Write("Contact", {"FirstName": "Markus", "LastName": "Blevins"}, id="003ak00000jvIfqAAE"),
    ]


def collections_asked(body: object, method: str = "PATCH") -> Asked:
    return Asked(method, "composite/sobjects", body=body)


def recorded_payload() -> Asked:
    return collections_asked(body_of(AMP + "batch/update/contacts/payload.json").json())


def test_the_recorded_update_is_sent_as_recorded_and_acknowledged(tmp_path: Path) -> None:
    crm = adapter()
    with replayed(tmp_path, [(recorded_payload(), body_of(AMP + "batch/update/contacts/success.json"))]):
        results = crm.write(contacts())
    assert results == [WriteResult(id="003ak00000jvIfpAAE"), WriteResult(id="003ak00000jvIfqAAE")]
    assert (crm.calls.read, crm.calls.write) == (0, 1)


def test_the_recorded_update_of_six_accounts_is_sent_as_recorded(tmp_path: Path) -> None:
    request, recorded = interaction(CASSETTE, 2)
    body = json.loads(request["body"])
    for record in body["records"]:
        record["id"] = record.pop("Id")  # the vendor takes either spelling
    writes = [
        Write("Account", {k: v for k, v in record.items() if k not in ("id", "attributes")}, id=record["id"])
        for record in body["records"]
    ]
    with replayed(tmp_path, [(collections_asked(body), recorded)]):
        results = adapter().write(writes)
    assert [result.id for result in results] == [write.id for write in writes]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("partial-but-allOrNone", ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]),
        ("err-each-no-ids", ["MISSING_ARGUMENT", "MISSING_ARGUMENT"]),
    ],
)
def test_refused_rows_are_values_in_their_place(tmp_path: Path, name: str, codes: list[str]) -> None:
    with replayed(tmp_path, [(recorded_payload(), body_of(AMP + f"batch/update/contacts/{name}.json"))]):
        results = adapter().write(contacts())
    assert [result.code for result in results] == codes
    assert not any(result.ok or result.retry for result in results)
    assert all(result.message for result in results)


def test_a_row_is_refused_with_its_id_in_the_answer(tmp_path: Path) -> None:
    recorded = Recorded(json.dumps([body_of(AMP + "success-with-errors.json").json()]))
    write = Write("Account", {"Name": "A"}, id="001RM000003oLrB000")
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Account"}, "id": write.id, "Name": "A"}]}
    with replayed(tmp_path, [(collections_asked(body), recorded)]):
        (result,) = adapter().write([write])
    assert (result.ok, result.code) == (False, "MALFORMED_ID")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("batch/create/contacts/err-bad-request.json", 400, "REQUIRED_FIELD_MISSING"),
        ("invalid-field-upsert.json", 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("crm/delete/not-found.json", 404, "ENTITY_IS_DELETED"),
    ],
)
def test_a_refused_call_is_sent_in_parts_and_told_for_each_of_its_rows(
    tmp_path: Path, name: str, status: int, code: str
) -> None:
    """The refusals of the parts are those of the whole: nobody recorded them."""
    whole, refused = body_of(AMP + "batch/update/contacts/payload.json").json(), body_of(AMP + name, status)
    parts = [collections_asked({**whole, "records": [record]}) for record in whole["records"]]
    with replayed(tmp_path, [(asked, refused) for asked in (recorded_payload(), *parts)]):
        results = adapter().write(contacts())
    assert [result.code for result in results] == [code, code]


def test_creates_with_a_key_answer_as_recorded(tmp_path: Path) -> None:
    recorded = body_of(AMP + "batch/create/contacts/payload.json").json()
    writes = []
    for number, record in enumerate(recorded["records"]):
        writes.append(
            Write("Contact", {k: v for k, v in record.items() if k != "attributes"}, key=("Key__c", f"{number}"))
        )
        record["Key__c"] = f"{number}"
    answer = body_of(AMP + "batch/create/contacts/success.json")
    with replayed(tmp_path, [(collections_asked(recorded, "POST"), answer)]):
        results = adapter().write(writes)
    assert results == [WriteResult(id=row["id"], created=True) for row in answer.json()]


def opportunity_updates(count: int) -> tuple[list[Write], str]:
    """Make updates, and the CSV they become."""
    ids = [f"006ak0000{number:06d}AAA" for number in range(count)]
    text = '"Id","StageName"\n' + "".join(f'"{record_id}","Won"\n' for record_id in ids)
    return [Write("Opportunity", {"StageName": "Won"}, id=record_id) for record_id in ids], text


def life_cycle(csv_text: str, *infos: Recorded, results: tuple[Recorded, ...] = ()) -> list[tuple[Asked, Recorded]]:
    """Pair a bulk update with the recorded life cycle of an upsert job; the shapes are the same."""
    order = {
        "operation": "update",
        "object": "Opportunity",
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    close = {"state": "UploadComplete"}
    files = ("unprocessedrecords", "failedResults", "successfulResults")
    return [
        (Asked("POST", "jobs/ingest", body=order), body_of(AMP + "bulk/write/launch-job-opportunity.json")),
        (Asked("PUT", f"{JOB}/batches", text=csv_text), wrapped("jobs_batches_201.json")),
        (Asked("PATCH", JOB, body=close), body_of(AMP + "bulk/write/update-job-opportunity.json")),
        *((Asked("GET", JOB), info) for info in infos),
        *((Asked("GET", f"{JOB}/{name}"), result) for name, result in zip(files, results, strict=False)),
    ]


def test_a_bulk_update_that_went_well_needs_no_result_files(tmp_path: Path) -> None:
    writes, text = opportunity_updates(3000)
    infos = body_of(AMP + "bulk/info/in-progress.json"), body_of(AMP + "bulk/info/success.json")
    crm = adapter()
    with replayed(tmp_path, life_cycle(text, *infos)):
        results = crm.write(writes)
    assert [result.id for result in results] == [write.id for write in writes]
    assert (crm.calls.read, crm.calls.write) == (0, 5)


def test_a_bulk_update_with_failures_is_answered_row_by_row(tmp_path: Path) -> None:
    """The recorded failure has no id, as its job was an insert; it gets the id that updates carry."""
    writes, text = opportunity_updates(8)
    failed = body_of(AMP + "bulk/info/partial-failure.csv").body.replace('""', f'"{writes[7].id}"', 1)
    done = '"sf__Id","sf__Created","Id"\n' + "".join(f'"{write.id}","false","{write.id}"\n' for write in writes[6::-1])
    results = tuple(Recorded(body, type="text/csv") for body in ("", failed, done))
    exchanges = life_cycle(text, body_of(AMP + "bulk/info/partial-failure.json"), results=results)
    with replayed(tmp_path, exchanges):
        answers = adapter(bulk_write_above=2).write(writes)
    assert [answer.id for answer in answers[:7]] == [write.id for write in writes[:7]]
    assert (answers[7].code, answers[7].retry) == ("INVALID_FIELD", False)
    assert "is not a valid value for the type xsd:date" in (answers[7].message or "")


def test_a_job_refused_as_a_whole_tells_every_row_why(tmp_path: Path) -> None:
    writes, text = opportunity_updates(3)
    empty = tuple(Recorded("", type="text/csv") for _ in range(3))
    exchanges = life_cycle(text, body_of(AMP + "bulk/info/complete-failure.json"), results=empty)
    with replayed(tmp_path, exchanges):
        answers = adapter(bulk_write_above=2).write(writes)
    assert {answer.code for answer in answers} == {"InvalidBatch"}
    assert "StageName_invalid_field_on_purpose" in (answers[0].message or "")


def test_older_result_files_without_ids_leave_the_rows_open(tmp_path: Path) -> None:
    writes, text = opportunity_updates(3)
    names = ("unprocessed", "failures", "successes")
    exchanges = life_cycle(
        text,
        body_of(AMP + "bulk/info/partial-failure.json"),
        results=tuple(wrapped(f"jobs_get_{name}_200.json") for name in names),
    )
    with replayed(tmp_path, exchanges):
        answers = adapter(bulk_write_above=2).write(writes)
    assert {(answer.code, answer.retry) for answer in answers} == {("NO_RESULT", True)}


def client_credentials() -> dict[str, Any]:
    return {"auth": "client_credentials", "access_token": None, "client_id": "3MVG", "client_secret": "made-up"}


@pytest.mark.parametrize("name", ["auth_error_response.json", "refresh_error_response.json"])
def test_a_refused_login_says_what_was_refused(tmp_path: Path, name: str) -> None:
    refused = body_of(f"restforce/spec/fixtures/{name}", 400)
    asked = Asked("POST", "/services/oauth2/token", text=TOKEN_FORM)
    with replayed(tmp_path, [(asked, refused)]), pytest.raises(AuthError, match="invalid_grant") as caught:
        adapter(**client_credentials()).describe("Lead")
    assert "made-up" not in caught.value.message


def test_an_expired_session_is_renewed_once_and_the_request_repeated(tmp_path: Path) -> None:
    asked = Asked("POST", "/services/oauth2/token", text=TOKEN_FORM)
    describe = Asked("GET", f"{API}sobjects/Lead/describe")
    crm = adapter(**client_credentials())
    with replayed(
        tmp_path,
        [
            (asked, body_of("restforce/spec/fixtures/auth_success_response.json")),
            (describe, body_of("restforce/spec/fixtures/expired_session_response.json", 401)),
            (asked, body_of("restforce/spec/fixtures/reauth_success_response.json")),
            (describe, recorded_describe("Lead")),
        ],
    ):
        assert crm.describe("Lead") is not None
    assert crm.calls.read == 4


def test_provision_of_what_is_there_sends_nothing_but_a_describe(tmp_path: Path) -> None:
    field = NewField("Lead", "Company", "Company", "text", "")
    crm = adapter()
    with replayed(tmp_path, [(Asked("GET", "sobjects/Lead/describe"), recorded_describe("Lead"))]):
        assert crm.provision([field]) == ([], ["Lead.Company"])
    assert crm.calls.write == 0
