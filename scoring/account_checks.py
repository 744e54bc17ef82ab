"""What pillars, roll-ups and people rules need elsewhere in their file."""

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.names import nearest

Row = Mapping[str, Any]


def account_problems(raw: Row) -> Iterator[str]:
    """Check the pillars and people rules of the parsed file."""
    header = raw.get("model")
    subject = header.get("subject", "person") if isinstance(header, Mapping) else "person"
    yield from _pillar_problems(raw)
    if subject == "person" and "rollup" in raw:
        yield 'rollup: needs subject = "account" in [model]'
    if "rollup" in raw:
        yield from _own_people(raw)
        return
    for key in ("breadth", "coverage"):
        if key in raw:
            yield f"{key}: needs a [rollup], whose people it counts"
        for segment in _rows(raw.get("segment")):
            if key in segment:
                yield f"segment.{segment.get('id', '?')}.{key}: needs a [rollup], whose people it counts"


def _own_people(raw: Row) -> Iterator[str]:
    header, rollup = raw.get("model"), raw["rollup"]
    own, named = (
        table.get(key) if isinstance(table, Mapping) else None for table, key in ((header, "id"), (rollup, "model"))
    )
    if isinstance(own, str) and isinstance(named, str) and own.lower() == named.lower():
        yield f"rollup.model: '{named}' is this model itself; name the model that scores its people"


def _pillar_problems(raw: Row) -> Iterator[str]:
    pillars, groups = raw.get("pillars"), raw.get("group")
    declared = set(pillars) if isinstance(pillars, Mapping) else set()
    for rule in _rows(raw.get("fit")):
        name = rule.get("pillar")
        if isinstance(name, str) and name not in declared:
            yield f"fit.{rule.get('id', '?')}.pillar: [pillars] has no '{name}'{nearest(name, declared)}"
    taken = {name.lower() for name in groups} if isinstance(groups, Mapping) else set()
    seen: set[str] = set()
    for name in sorted(declared):
        if name.lower() in taken | seen:
            yield f"pillars.{name}: the name is used twice, by a group or in different case"
        seen.add(name.lower())


def _rows(content: object) -> list[Row]:
    return [row for row in content if isinstance(row, Mapping)] if isinstance(content, list) else []
