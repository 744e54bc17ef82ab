"""What provisioning makes, as a Salesforce DX project: fields, permission sets and list views.

Shapes: https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/meta_types_list.htm. Not deployed to an
org here; which standard fields take field permissions is from the vendor's own profiles.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as Tree

import jinja2

from connector.crm.administration import CallList
from connector.crm.salesforce.permission_sets import INTEGRATION, READER, for_people, may_edit, name_of
from connector.crm.salesforce.provision import ACTIVITIES, metadata_of, type_of
from connector.crm.salesforce.settings import SalesforceSettings
from mappings.fields import NewField
from mappings.model import Mapping as CrmMapping
from mappings.needs import Need, needs_of
from mappings.write import new_fields

SOURCE: Final = "force-app/main/default"
NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"
LABEL_LENGTH: Final = 40
OBJECTS: Final = ("Lead", "Contact", "Account", "Opportunity", "Campaign")  # those that object permissions are for
SYSTEM: Final = {
    "ActivitiesAccess": "tasks",
    "ApiEnabled": "always",
    "EditTask": "tasks",
    "TransferAnyEntity": "moves",
    "TransferAnyLead": "moves",
}
# standard fields that need field permissions, each by the name it has there
STANDARD: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {
        **{name: name for name in ("Email", "Phone", "Title", "Website", "Industry", "NumberOfEmployees")},
        **{name: name for name in ("AnnualRevenue", "LeadSource", "HasOptedOutOfEmail")},
        "Country": "Address",
    },
    "Contact": {
        **{name: name for name in ("AccountId", "Email", "Phone", "Title", "Department", "LeadSource")},
        "HasOptedOutOfEmail": "HasOptedOutOfEmail",
        "MailingCountry": "MailingAddress",
    },
    "Account": {
        **{name: name for name in ("Website", "Industry", "NumberOfEmployees", "AnnualRevenue", "Type")},
        "BillingCountry": "BillingAddress",
    },
    "Opportunity": {"AccountId": "AccountId", "Amount": "Amount"},
}
# columns of list views have names of their own
COLUMNS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "Lead": (("FULL_NAME", "LEAD.COMPANY"), ("LEAD.PHONE", "LEAD.EMAIL", "CORE.USERS.ALIAS")),
    "Contact": (("NAME", "ACCOUNT.NAME"), ("CONTACT.PHONE1", "CONTACT.EMAIL", "CORE.USERS.ALIAS")),
    "Account": (("ACCOUNT.NAME",), ("ACCOUNT.PHONE1", "CORE.USERS.ALIAS")),
}

Said = Sequence[tuple[str, Any]]  # an element's children in order; their own children likewise


def metadata_files(mapping: CrmMapping, lists: Sequence[CallList], api_version: str | None) -> dict[str, str]:
    """Write every file by its path in the project; the same mapping gives the same bytes."""
    version = api_version or SalesforceSettings.api_version
    fields, needs = new_fields(mapping), needs_of(mapping)
    views = [view for made in lists if made.object in COLUMNS for view in _views(made)]
    project = {"packageDirectories": [{"path": "force-app", "default": True}], "sourceApiVersion": version}
    written = {f"{_owner(each)}/fields/{each.name}.field-meta.xml": _field(each) for each in fields}
    written |= {f"{name}/listViews/{dict(said)['fullName']}.listView-meta.xml": _view(said) for name, said in views}
    sets = {INTEGRATION.name: _integration(fields, needs), READER.name: _reader(fields)}
    files = {f"{SOURCE}/objects/{path}": text for path, text in written.items()}
    files |= {f"{SOURCE}/permissionsets/{name}.permissionset-meta.xml": text for name, text in sets.items()}
    files["manifest/package.xml"] = _package(fields, views, version)
    files["sfdx-project.json"] = json.dumps(project, indent=2) + "\n"
    files["README.md"] = _readme(fields, lists, needs)
    return files


def _owner(field: NewField) -> str:
    return "Activity" if field.object in ACTIVITIES else field.object


def _field(field: NewField) -> str:
    told = {"fullName": field.name, **metadata_of(field)}
    if "valueSet" in told:
        told["valueSet"] = _choices(field.options)
    if told["type"] in ("Checkbox", "LongTextArea"):
        del told["required"]
    first = ("fullName", told.pop("fullName"))
    return _xml("CustomField", [first, *((key, told[key]) for key in sorted(told) if told[key] != "")])


def _choices(options: Sequence[str]) -> Said:
    values = [("value", [("fullName", text), ("default", False), ("label", text)]) for text in options]
    return [("valueSetDefinition", [("sorted", False), *values])]


def _integration(fields: Sequence[NewField], needs: Sequence[Need]) -> str:
    reads = {
        f"{need.object}.{STANDARD[need.object][name]}"
        for need in needs
        for name in _standard(need, need.reads | need.may_read)
    }
    reads |= {f"{need.object}.{name}" for need in needs for name in need.reads if name.endswith("__c")}
    sets = {f"{need.object}.{STANDARD[need.object][name]}" for need in needs for name in _standard(need, need.sets)}
    edits = sets | {f"{name}.{each.name}" for each in fields for name in _sides(each) if may_edit(INTEGRATION, each)}
    reads |= {name_of(each) for each in fields if each.by_people}
    does = {
        "always": True,
        "tasks": any(need.sets for need in needs if need.object in ACTIVITIES),
        "moves": any(need.moves for need in needs),
    }
    objects = {need.object: need for need in needs if need.object in OBJECTS}
    if any(need.object == "CampaignMember" for need in needs):
        objects["Campaign"] = Need("Campaign")
    said: list[tuple[str, Any]] = [("description", INTEGRATION.description)]
    said += [_grant(name, edits=name in edits) for name in sorted(reads | edits)]
    said += [("hasActivationRequired", False), ("label", INTEGRATION.label)]
    said += [_object(objects[name]) for name in sorted(objects)]
    said += [("userPermissions", [("enabled", True), ("name", name)]) for name, when in SYSTEM.items() if does[when]]
    return _xml("PermissionSet", said)


def _standard(need: Need, used: frozenset[str]) -> list[str]:
    return [name for name in STANDARD.get(need.object, ()) if name in used]


def _sides(field: NewField) -> tuple[str, ...]:
    """Name the objects that a field is granted on: an activity's on both kinds, or deploying takes one away."""
    return tuple(sorted(ACTIVITIES)) if field.object in ACTIVITIES else (field.object,)


