"""What the HubSpot account must hold before a recorded interaction is asked again."""

import json
from collections.abc import Callable
from typing import Any

from connector.sandbox.hubspot.events import seed_events
from connector.sandbox.hubspot.values import milliseconds
from tests.sandbox.hubspot_portal import Portal
from tests.sandbox.hubspot_recordings import BODIES, FOLDER, Interaction

Prepare = Callable[[Portal, Interaction], None]
KNOWN_ID = {"operator": "IS_KNOWN", "operationType": "ALL_PROPERTY"}
EVERYBODY = {
    "filterBranches": [],
    "filters": [{"filterType": "PROPERTY", "property": "hs_object_id", "operation": KNOWN_ID}],
    "filterBranchType": "OR",
}
CONTACT_ADDRESSES = ("one@example.com", "two@example.com")


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


def lists_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded lists, or the one that the path names, with the records that were put on it."""
    content = recorded.body if isinstance(recorded.body, dict) else {}
    told = content.get("lists") or [content.get("list") or content.get("updatedList") or {}]
    named = next((part for part in recorded.path.split("/") if part.isdigit()), "")
    for each in told:
        number, kind = int(each.get("listId") or named), each.get("objectTypeId", "0-1")
        plural = {"0-1": "contacts", "0-2": "companies"}[kind]
        row = (number, plural, f"{each.get('name', 'list')} before", each.get("processingType", "MANUAL"))
        stored = (*row, json.dumps(EVERYBODY) if row[3] == "DYNAMIC" else None, 1, 0, 0, 0, None)
        portal.storage.seed_rows("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [stored])
        if "hs_last_record_added_at" in each.get("additionalProperties", {}):
            hold_members(portal, number, ["1"])
    further = [str(10**12 + number) for number in range(content.get("total") or 1) if "paging" in content]
    hold_members(portal, int(named or 0), [each["recordId"] for each in content.get("results", [])] + further)
    for number in content.get("recordsIdsAdded", []):
        portal.ensure("contacts", number)
    for number in range(content.get("total", 0) - len(told) if "hasMore" in content else 0):
        other = (10_000 + number, "contacts", f"further {number}", "MANUAL", None, 1, 0, 0, 0, None)
        portal.storage.seed_rows("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [other])


def handle_known(portal: Portal, recorded: Interaction) -> None:
    """Have the property that a recorded list filters by."""
    portal.app.schema.add_property("contacts", "twitterhandle", "string", "text")


def hold_members(portal: Portal, list_id: int, ids: list[str]) -> None:
    """Put contacts on a list."""
    for number in ids:
        portal.ensure("contacts", number)
    rows = [(list_id, "contacts", number, 0) for number in ids]
    portal.storage.seed_rows("INSERT INTO list_members VALUES (?, ?, ?, ?)", rows)


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


def forms_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded form, and enough others for a further page."""
    names = [each["name"] for each in recorded.body["results"]] + [f"Form {n}" for n in range(20)]
    for name in names:
        portal.app.controls()["form"]({"name": name})


def marketing_events_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded marketing event, and enough others for a further page."""
    for number in range(11):
        told = recorded.body["results"][0] if number == 0 else {"eventName": f"Event {number}"}
        made = {"name": told["eventName"], "organizer": told.get("eventOrganizer", "Zoom")}
        portal.app.controls()["marketing_event"](made)


def first_of_many_held(portal: Portal, recorded: Interaction) -> None:
    """Hold the recorded contacts, and enough others for a further page."""
    for record in recorded.body["results"]:
        portal.hold("contacts", record)
    for number in range(10):
        portal.ensure("contacts", 394 + number)


def sent(name: str) -> Any:  # noqa: ANN401 - JSON
    """Read a recorded request body."""
    return json.loads((FOLDER / BODIES / name).read_text(encoding="utf-8"))
