"""The recorded HubSpot interactions that are compared, and those that are not, with the reason."""

from dataclasses import dataclass
from typing import Any

from tests.sandbox.hubspot_preparations import (
    CONTACT_ADDRESSES,
    Prepare,
    before_update,
    contact_alone,
    contact_and_companies,
    contact_with_primary_company,
    contacts_with_addresses,
    custom_properties_made,
    first_of_many_held,
    forms_held,
    group_made,
    handle_known,
    last_page,
    linked_to,
    links_and_owner_held,
    lists_held,
    marketing_events_held,
    meeting_and_contact_held,
    meeting_held,
    nothing,
    occurrences_held,
    owners_held,
    page_of_one,
    pairs_held,
    properties_made,
    recorded_links,
    results_held,
    results_held_after_cursor,
    updated_contacts_held,
)
from tests.sandbox.hubspot_recordings import BODIES, CASSETTES

Ask = tuple[str, str, object]
URL = frozenset({"url"})
SOURCE = frozenset({"hs_object_source", "hs_object_source_id", "hs_object_source_label"})


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

UPDATER, REMOVED_AT = frozenset({"updatedById"}), frozenset({"hs_last_record_removed_at"})
LIST_CASES = [
    cassette("contact_list_batch_find", 0, nothing),
    cassette("contact_list_batch_find", 1, nothing),
    cassette("contact_list_batch_find", 2, nothing),
    cassette("contact_list_batch_find", 3, lists_held),
    cassette("contact_list_find", 0, nothing),
    cassette("contact_list_find", 1, lists_held),
    cassette("contact_list_find", 2, nothing),
    cassette("contact_list_update", 0, nothing),
    cassette("contact_list_update", 1, lists_held),
    cassette("contact_list_update", 2, lists_held),
    cassette("contact_lists/add_contact", 1, nothing),
    cassette("contact_lists/add_contact", 2, lists_held),
    cassette("contact_lists/add_contact", 4, lists_held),
    cassette("contact_lists/add_contact_to_dynamic_list", 1, handle_known),
    cassette("contact_lists/add_contact_to_dynamic_list", 2, lists_held),
    cassette("contact_lists/remove_unknown_contact", 0, nothing),
    cassette("contact_lists/remove_unknown_contact", 1, lists_held),
    cassette("contact_lists/remove_unknown_contact", 2, lists_held),
    cassette("contacts_among_list", 0, lists_held),
    cassette("contacts_among_list", 1, lists_held),
    cassette("create_list", 1, nothing),
    cassette("create_list_with_filters", 1, handle_known),
    cassette("fail_to_create_list", 1, nothing),
    cassette("find_all_lists", 4, nothing),
    cassette("find_all_lists", 5, nothing),
    cassette("find_all_lists", 6, nothing),
    cassette("find_all_lists", 7, nothing),
    Case(f"{CASSETTES}/find_all_lists.yml", 8, lists_held, since=UPDATER, beyond=REMOVED_AT),
    body("test/read-lists-1-first-page", lists_held, ("POST", "/crm/v3/lists/search", {"count": 2})),
    body("test/read-lists-2-second-page", lists_held, ("POST", "/crm/v3/lists/search", {})),
]
FULL_NAMES = frozenset({"company", "firstname", "lastname", "phone", "website"})  # asked for by another payload
MARKETING_CASES = [
    body("test/read/marketing-forms", forms_held, ("GET", "/marketing/v3/forms", None)),
    body("test/read/marketing-events", marketing_events_held, ("GET", "/marketing/v3/marketing-events", None)),
    body(
        "test/read-via-search/contacts-response",
        page_of_one,
        ("POST", "/crm/v3/objects/contacts/search", "test/read-via-search/contacts-payload.json"),
        beyond=FULL_NAMES,
    ),
    body(
        "test/read/objects-api/contacts-response",
        first_of_many_held,
        ("GET", "/crm/v3/objects/contacts", None),
        since=URL,
        trimmed=True,
    ),
]
CASES = [*CASSETTE_CASES, *BODY_CASES, *LIST_CASES, *MARKETING_CASES]
