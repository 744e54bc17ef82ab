"""A mapping against what a CRM says exists: all problems at once, and what is optional left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from mappings.check import check_mapping, objects_to_describe, prune
from mappings.drift import without_misfits
from mappings.fields import FieldInfo, FieldKind, ObjectInfo
from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.wanted import fields_to_read
from mappings.write import new_fields

Describes = dict[str, ObjectInfo | None]
KINDS: dict[str, FieldKind] = {
    **dict.fromkeys(("NumberOfEmployees", "AnnualRevenue", "Amount", "Value__c", "numberofemployees"), "number"),
    **dict.fromkeys(("annualrevenue", "amount", "amount_in_home_currency", "hs_email_open_count"), "number"),
    **dict.fromkeys(("hs_email_click_count",), "number"),
    "IsPrimary": "boolean",
    "IsPersonAccount": "boolean",
    "ConversionRate": "number",
    **dict.fromkeys(("HasOptedOutOfEmail", "IsClosed", "IsWon", "IsChild", "HasResponded", "Is_Bot__c"), "boolean"),
    **dict.fromkeys(("hs_email_optout", "hs_is_closed", "hs_is_closed_won"), "boolean"),
    **dict.fromkeys(("CreatedDate", "CompletedDateTime", "StartDateTime", "Occurred_At__c", "createdate"), "datetime"),
    **dict.fromkeys(("SystemModstamp", "lastmodifieddate", "MessageDate", "FirstOpenedDate"), "datetime"),
    **dict.fromkeys(("closedate", "hs_timestamp", "hs_meeting_start_time"), "datetime"),
    **dict.fromkeys(("hs_task_completion_date", "hs_v2_date_entered_current_stage"), "datetime"),
    **dict.fromkeys(("hs_lastmodifieddate",), "datetime"),
    **dict.fromkeys(("ConvertedDate", "ActivityDate", "FirstRespondedDate", "CloseDate"), "date"),
}


def describes_of(mapping: Mapping, *, provisioned: bool) -> Describes:
    """Describe an org that has all a mapping reads and writes."""
    found: dict[str, dict[str, FieldInfo]] = {name: {} for name in objects_to_describe(mapping)}
    for name in mapping.read:
        for field in fields_to_read(mapping, name):
            parent, dot, _ = field.partition(".")
            plain = f"{parent}Id" if dot and parent in ("Campaign", "EmailMessage") else field
            if "leadlight" not in plain.lower():
                found[name][plain] = FieldInfo(plain, plain, KINDS.get(plain, "text"))
    task = mapping.write.task
    assert task is not None
    for field in (*(spec.field for spec in task.fields.values()), *task.constants):
        found[task.object].setdefault(field, FieldInfo(field, field, "text"))
    for new in new_fields(mapping) if provisioned else ():
        info = FieldInfo(new.name, new.label, new.kind, length=new.length, scale=new.scale, unique=new.unique)
        found[new.object][new.name] = info
    return {name: ObjectInfo(name, name, fields) for name, fields in found.items()}


def altered(describes: Describes, name: str, **fields: FieldInfo | None) -> None:
    """Change or take away fields of a described object."""
    info = describes[name]
    assert info is not None
    left = {known: field for known, field in info.fields.items() if known not in fields}
    describes[name] = replace(info, fields=left | {known: f for known, f in fields.items() if f is not None})


def extended(folder: Path, text: str) -> Mapping:
    path = folder / "own.toml"
    path.write_text(f'extends = "salesforce"\n{text}', encoding="utf-8")
    return load_mapping(path)


@pytest.mark.parametrize("name", ["salesforce", "hubspot"])
def test_packaged_mappings_fit_a_full_org(name: str) -> None:
    mapping = load_mapping(name)
    assert check_mapping(mapping, describes_of(mapping, provisioned=True), new_fields_ok=False) == ()
    assert check_mapping(mapping, describes_of(mapping, provisioned=False), new_fields_ok=True) == ()


def test_before_provisioning_every_field_of_ours_is_a_problem() -> None:
    mapping = load_mapping("salesforce")
    problems = check_mapping(mapping, describes_of(mapping, provisioned=False), new_fields_ok=False)
    assert len(problems) == 3 * 8 + 1
    assert all("run `leadlight provision`" in problem for problem in problems)


def test_all_problems_at_once() -> None:
    mapping = load_mapping("salesforce")
    describes = describes_of(mapping, provisioned=True)
    altered(describes, "Lead", Email=None, E_Mail=FieldInfo("E_Mail", "", "text"))
    altered(describes, "Lead", NumberOfEmployees=FieldInfo("NumberOfEmployees", "", "text"))
    altered(describes, "Lead", Leadlight_Score__c=FieldInfo("Leadlight_Score__c", "", "number", updateable=False))
    altered(describes, "Lead", OwnerId=FieldInfo("OwnerId", "", "reference", updateable=False))
    altered(describes, "Contact", Leadlight_Why__c=FieldInfo("Leadlight_Why__c", "", "text", length=100))
    altered(describes, "Contact", Leadlight_Band__c=FieldInfo("Leadlight_Band__c", "", "number"))
    altered(describes, "Contact", Leadlight_Scored_At__c=FieldInfo("Leadlight_Scored_At__c", "", "date"))
    altered(describes, "Task", Leadlight_Key__c=FieldInfo("Leadlight_Key__c", "", "text", unique=False))
    altered(describes, "Task", WhatId=None, Priority=FieldInfo("Priority", "", "option", createable=False))
    describes["Account"] = None
    problems = "\n".join(check_mapping(mapping, describes, new_fields_ok=True))
    for expected in (
        "read.Lead: Lead has no field Email that the connecting user may see (did you mean E_Mail?)",
        "read.Lead.employees: Lead.NumberOfEmployees is a text field, employees needs number",
        "write.person.score: Lead.Leadlight_Score__c is not writable",
        "write.owner: Lead.OwnerId is not writable",
        "write.person.reasons: Contact.Leadlight_Why__c holds 100 characters, reasons may need 255",
        "write.person.band: Contact.Leadlight_Band__c is a number field, band needs text",
        "write.person.scored_at: Contact.Leadlight_Scored_At__c is a date field, as_of needs datetime",
        "write.task.key_field: Task.Leadlight_Key__c is not unique",
        "write.task.fields.account: Task has no field WhatId",
        "write.task.fields.priority: Task.Priority cannot be set",
        "read.Account: object Account does not exist or the connecting user may not see it",
    ):
        assert expected in problems
    assert len(problems.splitlines()) == 11


def test_a_number_field_must_keep_the_decimals(tmp_path: Path) -> None:
    mapping = extended(tmp_path, "[write.person.score]\nround = 1\n")
    describes = describes_of(load_mapping("salesforce"), provisioned=True)
    problems = check_mapping(mapping, describes, new_fields_ok=True)
    assert len(problems) == 2
    assert "Lead.Leadlight_Score__c keeps 0 decimals, round = 1 needs more; set round = 0" in problems[0]


def test_a_mistyped_standard_field_is_not_for_provisioning(tmp_path: Path) -> None:
    mapping = extended(tmp_path, '[write.person]\nstate = { field = "Ratingg", from = "state" }\n')
    describes = describes_of(load_mapping("salesforce"), provisioned=True)
    altered(describes, "Lead", Rating=FieldInfo("Rating", "", "option"))
    problems = check_mapping(mapping, describes, new_fields_ok=True)
    assert any("Lead has no field Ratingg" in p and "did you mean Rating?" in p for p in problems)


def test_policy_never_is_not_checked(tmp_path: Path) -> None:
    text = '[write.owner]\npolicy = "never"\n[write.person.score]\nfield = "Nope"\npolicy = "never"\n'
    mapping = extended(tmp_path, text)
    describes = describes_of(load_mapping("salesforce"), provisioned=True)
    altered(describes, "Lead", OwnerId=FieldInfo("OwnerId", "", "reference", updateable=False))
    assert check_mapping(mapping, describes, new_fields_ok=False) == ()


def test_an_event_stream_has_any_property() -> None:
    mapping = load_mapping("hubspot")
    describes = describes_of(mapping, provisioned=True)
    describes["event:e_visited_page"] = ObjectInfo("event:e_visited_page", "", {})
    assert check_mapping(mapping, describes, new_fields_ok=False) == ()
    assert "event:e_visited_page" in prune(mapping, describes).read


def test_prune_leaves_out_what_is_optional_and_says_so() -> None:
    mapping = load_mapping("salesforce")
    describes = describes_of(mapping, provisioned=False)
    describes["Web_Activity__c"] = None
    altered(describes, "Lead", Phone=None)
    altered(describes, "Contact", Department=None, Department__c=None)
    altered(describes, "CampaignMember", CampaignId=None, FirstRespondedDate=None)
    altered(describes, "Opportunity", Contact__c=None, Lead__c=None, ContactId=None)
    altered(describes, "Event", IsChild=None, IsRecurrence=None)
    pruned = prune(mapping, describes)
    assert "Web_Activity__c" not in pruned.read
    assert "phone" not in pruned.read["Lead"].fields
    assert pruned.read["Contact"].derive["department"].from_ == ("Title",)
    assert all(entry.asset is None for entry in pruned.read["CampaignMember"].event)
    assert pruned.read["CampaignMember"].occurred_at[0].from_ == ("CreatedDate",)
    assert pruned.read["CampaignMember"].event[0].occurred_at == ()
    assert pruned.read["Opportunity"].person == ()
    assert pruned.read["Event"].where is None
    assert "Leadlight_Key__c" not in fields_to_read(pruned, "Task")
    assert "IsClosed" in fields_to_read(pruned, "Task")
    assert pruned.dropped == tuple(dict.fromkeys(pruned.dropped))
    told = "\n".join(pruned.dropped)
    assert "read.Web_Activity__c: object Web_Activity__c does not exist" in told
    assert "read.Task: Task has no field Leadlight_Key__c" in told
    assert "read.Lead: Lead has no field Phone" in told
    assert mapping.dropped == ()
    assert pruned.read["Lead"].hash != mapping.read["Lead"].hash
    assert pruned.read["Account"].hash == mapping.read["Account"].hash


def test_prune_drops_entries_and_tables_that_cannot_match() -> None:
    mapping = load_mapping("hubspot")
    describes = describes_of(mapping, provisioned=True)
    altered(describes, "emails", hs_email_status=None)
    altered(describes, "calls", hs_timestamp=None)
    altered(describes, "meetings", id=None)
    pruned = prune(mapping, describes)
    types = [entry.type.value for entry in pruned.read["emails"].event]
    assert types == ["email_sent", "email_reply", "email_open", "email_click"]
    assert "calls" not in pruned.read
    assert "meetings" not in pruned.read
    assert "read.calls: nothing is left to read" in pruned.dropped


def test_a_required_object_is_never_pruned() -> None:
    mapping = load_mapping("salesforce")
    describes = describes_of(mapping, provisioned=True)
    describes["Lead"] = None
    del describes["Contact"]
    assert {"Lead", "Contact"} <= set(prune(mapping, describes).read)
    problems = check_mapping(mapping, describes, new_fields_ok=True)
    assert [problem.split(":")[0] for problem in problems] == ["read.Lead", "read.Contact"]


def test_creating_is_switched_off_alone_where_its_key_is_gone() -> None:
    mapping = load_mapping("salesforce").model_copy(update={"creating": True})
    assert mapping.creates is not None
    describes = describes_of(mapping, provisioned=True)
    standard = {name: FieldInfo(name, name, "text") for name in mapping.creates.sets - {mapping.creates.key_field}}
    altered(describes, "Lead", **standard)
    assert without_misfits(mapping, describes, {}).mapping.creates == mapping.create
    altered(describes, "Lead", Leadlight_Key__c=None)
    fitted = without_misfits(mapping, describes, {})
    assert fitted.switched_off[0].startswith("create.key_field: Lead has no field Leadlight_Key__c")
    assert fitted.mapping.creates is None
    assert fitted.mapping.specs("Lead", "person", None) == mapping.specs("Lead", "person", None)
