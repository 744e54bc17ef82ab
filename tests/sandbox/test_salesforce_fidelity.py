"""The sandbox against recorded Salesforce traffic: status, headers of note, key sets, JSON types and error codes."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from connector.sandbox.http import Response
from connector.sandbox.salesforce.objects import FieldSpec
from tests.sandbox.salesforce_bodies import BODY_CASES, TEXT_CASES, BodyCase
from tests.sandbox.salesforce_cases import DB, DESCRIBES, FEATURED, FLOWS, GLOBAL_DESCRIBE, NOT_COMPARED, SHARED, Step
from tests.sandbox.salesforce_org import OrgInMemory
from tests.sandbox.salesforce_page import PAGE, compared, compared_interactions, page
from tests.sandbox.salesforce_recordings import FOLDER, Interaction, all_files, interactions
from tests.sandbox.salesforce_replay import Replay, differences, parsed

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"recordings are not at {FOLDER}")

CUSTOM_OBJECT = "CustomObject__c"
SAME_IN_DESCRIBES = (
    *("type", "length", "byteLength", "precision", "scale", "nillable", "updateable", "createable", "custom", "digits"),
    *("defaultedOnCreate", "defaultValue", "referenceTo", "soapType", "unique", "externalId", "idLookup", "nameField"),
    *("autoNumber", "calculated", "compoundFieldName", "relationshipName", "filterable", "groupable", "aggregatable"),
    *("sortable", "restrictedPicklist", "extraTypeInfo", "polymorphicForeignKey", "namePointing", "queryByDistance"),
)
IN_LISTS = frozenset({"fields", "childRelationships", "recordTypeInfos", "supportedScopes"})  # compared on their own
OF_SOME_VERSIONS = frozenset(
    {"associateEntityType", "associateParentEntity", "sobjectDescribeOption", "defaultValues", "eventSeriesUpdates"}
)
AS_THIS_ORG_HAS_IT = {
    # no person accounts here, and few objects that activities relate to
    ("Account", "Name", "compoundFieldName"),
    ("Event", "WhatId", "referenceTo"),
    ("Event", "ActivityDate", "aggregatable"),
}


def cut(interaction: Interaction, step: Step) -> Interaction:
    """Take out of a request the fields this org does not have."""
    query = dict(interaction.query)
    for name in step.without:
        if "q" in query:
            query["q"] = re.sub(rf"\b{name},\s*|,\s*{name}\b", "", query["q"])
    sent = interaction.sent
    if isinstance(sent, dict) and "records" in sent:
        records = [{key: value for key, value in row.items() if key not in step.without} for row in sent["records"]]
        sent = {**sent, "records": records}
    return Interaction(
        interaction.method, interaction.path, query, sent, interaction.status, interaction.body, interaction.headers
    )


def custom_as_ours(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Say of a recording's custom object what this org's has: another object, another name field."""
    if isinstance(value, dict):
        return {custom_as_ours(key): custom_as_ours(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [custom_as_ours(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\bName\b", "Asset__c", value.replace(CUSTOM_OBJECT, "Web_Activity__c"))


def ready(name: str, step: Step) -> Interaction:
    """Read a step's interaction and fit it to this org."""
    found = interactions(name)[step.index]
    if name.startswith(DB):
        found = Interaction(
            found.method,
            custom_as_ours(found.path),
            custom_as_ours(found.query),
            custom_as_ours(found.sent),
            found.status,
            custom_as_ours(found.body),
            found.headers,
        )
    return cut(found, step)


def new_replay(name: str) -> Replay:
    """Make an org as a file needs it."""
    replay = Replay()
    if name.startswith(DB):
        replay.org.add_text_field("Web_Activity__c", "Example_Field__c")
        replay.org.add_text_field("Web_Activity__c", "SynchronizationId__c", key=True)
        visible = FieldSpec("Visible__c", "boolean", access="cud", default=True)
        replay.org.app.add_custom_field("Web_Activity__c", visible)
    if "CountSObjects" in name or "test_composite_parallel" in name:
        replay.org.create("Account", Name="First")
    replay.names["00D0xORGID00000000"] = replay.org.credentials.org_id
    return replay


def check_headers(response: Response, path: str) -> None:
    """Check the headers every recorded answer of its kind has."""
    if response.body:
        assert response.headers["Content-Type"].lower() in ("application/json;charset=utf-8", "text/csv")
    limited = path.startswith("/services/data/v")
    usage = response.headers.get("Sforce-Limit-Info", "")
    assert bool(re.fullmatch(r"api-usage=\d+/\d+", usage)) is limited
    if response.status == 201 and isinstance(parsed(response), dict) and "/sobjects/" in path:
        assert re.fullmatch(r"/services/data/v\d+\.0/sobjects/\w+/\w{18}", response.headers["Location"])


def check_step(replay: Replay, interaction: Interaction, step: Step) -> list[str]:
    """Replay one step and give its differences."""
    if "date" in interaction.headers:
        replay.org.clock.set(parsedate_to_datetime(interaction.headers["date"]).astimezone(UTC))
    if step.mirror:
        replay.mirror(interaction.body)
    response = replay.send(interaction)
    check_headers(response, interaction.path)
    ours = parsed(response)
    apart = step.apart | frozenset(step.without)
    if step.subset and isinstance(interaction.body, dict):
        apart |= interaction.body.keys() - ours.keys()
    found = differences(interaction.body, ours, apart)
    return found if response.status == interaction.status else [f"status {response.status}", *found]


@pytest.mark.parametrize("name", FLOWS)
def test_flow_answers_as_recorded(name: str) -> None:
    replay = new_replay(name)
    for step in FLOWS[name]:
        assert check_step(replay, ready(name, step), step) == [], step


@pytest.mark.parametrize("name", BODY_CASES)
def test_body_is_as_recorded(name: str) -> None:
    case = BODY_CASES[name]
    assert differences_of(name, case) == []


def differences_of(name: str, case: BodyCase) -> list[str]:
    """Ask what a recorded body answers and give the differences."""
    recorded = interactions(name)[0].body
    response = case.ask(Replay())
    ours = parsed(response)
    if case.any_length:
        shared = min(len(recorded), len(ours))
        recorded, ours = recorded[:shared], ours[:shared]
    assert response.status == case.status
    return differences(recorded, ours, case.apart)


@pytest.mark.parametrize("name", TEXT_CASES)
def test_csv_is_as_recorded(name: str) -> None:
    recorded = interactions(name)[0].body
    response = TEXT_CASES[name].ask(Replay())
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv"
    ours = response.body.decode().rstrip("\n").split("\n")
    theirs = recorded.rstrip("\n").split("\n")
    assert ours[0] == theirs[0]
    assert len(ours) == len(theirs)
    for own, their in zip(ours[1:], theirs[1:], strict=True):
        assert own.count('","') == their.count('","')
        assert (own[0], own[-1]) == (their[0], their[-1])
    if name.endswith("partial-failure.csv"):
        assert ours == theirs


@pytest.mark.parametrize("name", [*DESCRIBES, *FEATURED])
def test_describe_is_as_recorded(name: str) -> None:
    recorded = interactions(name)[0].body
    described, features = FEATURED.get(name) or (DESCRIBES[name], {})
    org = OrgInMemory()
    org.app.controls()["org"](features)
    ours = org.answer("GET", f"/sobjects/{described}/describe")
    assert differences(recorded, ours, IN_LISTS | OF_SOME_VERSIONS) == []
    theirs = {field["name"]: field for field in recorded["fields"]}
    assert {frozenset(field) for field in ours["fields"]} == {frozenset(recorded["fields"][0])}
    shared = [field for field in ours["fields"] if field["name"] in theirs]
    assert len(shared) >= 11
    wrong = [
        (field["name"], key, theirs[field["name"]][key], field[key])
        for field in shared
        for key in SAME_IN_DESCRIBES
        if field[key] != theirs[field["name"]][key]
        and (described, field["name"], key) not in AS_THIS_ORG_HAS_IT
        and not (name in FEATURED and (field["type"] == "picklist" or field["name"] == "Name"))  # of a newer version
    ]
    assert wrong == []
    for key in ("childRelationships", "recordTypeInfos", "supportedScopes"):
        assert {frozenset(item) for item in ours[key]} <= {frozenset(item) for item in recorded[key]}


def test_picklists_and_relations_are_as_recorded() -> None:
    org = OrgInMemory()
    for name, described in DESCRIBES.items():
        theirs = {field["name"]: field for field in interactions(name)[0].body["fields"]}
        for field in org.answer("GET", f"/sobjects/{described}/describe")["fields"]:
            recorded = theirs.get(field["name"], field)
            values = [entry["value"] for entry in recorded["picklistValues"]]
            assert [entry["value"] for entry in field["picklistValues"]] in ([], values[: len(field["picklistValues"])])
            assert set(field["referenceTo"]) <= set(recorded["referenceTo"])


def test_child_relationships_are_called_as_recorded() -> None:
    org = OrgInMemory()
    for name, described in DESCRIBES.items():
        recorded = interactions(name)[0].body["childRelationships"]
        theirs = {(child["childSObject"], child["field"]): child["relationshipName"] for child in recorded}
        ours = org.answer("GET", f"/sobjects/{described}/describe")["childRelationships"]
        named = {(child["childSObject"], child["field"]): child["relationshipName"] for child in ours}
        assert {key: name for key, name in named.items() if key in theirs and theirs[key] != name} == {}


def test_global_describe_is_as_recorded() -> None:
    recorded = interactions(GLOBAL_DESCRIBE)[0].body
    ours = OrgInMemory().answer("GET", "/sobjects")
    assert ours.keys() == recorded.keys()
    assert (ours["encoding"], ours["maxBatchSize"]) == (recorded["encoding"], recorded["maxBatchSize"])
    theirs = {listed["name"]: listed for listed in recorded["sobjects"]}
    assert {frozenset(listed) for listed in ours["sobjects"]} == {frozenset(theirs["Lead"])}
    event_links = frozenset({"approvalLayouts", "listviews"})  # an Event's own describe lacks them
    found = [
        text
        for listed in ours["sobjects"]
        if listed["name"] in DESCRIBES.values() and listed["name"] in theirs
        for text in differences(
            theirs[listed["name"]], listed, event_links if listed["name"] == "Event" else frozenset()
        )
    ]
    assert found == []


def test_every_recording_is_compared_or_says_why_not() -> None:
    assert compared() & NOT_COMPARED.keys() == set()
    assert sorted(compared() | NOT_COMPARED.keys()) == all_files()
    assert all(NOT_COMPARED.values())
    assert compared_interactions() >= 150
    assert SHARED  # describes are compared once, however often cassettes include them


def test_the_page_says_what_is_compared() -> None:
    assert PAGE.read_text("utf-8") == page(), "write it anew: python -m tests.sandbox.salesforce_page"


def test_clock_of_a_recording_is_the_orgs() -> None:
    org = OrgInMemory()
    org.clock.set(datetime(2015, 6, 26, 20, 0, 5, tzinfo=UTC))
    org.create("Account", Name="Then")
    assert org.values("SELECT SystemModstamp FROM Account") == ["2015-06-26T20:00:05.000+0000"]
