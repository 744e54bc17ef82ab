"""Turns what pydantic says about a model file into lines that name the key and the nearest valid one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scoring.conditions import Condition
from scoring.examples import Example, Expectation
from scoring.names import nearest
from scoring.quality import NeedsQuality
from scoring.rules import (
    Band,
    Bracket,
    Combine,
    DecayRule,
    EngagementRule,
    FitRule,
    Grade,
    Group,
    Inactivity,
    MultiplyRule,
    Needs,
    Override,
    PerPeriod,
    Scale,
    Step,
    Suppress,
)
from scoring.segment_rules import Breadth, Coverage, Pillar, Rollup, Segment
from scoring.specification import CustomEvents, DecayDefault, Header, Specification
from scoring.values import Frozen

_TABLES: dict[str, type[Frozen]] = {
    "": Specification,
    "model": Header,
    "scale": Scale,
    "fit": FitRule,
    "brackets": Bracket,
    "engagement": EngagementRule,
    "multiply": MultiplyRule,
    "group": Group,
    "inactivity": Inactivity,
    "steps": Step,
    "per_period": PerPeriod,
    "suppress": Suppress,
    "combine": Combine,
    "override": Override,
    "grade": Grade,
    "band": Band,
    "needs": Needs,
    "segment": Segment,
    "rollup": Rollup,
    "breadth": Breadth,
    "coverage": Coverage,
    "pillar": Pillar,
    "decay": DecayRule,
    "needs_quality": NeedsQuality,
    "test": Example,
    "expect": Expectation,
    "default": DecayRule,
    "events": CustomEvents,
    **dict.fromkeys(("when", "where", "audience", "all", "any", "not"), Condition),
}

_MOST_SHOWN = 400

_PLAIN = {
    "tuple_type": "is not a list",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "int_type": "is not a whole number",
    "string_type": "is not text",
}


def in_one_line(problem: str) -> str:
    """Show a problem on one line of bounded length, whatever the file has put into its names and values."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in problem)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN // 2]} … {shown[-_MOST_SHOWN // 2 :]}"


def readable(error: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    """Give one line for every problem: the path of the key, what is wrong, the nearest valid name."""
    return [line for detail in error.errors(include_url=False) for line in _lines(detail, raw)]


def _lines(detail: ErrorDetails, raw: Mapping[str, Any]) -> list[str]:
    path = _path(detail["loc"], raw)
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden":
            return [f"{path}: unknown key '{key}'{nearest(key, _valid_keys(detail['loc']))}"]
        case "missing":
            return [f"{path}: {_named(detail['loc'])} is missing"]
        case "value_error":
            return [f"{path}: {line}" for line in str(detail["ctx"]["error"]).split("\n")]
        case "literal_error":
            given = str(detail["input"])
            expected = str(detail["ctx"]["expected"]).replace("'", "")
            known = expected.replace(" or ", ", ").split(", ")
            return [f"{path}: '{given}' is not one of {expected}{nearest(given, known)}"]
        case "too_short":
            # Where it has entries, they are wrong, and each of them has a line of its own.
            return [] if detail["input"] else [f"{path}: is empty"]
        case kind if kind in _PLAIN:
            return [f"{path}: {_toml(detail['input'])} {_PLAIN[kind]}"]
        case _:
            return [f"{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}, it is {_toml(detail['input'])}"]


def _named(loc: tuple[int | str, ...]) -> str:
    last = loc[-1] if loc else ""
    return f"entry {last + 1}" if isinstance(last, int) else f"key '{last}'"


def _path(loc: tuple[int | str, ...], raw: Mapping[str, Any]) -> str:
    parts: list[str] = []
    here: Any = raw
    for step in loc:
        here = _inner(here, step)
        if isinstance(step, int):
            name = here.get("id") if isinstance(here, Mapping) else None
            parts[-1] += f".{name}" if name is not None else f"[{step + 1}]"
        else:
            parts.append(step)
    return ".".join(parts) or "file"


def _inner(container: Any, step: int | str) -> Any:  # noqa: ANN401 - walks parsed TOML
    if isinstance(container, Mapping):
        return container.get(step)
    if isinstance(container, Sequence) and isinstance(step, int) and step < len(container):
        return container[step]
    return None


def _valid_keys(loc: tuple[int | str, ...]) -> list[str]:
    tables = [step for step in loc[:-1] if isinstance(step, str)]
    table = DecayDefault if tables == ["decay"] else _TABLES.get(tables[-1] if tables else "", Frozen)
    return [field.alias or name for name, field in table.model_fields.items()]


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case _:
            return repr(value)
