"""Bulk API 2.0 jobs; result pages have no recording: from the vendor's documentation."""

import csv
import io

import pytest

from connector.sandbox.http import Response
from tests.sandbox.salesforce_org import OrgInMemory


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def query_job(org: OrgInMemory, soql: str, operation: str = "query") -> str:
    """Make a query job and wait for it."""
    job = org.answer("POST", "/jobs/query", {"operation": operation, "query": soql, "lineEnding": "LF"})
    assert job["state"] == "UploadComplete", job
    done = org.answer("GET", f"/jobs/query/{job['id']}")
    assert (done["state"], done["jobType"]) == ("JobComplete", "V2Query")
    return str(job["id"])


def rows(response: Response) -> list[list[str]]:
    """Parse an answer's CSV."""
    return list(csv.reader(io.StringIO(response.body.decode(), newline="")))


def ingest(org: OrgInMemory, operation: str, text: str, **more: str) -> str:
    """Run an ingest job over leads to its end."""
    order = {"operation": operation, "object": "Lead", "contentType": "CSV", "lineEnding": "LF", **more}
    job = str(org.answer("POST", "/jobs/ingest", order)["id"])
    assert org.send("PUT", f"/jobs/ingest/{job}/batches", text.encode()).status == 201
    org.send("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})
    while org.answer("GET", f"/jobs/ingest/{job}")["state"] == "InProgress":
        pass
    return job


def test_result_pages_repeat_the_header_and_quote_all(org: OrgInMemory) -> None:
    for number in range(5):
        org.put("Lead", {"LastName": f'L"{number}\n', "Company": None, "IsConverted": number % 2, "AnnualRevenue": 2.0})
    job = query_job(org, "SELECT Id, LastName, Company, IsConverted, AnnualRevenue, CreatedDate, Owner.Name FROM Lead")
    first = org.send("GET", f"/jobs/query/{job}/results", query={"maxRecords": "2"})
    assert first.headers["Sforce-NumberOfRecords"] == "2"
    assert first.body.startswith(
        b'"Id","LastName","Company","IsConverted","AnnualRevenue","CreatedDate","Owner.Name"\n'
    )
    assert b'"L""0\n","","false","2.0","2026-07-01T12:00:00.000Z",""' in first.body
    again = org.send("GET", f"/jobs/query/{job}/results", query={"maxRecords": "2"})
    assert again.body == first.body
    second = org.send(
        "GET", f"/jobs/query/{job}/results", query={"maxRecords": "10", "locator": first.headers["Sforce-Locator"]}
    )
    assert second.headers["Sforce-Locator"] == "null"
    assert len(rows(first)) + len(rows(second)) == 2 + 5


def test_results_need_the_version_of_the_job(org: OrgInMemory) -> None:
    job = query_job(org, "SELECT Id FROM Lead")
    assert org.send("GET", f"/services/data/v60.0/jobs/query/{job}/results").status == 409


@pytest.mark.parametrize(
    ("soql", "part"),
    [
        ("SELECT Id, Address FROM Lead", "compound data"),
        ("SELECT COUNT(Id) FROM Lead", "Aggregate"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "Nested queries"),
        ("SELECT Id FROM Lead LIMIT 1 OFFSET 1", "OFFSET"),
    ],
)
def test_bulk_queries_refuse_what_bulk_cannot(org: OrgInMemory, soql: str, part: str) -> None:
    (error,) = org.answer("POST", "/jobs/query", {"operation": "query", "query": soql})
    assert part in error["message"]


def test_deleted_rows_come_with_query_all(org: OrgInMemory) -> None:
    own = org.create("Lead", LastName="L", Company="C")
    org.send("DELETE", f"/sobjects/Lead/{own}")
    live, whole = query_job(org, "SELECT Id FROM Lead"), query_job(org, "SELECT Id FROM Lead", "queryAll")
    counts = [org.send("GET", f"/jobs/query/{job}/results").headers["Sforce-NumberOfRecords"] for job in (live, whole)]
    assert counts == ["0", "1"]


def test_query_jobs_are_aborted_and_deleted(org: OrgInMemory) -> None:
    job = org.answer("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Lead"})["id"]
    assert org.send("DELETE", f"/jobs/query/{job}").status == 400
    assert org.answer("PATCH", f"/jobs/query/{job}", {"state": "Aborted"})["state"] == "Aborted"
    assert org.send("GET", f"/jobs/query/{job}/results").status == 204
    assert org.send("DELETE", f"/jobs/query/{job}").status == 204
    assert org.send("GET", f"/jobs/query/{job}").status == 404


