"""How large a model file may be: past these bounds it is not read further, because no engine could hold it."""

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.values import MOST_LETTERS

MOST_RULES = 500
MOST_SEGMENTS = 100
MOST_BANDS = 100
MOST_OVERRIDES = 50
MOST_NESTED = 20

_MOST: Mapping[str, int] = {
    "fit": MOST_RULES,
    "engagement": MOST_RULES,
    "multiply": MOST_RULES,
    "segment": MOST_SEGMENTS,
    "band": MOST_BANDS,
    "override": MOST_OVERRIDES,
}


def limit_problems(raw: Mapping[str, Any]) -> list[str]:
    """Say which tables of a parsed file are too many, too deep or too long."""
    problems = [
        f"{table}: {len(raw[table]):,} tables, {most:,} is the most"
        for table, most in _MOST.items()
        if isinstance(raw.get(table), list) and len(raw[table]) > most
    ]
    problems += [
        f"{table}: conditions and tables nest deeper than {MOST_NESTED} levels: say it flatter"
        for table, content in raw.items()
        if _is_deep(content)
    ]
    return [*problems, *_long_names(raw)]


def _is_deep(content: object) -> bool:
    """Walk level by level, so that no depth is too deep for the walk itself."""
    level, depth = [content], 0
    while level:
        # A combinator is a table and mostly a list as well; each counts once.
        level = [part for outer in level for part in _inner(outer)]
        depth += 1
        if depth > MOST_NESTED + 2:
            return True
    return False


def _inner(content: object) -> Iterator[object]:
    if isinstance(content, Mapping):
        for value in content.values():
            yield from value if isinstance(value, list) else (value,)
    elif isinstance(content, list):
        yield from content


def _long_names(raw: Mapping[str, Any]) -> Iterator[str]:
    for table in ("group", "pillars"):
        names = raw.get(table)
        for name in names if isinstance(names, Mapping) else ():
            if len(name) > MOST_LETTERS:
                yield f"{table}.{name}: the name has {len(name):,} letters, {MOST_LETTERS} is the most"
            elif not name.strip() or not name.isprintable():
                yield f"{table}.{name}: the name is blank or has a character that cannot be shown"
