"""Requests for recordings that hold an answer alone: each sets up its state and asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.org import INTEGRATION_USER
from tests.sandbox.salesforce_cases import AMP, DB, PY, RESTFORCE
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory
from tests.sandbox.salesforce_recordings import FOLDER, interactions
from tests.sandbox.salesforce_replay import Replay

COLLECTIONS = "/composite/sobjects"
INGEST = "/jobs/ingest"
KEY = "external_id__c"


@dataclass(frozen=True)
class BodyCase:
    """Ask something whose answer a recording holds; status as the recording's own story has it."""

    ask: Callable[[Replay], Response]
    status: int = 200
    apart: frozenset[str] = frozenset()
    any_length: bool = False


def contact(**fields: object) -> dict[str, Any]:
    """Write one row of a collection."""
    return {"attributes": {"type": "Contact"}, **fields}


def two_contacts(org: OrgInMemory) -> list[str]:
    """Make two contacts."""
    return [org.create("Contact", LastName=name) for name in ("Dyer", "Blevins")]


def rows(method: str, records: list[dict[str, Any]], *, all_or_none: bool = False) -> Callable[[Replay], Response]:
    """Send a collection."""
    payload = {"allOrNone": all_or_none, "records": records}
    return lambda replay: replay.org.send(method, COLLECTIONS, payload)


def recorded_payload(name: str) -> dict[str, Any]:
    """Read a recorded request body."""
    payload: dict[str, Any] = interactions(name)[0].body
    return payload


def create_recorded(replay: Replay) -> Response:
    """Send the recorded creation."""
    return replay.org.send("POST", COLLECTIONS, recorded_payload(f"{AMP}/test/batch/create/contacts/payload.json"))


def update_recorded(replay: Replay) -> Response:
    """Send the recorded update to two contacts of this org."""
    payload = recorded_payload(f"{AMP}/test/batch/update/contacts/payload.json")
    own_ids = two_contacts(replay.org)
    records = [record | {"id": own} for record, own in zip(payload["records"], own_ids, strict=True)]
    return replay.org.send("PATCH", COLLECTIONS, {**payload, "records": records})


def update_one_unknown_field(replay: Replay) -> Response:
    """Update two contacts in one transaction, the second with a field that is not there."""
    first, second = two_contacts(replay.org)
    records = [contact(id=first, LastName="A"), contact(id=second, unknownField_LastName="B")]
    return rows("PATCH", records, all_or_none=True)(replay)


def deleted_twice(replay: Replay) -> Response:
    """Delete a record that is deleted."""
    own = replay.org.create("Contact", LastName="Gone")
    replay.org.send("DELETE", f"/sobjects/Contact/{own}")
    return replay.org.send("DELETE", f"/sobjects/Contact/{own}")


def read_only_field(replay: Replay) -> Response:
    """Write a field nobody may."""
    own = replay.org.create("Lead", LastName="L", Company="C")
    return replay.org.send("PATCH", f"/sobjects/Lead/{own}", {"MasterRecordId": own}, headers=NO_RULES)


def duplicate_assignment(replay: Replay) -> Response:
    """Assign a permission set twice."""
    names = {"Name": "IntegrationCustomFieldVisibility", "Label": "Visibility"}
    own = replay.org.answer("POST", "/sobjects/PermissionSet", names)["id"]
    payload = {"AssigneeId": INTEGRATION_USER, "PermissionSetId": own}
    replay.org.send("POST", "/sobjects/PermissionSetAssignment", payload)
    return replay.org.send("POST", "/sobjects/PermissionSetAssignment", payload)


def asked(soql: str, file: str) -> Callable[[Replay], Response]:
    """Ask a query over the records a recording answered."""

    def ask(replay: Replay) -> Response:
        replay.mirror(interactions(file)[0].body)
        return replay.org.send("GET", "/query", query={"q": soql})

    return ask


def last_page(replay: Replay) -> Response:
    """Read the last page of 4,021 leads."""
    for _ in range(4021):
        replay.org.put("Lead", {"LastName": "L"})
    locator = replay.org.query("SELECT Id FROM Lead")["nextRecordsUrl"].rsplit("-", 1)[0]
    return replay.org.send("GET", f"{locator}-4000")


def open_job(org: OrgInMemory, operation: str, name: str, **more: object) -> str:
    """Make an ingest job and give its id."""
    org.add_text_field("Opportunity", KEY, key=True)
    order = {"operation": operation, "object": name, "contentType": "CSV", "lineEnding": "LF", **more}
    return str(org.answer("POST", INGEST, order)["id"])


