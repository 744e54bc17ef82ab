"""Provision as an administrator sees it: the plan first, then what was made, and the same as files."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import pytest

from connector.crm.salesforce.files import SOURCE, metadata_files
from connector.sandbox.server import Crm, SandboxOptions, start
from mappings.loader import load_mapping
from tests.cli.commands import Shell, refused
from tests.loop.loops import Loop, configure, loop_of, write_world

META = "{http://soap.sforce.com/2006/04/metadata}"


@pytest.fixture
def bare(crm: Crm, tmp_path: Path) -> Iterator[Loop]:
    """Give a CRM without any field of ours."""
    write_world(tmp_path / "world")
    with start(SandboxOptions(crm, world=str(tmp_path / "world"))) as sandbox:
        configure(sandbox.ready, tmp_path)
        yield loop_of(crm, sandbox, tmp_path)


def root_of(path: Path) -> Tree.Element:
    return Tree.parse(path).getroot()  # noqa: S314 - our own file


def texts(element: Tree.Element, name: str) -> list[str]:
    return [found.text or "" for found in element.iter(META + name)]


def test_the_plan_comes_first_and_nothing_is_made_unasked(bare: Loop, shell: Shell) -> None:
    mark = bare.mark()
    ran = shell.run("provision", "-c", bare.config)
    refused(ran, 2, "Leadlight score", bare.words.score, "Sort a list by this", "pass --yes")
    assert bare.writes(mark) == []


def test_what_was_made_is_told_and_made_once(bare: Loop, shell: Shell) -> None:
    told = shell.on(bare, "provision", "--yes").json
    first, key = bare.words.people[0], f"{bare.words.task}.{bare.words.key}"
    assert {f"{first}.{bare.words.score}", key} <= set(told["created"])
    by_target = {step["target"]: step for step in told["steps"]}
    score = by_target[f"{first}.{bare.words.score}"]
    assert score["action"] == "create"
    assert all(score[word] for word in ("label", "description", "help", "type", "object", "field"))
    assert [step["target"] for step in told["steps"] if step.get("unique")] == [key]
    mark = bare.mark()
    again = shell.on(bare, "provision", "--yes").json
    assert (again["created"], again["changed"], again["granted"]) == ([], [], [])
    assert sorted(again["existing"]) == sorted(told["created"])
    assert bare.writes(mark) == []
    assert {step["action"] for step in again["steps"]} == {"keep"}


@pytest.mark.parametrize("crm", ["salesforce"])
def test_people_get_a_set_that_reads_and_we_one_that_edits(bare: Loop, shell: Shell) -> None:
    shell.on(bare, "provision", "--yes")
    sets = {row["fields"]["Name"]: row["id"] for row in bare.records("PermissionSet")}
    grants: dict[str, dict[str, bool]] = {name: {} for name in ("Leadlight", "Leadlight_Reader")}
    for row in bare.records("FieldPermissions"):
        for name, held in grants.items():
            if row["fields"]["ParentId"] == sets[name]:
                held[row["fields"]["Field"]] = bool(row["fields"]["PermissionsEdit"])
    asked = {"Lead.Leadlight_Feedback__c", "Contact.Leadlight_Feedback__c"}  # of people, and only read by us
    assert {name for name, edits in grants["Leadlight"].items() if not edits} == asked
    assert {name for name, edits in grants["Leadlight_Reader"].items() if edits} == asked
    assert set(grants["Leadlight"]) - set(grants["Leadlight_Reader"]) == {"Task.Leadlight_Key__c"}
    ours = {row["fields"]["PermissionSetId"] for row in bare.records("PermissionSetAssignment")}
    assert sets["Leadlight"] in ours
    assert sets["Leadlight_Reader"] not in ours


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_reader_who_may_edit_is_set_right(bare: Loop, shell: Shell) -> None:
    shell.on(bare, "provision", "--yes")
    grant = next(
        row
        for row in bare.records("FieldPermissions")
        if row["fields"]["Field"] == "Lead.Leadlight_Band__c" and not row["fields"]["PermissionsEdit"]
    )
    bare.control(
        "edit", {"actor": "human", "object": "FieldPermissions", "id": grant["id"], "fields": {"PermissionsEdit": True}}
    )
    assert shell.on(bare, "provision", "--yes").json["changed"] == ["Leadlight Reader on Lead"]
    held = next(row for row in bare.records("FieldPermissions") if row["id"] == grant["id"])
    assert not held["fields"]["PermissionsEdit"]


@pytest.mark.parametrize("crm", ["hubspot"])
def test_an_empty_description_is_filled_and_one_that_somebody_wrote_stays(bare: Loop, shell: Shell) -> None:
    shell.on(bare, "provision", "--yes")
    path = "/crm/v3/properties/contacts/"
    bare.ask("PATCH", f"{path}leadlight_score", json={"description": ""})
    bare.ask("PATCH", f"{path}leadlight_band", json={"description": "ask Ana"})
    told = shell.on(bare, "provision", "--yes").json
    assert told["changed"] == ["contacts.leadlight_score"]
    assert "The higher" in bare.ask("GET", f"{path}leadlight_score")["description"]
    assert bare.ask("GET", f"{path}leadlight_band")["description"] == "ask Ana"


@pytest.mark.parametrize("crm", ["hubspot"])
def test_properties_stand_in_a_group_with_words_for_people(bare: Loop, shell: Shell) -> None:
    shell.on(bare, "provision", "--yes")
    made = bare.ask("GET", "/crm/v3/properties/contacts/leadlight_priority")
    assert (made["groupName"], made["label"]) == ("leadlight", "Leadlight priority")
    assert "Sort a list by this" in made["description"]
    assert bare.ask("GET", "/crm/v3/properties/tasks/leadlight_key")["hasUniqueValue"]


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_field_in_the_way_is_named_before_anything_is_made(bare: Loop, shell: Shell) -> None:
    body = {"FullName": "Lead.Leadlight_Band__c", "Metadata": {"type": "Checkbox", "label": "B", "defaultValue": False}}
    bare.ask("POST", "/services/data/v62.0/tooling/sobjects/CustomField/", json=body)
    field = {"SobjectType": "Lead", "Field": "Lead.Leadlight_Band__c", "PermissionsRead": True, "PermissionsEdit": True}
    create = "/services/data/v62.0/sobjects/"
    set_id = bare.ask("POST", f"{create}PermissionSet/", json={"Name": "Own", "Label": "Own"})["id"]
    bare.ask("POST", f"{create}FieldPermissions/", json={**field, "ParentId": set_id})
    user = bare.ask("GET", "/services/oauth2/userinfo")["user_id"]
    bare.ask("POST", f"{create}PermissionSetAssignment/", json={"PermissionSetId": set_id, "AssigneeId": user})
    mark = bare.mark()
    ran = shell.run("provision", "-c", bare.config, "--yes")
    refused(ran, 2, "Lead.Leadlight_Band__c exists in Salesforce as boolean, not text")
    assert bare.writes(mark) == []


def test_files_ask_the_crm_nothing_and_come_out_the_same_each_time(fresh: Loop, shell: Shell, tmp_path: Path) -> None:
    before = fresh.control("stats")["requests"]
    written = shell.on(fresh, "provision", "--files", tmp_path / "one").json["files"]
    shell.on(fresh, "provision", "--files", tmp_path / "two")
    assert "README.md" in written
    for name in written:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert fresh.control("stats")["requests"] == before
    (tmp_path / "two" / "README.md").write_text("ours", encoding="utf-8")
    again = shell.run("provision", "-c", fresh.config, "--files", tmp_path / "two")
    refused(again, 2, "README.md: is there and differs; pass --yes")
    assert shell.on(fresh, "provision", "--files", tmp_path / "two", "--yes").code == 0
    assert (tmp_path / "two" / "README.md").read_text(encoding="utf-8").startswith("# Leadlight")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_salesforce_files_hold_all_that_provision_makes(bare: Loop, shell: Shell, tmp_path: Path) -> None:
    names = shell.on(bare, "provision", "--files", tmp_path / "dx").json["files"]
    roots = {name: root_of(tmp_path / "dx" / name) for name in names if name.endswith(".xml")}
    fields = {name: root for name, root in roots.items() if name.endswith(".field-meta.xml")}
    assert {root.tag for root in fields.values()} == {f"{META}CustomField"}
    there = {f"{Path(name).parts[-3]}.{texts(root, 'fullName')[0]}" for name, root in fields.items()}
    made = shell.on(bare, "provision", "--yes").json["created"]
    assert there == {name.replace("Task.", "Activity.") for name in made}
    key = fields["force-app/main/default/objects/Activity/fields/Leadlight_Key__c.field-meta.xml"]
    assert (texts(key, "unique"), texts(key, "externalId")) == (["true"], ["true"])
    assert all(texts(root, "inlineHelpText") and texts(root, "description") for root in fields.values())
    package = roots["manifest/package.xml"]
    assert there <= set(texts(package, "members"))
    views = [name for name in names if name.endswith(".listView-meta.xml")]
    assert f"Lead.{Path(views[-1]).name.split('.')[0]}" in texts(package, "members")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_the_sets_in_files_grant_no_more_than_is_needed(bare: Loop, shell: Shell, tmp_path: Path) -> None:
    shell.on(bare, "provision", "--files", tmp_path / "dx")
    folder = tmp_path / "dx/force-app/main/default/permissionsets"
    ours, people = (root_of(folder / f"{name}.permissionset-meta.xml") for name in ("Leadlight", "Leadlight_Reader"))
    edited = [g for g in ours.iter(f"{META}fieldPermissions") if texts(g, "editable") == ["true"]]
    assert all("Leadlight_" in texts(grant, "field")[0] for grant in edited)
    assert {"Task.Leadlight_Key__c", "Event.Leadlight_Key__c"} <= set(texts(ours, "field"))
    answered = [g for g in people.iter(f"{META}fieldPermissions") if texts(g, "editable") == ["true"]]
    assert [texts(grant, "field")[0].partition(".")[2] for grant in answered] == ["Leadlight_Feedback__c"] * 2
    assert all("Feedback" not in texts(grant, "field")[0] for grant in edited)
    assert {"ApiEnabled", "EditTask", "TransferAnyLead"} <= set(texts(ours, "name"))
    forbidden = [*texts(ours, "modifyAllRecords"), *texts(ours, "allowDelete"), *texts(ours, "allowCreate")]
    assert set(forbidden) == {"false"}


def test_the_set_in_files_lets_people_be_created_where_a_feed_creates_them() -> None:
    mapping = load_mapping("salesforce").model_copy(update={"creating": True})
    files = metadata_files(mapping, (), None)
    ours = Tree.fromstring(files[f"{SOURCE}/permissionsets/Leadlight.permissionset-meta.xml"])  # noqa: S314 - our own
    may = {texts(one, "object")[0]: texts(one, "allowCreate")[0] for one in ours.iter(f"{META}objectPermissions")}
    assert [name for name, able in may.items() if able == "true"] == ["Lead"]
    edited = {
        texts(one, "field")[0] for one in ours.iter(f"{META}fieldPermissions") if texts(one, "editable") == ["true"]
    }
    assert {"Lead.LeadSource", "Lead.Email", "Lead.Title", "Lead.Leadlight_Key__c"} <= edited
    assert "It may create Lead records" in files["README.md"]


@pytest.mark.parametrize("crm", ["salesforce"])
def test_the_list_view_shows_who_to_call(bare: Loop, shell: Shell, tmp_path: Path) -> None:
    shell.on(bare, "provision", "--files", tmp_path / "dx")
    path = tmp_path / "dx/force-app/main/default/objects/Lead/listViews/Leadlight_Who_to_call.listView-meta.xml"
    view = root_of(path)
    assert texts(view, "label")[0] == "Leadlight: who to call"
    assert "Leadlight_Priority__c" in texts(view, "columns")
    acting = [action["band"] for action in tomllib.loads(bare.config.read_text(encoding="utf-8"))["action"]]
    assert (texts(view, "field"), texts(view, "value")) == (["Leadlight_Band__c"], [",".join(acting)])


@pytest.mark.parametrize("crm", ["hubspot"])
def test_hubspot_bodies_are_taken_as_they_are(bare: Loop, shell: Shell, tmp_path: Path) -> None:
    names = shell.on(bare, "provision", "--files", tmp_path / "out").json["files"]
    bodies: dict[str, Any] = {n: json.loads((tmp_path / "out" / n).read_text()) for n in names if n.endswith(".json")}
    ordered = sorted((n for n in bodies if n.startswith("properties/")), key=lambda n: not n.endswith("_group.json"))
    for name in ordered:
        _, object_type, file = name.split("/")
        rest = "/groups" if file == "_group.json" else ""
        bare.ask("POST", f"/crm/v3/properties/{object_type}{rest}", json=bodies[name])
    called = bare.ask("POST", "/crm/v3/lists", json=bodies["lists/contacts.json"])["list"]
    assert (called["processingType"], called["objectTypeId"]) == ("DYNAMIC", "0-1")
    again = shell.on(bare, "provision", "--yes").json
    assert again["created"] == []
    assert [step["action"] for step in again["steps"] if step["kind"] == "list"] == ["keep"]
    assert "saved view" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_list_of_whom_to_call_fills_itself(bare: Loop, shell: Shell) -> None:
    told = shell.on(bare, "provision", "--yes").json
    (made,) = [step for step in told["steps"] if step["kind"] == "list"]
    assert made["action"] == "create"
    bare.sync()
    called = bare.ask("GET", f"/crm/v3/lists/object-type-id/0-1/name/{made['target']}")["list"]
    members = bare.ask("GET", f"/crm/v3/lists/{called['listId']}/memberships")["results"]
    hot = {person["id"] for person in bare.people().values() if person["fields"]["leadlight_band"] == "hot"}
    assert {member["recordId"] for member in members} == hot != set()


@pytest.mark.parametrize("crm", ["hubspot"])
def test_without_the_scope_a_list_is_left_to_people(bare: Loop, shell: Shell) -> None:
    names = [
        f"crm.{kind}.{name}.{verb}"
        for kind in ("objects", "schemas")
        for name in ("contacts", "companies")
        for verb in ("read", "write")
    ]
    bare.control("settings", {"granted_scopes": names})
    told = shell.on(bare, "provision", "--yes").json
    assert len(told["created"]) == 18
    (left,) = [step for step in told["steps"] if step["kind"] == "list"]
    assert left["action"] == "by hand"
    assert "by hand" in shell.run("provision", "-c", bare.config, "--yes").out
