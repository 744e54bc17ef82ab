"""Reading and writing records in the HubSpot sandbox."""

import json
from typing import Any

import pytest

from tests.sandbox.hubspot_portal import Portal

CONTACTS = "/crm/v3/objects/contacts"


def contact(portal: Portal, **properties: Any) -> str:  # noqa: ANN401 - JSON
    """Create a contact and give its id."""
    return str(portal.read("POST", CONTACTS, {"properties": properties})["id"])


def problems(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the codes and names that a 400 tells inside its message."""
    inner = str(body["message"]).partition("Property values were not valid: ")[2]
    return [(each["error"], each["name"]) for each in json.loads(inner)]


def test_list_pages_are_stable_under_inserts() -> None:
    """`after` is the next id to read: what is created meanwhile comes at the end."""
    portal = Portal()
    ids = [contact(portal, firstname=str(n)) for n in range(5)]
    first = portal.read("GET", CONTACTS, limit="2")
    late = contact(portal, firstname="late")
    seen = [each["id"] for each in first["results"]]
    page = first
    while "paging" in page:
        page = portal.read("GET", CONTACTS, limit="2", after=page["paging"]["next"]["after"])
        seen += [each["id"] for each in page["results"]]
    assert seen == [*ids, late]


def test_list_orders_ids_as_numbers() -> None:
    """An id of three digits comes before one of four."""
    portal = Portal()
    for number in ("1000", "999", "51"):
        portal.ensure("contacts", number)
    assert [each["id"] for each in portal.read("GET", CONTACTS)["results"]] == ["51", "999", "1000"]


def test_read_lag_keeps_lists_behind() -> None:
    """A list leaves out what was changed within the lag; a read by id does not."""
    portal = Portal()
    number = contact(portal)
    portal.switches.read_lag_s = 5
    assert portal.read("GET", CONTACTS)["results"] == []
    assert portal.status("GET", f"{CONTACTS}/{number}") == 200
    portal.clock.advance(5)
    assert [each["id"] for each in portal.read("GET", CONTACTS)["results"]] == [number]


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1"])
def test_list_limit_is_checked(limit: str) -> None:
    """A page has 1 to 100 records."""
    assert Portal().status("GET", CONTACTS, limit=limit) == 400


def test_unset_is_null_and_unknown_is_left_out() -> None:
    """Properties may be repeated or joined by commas."""
    portal = Portal()
    number = contact(portal, email="a@example.com")
    for given in (["phone,email,nonsense"], ["phone", "email", "nonsense"]):
        body = json.loads(portal.ask("GET", f"{CONTACTS}/{number}", query={"properties": given}).body)
        assert set(body["properties"]) == {"createdate", "email", "hs_object_id", "lastmodifieddate", "phone"}
        assert body["properties"]["phone"] is None


@pytest.mark.parametrize("name", ["contacts", "contact", "Contact", "0-1"])
def test_object_types_have_many_spellings(name: str) -> None:
    """Plural, singular and type id lead to the same object, on version 3 and on dated paths."""
    portal = Portal()
    number = contact(portal)
    for path in (f"/crm/v3/objects/{name}/{number}", f"/crm/objects/2026-09/{name}/{number}"):
        assert portal.read("GET", path)["id"] == number


def test_new_contact_has_computed_values() -> None:
    """Stage, domain and source are HubSpot's own; a stage's date is told in milliseconds."""
    portal = Portal()
    body = portal.read("POST", CONTACTS, {"properties": {"email": "Ana@Acme.COM", "lifecyclestage": "customer"}})
    told = body["properties"]
    assert told["email"] == "ana@acme.com"
    assert told["hs_email_domain"] == "acme.com"
    assert told["hs_object_source"] == "INTEGRATION"
    assert told["hs_lifecyclestage_customer_date"].isdigit()
    assert body["createdAt"] == body["updatedAt"] == told["lastmodifieddate"]


def test_update_bumps_the_stamp_and_tells_what_changed() -> None:
    """A clear is told as an empty text, as the real one does."""
    portal = Portal()
    number = contact(portal, firstname="Ana", phone="1")
    portal.clock.advance(60)
    body = portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"phone": ""}})
    assert body["properties"]["phone"] == ""
    assert "firstname" not in body["properties"]
    assert body["updatedAt"] > body["createdAt"]
    assert body["properties"]["lastmodifieddate"] == body["updatedAt"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nonsense", "1", "PROPERTY_DOESNT_EXIST"),
        ("lastmodifieddate", "1", "READ_ONLY_VALUE"),
        ("hubspotscore", "1", "READ_ONLY_VALUE"),
        ("annualrevenue", "1,000", "INVALID_INTEGER"),
        ("annualrevenue", "1.4e-14", "INVALID_INTEGER"),
        ("lifecyclestage", "Lead", "INVALID_OPTION"),
        ("hs_buying_role", "CHAMPION;nobody", "INVALID_OPTION"),
        ("closedate", "soon", "INVALID_LONG"),
        ("email", "not-an-address", "INVALID_EMAIL"),
        ("hubspot_owner_id", "999", "INVALID_OWNER_ID"),
        ("birthday", "1750000000001", "INVALID_DATE"),
        ("subscribed", "yes", "INVALID_OPTION"),
    ],
)
def test_values_are_checked(name: str, value: str, code: str) -> None:
    """One bad value refuses the write, with its code inside the message and among the errors."""
    portal = Portal()
    portal.app.schema.add_property("contacts", "birthday", "date", "date")
    portal.app.schema.add_property("contacts", "subscribed", "bool", "booleancheckbox")
    response = portal.ask("POST", CONTACTS, {"properties": {name: value}})
    body = json.loads(response.body)
    assert response.status == 400
    assert problems(body) == [(code, name)]
    assert [each["code"] for each in body["errors"]] == [code]
    assert portal.app.records("contacts") == []


def test_values_are_normalised() -> None:
    """Times and dates come as ISO 8601 or milliseconds, booleans and numbers as JSON or text."""
    portal = Portal()
    portal.own(7)
    portal.app.schema.add_property("contacts", "birthday", "date", "date")
    portal.app.schema.add_property("contacts", "subscribed", "bool", "booleancheckbox")
    moments = {"birthday": 1735603200000, "closedate": "2024-12-31T23:59:59Z"}
    number = contact(portal, **moments, subscribed=True, annualrevenue=5.5, hubspot_owner_id=7)
    names = "birthday,closedate,subscribed,annualrevenue,hubspot_owner_id"
    told = portal.read("GET", f"{CONTACTS}/{number}", properties=names)["properties"]
    assert told["birthday"] == "2024-12-31"
    assert told["closedate"] == "2024-12-31T23:59:59Z"
    assert (told["subscribed"], told["annualrevenue"], told["hubspot_owner_id"]) == ("true", "5.5", "7")


def test_inactive_owner_is_refused_and_listed_as_archived() -> None:
    """The sandbox's switch makes an owner inactive."""
    portal = Portal()
    portal.own(7)
    portal.switches.inactive_users = frozenset({"7"})
    body = portal.read("POST", CONTACTS, {"properties": {"hubspot_owner_id": "7"}})
    assert problems(body) == [("INVALID_OWNER_ID", "hubspot_owner_id")]
    assert portal.read("GET", "/crm/v3/owners/")["results"] == []
    assert [each["id"] for each in portal.read("GET", "/crm/v3/owners", archived="true")["results"]] == ["7"]


def test_hidden_fields_are_absent_from_reads_and_unknown_to_writes() -> None:
    """What the token may not see is left out, silently; `Object.*` takes the scope away."""
    portal = Portal()
    number = contact(portal, phone="1")
    portal.switches.hidden_fields = frozenset({"contacts.phone", "Deal.*"})
    assert "phone" not in portal.read("GET", f"{CONTACTS}/{number}", properties="phone")["properties"]
    assert "phone" not in {each["name"] for each in portal.read("GET", "/crm/v3/properties/contacts")["results"]}
    assert problems(portal.read("PATCH", f"{CONTACTS}/{number}", {"properties": {"phone": "2"}})) == [
        ("PROPERTY_DOESNT_EXIST", "phone")
    ]
    refused = portal.read("GET", "/crm/v3/objects/deals")
    assert refused["category"] == "MISSING_SCOPES"
    assert refused["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.deals.read"]


def test_address_is_unique_whatever_its_case() -> None:
    """A second contact gets 409 with the first one's id; so does an update; a cleared address is free again."""
    portal = Portal()
    first, second = contact(portal, email="a@example.com"), contact(portal, email="b@example.com")
    response = portal.ask("POST", CONTACTS, {"properties": {"email": "A@EXAMPLE.com"}})
    assert (response.status, json.loads(response.body)["message"]) == (
        409,
        f"Contact already exists. Existing ID: {first}",
    )
    assert portal.status("PATCH", f"{CONTACTS}/{second}", {"properties": {"email": "a@example.com"}}) == 409
    for number in (first, second):
        assert portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": {"email": ""}}) == 200
    assert portal.status("PATCH", f"{CONTACTS}/{second}", {"properties": {"email": "a@example.com"}}) == 200


def test_archived_records_are_apart() -> None:
    """They leave lists and reads, and come with archived=True, in any case; archiving twice is no error."""
    portal = Portal()
    number, kept = contact(portal, email="a@example.com"), contact(portal)
    assert portal.status("DELETE", f"{CONTACTS}/{number}") == 204
    assert portal.status("DELETE", f"{CONTACTS}/{number}") == 204
    assert [each["id"] for each in portal.read("GET", CONTACTS)["results"]] == [kept]
    archived = portal.read("GET", CONTACTS, archived="True")["results"]
    assert [(each["id"], each["archived"], "archivedAt" in each) for each in archived] == [(number, True, True)]
    assert portal.status("GET", f"{CONTACTS}/{number}") == 404
    assert portal.status("PATCH", f"{CONTACTS}/{number}", {"properties": {}}) == 404
    assert contact(portal, email="a@example.com") != number


def test_batch_read_lists_what_is_missing_in_one_error() -> None:
    """Status 207; by address the answer's keys are the asked values."""
    portal = Portal()
    number = contact(portal, email="a@example.com")
    asked = {"inputs": [{"id": number}, {"id": "1"}, {"id": "x"}], "properties": ["email"]}
    response = portal.ask("POST", f"{CONTACTS}/batch/read", asked)
    body = json.loads(response.body)
    assert (response.status, body["numErrors"], body["errors"][0]["context"]) == (207, 1, {"ids": ["1", "x"]})
    by_address = {"inputs": [{"id": "A@example.com"}], "idProperty": "email", "properties": []}
    found = portal.read("POST", f"{CONTACTS}/batch/read", by_address)
    assert [each["id"] for each in found["results"]] == [number]
    assert "email" not in found["results"][0]["properties"]
    assert portal.status("POST", f"{CONTACTS}/batch/read", {**by_address, "idProperty": "phone"}) == 400


@pytest.mark.parametrize("act", ["read", "create", "update", "upsert", "archive"])
def test_batches_take_a_hundred_inputs(act: str) -> None:
    """101 are refused."""
    inputs = [{"id": str(n), "properties": {}} for n in range(101)]
    assert Portal().status("POST", f"{CONTACTS}/batch/{act}", {"inputs": inputs}) == 400


def test_batch_create_is_all_or_nothing_without_traces() -> None:
    """With a mark of its own on every input the good ones are made."""
    portal = Portal()
    inputs = [{"properties": {"email": address}} for address in ("a@example.com", "b@example.com", "a@example.com")]
    assert portal.status("POST", f"{CONTACTS}/batch/create", {"inputs": inputs}) == 409
    assert portal.app.records("contacts") == []
    traced = [{**each, "objectWriteTraceId": f"t{n}"} for n, each in enumerate(inputs)]
    response = portal.ask("POST", f"{CONTACTS}/batch/create", {"inputs": traced})
    body = json.loads(response.body)
    assert (response.status, len(body["results"])) == (207, 2)
    existing = next(each["id"] for each in body["results"] if each["properties"]["email"] == "a@example.com")
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["t2"], "existingId": [existing]}


