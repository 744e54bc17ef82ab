"""The filters of dynamic lists: branches of property conditions, compiled to SQL.

Source: the vendor's guide to list filters: an OR branch at the root, AND branches in it, PROPERTY filters in those. A
list's other kinds of filters (pages, forms, associations, relative dates) are refused.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Request
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.searching import Clause, compiled
from connector.sandbox.hubspot.wire import validation_error
from connector.sandbox.storage import quote

OPERATORS = {
    "IS_EQUAL_TO": "EQ",
    "IS_NOT_EQUAL_TO": "NEQ",
    "IS_GREATER_THAN": "GT",
    "IS_GREATER_THAN_OR_EQUAL_TO": "GTE",
    "IS_LESS_THAN": "LT",
    "IS_LESS_THAN_OR_EQUAL_TO": "LTE",
    "CONTAINS": "CONTAINS_TOKEN",
    "DOES_NOT_CONTAIN": "NOT_CONTAINS_TOKEN",
}
ANY_OF, NONE_OF = ("IS_ANY_OF", "CONTAINS_ALL_OF"), ("IS_NONE_OF",)
KNOWN = {"IS_KNOWN": "HAS_PROPERTY", "IS_UNKNOWN": "NOT_HAS_PROPERTY"}
SERVED = ("STRING", "MULTISTRING", "NUMBER", "BOOL", "ENUMERATION", "ALL_PROPERTY")

Branch = Mapping[str, Any]


def normalised(branch: object) -> dict[str, Any]:
    """Give a branch as answers show it, with the operators it leaves out; raises ApiError."""
    if not isinstance(branch, Mapping) or branch.get("filterBranchType") not in ("OR", "AND"):
        raise validation_error("filterBranch: expected a branch of filterBranchType OR or AND")
    shown: dict[str, Any] = {
        "filterBranches": [normalised(each) for each in branch.get("filterBranches") or []],
        "filters": [property_filter(each) for each in branch.get("filters") or []],
    }
    kind = branch["filterBranchType"]
    return shown | {"filterBranchOperator": kind, "filterBranchType": kind}


def property_filter(each: object) -> dict[str, Any]:
    """Give one filter as answers show it; raises ApiError for a kind that is not served."""
    operation = each.get("operation") if isinstance(each, Mapping) else None
    if not isinstance(each, Mapping) or each.get("filterType") != "PROPERTY" or not isinstance(operation, Mapping):
        raise validation_error("filterBranch: only filters of filterType PROPERTY are available in this sandbox")
    if operation.get("operationType") not in SERVED:
        raise validation_error(f"operationType: {operation.get('operationType')} is none of {', '.join(SERVED)}")
    told = {"includeObjectsWithNoValueSet": False, **operation}
    return {"property": str(each.get("property")), "operation": told, "filterType": "PROPERTY"}


def matching(account: Account, kind: ObjectType, branch: Branch) -> list[str]:
    """Give the ids of the living records that a branch matches; raises ApiError for an unknown property."""
    call = Call(account, Request("POST", "/crm/v3/lists", {}, {}, b""), kind)
    where, values = branch_clause(call, kind, branch)
    rows = account.storage.query(
        f"SELECT _id FROM {quote(kind.plural)} WHERE _deleted = 0 AND ({where}) ORDER BY CAST(_id AS INTEGER)",  # noqa: S608 - quoted identifiers
        values,
    )
    return [row[0] for row in rows]


def branch_clause(call: Call, kind: ObjectType, branch: Branch) -> Clause:
    """Compile a branch; an empty one matches nothing."""
    parts = [branch_clause(call, kind, each) for each in branch["filterBranches"]]
    parts += [filter_clause(call, kind, each) for each in branch["filters"]]
    if not parts:
        return "0", []
    word = f" {branch['filterBranchType']} "
    return word.join(f"({text})" for text, _ in parts), [value for _, found in parts for value in found]


def filter_clause(call: Call, kind: ObjectType, each: Branch) -> Clause:
    """Compile one property filter; includeObjectsWithNoValueSet lets records without a value in."""
    operation = each["operation"]
    text, values = operation_clause(call, kind, str(each["property"]), operation)
    if operation.get("includeObjectsWithNoValueSet"):
        unset, _ = compiled(call, kind, {"propertyName": each["property"], "operator": "NOT_HAS_PROPERTY"})
        text = f"({text}) OR ({unset})"
    return text, values


def operation_clause(call: Call, kind: ObjectType, name: str, operation: Branch) -> Clause:
    """Compile what a filter asks of a property, in the words of a search."""
    operator = str(operation.get("operator"))
    if operator in KNOWN:
        return compiled(call, kind, {"propertyName": name, "operator": KNOWN[operator]})
    if operator == "IS_BETWEEN":
        bounds = {"value": operation.get("lowerBound"), "highValue": operation.get("upperBound")}
        return compiled(call, kind, {"propertyName": name, "operator": "BETWEEN", **bounds})
    raw = operation.get("values")
    values = raw if isinstance(raw, list) else [operation.get("value")]
    if operator in ANY_OF or operator in NONE_OF:
        word = "NOT_IN" if operator in NONE_OF else "IN"
        return compiled(call, kind, {"propertyName": name, "operator": word, "values": values})
    if operator not in OPERATORS:
        raise validation_error(f"operator: {operator} is not available in this sandbox")
    asked = [{"propertyName": name, "operator": OPERATORS[operator], "value": value} for value in values]
    clauses = [compiled(call, kind, each) for each in asked]
    word = " AND " if OPERATORS[operator].startswith("N") else " OR "
    return word.join(f"({text})" for text, _ in clauses), [value for _, found in clauses for value in found]
