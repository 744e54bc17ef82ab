"""Logins, quotas, field permissions and the journal; without a recording: from the vendor's documentation."""

import base64
import json
import time
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.sandbox.http import Response
from connector.sandbox.salesforce.org import INTEGRATION_USER
from tests.sandbox.salesforce_org import OrgInMemory

SCORE = {"FullName": "Lead.Score__c", "Metadata": {"label": "Score", "type": "Number", "precision": 5, "scale": 2}}


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def log_in(org: OrgInMemory, headers: dict[str, str] | None = None, **form: str) -> Response:
    """Ask the token endpoint."""
    return org.send("POST", "/services/oauth2/token", urlencode(form).encode(), headers=headers)


def grant(org: OrgInMemory, *fields: str, edit: bool = True) -> None:
    """Grant fields to the connecting user by a permission set."""
    own = org.answer("POST", "/sobjects/PermissionSet", {"Name": f"P{len(fields)}", "Label": "P"})["id"]
    for field in fields:
        order = {"ParentId": own, "SobjectType": field.partition(".")[0], "Field": field, "PermissionsRead": True}
        assert org.send("POST", "/sobjects/FieldPermissions", {**order, "PermissionsEdit": edit}).status == 201
    assignment = {"PermissionSetId": own, "AssigneeId": INTEGRATION_USER}
    assert org.send("POST", "/sobjects/PermissionSetAssignment", assignment).status == 201


def test_client_credentials_open_a_session(org: OrgInMemory) -> None:
    basic = {"authorization": "Basic " + base64.b64encode(b"client:secret").decode()}
    body = json.loads(log_in(org, basic, grant_type="client_credentials").body)
    assert body["token_type"] == "Bearer"
    assert "expires_in" not in body
    session = {"authorization": f"Bearer {body['access_token']}"}
    assert org.send("GET", "/limits", headers=session).status == 200
    by_form = log_in(org, grant_type="client_credentials", client_id="client", client_secret="wrong")
    assert (by_form.status, json.loads(by_form.body)["error"]) == (400, "invalid_client")
    assert json.loads(log_in(org, grant_type="magic").body)["error"] == "unsupported_grant_type"


def test_jwt_is_verified_by_the_public_key() -> None:
    key, stranger = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    org = OrgInMemory(jwt_public_key=pem)
    claims = {
        "iss": "client",
        "sub": "connector@sandbox.invalid",
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
    }
    bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def ask(signer: rsa.RSAPrivateKey, **changes: str) -> Response:
        assertion = jwt.encode({**claims, **changes}, signer, algorithm="RS256")
        return log_in(org, grant_type=bearer, assertion=assertion)

    body = json.loads(ask(key).body)
    assert {"access_token", "instance_url", "id", "token_type", "scope"} == set(body)
    assert json.loads(ask(stranger).body)["error_description"] == "invalid assertion"
    assert json.loads(ask(key, exp="100").body)["error_description"] == "expired authorization code"
    assert json.loads(ask(key, sub="other@x.example").body)["error"] == "invalid_grant"
    assert json.loads(ask(key, aud="https://evil.example").body)["error_description"] == "Audience validation failed"


def test_userinfo_and_versions_count_as_nothing(org: OrgInMemory) -> None:
    info = org.send("GET", "/services/oauth2/userinfo")
    assert json.loads(info.body)["user_id"] == INTEGRATION_USER
    assert "Sforce-Limit-Info" not in info.headers
    versions = org.answer("GET", "/services/data", headers={"authorization": ""})
    assert versions[0] == {"label": "Winter '21", "url": "/services/data/v50.0", "version": "50.0"}
    assert versions[-1]["version"] == "66.0"
    assert org.send("GET", "/services/data/v49.0/limits").status == 404
    used = org.send("GET", "/limits").headers["Sforce-Limit-Info"]
    assert used == "api-usage=1/100000"


