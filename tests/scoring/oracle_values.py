"""What the values of a row mean, in plain Python: nothing of the engine."""

# ruff: noqa: ANN401 - the values of a row are of any type, and this reading does not know columns

import math
from datetime import UTC, date, datetime, time
from typing import Any

Row = dict[str, Any]
Table = dict[str, Any]
DAY = 86400.0
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def role_of(person: Row) -> str | None:
    """Give a person's role in a purchase, else the seniority."""
    role = known(person.get("buying_role")) or known(person.get("seniority"))
    return None if role is None else text(role)


def once(events: list[Row]) -> list[Row]:
    """Give the events without repetitions."""
    return list({event["event_id"]: event for event in reversed(events)}.values())


def grade(axis: Table | None, value: float) -> str | None:
    """Give the letter of a value."""
    if axis is None:
        return None
    reached = {letter: edge for letter, edge in axis.items() if letter != "else" and edge <= value}
    return max(reached, key=lambda letter: float(reached[letter])) if reached else axis.get("else")


def left(decay: Table | str, age: int) -> float:
    """Give the share that an age leaves."""
    if decay == "none" or isinstance(decay, str):
        return 1.0
    days = age / DAY
    ((kind, size),) = decay.items()
    match kind:
        case "half_life":
            return float(0.5 ** (days / (duration(size) / DAY)))
        case "linear":
            return float(max(0.0, 1 - days / (duration(size) / DAY)))
        case "per_week":
            return float((1 - size) ** (age // (7 * 86400)))
        case _:
            return float((1 - size) ** (age // (30 * 86400)))


def duration(text_: str) -> int:
    """Read a duration as seconds."""
    return int(text_[:-1]) * UNITS[text_[-1]]


def second(moment: date) -> int:
    """Give a time as whole seconds, floored; a date is its first second."""
    at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return math.floor((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def known(value: Any) -> Any:
    """Give None for everything that means unknown."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if isinstance(value, str) and not value.strip() else value


def plain(value: Any) -> Any:
    """Give a value in the form in which it is compared."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [text(part) for part in value if part is not None]
    return second(value) if isinstance(value, date) else value


def text(value: str) -> str:
    """Lower a text letter by letter (the simple case mapping) and trim it."""
    return "".join("i" if letter == "İ" else letter.lower() for letter in value).strip()


def as_operand(value: str, operand: Any, operator: str) -> Any:
    """Read a property as the type of what it is compared with."""
    sample = operand[0] if isinstance(operand, list) else operand
    if operator in ("older_than", "newer_than") or isinstance(sample, date):
        try:
            return second(datetime.fromisoformat(value.strip()))
        except ValueError:
            return None
    if isinstance(sample, bool):
        return {"true": True, "false": False}.get(text(value))
    if isinstance(sample, int | float):
        try:
            return known(float(value))
        except ValueError:
            return None
    return value
