"""Searching records: filters compiled to SQL, an index that lags, pages up to 10,000 results."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Call
from connector.sandbox.hubspot.objects import ObjectType, Property, object_type, virtual_columns
from connector.sandbox.hubspot.reading import projection
from connector.sandbox.hubspot.values import milliseconds
from connector.sandbox.hubspot.wire import json_response, stored_stamp, validation_error, whole_number
from connector.sandbox.storage import quote

LIMIT_DEFAULT, LIMIT_MAX = 10, 200
RESULTS_MAX = 10_000
GROUPS_MAX, FILTERS_PER_GROUP_MAX, FILTERS_MAX = 5, 6, 18
QUERY_MAX_CHARACTERS = 3000
COMPARISONS = {"EQ": "=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
OPERATORS = frozenset(
    {
        *COMPARISONS,
        *("NEQ", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"),
        *("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"),
    }
)
SEPARATORS = "@.,;:/-_()"
SEARCHED = ("email", "firstname", "lastname", "phone", "company", "name", "domain", "website", "dealname", "subject")

Clause = tuple[str, list[Any]]


@dataclass(frozen=True)
class Operand:
    """Say what a filter or a sort compares: an SQL expression, and how wire values become its values."""

    column: str
    expression: str
    prop: Property
    kind: str

    def value(self, raw: object) -> Any:  # noqa: ANN401 - a number or a text
        """Take a wire value to the column's own form; raises ApiError where it is none."""
        text = ("true" if raw else "false") if isinstance(raw, bool) else str(raw)
        if self.kind in ("stamp", "datetime", "date"):
            ms = milliseconds(text)
            if ms is None:
                raise validation_error(f"{self.prop.name}: {text} is not a valid date")
            return ms if self.kind == "stamp" else stored_stamp(ms)[: 10 if self.kind == "date" else None]
        if self.kind in ("id", "number"):
            try:
                return int(text) if self.kind == "id" else float(text)
            except ValueError as error:
                raise validation_error(f"{self.prop.name}: {text} is not a valid number") from error
        return text


def operand(call: Call, kind: ObjectType, name: object) -> Operand:
    """Find what a filter or a sort names; raises ApiError for an unknown property."""
    prop = call.account.schema.of(kind.plural).get(str(name))
    if prop is None or prop.name in call.account.hidden(kind):
        raise validation_error(f'There was a problem with the request. Property "{name}" does not exist.')
    if prop.name == "hs_object_id":
        return Operand("_id", "CAST(_id AS INTEGER)", prop, "id")
    if prop.name in virtual_columns(kind):
        column = virtual_columns(kind)[prop.name]
        return Operand(column, column, prop, "stamp")
    column = quote(prop.name)
    if prop.type == "number":
        return Operand(column, f"CAST(NULLIF({column}, '') AS REAL)", prop, "number")
    return Operand(column, column, prop, prop.type)


