"""The HubSpot sandbox against traffic that others recorded from the real one.

Compared are the status, the headers of note, the keys at every depth, the JSON types, and of errors the category and
the codes. `since` names keys that the vendor has added since a recording was made; `trimmed` marks bodies whose
properties were cut by hand, where the recorded ones must be among ours; of `sampled` lists those entries are compared
that both name; `beyond` names recorded keys that are not served.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connector.sandbox.http import Response
from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.hubspot.values import milliseconds
from tests.sandbox.hubspot_portal import Portal
from tests.sandbox.hubspot_recordings import BODIES, CASSETTES, FOLDER, Interaction, all_files, interactions

URL = frozenset({"url"})
SOURCE = frozenset({"hs_object_source", "hs_object_source_id", "hs_object_source_label"})
CONTACT_ADDRESSES = ("one@example.com", "two@example.com")

Prepare = Callable[[Portal, Interaction], None]
Ask = tuple[str, str, object]


@dataclass(frozen=True)
class Case:
    """Name one recorded interaction and what the account must hold before it is asked again.

    ask and status stand for a recording that is a body alone.
    """

    file: str
    index: int
    prepare: Prepare
    ask: Ask | None = None
    status: int | None = None
    since: frozenset[str] = frozenset()
    trimmed: bool = False
    sampled: bool = False
    beyond: frozenset[str] = frozenset()


def nothing(portal: Portal, recorded: Interaction) -> None:
    """Ask an empty account."""


def unmasked(record: dict[str, Any]) -> dict[str, Any]:
    """Tell contacts apart whose addresses were masked alike."""
    properties = record["properties"]
    if properties.get("email") != "person@example.com":
        return record
    return {**record, "properties": {**properties, "email": f"person{record['id']}@example.com"}}


def results_held(plural: str, *, more: bool = False) -> Prepare:
    """Hold the recorded results (or the one recorded record), and with `more` one beyond the page."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        body = recorded.body
        for record in body.get("results", [body]):
            portal.hold(plural, unmasked(record))
        if more:
            portal.ensure(plural, body["paging"]["next"]["after"])

    return prepare


