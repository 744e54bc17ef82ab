"""Conditions on a person, an account and an event, in plain Python: nothing of the engine."""

# ruff: noqa: ANN401 - the values of a row are of any type, and this reading does not know columns

import re
from typing import Any

from tests.scoring.oracle_values import Row, Table, as_operand, duration, known, plain


class Facts:
    """What is known of one person with an account, at one second."""

    def __init__(self, person: Row, account: Row, lists: dict[str, set[str]], now: int) -> None:
        self.person, self.account, self.lists, self.now = person, account, lists, now

    def field(self, name: str, event: Row | None = None) -> Any:
        if name.startswith("account."):
            own = name.removeprefix("account.")
            value = known(self.account.get(own))
            return known(self.person.get(own)) if value is None else value
        if event is not None:
            if name.startswith("props."):
                return known((event.get("props") or {}).get(name.removeprefix("props.")))
            return known(event.get(name))
        if name == "email_domain":
            email = known(self.person.get("email"))
            return known(email.rpartition("@")[2]) if email is not None and "@" in email else None
        return known(self.person.get(name))

    def holds(self, condition: Table, event: Row | None = None) -> bool:
        return self.truth(condition, event, two_valued=True) is True

    def truth(self, condition: Table, event: Row | None = None, *, two_valued: bool) -> bool | None:
        if "not" in condition:
            inner = self.truth(condition["not"], event, two_valued=two_valued)
            return None if inner is None else not inner
        if "all" in condition:
            parts = [self.truth(part, event, two_valued=two_valued) for part in condition["all"]]
            return False if False in parts else None if None in parts else True
        if "any" in condition:
            parts = [self.truth(part, event, two_valued=two_valued) for part in condition["any"]]
            return True if True in parts else None if None in parts else False
        (operator,) = condition.keys() - {"field"}
        value = self.field(condition["field"], event)
        if operator == "missing":
            return value is None
        if operator == "present":
            return value is not None
        if value is not None and condition["field"].startswith("props."):
            value = as_operand(value, condition[operator], operator)
        if value is None:
            return False if two_valued else None
        return self.compare(operator, value, condition[operator])

    def compare(self, operator: str, value: Any, operand: Any) -> bool:
        value, given = plain(value), [plain(part) for part in operand] if isinstance(operand, list) else plain(operand)
        match operator:
            case "is":
                return bool(value == given)
            case "is_not":
                return bool(value != given)
            case "in":
                return value in given
            case "not_in":
                return value not in given
            case "in_list":
                return value in self.lists[operand]
            case "contains":
                return given in value
            case "contains_any":
                return any(part in value for part in given)
            case "starts_with":
                return bool(value.startswith(given))
            case "matches":
                return re.search(operand, value, re.IGNORECASE) is not None
            case "gt":
                return bool(value > given)
            case "gte":
                return bool(value >= given)
            case "lt":
                return bool(value < given)
            case "lte":
                return bool(value <= given)
            case "between":
                return bool(given[0] <= value <= given[1])
            case "older_than":
                return self.now - int(value) >= duration(operand)
            case "newer_than":
                return 0 <= self.now - int(value) < duration(operand)
            case _:
                raise AssertionError(operator)