def _reader(fields: Sequence[NewField]) -> str:
    said: list[tuple[str, Any]] = [("description", READER.description)]
    said += [_grant(name_of(each), edits=may_edit(READER, each)) for each in sorted(for_people(fields), key=name_of)]
    return _xml("PermissionSet", [*said, ("hasActivationRequired", False), ("label", READER.label)])


def _grant(field: str, *, edits: bool) -> tuple[str, Said]:
    return "fieldPermissions", [("editable", edits), ("field", field), ("readable", True)]


def _object(need: Need) -> tuple[str, Said]:
    may = [("allowCreate", bool(need.sets)), ("allowDelete", False), ("allowEdit", bool(need.edits))]
    may += [("allowRead", True), ("modifyAllRecords", False)]
    return "objectPermissions", [*may, ("object", need.object), ("viewAllRecords", False)]


def _views(made: CallList) -> Iterator[tuple[str, Said]]:
    """Write two views: everybody's, and what belongs to who looks."""
    before, after = COLUMNS[made.object]
    suffix = f"_{made.model}" if made.model else ""
    for name, label, scope in (
        ("Leadlight_Who_to_call", made.label, "Everything"),
        ("Leadlight_Mine_to_call", made.label.replace("who to call", "mine to call"), "Mine"),
    ):
        said: list[tuple[str, Any]] = [("fullName", f"{name}{suffix}")]
        said += [("columns", column) for column in (*before, *made.columns, *after)]
        said += [("filterScope", scope)]
        said += [("filters", [("field", made.band), ("operation", "equals"), ("value", ",".join(made.bands))])]
        yield made.object, [*said, ("label", label[:LABEL_LENGTH].rstrip())]


def _view(said: Said) -> str:
    return _xml("ListView", said)


def _package(fields: Sequence[NewField], views: Sequence[tuple[str, Said]], version: str) -> str:
    members = {
        "CustomField": [f"{_owner(each)}.{each.name}" for each in fields],
        "ListView": [f"{name}.{dict(said)['fullName']}" for name, said in views],
        "PermissionSet": [INTEGRATION.name, READER.name],
    }
    types = [("types", [*(("members", each) for each in sorted(m)), ("name", name)]) for name, m in members.items()]
    return _xml("Package", [*types, ("version", version)])


def _readme(fields: Sequence[NewField], lists: Sequence[CallList], needs: Sequence[Need]) -> str:
    environment = jinja2.Environment(  # noqa: S701 - Markdown, not a page
        loader=jinja2.PackageLoader("connector", "templates"), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    rows = [(f"{_owner(each)}.{each.name}", type_of(each), each.label) for each in fields]
    customs = sorted(need.object for need in needs if need.object.endswith("__c"))
    made = [need for need in needs if need.sets and need.object not in ACTIVITIES]
    shown = {"fields": rows, "lists": lists, "customs": customs, "moves": any(need.moves for need in needs)}
    shown |= {"creates": [need.object for need in made], "sets": sorted({name for need in made for name in need.sets})}
    return environment.get_template("salesforce_setup.md.j2").render(**shown) + "\n"


def _xml(root: str, said: Said) -> str:
    element = Tree.Element(root, xmlns=NAMESPACE)
    _fill(element, said)
    Tree.indent(element, "    ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Tree.tostring(element, encoding="unicode")}\n'


def _fill(element: Tree.Element, said: Said) -> None:
    for name, value in said:
        child = Tree.SubElement(element, name)
        if isinstance(value, list):
            _fill(child, value)
        else:
            child.text = str(value).lower() if isinstance(value, bool) else str(value)