def search(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `POST …/search`: `after` is an offset; records changed within the index's lag are not found yet.

    The bodies of refusals are not recorded: from the vendor's documentation.
    """
    kind, body = call.subject(object), call.body()
    limit = whole(body.get("limit"), "limit", LIMIT_DEFAULT, LIMIT_MAX)
    offset = whole(body.get("after"), "after", 0, RESULTS_MAX)
    if offset + limit > RESULTS_MAX:
        raise validation_error(f"Paging past {RESULTS_MAX} results is not possible: after {offset}, limit {limit}.")
    where, values = condition(call, kind, body)
    table, order = quote(kind.plural), ordering(call, kind, body.get("sorts"))
    total = call.account.counts.get(call.storage, f"SELECT COUNT(*) FROM {table} WHERE {where}", values)  # noqa: S608 - quoted identifiers
    inner = f"SELECT _id FROM {table} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - quoted identifiers
    ids = [row[0] for row in call.storage.query(inner, [*values, limit, offset])]
    chosen = projection(call.account, kind, body.get("properties"))
    marks = ", ".join("?" for _ in ids)
    found = {record["id"]: record for record in chosen.select(call.account, f"_id IN ({marks})", ids)}
    answer: dict[str, Any] = {"total": total, "results": [found[number] for number in ids]}
    if offset + limit < total:
        answer["paging"] = {"next": {"after": str(offset + limit)}}
    return json_response(200, answer)


def whole(raw: object, name: str, default: int, most: int) -> int:
    """Read a whole number that may come as text; raises ApiError."""
    if raw in (None, ""):
        return default
    number = whole_number(raw)
    if number is None or number > most:
        raise validation_error(f"{name}: expected a whole number up to {most}, got {raw}")
    return number


def condition(call: Call, kind: ObjectType, body: Mapping[str, Any]) -> Clause:
    """Compile a search's filters, its text query and the index's lag."""
    parts: list[str] = ["_deleted = 0"]
    values: list[Any] = []
    lag_s = call.account.switches.search_lag_s
    if lag_s > 0:
        parts.append("_modified_at <= ?")
        values.append(call.account.changes_seen_until(lag_s))
    alternatives: list[str] = []
    for group in filter_groups(body):
        clauses = [compiled(call, kind, each) for each in group]
        alternatives.append(" AND ".join(f"({text})" for text, _ in clauses) or "1")
        values += [value for _, found in clauses for value in found]
    if alternatives:
        parts.append(alternatives[0] if len(alternatives) == 1 else " OR ".join(f"({each})" for each in alternatives))
        parts[-1] = f"({parts[-1]})" if len(alternatives) > 1 else parts[-1]
    for word in words(body.get("query")):
        columns = [quote(name) for name in SEARCHED if name in call.account.schema.of(kind.plural)]
        parts.append("(" + (" OR ".join(f"{column} LIKE ?" for column in columns) or "0") + ")")
        values += [f"%{word}%"] * len(columns)
    return " AND ".join(parts), values


def words(query: object) -> list[str]:
    """Split a text query; raises ApiError where it is too long."""
    text = "" if query is None else str(query)
    if len(text) > QUERY_MAX_CHARACTERS:
        raise validation_error(f"query must be at most {QUERY_MAX_CHARACTERS} characters, was {len(text)}")
    return text.split()


def filter_groups(body: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """Read filter groups, or the one that `filters` makes; raises ApiError where there are too many."""
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    if body.get("filters"):
        groups.append(body["filters"])
    if len(groups) > GROUPS_MAX:
        raise validation_error(f"A search takes at most {GROUPS_MAX} filter groups, got {len(groups)}.")
    if any(len(group) > FILTERS_PER_GROUP_MAX for group in groups):
        raise validation_error(f"A filter group takes at most {FILTERS_PER_GROUP_MAX} filters.")
    if sum(map(len, groups)) > FILTERS_MAX:
        raise validation_error(f"A search takes at most {FILTERS_MAX} filters.")
    return groups


def compiled(call: Call, kind: ObjectType, each: Mapping[str, Any]) -> Clause:
    """Compile one filter."""
    operator, name = each.get("operator"), each.get("propertyName")
    if operator not in OPERATORS:
        raise validation_error(f"operator: {operator} is none of {', '.join(sorted(OPERATORS))}")
    if str(name).startswith("associations."):
        return associated(kind, str(name).removeprefix("associations."), each)
    subject = operand(call, kind, name)
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        known = f"{subject.column} IS NOT NULL AND {subject.column} <> ''"
        return (known if operator == "HAS_PROPERTY" else f"NOT ({known})"), []
    if operator in ("IN", "NOT_IN"):
        return among(subject, listed(each), negated=operator == "NOT_IN")
    if operator == "BETWEEN":
        bounds = [subject.value(required(each, "value")), subject.value(required(each, "highValue"))]
        return f"{subject.expression} BETWEEN ? AND ?", bounds
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return token(subject, str(required(each, "value")), negated=operator.startswith("NOT"))
    return compared(subject, operator, required(each, "value"))


def required(each: Mapping[str, Any], key: str) -> object:
    """Take a filter's value; raises ApiError where it is missing."""
    if each.get(key) is None:
        raise validation_error(f"{key} is required for operator {each.get('operator')}")
    return each[key]


def listed(each: Mapping[str, Any]) -> list[object]:
    """Take a filter's values; raises ApiError where they are no list."""
    values = each.get("values")
    if not isinstance(values, list) or not values:
        raise validation_error(f"values are required for operator {each.get('operator')}")
    return values


def compared(subject: Operand, operator: str, raw: object) -> Clause:
    """Compare with one value; text ignores letter case; a record without a value never matches."""
    value = subject.value(raw)
    known = f"{subject.column} IS NOT NULL AND "
    collation = " COLLATE NOCASE" if subject.kind in ("string", "enumeration", "bool") else ""
    if operator == "NEQ":
        return f"{known}{subject.column} <> '' AND {subject.expression} <> ?{collation}", [value]
    return f"{known}{subject.expression} {COMPARISONS[operator]} ?{collation}", [value]


def among(subject: Operand, raw: Sequence[object], *, negated: bool) -> Clause:
    """Compare with several values; text is matched against its lower case, so values with capitals find nothing."""
    values = [subject.value(each) for each in raw]
    if subject.prop.field_type == "checkbox":
        return options_among(subject, values, negated=negated)
    marks = ", ".join("?" for _ in values)
    if subject.kind == "string":
        values = [value if value == value.lower() else "\x00" for value in values]
        found = f"{subject.column} COLLATE NOCASE IN ({marks})"
    elif subject.kind == "id":
        found, values = f"_id IN ({marks})", [str(value) for value in values]
    else:
        found = f"{subject.expression} IN ({marks})"
    known = f"{subject.column} IS NOT NULL"
    return (f"{known} AND {subject.column} <> '' AND NOT {found}" if negated else f"{known} AND {found}"), values


def options_among(subject: Operand, values: Sequence[str], *, negated: bool) -> Clause:
    """Match records that have any (or none) of several options."""
    text = " OR ".join(f"instr(';' || {subject.column} || ';', ?) > 0" for _ in values)
    known = f"{subject.column} IS NOT NULL AND {subject.column} <> ''"
    return f"{known} AND {'NOT ' if negated else ''}({text})", [f";{value};" for value in values]


def token(subject: Operand, raw: str, *, negated: bool) -> Clause:
    """Match whole words of a text; `*` stands for any characters."""
    spaced, pattern = f"lower({subject.column})", raw.lower()
    for separator in SEPARATORS:
        spaced = f"replace({spaced}, '{separator}', ' ')"
        pattern = pattern.replace(separator, " ")
    pattern = re.sub(r"\s+", " ", pattern.strip()).replace("*", "%")
    found = f"' ' || {spaced} || ' ' LIKE ?"
    known = f"{subject.column} IS NOT NULL"
    return f"{known} AND {'NOT ' if negated else ''}({found})", [f"% {pattern} %"]


def associated(kind: ObjectType, name: str, each: Mapping[str, Any]) -> Clause:
    """Match records that are associated with a record of another object."""
    target = object_type(name)
    if target is None:
        raise validation_error(f'There was a problem with the request. Property "associations.{name}" does not exist.')
    operator = each.get("operator")
    if operator not in ("EQ", "IN"):
        raise validation_error(f"operator: {operator} does not go with associations.{name}")
    asked = listed(each) if operator == "IN" else [required(each, "value")]
    marks = ", ".join("?" for _ in asked)
    linked = "SELECT CAST(to_id AS TEXT) FROM associations WHERE from_type = ? AND to_type = ? AND from_id IN"
    text = f"_id IN ({linked} ({marks}))"
    return text, [target.plural, kind.plural, *map(whole_number, asked)]


def ordering(call: Call, kind: ObjectType, sorts: object) -> str:
    """Compile a search's one sort; without one records come by id. Ties come by id."""
    asked = sorts if isinstance(sorts, list) else []
    if len(asked) > 1:
        raise validation_error(f"A search takes one sort, got {len(asked)}.")
    if not asked:
        return "CAST(_id AS INTEGER)"
    if isinstance(asked[0], str):
        name, descending = asked[0].removeprefix("-"), asked[0].startswith("-")
    else:
        name, descending = asked[0].get("propertyName"), asked[0].get("direction") == "DESCENDING"
    subject = operand(call, kind, name)
    direction = "DESC" if descending else "ASC"
    return f"{subject.expression} {direction}" + ("" if subject.kind == "id" else f", _id {direction}")
