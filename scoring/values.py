"""The small values of a model file: durations, numbers, operands, one type or a list of them."""

import math
import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

Operand = str | bool | float | datetime

MOST = 1e15
MOST_LETTERS = 64
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Frozen(BaseModel):
    """Base of every table of a model file: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


def duration_s(value: object) -> int:
    """Read `"14d"` as seconds; raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{value!r} is not a duration: a whole number and s, m, h, d or w, such as "14d"')
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def positive_duration_s(value: object) -> int:
    """Read a duration that must not be zero; raises ValueError."""
    seconds = duration_s(value)
    if seconds == 0:
        raise ValueError(f"{value!r} is too short: more than 0 is needed")
    return seconds


def finite(value: object) -> float:
    """Read a finite number; raises ValueError (a boolean is not a number)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    if abs(value) > MOST:
        raise ValueError(f"a number beyond {MOST:.0e}: sums of such numbers cannot be exact")
    return float(value)


def operand(value: object) -> Operand:
    """Read the right side of a comparison: text, number, boolean or a time (UTC when it names no zone)."""
    match value:
        case bool():
            return value
        case int() | float():
            return finite(value)
        case str():
            return filled(value)
        case datetime():
            return _utc(value).replace(microsecond=0)
        case date():
            return datetime.combine(value, time(), UTC)
        case _:
            raise ValueError(f"{value!r} is neither text, number, true/false nor a time")


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} lies outside the calendar in UTC") from None


def filled(value: object) -> str:
    """Read a text that holds something; raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    if not value.strip():
        raise ValueError("an empty text is unknown and matches nothing")
    if "\0" in value:
        raise ValueError(f"{value!r} has a NUL character, which no table can hold")
    return value


def identifier(value: object) -> str:
    """Read an id: it ends up in columns, file names and CRM fields; raises ValueError."""
    if not isinstance(value, str) or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value) is None:
        raise ValueError(f"{value!r} is not an id: letters, digits, _ . and -, with a letter or digit first")
    if len(value) > MOST_LETTERS:
        raise ValueError(f"an id of {len(value):,} letters, {MOST_LETTERS} is the most")
    return value


def one_or_many(value: object) -> Any:  # noqa: ANN401 - whatever else it is, the next validator judges it
    """Let `"page_view"` stand for `["page_view"]`."""
    return [value] if isinstance(value, str) else value


DurationSeconds = Annotated[int, PlainValidator(duration_s)]
PositiveDurationSeconds = Annotated[int, PlainValidator(positive_duration_s)]
Number = Annotated[float, BeforeValidator(finite)]
AnyOperand = Annotated[Operand, PlainValidator(operand)]
Text = Annotated[str, PlainValidator(filled)]
Identifier = Annotated[str, PlainValidator(identifier)]
EventTypes = Annotated[tuple[Text, ...], BeforeValidator(one_or_many)]
