"""Read the bodies of Salesforce's own control calls."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.org import Org

ACTORS = ("human", "automation")


def checked(body: Mapping[str, Any], required: set[str], optional: set[str]) -> str:
    """Refuse unknown, missing and mistaken keys, all at once, and give the actor; raises ValueError."""
    known = required | optional | {"actor"}
    problems = [
        f"{key}: unknown key, expected one of {', '.join(sorted(known))}" for key in sorted(body.keys() - known)
    ]
    problems += [f"{key}: missing" for key in sorted(required) if body.get(key) in (None, "")]
    actor = body.get("actor", ACTORS[0])
    if actor not in ACTORS:
        problems.append(f"actor: {actor!r} is none of {', '.join(ACTORS)}")
    if problems:
        raise ValueError("; ".join(problems))
    return str(actor)


def record(org: Org, name: str, text: object, *, deleted: bool = False) -> dict[str, Any]:
    """Give a record by an id of 15 or 18 letters; raises KeyError where there is none."""
    found = org.storage.get(name, canonical_id(str(text)) or "", deleted=deleted)
    if found is None:
        raise KeyError(f"{name} {text}")
    return found
