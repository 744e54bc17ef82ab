"""Duplicate rules: creations and changes that answer DUPLICATES_DETECTED.

The setting `duplicate_rules` maps a rule's name to `{object, against?, match?, ids?, action?, operations?}`: a row of
`object` is a duplicate where another record of `against` (the same object) has its values in all fields of `match`, or
where its own id is among `ids`. action: `Allow` lets a save pass that says allowSave=true (the vendor's alert), `Block`
none; operations: `create`, `update`, by default both. The header: the vendor's page on the duplicate rule header. No
recording: the body's keys are those of the vendor's DuplicateResult and of public reports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.objects import ObjectSpec
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.storage import quote

HEADER = "sforce-duplicate-rule-header"
SINCE = 52.0
MESSAGE = "Use one of these records?"
KEYS = frozenset({"object", "against", "match", "ids", "action", "operations"})
ACTIONS = ("Allow", "Block")
OPERATIONS = ("create", "update")
MOST_SHOWN = 100


def read_rules(value: Mapping[str, Any]) -> dict[str, Any]:
    """Check the setting; raises ValueError with every problem."""
    problems = []
    for name, rule in value.items():
        if not isinstance(rule, dict) or not rule.get("object"):
            problems.append(f"duplicate_rules.{name}: expected an object with the key object, got {rule!r}")
            continue
        problems += [f"duplicate_rules.{name}.{key}: unknown key" for key in sorted(rule.keys() - KEYS)]
        problems += [
            f"duplicate_rules.{name}.{key}: expected a list of texts"
            for key in ("match", "ids", "operations")
            if not isinstance(rule.get(key, []), list) or not all(isinstance(each, str) for each in rule.get(key, []))
        ]
        if rule.get("action", "Block") not in ACTIONS:
            problems.append(f"duplicate_rules.{name}.action: expected one of {', '.join(ACTIONS)}")
    if problems:
        raise ValueError("; ".join(problems))
    return dict(value)


def refuse_duplicates(
    org: Org, call: Call, spec: ObjectSpec, before: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Refuse a row that a rule finds a duplicate of; raises CrmError DUPLICATES_DETECTED."""
    options = header_options(call)
    for name, rule in org.switches.duplicate_rules.items():
        wanted = OPERATIONS[1] if before else OPERATIONS[0]
        if rule["object"] != spec.name or wanted not in rule.get("operations", OPERATIONS):
            continue
        found = _matches(org, rule, spec, {**before, **values})
        may_save = rule.get("action", "Block") == "Allow"
        if found and not (may_save and options.get("allowsave") == "true"):
            details = options.get("includerecorddetails") == "true"
            raise _refusal(org, call, name, rule, found, allow_save=may_save, details=details)


def header_options(call: Call) -> dict[str, str]:
    """Read the header's options, letter case ignored; empty in versions that do not know it."""
    text = call.header_flag(HEADER) if float(call.version) >= SINCE else None
    pairs = (part.partition("=") for part in (text or "").split(";"))
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}


def _matches(org: Org, rule: Mapping[str, Any], spec: ObjectSpec, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = row.get("_id")
    if own is not None and own in {canonical_id(text) for text in rule.get("ids", ())}:
        return [dict(row)]
    against = org.catalog.objects.get(str(rule.get("against", spec.name)))
    names = [name for name in rule.get("match", ()) if against is not None and name in against.fields]
    if against is None or not names or any(row.get(name) is None for name in names):
        return []
    where = " AND ".join(f"{quote(name)} = ? COLLATE NOCASE" for name in names)
    statement = (
        f"SELECT * FROM {quote(against.name)} WHERE {where} AND _deleted = 0 AND _id IS NOT ? LIMIT {MOST_SHOWN}"  # noqa: S608 - quoted names
    )
    return [dict(found) for found in org.storage.query(statement, [*(row[name] for name in names), own])]


def _refusal(
    org: Org,
    call: Call,
    name: str,
    rule: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    *,
    allow_save: bool,
    details: bool,
) -> CrmError:
    kind = str(rule.get("against", rule["object"]))
    fields = org.view.objects[kind].fields if details and kind in org.view.objects else {}
    records = [
        {
            "attributes": {"type": kind, "url": f"{call.base}/sobjects/{kind}/{row['_id']}"},
            "Id": row["_id"],
            **{key: row[key] for key in fields if key in row},
        }
        for row in found
    ]
    result = {
        "allowSave": allow_save,
        "duplicateRule": name,
        "duplicateRuleEntityType": rule["object"],
        "errorMessage": MESSAGE,
        "matchResults": [_match_result(kind, name, records)],
    }
    error = CrmError("DUPLICATES_DETECTED", MESSAGE, ())
    error.more = {"duplicateResult": result}
    return error


def _match_result(kind: str, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": each} for each in records
    ]
    return {
        "entityType": kind,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": shown,
        "rule": name,
        "size": len(shown),
        "success": True,
    }
