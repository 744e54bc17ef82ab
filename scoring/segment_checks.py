"""What segments name elsewhere in their file: rules with points of their own, groups with a cap."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scoring.names import nearest

Row = Mapping[str, Any]


def segment_problems(raw: Row) -> Iterator[str]:
    """Check the keys of every segment's tables against the rules and groups of the parsed file."""
    rules = {str(rule.get("id")): rule for table in ("fit", "engagement") for rule in _rows(raw.get(table))}
    groups = raw.get("group")
    declared: Row = groups if isinstance(groups, Mapping) else {}
    for segment in _rows(raw.get("segment")):
        where = f"segment.{segment.get('id', '?')}"
        yield from (f"{where}.points.{name}: {text}" for name, text in _rule_problems(segment, rules))
        yield from (f"{where}.caps.{name}: {text}" for name, text in _cap_problems(segment, declared))
        ids = Counter(str(band.get("id")).lower() for band in _rows(segment.get("band")))
        yield from (f"{where}.band.{name}: the id '{name}' is used {n} times" for name, n in ids.items() if n > 1)


def _rows(content: object) -> list[Row]:
    return [row for row in content if isinstance(row, Mapping)] if isinstance(content, list) else []


def _table(segment: Row, key: str) -> Row:
    content = segment.get(key)
    return content if isinstance(content, Mapping) else {}


def _rule_problems(segment: Row, rules: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    for name in _table(segment, "points"):
        if name not in rules:
            yield name, f"there is no rule '{name}' with points{nearest(name, rules)}"
        elif "brackets" in rules[name]:
            yield name, "the points of brackets cannot be overridden"


def _cap_problems(segment: Row, declared: Row) -> Iterator[tuple[str, str]]:
    for name, cap in _table(segment, "caps").items():
        group = declared.get(name)
        if not isinstance(group, Mapping):
            yield name, f"there is no [group.{name}]{nearest(name, declared)}"
            continue
        floor = group.get("floor")
        if isinstance(floor, int | float) and isinstance(cap, int | float) and floor > cap:
            yield name, f"floor = {floor:g} of the group is above cap = {cap:g}"
