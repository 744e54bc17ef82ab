"""Brings the tables of a model file into the shape that the specification reads."""

from collections.abc import Mapping
from typing import Any

from scoring.names import nearest

Row = Mapping[str, Any]
_PEOPLE_TABLES = ("breadth", "coverage")
_NAMELESS = {"id": "nameless"}


def in_shape(raw: Row) -> tuple[dict[str, Any], list[str]]:
    """Give the tables of a file in the shape of the specification, and what is wrong with those that have none.

    What is wrong is left out, so that the problems of the rest are told beside it.
    """
    problems = [] if "model" in raw else ["model: the table [model] with an 'id' is missing"]
    people, of_people = _people_tables(raw)
    pillars, of_pillars = _pillars(raw)
    groups, of_groups = _named_tables(raw, "group", "group: is a table for each group, such as [group.web]")
    rest = {key: value for key, value in people.items() if key != "pillars"}
    named = {"group": [{**table, "id": name} for name, table in groups.items()], "pillar": pillars}
    return {"model": _NAMELESS, **rest, **named}, [*problems, *of_groups, *of_pillars, *of_people]


def _named_tables(raw: Row, key: str, problem: str) -> tuple[dict[str, Row], list[str]]:
    tables = raw.get(key, {})
    if not isinstance(tables, Mapping):
        return {}, [problem]
    found = {name: table for name, table in tables.items() if isinstance(table, Mapping)}
    return found, [problem] if len(found) < len(tables) else []


def _pillars(raw: Row) -> tuple[list[dict[str, Any]], list[str]]:
    """Join `[pillars]`, the weights, with `[pillar.X]`, the bounds."""
    weights = raw.get("pillars", {})
    bounds, problems = _named_tables(raw, "pillar", "pillar: is a table for each pillar, such as [pillar.firmographic]")
    if not isinstance(weights, Mapping):
        return [], ["pillars: is a table of weights, such as firmographic = 0.4", *problems]
    weightless = [name for name in bounds if name not in weights]
    problems += [f"pillar.{name}: [pillars] gives it no weight{nearest(name, weights)}" for name in weightless]
    return [{**bounds.get(name, {}), "id": name, "weight": weight} for name, weight in weights.items()], problems


def _people_tables(raw: Row) -> tuple[dict[str, Any], list[str]]:
    """Let `breadth` and `coverage` stand in `[rollup]` as well as beside it."""
    rollup = raw.get("rollup")
    if not isinstance(rollup, Mapping):
        return dict(raw), []
    inside = {key: rollup[key] for key in _PEOPLE_TABLES if key in rollup}
    twice = [f"rollup.{key}: stands in [rollup] and beside it, keep one" for key in inside if key in raw]
    rest = {key: value for key, value in rollup.items() if key not in _PEOPLE_TABLES}
    return {**raw, **inside, "rollup": rest}, twice