def results_held_after_cursor(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded results under ids that follow the asked cursor."""
    start = int(recorded.query["after"][0])
    for n, record in enumerate(recorded.body["results"]):
        portal.hold("contacts", unmasked({**record, "id": str(start + n)}))
    portal.ensure("contacts", start + len(recorded.body["results"]))


def linked_to(plural: str, from_id: int, type_id: int, *, more: int = 0) -> Prepare:
    """Hold the recorded results, linked to a record that a search asks for; `more` without being shown."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        for record in recorded.body["results"]:
            portal.hold(plural, record)
            portal.link(type_id, record["id"], from_id)
        for n in range(more):
            portal.link(type_id, 10 + n, from_id)

    return prepare


def recorded_links(from_type: str) -> Prepare:
    """Hold the associations that a read of one record's answer tells."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        own = recorded.path.split("/")[5]
        for result in recorded.body["results"]:
            for kind in result["associationTypes"]:
                portal.link(kind["typeId"], own, result["toObjectId"])

    return prepare


def pairs_held(from_type: str, to_type: str, *, missing: frozenset[int] = frozenset()) -> Prepare:
    """Hold the records that a batch of associations names."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        for each in recorded.sent_json["inputs"]:
            portal.ensure(from_type, each["from"]["id"])
            ends = each["to"] if isinstance(each["to"], list) else [each["to"]]
            for end in ends:
                if end["id"] not in missing:
                    portal.ensure(to_type, end["id"])

    return prepare


def links_and_owner_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the records and the owner that a new record names."""
    targets = {16: "contacts", 204: "contacts", 339: "companies", 192: "companies", 28: "deals", 216: "deals"}
    for each in recorded.sent_json.get("associations", []):
        type_id = each["types"][0]["associationTypeId"]
        portal.ensure(targets.get(type_id, "tickets"), each["to"]["id"])
    if "hubspot_owner_id" in recorded.sent_json["properties"]:
        portal.own(recorded.sent_json["properties"]["hubspot_owner_id"])


def before_update(plural: str, **changed: str) -> Prepare:
    """Hold the recorded record as it was before, and its owner."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        properties = {**recorded.body["properties"], **changed}
        portal.hold(plural, {**recorded.body, "properties": properties})

    return prepare


def meeting_and_contact_held(portal: Portal, recorded: Interaction) -> None:
    """Hold what version 3's PUT links."""
    portal.hold("meetings", {**recorded.body, "properties": {}})
    portal.ensure("contacts", recorded.path.split("/")[8])


def meeting_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the meeting that the path names."""
    portal.ensure("meetings", recorded.path.split("/")[-1])


def owners_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded owners, under the address that was asked for."""
    asked = recorded.query.get("email", [""])[0]
    for owner in recorded.body.get("results", [recorded.body]):
        portal.own(owner["id"], owner["userId"], asked if "@" in asked else None)


def contacts_with_addresses(*ids: str) -> Prepare:
    """Hold contacts that have an address each."""

    def prepare(portal: Portal, recorded: Interaction) -> None:
        for number, address in zip(ids, CONTACT_ADDRESSES, strict=False):
            portal.hold("contacts", {"id": number, "properties": {"email": address}})

    return prepare


def updated_contacts_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded contacts as they were before their update."""
    for record in recorded.body["results"]:
        portal.hold("contacts", {**record, "properties": {**record["properties"], "firstname": "Before"}})


def group_made(portal: Portal, recorded: Interaction) -> None:
    """Have the property group that the recordings use."""
    portal.app.schema.add_group("contacts", "integrationcreatedproperties", "Integration Created Properties", 9)


def properties_made(portal: Portal, recorded: Interaction) -> None:
    """Have the group and the properties of the first recording."""
    group_made(portal, recorded)
    portal.ask(
        "POST",
        "/crm/v3/properties/contacts/batch/create",
        sent("test/custom/create/3-payload-batch-create-properties.json"),
    )


def custom_properties_made(portal: Portal, recorded: Interaction) -> None:
    """Have the custom properties that a sampled list names."""
    portal.app.schema.add_property("contacts", "hobby__c", "string", "text")
    portal.app.schema.add_property("contacts", "autogen", "enumeration", "booleancheckbox", options=["true", "false"])


def page_of_one(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded result of a search, and enough others for its total."""
    portal.hold("contacts", recorded.body["results"][0])
    for n in range(recorded.body["total"] - 1):
        portal.ensure("contacts", 200_000_000_000 + n)


def last_page(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded result of a search as the last of its total."""
    portal.hold("contacts", recorded.body["results"][0])
    for n in range(recorded.body["total"] - 1):
        portal.ensure("contacts", 1000 + n)


def contact_with_primary_company(portal: Portal, recorded: Interaction) -> None:
    """Hold a contact with a company and one without."""
    portal.link(1, 501, 29022297485)
    portal.ensure("contacts", 103107104018)


def contact_and_companies(portal: Portal, recorded: Interaction) -> None:
    """Hold what the recorded links connect."""
    for each in recorded.body["results"]:
        portal.ensure("contacts", each["fromObjectId"])
        portal.ensure("companies", each["toObjectId"])


def contact_alone(portal: Portal, recorded: Interaction) -> None:
    """Hold the contact that is linked to itself."""
    portal.ensure("contacts", 211762804612)


def occurrences_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded occurrences, and enough later ones for a further page where one was told."""
    rows = []
    for each in recorded.body["results"]:
        plural = each["objectType"].lower() + "s"
        known = (each["id"], each["eventType"], plural, int(each["objectId"]))
        rows.append((*known, milliseconds(each["occurredAt"]) or 0, json.dumps(each["properties"])))
    if "paging" in recorded.body:
        rows += [(f"more-{n}", *rows[0][1:4], rows[0][4] + 1 + n, rows[0][5]) for n in range(100)]
    seed_events(portal.storage, rows)


def sent(name: str) -> Any:  # noqa: ANN401 - JSON
    """Read a recorded request body."""
    return json.loads((FOLDER / BODIES / name).read_text(encoding="utf-8"))


def contact_inputs(*ids: str, **properties: str) -> dict[str, Any]:
    """Make a batch of contacts."""
    return {"inputs": [{"id": number, "properties": properties} for number in ids]}


WRONG_NAMES = {"first000name": "a", "last000name": "b"}
NEW_CONTACTS = [
    {"properties": {"email": address, "firstname": "Lily", "lastname": "Skinner"}} for address in CONTACT_ADDRESSES
]
TRACED_CONTACTS = [{**each, "objectWriteTraceId": str(n)} for n, each in enumerate(NEW_CONTACTS)]
CONTACT_BATCH = "/crm/v3/objects/contacts/batch"
SEARCHED = ["firstname", "lastname", "email", "phone", "company", "website"]


def cassette(name: str, index: int, prepare: Prepare, since: frozenset[str] = frozenset()) -> Case:
    """Name a cassette's interaction."""
    return Case(f"{CASSETTES}/{name}.yml", index, prepare, since=since)


def body(name: str, prepare: Prepare, ask: Ask, status: int = 200, **more: Any) -> Case:  # noqa: ANN401 - Case's own
    """Name a recorded body and the request it answers."""
    return Case(f"{BODIES}/{name}.json", 0, prepare, ask=ask, status=status, **more)


CASSETTE_CASES = [
    cassette("Hubspot_Association_all_with_valid_params_finds_the_resources", 3, recorded_links("deals")),
    cassette(
        "Hubspot_Association_batch_create_with_a_valid_request_associates_the_resources",
        3,
        pairs_held("deals", "contacts"),
    ),
    cassette(
        "Hubspot_Association_batch_create_with_an_invalid_ID_returns_false",
        1,
        pairs_held("deals", "contacts", missing=frozenset({1234})),
    ),
    cassette(
        "Hubspot_Association_batch_delete_with_a_valid_request_dissociates_the_resources",
        3,
        pairs_held("deals", "companies"),
    ),
    cassette(
        "Hubspot_Company_add_contact_with_a_valid_company_ID_and_contact_ID_adds_the_contact_to_the_company",
        3,
        pairs_held("companies", "contacts"),
    ),
    cassette("Hubspot_Contact_all_with_a_limit_respects_the_limit", 0, results_held("contacts", more=True)),
    cassette("Hubspot_Contact_all_with_an_offset_has_an_offset", 1, results_held_after_cursor),
    cassette("Hubspot_Contact_all_without_options_has_an_offset", 0, results_held("contacts", more=True)),
    cassette(
        "Hubspot_Deal_associate_associates_the_deal_to_the_contact_and_the_company", 3, pairs_held("deals", "companies")
    ),
    cassette(
        "Hubspot_Deal_associate_associates_the_deal_to_the_contact_and_the_company", 4, pairs_held("deals", "contacts")
    ),
    cassette("Hubspot_Deal_find_by_company_returns_company_deals", 2, recorded_links("companies")),
    cassette("meeting", 0, links_and_owner_held, since=URL | SOURCE),
    cassette("meeting_all", 0, results_held("meetings"), since=URL),
    cassette("meeting_all_limit", 0, results_held("meetings", more=True), since=URL),
    cassette("meeting_all_limit_after", 0, results_held("meetings", more=True), since=URL),
    cassette("meeting_associate", 0, links_and_owner_held, since=URL | SOURCE),
    cassette("meeting_associate", 2, meeting_and_contact_held, since=URL),
    cassette("meeting_destroy", 0, links_and_owner_held, since=URL | SOURCE),
    cassette("meeting_destroy", 1, meeting_held),
    cassette("meeting_error", 0, links_and_owner_held, since=frozenset({"errors"})),
    cassette("meeting_find", 0, results_held("meetings"), since=URL),
    cassette("meeting_find_by_contact", 0, linked_to("meetings", 1451, 200), since=URL),
    cassette("meeting_find_by_contact_custom_filters", 0, linked_to("meetings", 1451, 200), since=URL),
    cassette("meeting_find_by_contact_limit", 0, linked_to("meetings", 1451, 200, more=2), since=URL),
    cassette("owner_all", 0, owners_held),
    cassette("owner_example", 0, owners_held),
    cassette("owner_find_by_email", 0, owners_held),
    cassette("owner_find_by_id", 0, owners_held),
    cassette("owner_find_by_id", 1, owners_held),
    cassette("task", 0, links_and_owner_held, since=URL),
    cassette("task_find", 0, results_held("tasks"), since=URL),
    cassette("task_find", 1, nothing),
    cassette("task_search", 0, linked_to("tasks", 16676542642, 230), since=URL),
    cassette("task_update", 0, before_update("tasks", hs_task_status="NOT_STARTED"), since=URL),
    cassette("ticket", 0, links_and_owner_held, since=URL),
    cassette("ticket_create_property", 0, nothing),
    cassette("ticket_find", 0, results_held("tickets"), since=URL),
    cassette("ticket_find", 1, nothing),
    cassette("ticket_update", 0, before_update("tickets", subject="Old name"), since=URL),
]

BODY_CASES = [
    body(
        "internal/associations/test/contact-to-company-resp",
        contact_and_companies,
        (
            "POST",
            "/crm/v4/associations/contacts/companies/batch/create",
            {
                "inputs": [
                    {
                        "from": {"id": "211762804612"},
                        "to": {"id": number},
                        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}],
                    }
                    for number in ("29013756946", "18417469260")
                ]
            },
        ),
        201,
    ),
    body(
        "internal/associations/test/err-contact-to-contact",
        contact_alone,
        (
            "POST",
            "/crm/v4/associations/contacts/contacts/batch/create",
            {
                "inputs": [
                    {
                        "from": {"id": "211762804612"},
                        "to": {"id": number},
                        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}],
                    }
                    for number in ("unknown_id_123456798", "211762804612")
                ]
            },
        ),
        207,
    ),
    body(
        "test/batch/create/contacts/err-conflict",
        contacts_with_addresses("171591000198"),
        ("POST", f"{CONTACT_BATCH}/create", {"inputs": NEW_CONTACTS}),
        409,
    ),
    body(
        "test/batch/create/contacts/err-many-invalid-properties",
        nothing,
        ("POST", f"{CONTACT_BATCH}/create", {"inputs": [{"properties": WRONG_NAMES}, {"properties": WRONG_NAMES}]}),
        400,
    ),
    body(
        "test/batch/create/contacts/err-partial-success",
        contacts_with_addresses("171591000198"),
        ("POST", f"{CONTACT_BATCH}/create", {"inputs": TRACED_CONTACTS}),
        207,
        trimmed=True,
    ),
    body(
        "test/batch/create/contacts/success",
        nothing,
        ("POST", f"{CONTACT_BATCH}/create", {"inputs": NEW_CONTACTS}),
        201,
    ),
    body(
        "test/batch/update/contacts/err-duplicate-ids",
        contacts_with_addresses("123456"),
        ("POST", f"{CONTACT_BATCH}/update", contact_inputs("123456", "123456", firstname="A")),
        400,
    ),
    body(
        "test/batch/update/contacts/err-many-invalid-properties",
        contacts_with_addresses("1", "2"),
        ("POST", f"{CONTACT_BATCH}/update", contact_inputs("1", "2", **WRONG_NAMES)),
        400,
    ),
    body(
        "test/batch/update/contacts/err-partial-success",
        updated_contacts_held,
        (
            "POST",
            f"{CONTACT_BATCH}/update",
            contact_inputs(
                "171591000199", "unknownIdentifier888", firstname="Siena (updated)", lastname="Dyer (updated)"
            ),
        ),
        207,
    ),
    body(
        "test/batch/update/contacts/success",
        updated_contacts_held,
        (
            "POST",
            f"{CONTACT_BATCH}/update",
            contact_inputs("171591000198", "171591000199", firstname="Markus (updated)", lastname="Blevins (updated)"),
        ),
    ),
    body(
        "test/custom/create/2-response-create-property-group",
        nothing,
        ("POST", "/crm/v3/properties/contacts/groups", "test/custom/create/1-payload-create-property-group.json"),
        201,
    ),
    body(
        "test/custom/create/4-response-batch-create-properties",
        group_made,
        (
            "POST",
            "/crm/v3/properties/contacts/batch/create",
            "test/custom/create/3-payload-batch-create-properties.json",
        ),
        201,
    ),
    body(
        "test/custom/update/1-read-property-group",
        group_made,
        ("GET", "/crm/v3/properties/contacts/groups/integrationcreatedproperties", None),
    ),
    body(
        "test/custom/update/3-response-batch-create-properties",
        properties_made,
        (
            "POST",
            "/crm/v3/properties/contacts/batch/create",
            "test/custom/update/2-payload-batch-create-properties.json",
        ),
        207,
    ),
    body(
        "test/custom/update/5-response-update-property-age",
        properties_made,
        ("PATCH", "/crm/v3/properties/contacts/age__c", "test/custom/update/4-payload-update-property-age.json"),
    ),
    body(
        "test/custom/update/7-response-update-property-interests",
        properties_made,
        (
            "PATCH",
            "/crm/v3/properties/contacts/interests__c",
            "test/custom/update/6-payload-update-property-interests.json",
        ),
    ),
    body("test/metadata-contacts-external-pipelines", nothing, ("GET", "/crm/v3/pipelines/contacts", None)),
    body("test/metadata-deals-external-pipelines", nothing, ("GET", "/crm/v3/pipelines/deals", None)),
    body("test/metadata-deals-properties-sampled", nothing, ("GET", "/crm/v3/properties/deals", None), sampled=True),
    body(
        "test/metadata-contacts-properties-sampled",
        custom_properties_made,
        ("GET", "/crm/v3/properties/contacts", None),
        sampled=True,
        beyond=frozenset({"showCurrencySymbol"}),
    ),
    body("test/post-auth/account-info", nothing, ("GET", "/account-info/v3/details", None)),
    body("test/read/events/e_deal_closed", occurrences_held, ("GET", "/events/v3/events", None)),
    body("test/read/events/e_visited_page", occurrences_held, ("GET", "/events/v3/events/", None)),
    body(
        "test/read/objects-api/contacts-batch",
        results_held("contacts"),
        ("POST", f"{CONTACT_BATCH}/read", contact_inputs("110338039632", "110323586992")),
    ),
    body(
        "test/search/contacts/1-first-page",
        page_of_one,
        ("POST", "/crm/v3/objects/contacts/search", {"limit": 1, "properties": SEARCHED}),
    ),
    body(
        "test/search/contacts/2-second-page",
        last_page,
        ("POST", "/crm/v3/objects/contacts/search", {"limit": 1, "after": "56", "properties": SEARCHED}),
    ),
    body(
        "test/search/contacts/contacts-to-companies",
        contact_with_primary_company,
        (
            "POST",
            "/crm/v4/associations/contacts/companies/batch/read",
            {"inputs": [{"id": "501"}, {"id": "103107104018"}]},
        ),
        207,
    ),
    body("test/search/error-invalid-object", nothing, ("POST", "/crm/v3/objects/butterflies/search", {}), 400),
]