def test_batch_update_with_a_bad_value_changes_nothing() -> None:
    """Missing ids alone leave the rest applied, in one commit."""
    portal = Portal()
    one, two = contact(portal, firstname="1"), contact(portal, firstname="2")
    bad = [{"id": one, "properties": {"firstname": "x"}}, {"id": two, "properties": {"lifecyclestage": "nope"}}]
    assert portal.status("POST", f"{CONTACTS}/batch/update", {"inputs": bad}) == 400
    assert portal.read("GET", f"{CONTACTS}/{one}")["properties"]["firstname"] == "1"
    commits = portal.storage.commits
    partly = [{"id": one, "properties": {"firstname": "x"}}, {"id": "5", "properties": {}}]
    assert portal.status("POST", f"{CONTACTS}/batch/update", {"inputs": partly}) == 207
    assert portal.read("GET", f"{CONTACTS}/{one}")["properties"]["firstname"] == "x"
    assert portal.storage.commits == commits + 1


def test_upsert_by_unique_property_of_tasks() -> None:
    """The first call creates, the second finds; the key is unique whatever wrote it."""
    portal = Portal()
    portal.app.schema.add_property("tasks", "leadlight_key", "string", "text", unique=True)
    properties = {"hs_timestamp": "2026-07-02T09:00:00Z", "hs_task_subject": "Call"}
    task = {"idProperty": "leadlight_key", "id": "k1", "properties": properties}
    first = portal.read("POST", "/crm/v3/objects/tasks/batch/upsert", {"inputs": [task]})
    second = portal.read("POST", "/crm/v3/objects/tasks/batch/upsert", {"inputs": [task]})
    assert [each["results"][0]["new"] for each in (first, second)] == [True, False]
    assert first["results"][0]["id"] == second["results"][0]["id"]
    assert first["results"][0]["properties"]["hs_task_status"] == "NOT_STARTED"
    again = {"properties": {**properties, "leadlight_key": "K1"}}
    assert portal.status("POST", "/crm/v3/objects/tasks", again) == 400
    mixed = [task, {"id": "1", "properties": {}}]
    assert portal.status("POST", "/crm/v3/objects/tasks/batch/upsert", {"inputs": mixed}) == 400


