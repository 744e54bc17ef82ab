"""Conditions that nothing can satisfy: what one `all` asks of one field, held against itself."""

import math
from collections.abc import Iterator, Sequence

from scoring.conditions import Condition, operand_type, shown
from scoring.values import Operand

_LEAST = {"gt": True, "gte": False}
_MOST = {"lt": True, "lte": False}


def contradiction(condition: Condition | None) -> str | None:
    """Say why a condition can never hold, as `'country' is 'US' and 'DE'`; nothing where it can, or nobody knows."""
    if condition is None or condition.not_ is not None:
        return None
    if condition.any_ is not None:
        found = [contradiction(part) for part in condition.any_]
        return found[0] if all(found) else None
    return next(_of_all(list(_joined(condition))), None)


def _joined(condition: Condition) -> Iterator[Condition]:
    """Give what must hold together: the parts of nested `all`, or the condition itself."""
    if condition.all_ is None:
        yield condition
    else:
        for part in condition.all_:
            yield from _joined(part)


def _of_all(parts: Sequence[Condition]) -> Iterator[str]:
    for part in parts:
        if part.any_ is not None and (inner := contradiction(part)):
            yield inner
        if part.not_ is not None and part.not_ in parts:
            yield f"'{part.not_.field}' must and must not be the same"
    for field in dict.fromkeys(part.field for part in parts if part.field):
        of_field = [part for part in parts if part.field == field]
        said = _values(of_field) or _range(of_field) or _ages(of_field) or _missing(of_field)
        if said:
            yield f"'{field}' {said}"


def _missing(parts: Sequence[Condition]) -> str | None:
    others = [part.operator for part in parts if part.operator != "missing"]
    return f"is missing and {shown(others[0])} at once" if others and len(others) < len(parts) else None


def _values(parts: Sequence[Condition]) -> str | None:
    """Intersect what `is` and `in` allow, less what `is_not` and `not_in` forbid, within the bounds of numbers."""
    allowed = [{_key(value) for value in part.operands} for part in parts if part.operator in ("is_", "in_")]
    if not allowed or len({kind for values in allowed for kind, _ in values}) > 1:
        return None
    forbidden = {_key(value) for part in parts if part.operator in ("is_not", "not_in") for value in part.operands}
    least, most = _bounds(parts)
    left = [
        value
        for kind, value in set.intersection(*allowed) - forbidden
        if kind != "number" or _inside(value, least, most)
    ]
    return None if left else "has no value left that all of its conditions allow"


def _key(value: Operand) -> tuple[str, object]:
    return operand_type(value), value.strip().lower() if isinstance(value, str) else value


def _range(parts: Sequence[Condition]) -> str | None:
    (low, after), (high, before) = _bounds(parts)
    empty = low > high or (low == high and (after or before))
    return f"must be above {low:g} and below {high:g}" if empty else None


def _bounds(parts: Sequence[Condition]) -> tuple[tuple[float, bool], tuple[float, bool]]:
    """Give the lowest and highest number that is allowed, and whether each is itself shut out."""
    low, high = [(-math.inf, False)], [(math.inf, False)]
    for part in parts:
        if part.operator not in (*_LEAST, *_MOST, "between") or not isinstance(part.operands[0], float):
            continue
        first, last = part.operands[0], part.operands[-1]
        if part.operator not in _MOST and isinstance(first, float):
            low.append((first, _LEAST.get(part.operator, False)))
        if part.operator not in _LEAST and isinstance(last, float):
            high.append((last, _MOST.get(part.operator, False)))
    return max(low), min(high, key=lambda edge: (edge[0], not edge[1]))


def _inside(value: object, least: tuple[float, bool], most: tuple[float, bool]) -> bool:
    if not isinstance(value, float):
        return True
    above = value > least[0] or (value == least[0] and not least[1])
    return above and (value < most[0] or (value == most[0] and not most[1]))


def _ages(parts: Sequence[Condition]) -> str | None:
    older = [part.older_than for part in parts if part.older_than is not None]
    newer = [part.newer_than for part in parts if part.newer_than is not None]
    if 0 in newer:
        return "must be newer than nothing"
    return "must be older and newer at once" if older and newer and max(older) >= min(newer) else None
