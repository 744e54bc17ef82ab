"""Make custom fields, as the Tooling API does.

A new field is invisible to everyone until a permission set grants it. No recording of the answers: from the vendor's
documentation.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.org import Call, Org

TYPES = {
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "TextArea": "textarea",
    "Url": "url",
}
LENGTHS = {"email": 80, "phone": 40, "url": 255, "picklist": 255, "multipicklist": 4099, "textarea": 255}
NAME = re.compile(r"[A-Za-z]\w*__c")
MAX_TEXT, MAX_LONG_TEXT, MAX_DIGITS = 255, 131_072, 18


def create_field(org: Org, call: Call) -> Response:
    """Answer POST tooling/sobjects/CustomField."""
    if not org.view.rights.has("CustomizeApplication"):
        raise CrmError("INSUFFICIENT_ACCESS", "insufficient access rights on entity: CustomField", None, 403)
    order = call.mapping()
    full_name, metadata = str(order.get("FullName")), order.get("Metadata")
    owner, _, name = full_name.partition(".")
    targets = ["Task", "Event"] if owner == "Activity" else [owner]
    if not isinstance(metadata, dict):
        raise CrmError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", ["Metadata"])
    if any(target not in org.catalog.objects for target in targets) or owner in ("Task", "Event"):
        raise CrmError("INVALID_CROSS_REFERENCE_KEY", f"Entity '{owner}' does not exist", ["FullName"])
    if not NAME.fullmatch(name):
        message = f"Custom field name '{name}' must begin with a letter and end with __c"
        raise CrmError("FIELD_INTEGRITY_EXCEPTION", message, ["FullName"])
    if any(name.lower() == known.lower() for known in org.catalog.objects[targets[0]].fields):
        message = f"There is already a field named {name} on {owner}."
        raise CrmError("DUPLICATE_DEVELOPER_NAME", message, ["FullName"])
    spec = field_of(name, metadata)
    call.object = "CustomField"
    with call.transaction(org, 201) as transaction:
        field_id = record_id("CustomField", org.storage.next_number("CustomField"))
        for target in targets:
            org.catalog.add_field(target, spec, field_id)
        transaction.note("CustomField", field_id, "create", {"FullName": full_name})
    return call.answer({"id": field_id, "success": True, "errors": [], "warnings": [], "infos": []}, 201)


def field_of(name: str, metadata: Mapping[str, Any]) -> FieldSpec:
    """Read a field's definition; raises CrmError FIELD_INTEGRITY_EXCEPTION where it does not hold together."""
    kind = TYPES.get(str(metadata.get("type")))
    if kind is None:
        raise _refused(f"Invalid field type: {metadata.get('type')}", "Metadata")
    if not metadata.get("label"):
        raise CrmError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Label]", ["Label"])
    unique, external_id = bool(metadata.get("unique")), bool(metadata.get("externalId"))
    spec = FieldSpec(
        name=name,
        type=kind,
        access="cu" if metadata.get("required") else "cun",
        unique=unique,
        external_id=external_id,
        id_lookup=external_id,
        label=str(metadata["label"]),
        needs_grant=not metadata.get("required"),
    )
    if kind == "boolean":
        if str(metadata.get("defaultValue")).lower() not in ("true", "false"):
            raise _refused("must specify a default value of true or false for a checkbox", "DefaultValue")
        return replace(spec, access="cud", default=str(metadata["defaultValue"]).lower() == "true")
    if kind in ("double", "currency", "percent"):
        return _with_digits(spec, metadata)
    if kind == "reference":
        return _with_target(spec, metadata)
    if kind in ("picklist", "multipicklist"):
        return _with_values(spec, metadata)
    return _with_length(spec, metadata)


def _refused(message: str, field: str) -> CrmError:
    return CrmError("FIELD_INTEGRITY_EXCEPTION", message, [field])


def _with_digits(spec: FieldSpec, metadata: Mapping[str, Any]) -> FieldSpec:
    precision, scale = metadata.get("precision"), metadata.get("scale", 0)
    if not isinstance(precision, int) or not isinstance(scale, int) or not 0 <= scale <= precision <= MAX_DIGITS:
        raise _refused(f"precision must be given and be at most {MAX_DIGITS}, scale at most precision", "Precision")
    return replace(spec, precision=precision, scale=scale)


def _with_length(spec: FieldSpec, metadata: Mapping[str, Any]) -> FieldSpec:
    if spec.type in ("date", "datetime"):
        return spec
    is_long = metadata["type"] == "LongTextArea"
    length = metadata.get("length", LENGTHS.get(spec.type, 0)) if spec.type != "string" or "length" in metadata else 0
    most = MAX_LONG_TEXT if is_long else MAX_TEXT
    if not isinstance(length, int) or not (256 if is_long else 1) <= length <= most:
        raise _refused(f"length must be a whole number, at most {most}", "Length")
    extra = "plaintextarea" if spec.type == "textarea" else None
    return replace(spec, length=length, extra=extra, filterable=not is_long)


def _with_values(spec: FieldSpec, metadata: Mapping[str, Any]) -> FieldSpec:
    value_set = metadata.get("valueSet") or {}
    listed = (value_set.get("valueSetDefinition") or {}).get("value") or []
    values = tuple(str(value.get("fullName") or value.get("valueName") or value.get("label")) for value in listed)
    default = next((name for name, value in zip(values, listed, strict=True) if value.get("default")), None)
    restricted = bool(value_set.get("restricted"))
    length = LENGTHS[spec.type]
    return replace(spec, values=values, default=default, restricted=restricted, length=length)


def _with_target(spec: FieldSpec, metadata: Mapping[str, Any]) -> FieldSpec:
    target, relation = metadata.get("referenceTo"), metadata.get("relationshipName")
    if not target or not relation:
        raise _refused("a lookup needs referenceTo and relationshipName", "ReferenceTo")
    return replace(spec, to=(str(target),), relationship=f"{spec.name.removesuffix('__c')}__r", length=18, indexed=True)
