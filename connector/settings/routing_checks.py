"""What the tables of routing must be, each by itself and all beside each other."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connector.settings import checks
from connector.settings.checks import tables
from scoring.conditions import Condition
from scoring.names import nearest
from scoring.problems import readable

A = TypeVar("A", bound=BaseModel)
ACCOUNT_OWNER = "account_owner"
Raw = Mapping[str, Any]


class _Condition(BaseModel):
    when: Condition


def one_or_many(value: object) -> object:
    """Let a text stand for a list of it."""
    return [value] if isinstance(value, str) else value


def members(value: object) -> object:
    """Let an address stand for a member with nothing else to say."""
    return [{"owner": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def target(value: object) -> object:
    """Let "account_owner" stand for the table."""
    return {ACCOUNT_OWNER: True} if value == ACCOUNT_OWNER else value


def hold(value: object) -> object:
    """Let "hold" stand for no other place to go to."""
    return None if value == "hold" else value


def timezone(value: str | None) -> str | None:
    """Check the name of a time zone, where there is one."""
    return None if value is None else checks.timezone(value)


def condition(value: object) -> object:
    """Read a condition as a model file does; raises ValueError with every problem in a line."""
    if value is None or isinstance(value, Condition):
        return value
    if not isinstance(value, Mapping):
        raise ValueError('is no condition; write one as in a model, such as { field = "country", is = "DE" }')
    try:
        return _Condition.model_validate({"when": value}).when
    except ValidationError as error:
        lines = readable(error, {"when": value})
        raise ValueError("; ".join(re.sub(r"^when(: |\.)", "", line) for line in lines)) from None


def one_target(value: A) -> A:
    """Check that a table names one place to go to."""
    said = [name for name in type(value).model_fields if getattr(value, name) is not None]
    if len(said) != 1:
        names = ", ".join(type(value).model_fields)
        raise ValueError(f"names {' and '.join(said) if said else 'nowhere'}; write exactly one of {names}")
    return value


def away(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check ranges of days."""
    for value in values:
        days(value)
    return values


def days(text: str) -> tuple[date, date]:
    """Read 2026-08-03/2026-08-21 or one day as (first, last); raises ValueError."""
    first, _, last = text.partition("/")
    try:
        begins, ends = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
    except ValueError:
        raise ValueError(f"{text!r} is no range of days; write 2026-08-03/2026-08-21, or one day") from None
    if ends < begins:
        raise ValueError(f"{text!r} ends before it begins")
    return begins, ends


def routing_problems(raw: Raw) -> list[str]:
    """Name what tables of routing say of each other that cannot be; asked of the raw tables, so that other problems
    do not hide it."""
    return [*_unknown_names(raw), *_unreachable(raw), *_without_rules(raw), *_circles(raw)]


def _unknown_names(raw: Raw) -> Iterator[str]:
    pools, hours = ([str(row.get("id")) for row in tables(raw.get(name))] for name in ("pool", "hours"))
    for where, kind, name in _references(raw):
        known = pools if kind == "pool" else hours
        if name not in known:
            yield f"{where}: no [[{kind}]] with id {name!r}{nearest(str(name), known)}"


def _references(raw: Raw) -> Iterator[tuple[str, str, object]]:
    """Walk everything that names a pool or hours: where, which of the two, the name."""
    for n, action in enumerate(tables(raw.get("action")), start=1):
        yield from _pool_of(f"action[{n}].owner", action.get("owner"))
    for n, route in enumerate(tables(raw.get("route")), start=1):
        yield from _pool_of(f"route[{n}].to", route.get("to"))
    for n, sla in enumerate(tables(raw.get("sla")), start=1):
        yield from _pool_of(f"sla[{n}]", sla)
    for n, pool in enumerate(tables(raw.get("pool")), start=1):
        yield from _pool_of(f"pool[{n}].when_nobody", pool.get("when_nobody"))
        named = [(f"pool[{n}]", pool)]
        named += [(f"pool[{n}].owners[{m}]", one) for m, one in enumerate(_list(pool.get("owners")), start=1)]
        yield from (
            (f"{where}.hours", "hours", one["hours"])
            for where, one in named
            if isinstance(one, dict) and "hours" in one
        )


def _pool_of(where: str, value: object) -> Iterator[tuple[str, str, object]]:
    if isinstance(value, dict) and "pool" in value:
        yield f"{where}.pool", "pool", value["pool"]


def _unreachable(raw: Raw) -> Iterator[str]:
    """Name the rules behind one that takes everything, as a pool does: other targets may be passed over."""
    taken: str | None = None
    for n, route in enumerate(tables(raw.get("route")), start=1):
        if taken is not None:
            yield f"route[{n}]: is never reached, for {taken} before it takes everything; move it up"
        elif not any(route.get(key) for key in ("band", "segment", "when")) and any(_pool_of("", route.get("to"))):
            taken = f"{route.get('id')!r}"


def _without_rules(raw: Raw) -> Iterator[str]:
    for n, action in enumerate(tables(raw.get("action")), start=1):
        owner = action.get("owner")
        if isinstance(owner, dict) and owner.get("route") and not tables(raw.get("route")):
            yield f"action[{n}].owner.route: there is no [[route]]; add one, or name a pool"


def _circles(raw: Raw) -> Iterator[str]:
    """Name pools that fall back to each other for ever."""
    after = {
        str(pool.get("id")): next((str(name) for _, _, name in _pool_of("", pool.get("when_nobody"))), None)
        for pool in tables(raw.get("pool"))
    }
    told: set[str] = set()
    for start in after:
        chain: list[str] = []
        here: str | None = start
        while here is not None and here not in chain:
            chain.append(here)
            here = after.get(here)
        if here is not None and not told & {*chain}:
            told |= {*chain}
            circle = " -> ".join([*chain, here])
            yield f"pool.{start}.when_nobody: goes in a circle: {circle}; end it with hold or a queue"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