def test_activity_needs_its_time() -> None:
    """A new task without hs_timestamp is refused."""
    body = Portal().read("POST", "/crm/v3/objects/tasks", {"properties": {"hs_task_subject": "Call"}})
    assert (body["category"], body["context"]) == ("VALIDATION_ERROR", {"properties": ["hs_timestamp"]})


def test_journal_tells_writes_reads_and_people() -> None:
    """Every change has its row, with actor and status; a person's edit bumps the stamp like any other."""
    portal = Portal()
    number = contact(portal, firstname="Ana")
    portal.status("GET", f"{CONTACTS}/{number}")
    portal.clock.advance(5)
    portal.app.edit("human", "contacts", number, {"firstname": "Anna", "hubspotscore": 5})
    rows = [(row["actor"], row["op"], row["object"], row["status"]) for row in portal.storage.journal(0)]
    assert rows == [
        ("connector", "create", "contacts", 201),
        ("connector", "read", "contacts", 200),
        ("human", "update", "contacts", 200),
    ]
    told = portal.read("GET", f"{CONTACTS}/{number}")
    assert told["properties"]["firstname"] == "Anna"
    assert told["updatedAt"] > told["createdAt"]
    for fields, error in (
        ({"nonsense": "1"}, KeyError),
        ({"createdate": "1"}, KeyError),
        ({"lifecyclestage": "nope"}, ValueError),
    ):
        with pytest.raises(error):
            portal.app.edit("human", "contacts", number, fields)
    for name, edited in (("contacts", "1"), ("unicorns", number)):
        with pytest.raises(KeyError):
            portal.app.edit("human", name, edited, {"firstname": "x"})
    portal.app.edit("human", "Contact", number, {"archived": True})
    assert portal.status("GET", f"{CONTACTS}/{number}") == 404
    assert [row["op"] for row in portal.storage.journal(3)][-2:] == ["delete", "read"]