def test_empty_cells_leave_and_marked_cells_clear(org: OrgInMemory) -> None:
    own = org.create("Lead", LastName="L", Company="C", Title="T", Email="a@b.example")
    job = ingest(org, "update", f"Id,Title,Email,Company\n{own},#N/A,,D\n")
    record = org.answer("GET", f"/sobjects/Lead/{own}")
    assert (record["Title"], record["Email"], record["Company"]) == (None, "a@b.example", "D")
    text = org.send("GET", f"/jobs/ingest/{job}/successfulResults").body.decode()
    assert text == f'"sf__Id","sf__Created",Id,Title,Email,Company\n"{own}","false","{own}","#N/A","","D"\n'


def test_rows_fail_alone_with_their_id(org: OrgInMemory) -> None:
    good, bad = org.create("Lead", LastName="A", Company="C"), org.create("Lead", LastName="B", Company="C")
    job = ingest(org, "update", f'Id,Title\n{good},"Vice, President"\n{bad},{"x" * 129}\n00Q,T\n')
    info = org.answer("GET", f"/jobs/ingest/{job}")
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 2)
    failed = rows(org.send("GET", f"/jobs/ingest/{job}/failedResults"))
    assert failed[1][0] == bad
    assert failed[1][1].startswith("STRING_TOO_LONG:Title: data value too large")
    assert failed[2][1].startswith("MALFORMED_ID:")


def test_upsert_tells_new_rows_from_old(org: OrgInMemory) -> None:
    org.add_text_field("Lead", "Key__c", key=True)
    org.create("Lead", LastName="A", Company="C", Key__c="one")
    job = ingest(org, "upsert", "Key__c,LastName,Company\none,B,C\ntwo,D,E\n", externalIdFieldName="Key__c")
    flags = [row[1] for row in rows(org.send("GET", f"/jobs/ingest/{job}/successfulResults"))[1:]]
    assert flags == ["false", "true"]
    assert org.values("SELECT LastName FROM Lead ORDER BY LastName") == ["B", "D"]


def test_assignment_rules_stay_quiet_in_bulk(org: OrgInMemory) -> None:
    ingest(org, "insert", "LastName,Company\nA,B\n")
    assert org.values("SELECT Owner.Type FROM Lead")[0]["Type"] == "User"


def test_a_job_that_cannot_be_read_fails_whole(org: OrgInMemory) -> None:
    unknown = ingest(org, "insert", "LastName,Nope\nA,B\n")
    windows = ingest(org, "insert", "LastName,Company\r\nA,B\r\n")
    infos = [org.answer("GET", f"/jobs/ingest/{job}") for job in (unknown, windows)]
    assert [info["state"] for info in infos] == ["Failed", "Failed"]
    assert infos[0]["errorMessage"] == "InvalidBatch : Field name not found : Nope"
    assert "LineEnding is invalid" in infos[1]["errorMessage"]
    assert rows(org.send("GET", f"/jobs/ingest/{windows}/failedResults"))[1:] == []


def test_data_is_uploaded_once(org: OrgInMemory) -> None:
    job = org.answer("POST", "/jobs/ingest", {"operation": "insert", "object": "Lead"})["id"]
    path = f"/jobs/ingest/{job}/batches"
    assert org.send("PUT", path, b"LastName,Company\nA,B\n").status == 201
    assert org.send("PUT", path, b"LastName,Company\nA,B\n").status == 400
    assert org.answer("POST", "/jobs/ingest", {"operation": "insert", "object": "Nope"})[0]["errorCode"] == "INVALIDJOB"
    assert org.query("SELECT Id FROM Lead")["totalSize"] == 0
