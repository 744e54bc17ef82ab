"""Brings the tables of account models into the shape that the specification reads."""

from collections.abc import Mapping
from typing import Any

from scoring.names import nearest

Row = Mapping[str, Any]
_PEOPLE_TABLES = ("breadth", "coverage")


def weighted(raw: Row) -> tuple[list[dict[str, Any]], list[str]]:
    """Join `[pillars]`, the weights, with `[pillar.X]`, the bounds; gives the rows and what is wrong."""
    weights, bounds = raw.get("pillars", {}), raw.get("pillar", {})
    if not isinstance(weights, Mapping):
        return [], ["pillars: is a table of weights, such as firmographic = 0.4"]
    if not isinstance(bounds, Mapping) or not all(isinstance(table, Mapping) for table in bounds.values()):
        return [], ["pillar: is a table for each pillar, such as [pillar.firmographic]"]
    problems = [
        f"pillar.{name}: [pillars] gives it no weight{nearest(name, weights)}" for name in bounds if name not in weights
    ]
    rows = [{**bounds.get(name, {}), "id": name, "weight": weight} for name, weight in weights.items()]
    return rows, problems


def people_tables(raw: Row) -> tuple[dict[str, Any], list[str]]:
    """Let `breadth` and `coverage` stand in `[rollup]` as well as beside it."""
    rollup = raw.get("rollup")
    if not isinstance(rollup, Mapping):
        return dict(raw), []
    inside = {key: rollup[key] for key in _PEOPLE_TABLES if key in rollup}
    twice = [f"rollup.{key}: stands in [rollup] and beside it, keep one" for key in inside if key in raw]
    rest = {key: value for key, value in rollup.items() if key not in _PEOPLE_TABLES}
    return {**raw, **inside, "rollup": rest}, twice