def job_made(operation: str, name: str, **more: object) -> Callable[[Replay], Response]:
    """Make an ingest job."""

    def ask(replay: Replay) -> Response:
        replay.org.add_text_field("Opportunity", KEY, key=True)
        order = {"operation": operation, "object": name, "contentType": "CSV", "lineEnding": "LF", **more}
        return replay.org.send("POST", INGEST, order)

    return ask


def job_closed(operation: str, name: str, **more: object) -> Callable[[Replay], Response]:
    """Say that a job's upload is complete."""

    def ask(replay: Replay) -> Response:
        job = open_job(replay.org, operation, name, **more)
        replay.org.send("PUT", f"{INGEST}/{job}/batches", b"Name\nA\n")
        return replay.org.send("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})

    return ask


def job_run(
    text: bytes, path: str = "", operation: str = "upsert", name: str = "Opportunity"
) -> Callable[[Replay], Response]:
    """Run a job to its end and ask for its state or a file of results."""

    def ask(replay: Replay) -> Response:
        more = {"externalIdFieldName": KEY} if operation == "upsert" else {}
        job = open_job(replay.org, operation, name, **more)
        replay.org.send("PUT", f"{INGEST}/{job}/batches", text)
        replay.org.send("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
        while replay.org.answer("GET", f"{INGEST}/{job}")["state"] == "InProgress":
            pass
        return replay.org.send("GET", f"{INGEST}/{job}{path}")

    return ask


def job_of_file(name: str, path: str = "") -> Callable[[Replay], Response]:
    """Run a job of the CSV that caused a recorded result."""

    def ask(replay: Replay) -> Response:
        text = (FOLDER / f"amp-labs-connectors/test/salesforce/bulk/write/{name}").read_bytes()
        return job_run(text, path)(replay)

    return ask


def many_opportunities(count: int) -> bytes:
    """Write opportunities."""
    lines = "".join(f"Deal {i},GENERATED,key-{i},2024-04-05\n" for i in range(count))
    return f"Name,StageName,{KEY},CloseDate\n{lines}".encode()


def job_in_progress(replay: Replay) -> Response:
    """Ask for a job whose rows are not all done."""
    job = open_job(replay.org, "upsert", "Opportunity", externalIdFieldName=KEY)
    replay.org.send("PUT", f"{INGEST}/{job}/batches", many_opportunities(10_001))
    replay.org.send("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
    return replay.org.send("GET", f"{INGEST}/{job}")


def refused_accounts(replay: Replay) -> Response:
    """Insert accounts that are refused; the recorded org did so by a validation rule, this one by a name too long."""
    names = "\n".join("x" * 256 for _ in range(2))
    return job_run(f"Name\n{names}\n".encode(), "/failedResults", "insert", "Account")(replay)


def job_listed(replay: Replay) -> Response:
    """List the jobs."""
    open_job(replay.org, "insert", "Account")
    return replay.org.send("GET", INGEST)


def job_open(replay: Replay) -> Response:
    """Ask for an open job."""
    return replay.org.send("GET", f"{INGEST}/{open_job(replay.org, 'insert', 'Account')}")


def job_uploaded(replay: Replay) -> Response:
    """Upload a job's rows."""
    job = open_job(replay.org, "insert", "Account")
    return replay.org.send("PUT", f"{INGEST}/{job}/batches", b"Name\nA\n")


def job_deleted(replay: Replay) -> Response:
    """Delete an aborted job."""
    job = open_job(replay.org, "insert", "Account")
    replay.org.send("PATCH", f"{INGEST}/{job}", {"state": "Aborted"})
    return replay.org.send("DELETE", f"{INGEST}/{job}")


def unprocessed(replay: Replay) -> Response:
    """Read the rows an aborted job left."""
    job = open_job(replay.org, "insert", "Account")
    replay.org.send("PUT", f"{INGEST}/{job}/batches", b"Name\nSalesforce.com\nUniversal Containers\n")
    replay.org.send("PATCH", f"{INGEST}/{job}", {"state": "Aborted"})
    return replay.org.send("GET", f"{INGEST}/{job}/unprocessedrecords")


def password_login(replay: Replay) -> Response:
    """Log in with a password and a security token behind it."""
    body = b"grant_type=password&client_id=client&client_secret=secret&password=passwordTOKEN"
    return replay.org.send("POST", "/services/oauth2/token", body + b"&username=connector%40sandbox.invalid")


def account(
    method: str, payload: dict[str, Any] | None = None, **options: Mapping[str, str]
) -> Callable[[Replay], Response]:
    """Do something to an account of this org."""

    def ask(replay: Replay) -> Response:
        own = replay.org.create("Account", Name="sfdc_py")
        return replay.org.send(method, f"/sobjects/Account/{own}", payload, **options)

    return ask


def changed(which: str, count: int) -> Callable[[Replay], Response]:
    """Ask for the ids changed or deleted in the last hour."""

    def ask(replay: Replay) -> Response:
        ids = [replay.org.create("Contact", LastName=f"C{i}") for i in range(count)]
        if which == "deleted":
            replay.org.send("DELETE", f"/sobjects/Contact/{ids[0]}")
        replay.org.clock.advance(120)
        span = {"start": "2026-07-01T11:00:00+00:00", "end": "2026-07-01T12:30:00Z"}
        return replay.org.send("GET", f"/sobjects/Contact/{which}/", query=span)

    return ask


def ambiguous_upsert(replay: Replay) -> Response:
    """Upsert by a value two contacts have."""
    for name in ("A", "B"):
        replay.org.create("Contact", LastName=name, Email="same@example.com")
    return replay.org.send("PATCH", "/sobjects/Contact/Email/same@example.com", {"FirstName": "F"})


def sent(method: str, path: str, payload: object = None, **options: Mapping[str, str]) -> Callable[[Replay], Response]:
    """Send one request to a fresh org."""
    return lambda replay: replay.org.send(method, path, payload, **options)


def upsert_new(replay: Replay) -> Response:
    """Upsert a record that is not there yet."""
    replay.org.add_text_field("Account", "External_Field__c", key=True)
    return replay.org.send("PATCH", "/sobjects/Account/External_Field__c/333", {"Name": "New"})


BATCH, BULK = f"{AMP}/test/batch", f"{AMP}/test/bulk"
V46 = frozenset({"created"})
ANY_COUNT = frozenset({"numberRecordsProcessed"})
BODY_CASES: dict[str, BodyCase] = {
    f"{BATCH}/create/contacts/err-bad-request.json": BodyCase(rows("POST", []), 400),
    f"{BATCH}/create/contacts/partial-but-allOrNone.json": BodyCase(
        rows("POST", [contact(FirstName="A"), contact(LastName="B")], all_or_none=True)
    ),
    f"{BATCH}/create/contacts/success.json": BodyCase(create_recorded),
    f"{BATCH}/update/contacts/err-each-no-ids.json": BodyCase(
        rows("PATCH", [contact(LastName="A"), contact(LastName="B")])
    ),
    f"{BATCH}/update/contacts/partial-but-allOrNone.json": BodyCase(update_one_unknown_field),
    f"{BATCH}/update/contacts/success.json": BodyCase(update_recorded),
    f"{BULK}/delete/launch-job-opportunity.json": BodyCase(job_made("delete", "Opportunity")),
    f"{BULK}/delete/update-job-opportunity.json": BodyCase(job_closed("delete", "Opportunity")),
    f"{BULK}/info/complete-failure.json": BodyCase(job_of_file("opportunities-complete-failure.csv")),
    f"{BULK}/info/in-progress.json": BodyCase(job_in_progress, apart=ANY_COUNT),
    f"{BULK}/info/partial-failure.json": BodyCase(job_of_file("opportunities-partial-failure.csv")),
    f"{BULK}/info/success.json": BodyCase(job_run(many_opportunities(30)), apart=ANY_COUNT),
    f"{BULK}/read-launch-job-account.json": BodyCase(
        sent("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
    ),
    f"{BULK}/write/launch-job-opportunity.json": BodyCase(job_made("upsert", "Opportunity", externalIdFieldName=KEY)),
    f"{BULK}/write/update-job-opportunity.json": BodyCase(job_closed("upsert", "Opportunity", externalIdFieldName=KEY)),
    f"{AMP}/test/create-ok.json": BodyCase(sent("POST", "/sobjects/Account", {"Name": "A"}), 201),
    f"{AMP}/test/crm/delete/not-found.json": BodyCase(deleted_twice, 404),
    f"{AMP}/test/invalid-field-upsert.json": BodyCase(read_only_field, 400),
    f"{AMP}/test/metadata/write/err-duplicate-permission-assignment.json": BodyCase(
        duplicate_assignment, 400, frozenset({"message"})
    ),
    f"{AMP}/test/metadata/write/permission-set.json": BodyCase(
        asked(
            "SELECT Id, Name FROM PermissionSet WHERE IsOwnedByProfile = false",
            f"{AMP}/test/metadata/write/permission-set.json",
        )
    ),
    f"{AMP}/test/read-list-contacts.json": BodyCase(
        asked(
            "SELECT AccountId, Department, AssistantName, Description FROM Contact",
            f"{AMP}/test/read-list-contacts.json",
        )
    ),
    f"{AMP}/test/read-opportunity-with-account.json": BodyCase(
        asked(
            "SELECT Id, Name, AccountId, Amount, StageName FROM Opportunity",
            f"{AMP}/test/read-opportunity-with-account.json",
        )
    ),
    f"{AMP}/test/read-opportunity-with-contacts.json": BodyCase(
        asked(
            "SELECT Id, Name, Amount, StageName, (SELECT Id, ContactId, Role FROM OpportunityContactRoles)"
            " FROM Opportunity",
            f"{AMP}/test/read-opportunity-with-contacts.json",
        )
    ),
    f"{AMP}/test/read-list-leads.json": BodyCase(
        asked("SELECT Address, City, FirstName FROM Lead", f"{AMP}/test/read-list-leads.json"),
        apart=frozenset({"nextRecordsUrl", "CleanStatus"}),  # its authors put a next page behind the last one
    ),
    f"{AMP}/test/unknown-object.json": BodyCase(
        sent("GET", "/query", query={"q": "SELECT Name,BillingCity,IsDeleted FROM Accout"}),
        400,
        frozenset({"message"}),  # the recorded query is not known in full
    ),
    f"{AMP}/test/unknown-field.json": BodyCase(
        sent("POST", "/sobjects/Account", {"Name": "A", "AccountNumer": "1"}), 400
    ),
    f"{DB}/accessing_Salesforce-uses_the_configured_credentials.yml": BodyCase(password_login),
    f"{PY}/api_version_response_200.json": BodyCase(sent("GET", "/services/data"), any_length=True),
    f"{PY}/delete_response_204.json": BodyCase(account("DELETE"), 204),
    f"{PY}/insert_response_201.json": BodyCase(sent("POST", "/sobjects/Account", {"Name": "A"}), 201),
    f"{PY}/jobs_batches_201.json": BodyCase(job_uploaded, 201),
    f"{PY}/jobs_create_200.json": BodyCase(job_made("insert", "Account")),
    f"{PY}/jobs_delete_204.json": BodyCase(job_deleted, 204),
    f"{PY}/jobs_update_close_200.json": BodyCase(job_closed("insert", "Account")),
    f"{PY}/jobs_get_all_200.json": BodyCase(job_listed),
    f"{PY}/jobs_get_job_info_200.json": BodyCase(job_open),
    f"{PY}/login_response_200.json": BodyCase(password_login),
    f"{PY}/sandbox_login_response_200.json": BodyCase(password_login),
    f"{PY}/query_response_200_version_40.json": BodyCase(
        asked("SELECT Id, Name FROM Account", f"{PY}/query_response_200_version_40.json"),
        apart=frozenset({"totalSize"}),  # three of ten records are kept in the recording
    ),
    f"{PY}/query_response_200.json": BodyCase(asked("SELECT Id, Name FROM Account", f"{PY}/query_response_200.json")),
    f"{PY}/query_more_multibatch_2_200.json": BodyCase(last_page),
    f"{PY}/query_sobj_row_response.json": BodyCase(account("GET", query={"fields": "Id,Name"})),
    f"{PY}/update_response_204.json": BodyCase(account("PATCH", {"Name": "B"}), 204),
    f"{PY}/update_response_204_v42.json": BodyCase(account("PATCH", {"Name": "B"}), 204),
    f"{PY}/upsert_non_existing_record_response_201.json": BodyCase(upsert_new, 201, V46),
    f"{RESTFORCE}/expired_session_response.json": BodyCase(
        sent("GET", "/sobjects", headers={"authorization": "Bearer 00D!old"}), 401
    ),
    f"{RESTFORCE}/sobject/get_deleted_success_response.json": BodyCase(changed("deleted", 2)),
    f"{RESTFORCE}/sobject/get_updated_success_response.json": BodyCase(changed("updated", 7)),
    f"{RESTFORCE}/sobject/sobject_describe_error_response.json": BodyCase(sent("GET", "/sobjects/Foo/describe"), 404),
    f"{RESTFORCE}/sobject/upsert_error_response.json": BodyCase(
        sent("PATCH", "/sobjects/Account/Namez/x", {"Site": "S"}), 404
    ),
    f"{RESTFORCE}/sobject/upsert_multiple_error_response.json": BodyCase(ambiguous_upsert, 300),
    f"{RESTFORCE}/sobject/write_error_response.json": BodyCase(
        sent("POST", "/sobjects/Account", {"foo": "x"}), 400, frozenset({"message"})
    ),
}
TEXT_CASES: dict[str, BodyCase] = {
    f"{BULK}/info/partial-failure.csv": BodyCase(job_of_file("opportunities-partial-failure.csv", "/failedResults")),
    f"{PY}/jobs_get_failures_200.json": BodyCase(refused_accounts),
    f"{PY}/jobs_get_successes_200.json": BodyCase(
        job_run(b"Name\nSalesforce.com\nUniversal Containers\n", "/successfulResults", "insert", "Account")
    ),
    f"{PY}/jobs_get_unprocessed_200.json": BodyCase(unprocessed),
}