def test_deal_follows_its_stage() -> None:
    """Closing a deal sets its date and amount; a stage of no pipeline is refused."""
    portal = Portal()
    won = {"dealname": "A", "amount": "10", "dealstage": "closedwon"}
    deal = portal.read("POST", "/crm/v3/objects/deals", {"properties": won})
    told = deal["properties"]
    assert (told["hs_is_closed"], told["hs_is_closed_won"], told["hs_closed_amount"]) == ("true", "true", "10")
    assert told["closedate"] == deal["createdAt"]
    assert portal.status("POST", "/crm/v3/objects/deals", {"properties": {"dealstage": "nope"}}) == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/v3/lists/folders/1/move", 404),
        ("PUT", "/crm/v3/objects/contacts", 405),
        ("GET", "/crm/v3/objects/unicorns", 400),
        ("GET", "/crm/v3/associations/contacts/companies/types", 404),
        ("GET", "/crm/v3/objects/contacts/abc", 404),
    ],
)
def test_unknown_paths(method: str, path: str, status: int) -> None:
    """What is not served is not pretended."""
    assert Portal().status(method, path) == status


def test_token_is_needed_and_overlong_addresses_are_refused() -> None:
    """401 in the vendor's words, without limits; 414 as HTML."""
    portal = Portal()
    refused = portal.ask("GET", CONTACTS, token="wrong")
    assert (refused.status, json.loads(refused.body)["category"]) == (401, "INVALID_AUTHENTICATION")
    assert not any("RateLimit" in name for name in refused.headers)
    long = portal.ask("GET", CONTACTS, query={"properties": ["x" * 20_000]})
    assert (long.status, long.headers["Content-Type"]) == (414, "text/html")


def test_broken_json_is_told_with_its_place() -> None:
    """A parse error has no category."""
    body = json.loads(Portal().ask("POST", CONTACTS, b'{"properties": ').body)
    assert body["message"].startswith("Invalid input JSON on line 1, column 16")
    assert "category" not in body
