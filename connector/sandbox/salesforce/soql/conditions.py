"""Compile conditions to SQL; a null counts as false, and NOT turns it to true, as in SOQL."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from connector.sandbox.salesforce.errors import CrmError, pointing
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.objects import stored
from connector.sandbox.salesforce.soql.periods import period_range
from connector.sandbox.salesforce.soql.scope import Column, Scope
from connector.sandbox.salesforce.soql.tokens import unescape
from connector.sandbox.salesforce.soql.tree import (
    Aggregate,
    Comparison,
    Condition,
    Literal,
    Logic,
    Name,
    Query,
    SemiJoin,
)

TEXT_TYPES = ("string", "picklist", "email", "phone", "url", "textarea", "combobox", "multipicklist", "encryptedstring")
ID_TYPES = ("id", "reference")
NUMBER_TYPES = ("int", "double", "currency", "percent")
SPOKEN_TYPES = {"datetime": "dateTime", "picklist": "string", "textarea": "string"}


class Conditions:
    """Compile the conditions of one scope; inner compiles a semi-join's query and appends its binds."""

    def __init__(
        self,
        scope: Scope,
        operand: Callable[[Name | Aggregate], Column],
        inner: Callable[[Query, list[Any]], str],
        today: date,
    ) -> None:
        self._scope, self._operand, self._inner, self._today = scope, operand, inner, today
        self.binds: list[Any] = []

    def sql(self, condition: Condition) -> str:
        """Give the SQL of a condition; its binds are appended in order."""
        if isinstance(condition, Logic):
            parts = [self.sql(part) for part in condition.parts]
            if condition.operator == "NOT":
                return f"NOT COALESCE({parts[0]}, 0)"
            return f"({f' {condition.operator} '.join(parts)})"
        if isinstance(condition, SemiJoin):
            return self._semi_join(condition)
        column = self._operand(condition.left)
        self._check_filterable(column, condition)
        return f"({self._compared(column, condition)})"

    def _semi_join(self, condition: SemiJoin) -> str:
        column = self._operand(condition.left)
        if column.spec.type not in ID_TYPES:
            raise self._refuse(condition.left, f"The left operand '{column.spec.name}' of a semi join must be an id")
        inner = self._inner(condition.query, self.binds)
        among = f"{column.sql} IN ({inner})"
        return f"NOT COALESCE({among}, 0)" if condition.negated else f"({among})"

    def _compared(self, column: Column, condition: Comparison) -> str:
        operator, kind = condition.operator, column.spec.type
        if operator in ("INCLUDES", "EXCLUDES"):
            return self._multiple(column, condition)
        if operator == "LIKE":
            return self._like(column, condition)
        if operator in ("IN", "NOT IN"):
            return self._listed(column, condition)
        literal = condition.values[0]
        if self._is_null(literal, kind):
            return self._null_check(column, condition)
        if kind in ("date", "datetime"):
            return self._moment(column, operator, literal)
        if kind == "boolean":
            return f"COALESCE({column.sql}, 0) {self._only_equal(condition)} {self._bind(self._value(column, literal))}"
        value = self._bind(self._value(column, literal))
        sql = f"{column.sql} COLLATE NOCASE" if kind in TEXT_TYPES else column.sql
        return f"{sql} {'IS NOT' if operator == '!=' else operator} {value}"

    def _is_null(self, literal: Literal, kind: str) -> bool:
        return literal.kind == "null" or (literal.kind == "string" and literal.text == "" and kind in TEXT_TYPES)

    def _null_check(self, column: Column, condition: Comparison) -> str:
        operator = self._only_equal(condition)
        return f"{column.sql} IS {'NOT ' if operator == '!=' else ''}NULL"

    def _only_equal(self, condition: Comparison) -> str:
        if condition.operator not in ("=", "!="):
            raise self._wrong_operator(condition)
        return condition.operator

    def _listed(self, column: Column, condition: Comparison) -> str:
        kind = column.spec.type
        if kind in ("date", "datetime"):
            parts = [self._moment(column, "=", literal) for literal in condition.values]
            either = " OR ".join(parts)
            return either if condition.operator == "IN" else f"NOT COALESCE({either}, 0)"
        nulls = [literal for literal in condition.values if self._is_null(literal, kind)]
        marks = [self._bind(self._value(column, literal)) for literal in condition.values if literal not in nulls]
        sql = f"{column.sql} COLLATE NOCASE" if kind in TEXT_TYPES else column.sql
        among = f"{sql} IN ({', '.join(marks)})"
        if nulls:
            among = f"({among} OR {column.sql} IS NULL)"
        return among if condition.operator == "IN" else f"NOT COALESCE({among}, 0)"

    def _like(self, column: Column, condition: Comparison) -> str:
        literal = condition.values[0]
        if column.spec.type not in TEXT_TYPES or literal.kind != "string":
            raise self._wrong_operator(condition)
        return f"{column.sql} LIKE {self._bind(unescape(literal.text, for_like=True))} ESCAPE '\\'"

    def _multiple(self, column: Column, condition: Comparison) -> str:
        if column.spec.type != "multipicklist":
            raise self._wrong_operator(condition)
        choices = []
        for literal in condition.values:
            values = [value for value in str(self._value(column, literal)).split(";") if value]
            needed = [f"INSTR(';' || {column.sql} || ';', {self._bind(f';{value};')}) > 0" for value in values]
            choices.append(f"({' AND '.join(needed) or '0'})")
        either = " OR ".join(choices)
        return either if condition.operator == "INCLUDES" else f"NOT COALESCE({either}, 0)"

    def _value(self, column: Column, literal: Literal) -> Any:  # noqa: ANN401 - what SQLite binds
        kind = column.spec.type
        if kind in ID_TYPES and literal.kind == "string":
            return self._id(literal)
        if kind in TEXT_TYPES and literal.kind == "string":
            return unescape(literal.text)
        if kind in NUMBER_TYPES and literal.kind == "number":
            return float(literal.text) if "." in literal.text else int(literal.text)
        if kind == "boolean" and literal.kind == "boolean":
            return int(literal.text == "true")
        raise self._wrong_type(column, literal)

    def _id(self, literal: Literal) -> str:
        found = canonical_id(unescape(literal.text), checked=False)
        if found is None:
            message = f"invalid ID field: {literal.text}"
            raise pointing(self._scope.query.source, literal.position, "INVALID_QUERY_FILTER_OPERATOR", message)
        return found

    def _moment(self, column: Column, operator: str, literal: Literal) -> str:
        if literal.kind == "period":
            start, end = period_range(literal.text, self._today)
            return self._ranged(column, operator, start, end)
        if column.spec.type == "date":
            if literal.kind != "date":
                raise self._wrong_type(column, literal)
            value = self._bind(self._day(literal).isoformat())
        elif literal.kind != "datetime":
            raise self._wrong_type(column, literal)
        elif column.stamp is not None:
            return self._stamped(column.stamp, operator, self._instant(literal))
        else:
            value = self._bind(stored(self._instant(literal)))
        return f"{column.sql} {'IS NOT' if operator == '!=' else operator} {value}"

    def _ranged(self, column: Column, operator: str, start: date, end: date) -> str:
        if column.stamp is not None:
            low, high = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (start, end))
            sql = f"{column.stamp} / 1000"
            first, after = self._bind(low), self._bind(high)
        else:
            is_date = column.spec.type == "date"
            texts = [day.isoformat() if is_date else stored(datetime.combine(day, time(), UTC)) for day in (start, end)]
            sql, first, after = column.sql, self._bind(texts[0]), self._bind(texts[1])
        within = f"({sql} >= {first} AND {sql} < {after})"
        shapes = {
            "=": within,
            "!=": f"NOT COALESCE({within}, 0)",
            "<": f"({sql} < {first} AND {after} IS NOT NULL)",
            ">=": f"({sql} >= {first} AND {after} IS NOT NULL)",
            "<=": f"({first} IS NOT NULL AND {sql} < {after})",
            ">": f"({first} IS NOT NULL AND {sql} >= {after})",
        }
        return shapes[operator]

    def _stamped(self, stamp: str, operator: str, moment: datetime) -> str:
        seconds = moment.timestamp()
        sql = f"{stamp} / 1000"
        if operator in ("=", "!="):
            same = f"{sql} = {self._bind(seconds)}"
            return same if operator == "=" else f"NOT COALESCE({same}, 0)"
        whole = math.ceil(seconds) if operator in (">=", "<") else math.floor(seconds)
        return f"{sql} {operator} {self._bind(whole)}"

    def _day(self, literal: Literal) -> date:
        try:
            return date.fromisoformat(literal.text)
        except ValueError:
            raise self._bad_moment(literal) from None

    def _instant(self, literal: Literal) -> datetime:
        try:
            return datetime.fromisoformat(literal.text)
        except ValueError:
            raise self._bad_moment(literal) from None

    def _bind(self, value: Any) -> str:  # noqa: ANN401 - what SQLite binds
        self.binds.append(value)
        return "?"

    def _check_filterable(self, column: Column, condition: Comparison) -> None:
        if not column.spec.filterable or column.spec.type == "address":
            raise self._refuse(condition.left, f"field '{column.spec.name}' can not be filtered in a query call")

    def _refuse(self, left: Name | Aggregate, message: str) -> CrmError:
        return pointing(self._scope.query.source, left.position, "INVALID_FIELD", message)

    def _wrong_operator(self, condition: Comparison) -> CrmError:
        source, position = self._scope.query.source, condition.left.position
        return pointing(source, position, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator: {condition.operator}")

    def _bad_moment(self, literal: Literal) -> CrmError:
        message = f"'{literal.text}' is not a valid date or time"
        return pointing(self._scope.query.source, literal.position, "MALFORMED_QUERY", message)

    def _wrong_type(self, column: Column, literal: Literal) -> CrmError:
        spoken = SPOKEN_TYPES.get(column.spec.type, column.spec.type)
        quoted = "should" if column.spec.type in (*TEXT_TYPES, *ID_TYPES) else "should not"
        message = (
            f"value of filter criterion for field '{column.spec.name}' must be of type {spoken} and {quoted} be "
            "enclosed in quotes"
        )
        return pointing(self._scope.query.source, literal.position, "INVALID_FIELD", message)