CASES = [*CASSETTE_CASES, *BODY_CASES]

LISTS = "the lists API is not served yet"
LEGACY = "holds calls of versions 1 and 2 alone, which are not served"
CAMPAIGNS = "campaigns are outside the CRM objects served"
MARKETING = "marketing APIs are outside the CRM objects served"
REQUEST = "a request body, sent by another case"
NOT_COMPARED = {
    f"{CASSETTES}/Hubspot_Contact_create_with_an_existing_email_address_raises_an_error.yml": LEGACY,
    f"{CASSETTES}/Hubspot_Contact_create_with_an_invalid_email_address_raises_an_error.yml": LEGACY,
    f"{CASSETTES}/Hubspot_Contact_merge_with_valid_contact_ids_succeeds.yml": LEGACY,
    **{
        f"{CASSETTES}/{name}.yml": LISTS
        for name in (
            *("contact_list_batch_find", "contact_list_find", "contact_list_update", "contact_lists/add_contact"),
            *("contact_lists/add_contact_to_dynamic_list", "contact_lists/remove_unknown_contact"),
            *(
                "contacts_among_list",
                "create_list",
                "create_list_with_filters",
                "fail_to_create_list",
                "find_all_lists",
            ),
        )
    },
    f"{BODIES}/internal/associations/test/contacts-schema-resp.json": "the schemas API is not served yet",
    f"{BODIES}/test/metadata-err-schemas-scope.json": "a 403 of the schemas API, which is not served yet",
    f"{BODIES}/test/batch/read/campaigns/multi-207.json": CAMPAIGNS,
    f"{BODIES}/test/batch/read/campaigns/ok-200.json": CAMPAIGNS,
    **{
        f"{BODIES}/test/read/campaigns/{name}.json": CAMPAIGNS
        for name in ("1-first-page", "2-last-page", "influenced-contacts", "marketing-email-assets-2-page")
    },
    **{
        f"{BODIES}/test/custom/{name}.json": REQUEST
        for name in (
            *("create/1-payload-create-property-group", "create/3-payload-batch-create-properties"),
            *("update/2-payload-batch-create-properties", "update/4-payload-update-property-age"),
            "update/6-payload-update-property-interests",
        )
    },
    f"{BODIES}/test/read-lists-1-first-page.json": LISTS,
    f"{BODIES}/test/read-lists-2-second-page.json": LISTS,
    f"{BODIES}/test/read-via-search/campaigns-response.json": CAMPAIGNS,
    f"{BODIES}/test/read-via-search/contacts-payload.json": "a request that names a list, which is not served yet",
    f"{BODIES}/test/read-via-search/contacts-response.json": "its request names a list, which is not served yet",
    f"{BODIES}/test/read/marketing-emails/1-first-page.json": MARKETING,
    f"{BODIES}/test/read/marketing-emails/2-last-page.json": MARKETING,
    f"{BODIES}/test/read/marketing-events.json": MARKETING,
    f"{BODIES}/test/read/marketing-forms.json": MARKETING,
    f"{BODIES}/test/read/meeting-links.json": "the scheduler API is outside the CRM objects served",
    f"{BODIES}/test/read/objects-api/contacts-response.json": "cut by hand: properties of every answer are gone",
}
SENT_ALONE = [
    f"{BODIES}/test/read/objects-api/contacts-req-payload-since-until.json",
    f"{BODIES}/test/read/objects-api/contacts-req-payload-since.json",
    f"{BODIES}/test/read/objects-api/contacts-req-payload-until.json",
]

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="no recordings beside the project")