def test_dead_sessions_are_refused(org: OrgInMemory) -> None:
    response = org.send("GET", "/limits", headers={"authorization": "Bearer no"})
    assert response.status == 401
    assert json.loads(response.body) == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_daily_quota_stops_calls_until_the_day_is_over(org: OrgInMemory) -> None:
    org.switches.daily_quota = 2
    assert [org.send("GET", "/limits").status for _ in range(3)] == [200, 200, 403]
    response = org.send("GET", "/limits")
    assert json.loads(response.body) == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert response.headers["Sforce-Limit-Info"] == "api-usage=2/2"
    org.clock.advance(25 * 3600)
    assert org.answer("GET", "/limits")["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    org.switches.daily_quota = 0
    assert all(org.send("GET", "/limits").status == 200 for _ in range(5))


def test_too_long_addresses_are_refused(org: OrgInMemory) -> None:
    response = org.send("GET", "/query", query={"q": "SELECT Id FROM Lead WHERE Name = '" + "x" * 17_000 + "'"})
    assert response.status == 414
    assert b"URI Too Long" in response.body


def test_methods_and_paths_that_are_not_there(org: OrgInMemory) -> None:
    assert org.send("POST", "/limits").status == 405
    assert org.send("GET", "/nothing").status == 404
    assert org.send("GET", "/services/nothing").status == 404
    assert org.answer("POST", "/sobjects/Lead", b"{")[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_new_fields_are_unseen_until_granted(org: OrgInMemory) -> None:
    assert org.send("POST", "/tooling/sobjects/CustomField/", SCORE).status == 201
    assert org.error("SELECT Score__c FROM Lead")[0] == "INVALID_FIELD"
    names = [field["name"] for field in org.answer("GET", "/sobjects/Lead/describe")["fields"]]
    assert "Score__c" not in names
    refused = org.answer("POST", "/sobjects/Lead", {"LastName": "L", "Company": "C", "Score__c": 1})
    assert refused[0]["message"] == "No such column 'Score__c' on sobject of type Lead"
    grant(org, "Lead.Score__c")
    org.create("Lead", LastName="L", Company="C", Score__c=1.5)
    assert org.values("SELECT Score__c FROM Lead") == [1.5]
    again = org.answer("POST", "/tooling/sobjects/CustomField/", SCORE)
    assert again[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"


def test_read_only_grants_do_not_let_write(org: OrgInMemory) -> None:
    org.send("POST", "/tooling/sobjects/CustomField/", SCORE)
    grant(org, "Lead.Score__c", edit=False)
    refused = org.answer("POST", "/sobjects/Lead", {"LastName": "L", "Company": "C", "Score__c": 1})
    assert refused[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    field = next(f for f in org.answer("GET", "/sobjects/Lead/describe")["fields"] if f["name"] == "Score__c")
    assert (field["createable"], field["updateable"], field["custom"]) == (False, False, True)


def test_activity_fields_are_on_tasks_and_events(org: OrgInMemory) -> None:
    metadata = {"label": "Key", "type": "Text", "length": 80, "unique": True, "externalId": True}
    order = {"FullName": "Activity.Leadlight_Key__c", "Metadata": metadata}
    assert org.send("POST", "/tooling/sobjects/CustomField/", order).status == 201
    grant(org, "Task.Leadlight_Key__c", "Event.Leadlight_Key__c")
    org.create("Task", Subject="Call", Leadlight_Key__c="k")
    again = org.answer("POST", "/sobjects/Task", {"Subject": "Call", "Leadlight_Key__c": "K"})
    assert again[0]["errorCode"] == "DUPLICATE_VALUE"
    assert org.query("SELECT Leadlight_Key__c FROM Event")["totalSize"] == 0
    on_task = {"FullName": "Task.Other__c", "Metadata": metadata}
    assert org.send("POST", "/tooling/sobjects/CustomField/", on_task).status == 400


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"type": "Text", "length": 10}, "Label"),
        ({"label": "X", "type": "Rainbow"}, "Metadata"),
        ({"label": "X", "type": "Number", "precision": 2, "scale": 5}, "Precision"),
        ({"label": "X", "type": "Text"}, "Length"),
        ({"label": "X", "type": "LongTextArea", "length": 10}, "Length"),
        ({"label": "X", "type": "Checkbox"}, "DefaultValue"),
        ({"label": "X", "type": "Lookup"}, "ReferenceTo"),
    ],
)
def test_definitions_that_do_not_hold_are_refused(org: OrgInMemory, metadata: dict[str, object], field: str) -> None:
    (error,) = org.answer("POST", "/tooling/sobjects/CustomField/", {"FullName": "Lead.X__c", "Metadata": metadata})
    assert error["fields"] == [field]


def test_hidden_fields_are_not_there(org: OrgInMemory) -> None:
    org.switches.hidden_fields = frozenset({"Lead.Email"})
    assert org.error("SELECT Email FROM Lead")[0] == "INVALID_FIELD"
    names = [field["name"] for field in org.answer("GET", "/sobjects/Lead/describe")["fields"]]
    assert "Email" not in names
    assert "Phone" in names


def test_custom_fields_outlive_the_process(org: OrgInMemory) -> None:
    org.send("POST", "/tooling/sobjects/CustomField/", SCORE)
    grant(org, "Lead.Score__c")
    again = type(org.app)(org.storage, org.clock, org.switches, org.credentials)
    org.app = again
    assert org.query("SELECT Score__c FROM Lead")["totalSize"] == 0


def test_reads_and_writes_are_journaled_once(org: OrgInMemory) -> None:
    own = org.create("Account", Name="A")
    org.query("SELECT Id FROM Account")
    org.send("PATCH", f"/sobjects/Account/{own}", {"Name": "B"})
    org.send("PATCH", f"/sobjects/Account/{own}", {"Nope": 1})
    journal = org.storage.journal(0)
    assert [(row["op"], row["actor"], row["status"]) for row in journal] == [
        ("create", "connector", 201),
        ("read", "connector", 200),
        ("update", "connector", 204),
        ("read", "connector", 400),
    ]
    assert json.loads(journal[2]["before"]) == {"Name": "A"}


def test_pretty_answers_put_a_space_before_the_colon(org: OrgInMemory) -> None:
    pretty = {"x-prettyprint": "1"}
    empty = org.send("GET", "/query", query={"q": "SELECT Id FROM Lead"}, headers=pretty)
    assert empty.body == b'{\n  "totalSize" : 0,\n  "done" : true,\n  "records" : [ ]\n}'
    for name in ("A", "B"):
        org.create("Account", Name=name)
    page = org.send("GET", "/query", query={"q": "SELECT Name FROM Account"}, headers=pretty)
    assert b'"totalSize" : 2' in page.body
    assert [record["Name"] for record in json.loads(page.body)["records"]] == ["A", "B"]
