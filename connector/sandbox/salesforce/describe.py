"""Describe the org's objects and fields, with every key a real describe has."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce import tracking
from connector.sandbox.salesforce.cascades import CASCADES
from connector.sandbox.salesforce.catalog import View
from connector.sandbox.salesforce.errors import not_found
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, is_permissionable
from connector.sandbox.salesforce.org import Call, Org

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "anyType": "xsd:anyType",
}
UNGROUPABLE = ("double", "currency", "percent", "address", "datetime", "combobox", "anyType")
HISTORIES = tuple(name for name, _ in tracking.HISTORIES.values())
LISTLESS = ("OpportunityContactRole", "CampaignMember", "EmailMessageRelation", *HISTORIES)
MERGEABLE = ("Lead", "Contact", "Account")
SETUP = (
    "CurrencyType",
    "RecordType",
    "User",
    "Profile",
    "Group",
    "QueueSobject",
    "Organization",
    "PermissionSet",
    "FieldPermissions",
)
MASTER_RECORD_TYPE = "012000000000000AAA"
NOTHING: dict[str, Any] = {
    "aiPredictionField": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "caseSensitive": False,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}


def describe_field(spec: FieldSpec) -> dict[str, Any]:
    """Describe a field with the 57 keys of a real describe."""
    is_text = spec.length > 0 and spec.type not in ("id", "reference")
    polymorphic = len(spec.to) > 1
    described = {
        **NOTHING,
        "aggregatable": spec.filterable and spec.type not in ("boolean", "address"),
        "autoNumber": spec.auto_number,
        "byteLength": spec.length * 3 if is_text else spec.length,
        "calculated": False,
        "compoundFieldName": spec.part_of,
        "createable": "c" in spec.access,
        "custom": spec.custom,
        "defaultValue": spec.default,
        "defaultedOnCreate": "d" in spec.access,
        "digits": 8 if spec.type == "int" else 0,
        "externalId": spec.external_id,
        "extraTypeInfo": spec.extra,
        "filterable": spec.filterable,
        "groupable": spec.filterable and spec.type not in UNGROUPABLE,
        "idLookup": spec.id_lookup or spec.external_id,
        "label": spec.label,
        "length": spec.length,
        "name": spec.name,
        "nameField": spec.name_field,
        "namePointing": polymorphic,
        "nillable": "n" in spec.access,
        "permissionable": is_permissionable(spec),
        "picklistValues": _values(spec),
        "polymorphicForeignKey": polymorphic,
        "precision": spec.precision,
        "queryByDistance": spec.type == "address",
        "referenceTo": list(spec.to),
        "relationshipName": spec.relationship,
        "restrictedPicklist": spec.restricted,
        "scale": spec.scale,
        "soapType": SOAP_TYPES.get(spec.type, "xsd:string"),
        "sortable": spec.filterable and spec.type != "address",
        "type": spec.type,
        "unique": spec.unique,
        "updateable": "u" in spec.access,
    }
    return dict(sorted(described.items()))


def _values(spec: FieldSpec) -> list[dict[str, Any]]:
    return [
        {"active": True, "defaultValue": value == spec.default, "label": value, "validFor": None, "value": value}
        for value in spec.values
    ]


def describe_object(spec: ObjectSpec, base: str) -> dict[str, Any]:
    """Describe an object as the global describe lists it."""
    standard = spec.name not in SETUP
    path = f"{base}/sobjects/{spec.name}"
    links = ("compactLayouts", "layouts") if standard else ("layouts",)
    urls = {
        "rowTemplate": f"{path}/{{ID}}",
        "describe": f"{path}/describe",
        "sobject": path,
        **{link: f"{path}/describe/{link}" for link in links},
    }
    if standard:
        urls |= {"quickActions": f"{path}/quickActions"}
    if standard and not spec.activity and spec.name not in LISTLESS:
        urls |= {"listviews": f"{path}/listviews", "approvalLayouts": f"{path}/describe/approvalLayouts"}
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": "create" in spec.operations and any("c" in field.access for field in spec.fields.values()),
        "custom": spec.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": standard and "delete" in spec.operations,
        "deprecatedAndHidden": False,
        "feedEnabled": standard,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": spec.key_prefix,
        "label": spec.label,
        "labelPlural": spec.plural,
        "layoutable": standard,
        "mergeable": spec.name in MERGEABLE,
        "mruEnabled": standard,
        "name": spec.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": standard,
        "triggerable": standard,
        "undeletable": standard,
        "updateable": "edit" in spec.operations and any("u" in field.access for field in spec.fields.values()),
        "urls": urls,
    }


def describe_whole(view: View, spec: ObjectSpec, base: str, instance_url: str) -> dict[str, Any]:
    """Describe an object with its fields and child relationships."""
    listed = describe_object(spec, base)
    ui = f"{instance_url}/{{ID}}"
    urls = {
        **listed["urls"],
        "uiDetailTemplate": ui,
        "uiEditTemplate": f"{ui}/e",
        "uiNewRecord": f"{instance_url}/{spec.key_prefix}/e",
    }
    whole = {
        **listed,
        "actionOverrides": [],
        "childRelationships": _children(view, spec),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(field) for field in spec.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [] if spec.name in LISTLESS else [_master_record_type(f"{base}/sobjects/{spec.name}")],
        "searchLayoutable": listed["searchable"],
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {spec.plural.lower()}", "name": "everything"}],
        "urls": urls,
    }
    return dict(sorted(whole.items()))


def _children(view: View, spec: ObjectSpec) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": (child.name, field.name) in CASCADES.get(spec.name, ()),
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": name,
            "restrictedDelete": False,
        }
        for name, (child, field) in view.children(spec.name).items()
    ]


def _master_record_type(path: str) -> dict[str, Any]:
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": f"{path}/describe/layouts/{MASTER_RECORD_TYPE}"},
    }


def global_describe(org: Org, call: Call) -> Response:
    """Answer `sobjects`."""
    listed = [describe_object(spec, call.base) for spec in org.view.objects.values()]
    return call.answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


def object_info(org: Org, call: Call, name: str) -> Response:
    """Answer `sobjects/X`."""
    spec = visible_object(org, call, name)
    return call.answer({"objectDescribe": describe_object(spec, call.base), "recentItems": []})


def object_describe(org: Org, call: Call, name: str) -> Response:
    """Answer `sobjects/X/describe`, with an ETag."""
    spec = visible_object(org, call, name)
    whole = describe_whole(org.view, spec, call.base, org.instance_url)
    digest = hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:8]
    headers: Mapping[str, str] = {"ETag": f'"{digest}"'}
    if call.request.headers.get("if-none-match", "").removesuffix("--gzip") == headers["ETag"]:
        return Response(304, b"", headers)
    return call.answer(whole, headers=headers)


def visible_object(org: Org, call: Call, name: str) -> ObjectSpec:
    """Give an object and note it for the journal; raises CrmError NOT_FOUND."""
    spec = org.view.object(name)
    if spec is None:
        raise not_found()
    call.object = spec.name
    return spec