def shape(value: object) -> Any:  # noqa: ANN401 - a nested shape
    """Give keys and types at every depth; the elements of a list are taken together."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for each in value:
            merged = merge(merged, {"[]": shape(each)})
        return merged or {"[]": None}
    return None if value is None else "number" if isinstance(value, (int, float)) else type(value).__name__


def merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Join two shapes; what one does not know, the other tells."""
    joined = dict(left)
    for key, value in right.items():
        known = joined.get(key)
        joined[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else known or value
    return joined


def differences(theirs: Any, ours: Any, case: Case, where: str = "") -> list[str]:  # noqa: ANN401 - shapes
    """List where two shapes differ; null agrees with every type."""
    if theirs is None or ours is None or ours == {"[]": None} or theirs == {"[]": None}:
        return []
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return [] if theirs == ours else [f"{where}: {theirs} recorded, {ours} here"]
    more = set() if case.trimmed and where.endswith("properties") else ours.keys() - theirs.keys() - case.since
    found = [f"{where}.{key}: missing here" for key in sorted(theirs.keys() - ours.keys() - case.beyond)]
    found += [f"{where}.{key}: not recorded" for key in sorted(more)]
    for key in theirs.keys() & ours.keys():
        found += differences(theirs[key], ours[key], case, f"{where}.{key}")
    return found


def rate_headers(headers: dict[str, str]) -> set[str]:
    """Name the rate limit headers."""
    return {name for name in headers if name.startswith("x-hubspot-ratelimit-")}


def compare_headers(recorded: Interaction, ours: Response) -> None:
    """Compare the headers of note."""
    mine = {name.lower(): value for name, value in ours.headers.items()}
    assert "x-hubspot-correlation-id" in mine
    if not recorded.headers:
        return
    assert rate_headers(mine) == rate_headers(recorded.headers)
    if ours.body:
        assert mine["content-type"] == recorded.headers["content-type"]
    assert ("location" in mine) == ("location" in recorded.headers)
    if "location" in mine:
        assert mine["location"].rpartition("/")[0] == recorded.headers["location"].rpartition("/")[0]


def error_codes(content: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Give what an error is recognised by: categories, sub-categories, codes, those inside the message too."""
    if not isinstance(content, dict):
        return []
    _, marker, inner = str(content.get("message", "")).partition("Property values were not valid: ")
    told = {(each["error"], each["name"]) for each in json.loads(inner)} if marker else set()
    entries = {(each["category"], each.get("subCategory")) for each in content.get("errors", []) if "category" in each}
    return [content.get("category"), content.get("subCategory"), told, entries]


def both_named(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep those of our entries whose names were recorded too."""
    names = {each["name"] for each in theirs}
    kept = [each for each in ours if each["name"] in names]
    assert kept
    return kept


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.rpartition('/')[2]}[{case.index}]")
def test_answers_as_recorded(case: Case) -> None:
    """Ask what was asked of the real one, and compare."""
    recorded = interactions(case.file)[case.index]
    portal = Portal()
    case.prepare(portal, recorded)
    if case.ask:
        method, path, content = case.ask
        ours = portal.ask(method, path, sent(content) if isinstance(content, str) else content)
    else:
        ours = portal.ask(recorded.method, recorded.path, recorded.sent.encode(), recorded.query)
    assert ours.status == (case.status or recorded.status), ours.body
    compare_headers(recorded, ours)
    if recorded.body is None:
        assert ours.body.decode().strip() == recorded.text.strip()
        return
    content = json.loads(ours.body)
    if case.sampled:
        content = {"results": both_named(content["results"], recorded.body["results"])}
    assert differences(shape(recorded.body), shape(content), case) == []
    assert error_codes(content) == error_codes(recorded.body)
    if "correlationId" in content:
        assert content["correlationId"] == ours.headers["X-HubSpot-Correlation-Id"]


READ_CASES = [case for case in CASSETTE_CASES if case.prepare.__qualname__.startswith("results_held.")]


@pytest.mark.parametrize("case", READ_CASES, ids=lambda case: str(case.file.rpartition("/")[2]))
def test_reads_give_the_recorded_values(case: Case) -> None:
    """A record that is held as recorded is told as recorded, to the last digit of its times."""
    recorded = interactions(case.file)[case.index]
    portal = Portal()
    case.prepare(portal, recorded)
    content = json.loads(portal.ask(recorded.method, recorded.path, recorded.sent.encode(), recorded.query).body)
    for theirs, ours in zip(
        map(unmasked, recorded.body.get("results", [recorded.body])), content.get("results", [content]), strict=True
    ):
        assert {key: ours[key] for key in theirs if key != "url"} == {k: v for k, v in theirs.items() if k != "url"}
    if "paging" in recorded.body:
        assert content["paging"]["next"]["after"] == recorded.body["paging"]["next"]["after"]


@pytest.mark.parametrize("name", SENT_ALONE)
def test_accepts_recorded_searches(name: str) -> None:
    """A search that a production connector sends finds what it should."""
    portal = Portal()
    moments = {"1": "2024-09-19T12:30:44Z", "2": "2024-10-01T00:00:00Z", "3": "2025-01-01T08:00:01Z"}
    for number, moment in moments.items():
        portal.hold("contacts", {"id": number, "updatedAt": moment})
    request = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    found = {each["id"] for each in portal.read("POST", "/crm/v3/objects/contacts/search", request)["results"]}
    expected = {"since-until": {"2"}, "since": {"2", "3"}, "until": {"1", "2"}}
    assert found == expected[name.removesuffix(".json").partition("payload-")[2]]


def test_every_recording_is_compared_or_named() -> None:
    """No recording is left out without a reason."""
    compared = {case.file for case in CASES} | set(SENT_ALONE)
    assert set(all_files()) == compared | NOT_COMPARED.keys()
    assert not compared & NOT_COMPARED.keys()
    assert len({(case.file, case.index) for case in CASES}) == len(CASES) == 67
