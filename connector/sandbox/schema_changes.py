"""A change of an object's fields while the sandbox runs: what an administrator does, read from a control request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTORS = ("human", "automation")
NEEDS = {
    "delete": (),
    "readonly": (),
    "restore": (),
    "rename": ("to",),
    "retype": ("to",),
    "drop_option": ("option",),
}
KEYS = frozenset({"object", "property", "op", "to", "option", "actor"})


@dataclass(frozen=True)
class SchemaChange:
    """Say what happens to one field: `to` is a new name (rename) or type (retype), `option` a value to drop."""

    object: str
    property: str
    op: str
    to: str = ""
    option: str = ""
    actor: str = ACTORS[0]


def read_schema_change(body: Mapping[str, Any]) -> SchemaChange:
    """Read `POST /control/schema`: {object, property, op, to?, option?, actor?}; raises ValueError with every problem.

    op is one of delete, readonly, restore, rename, retype and drop_option; `field` is another name of `property`.
    """
    body = {("property" if key == "field" else key): value for key, value in body.items()}
    problems = [f"{key}: unknown key, expected one of {', '.join(sorted(KEYS))}" for key in sorted(body.keys() - KEYS)]
    problems += [f"{key}: missing" for key in ("object", "property", "op") if not body.get(key)]
    op = body.get("op")
    if op and op not in NEEDS:
        problems.append(f"op: {op!r} is none of {', '.join(NEEDS)}")
    problems += [f"{key}: missing, {op} needs it" for key in NEEDS.get(str(op), ()) if not body.get(key)]
    if body.get("actor", ACTORS[0]) not in ACTORS:
        problems.append(f"actor: {body['actor']!r} is none of {', '.join(ACTORS)}")
    if problems:
        raise ValueError("; ".join(problems))
    return SchemaChange(**{key: str(value) for key, value in body.items()})
