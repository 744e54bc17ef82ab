"""A change of model that somebody has seen and meant: the next plan by exactly this model needs no second word."""

import json
import sqlite3
from dataclasses import asdict, dataclass

from connector.store import facts
from connector.store.state import transaction


@dataclass(frozen=True)
class Acceptance:
    """State a model (its hash) that may be applied, and the share of people who move band by it, as was shown (0..1).

    by is who said so, as `versions` names it, and note tells it in words.
    """

    model_hash: str
    moves_share: float
    by: str
    note: str


def accept(connection: sqlite3.Connection, model_id: str, found: Acceptance) -> None:
    """Note an acceptance; the one of before is void."""
    facts.put(connection, _name(model_id), json.dumps(asdict(found)))


def accepted(connection: sqlite3.Connection, model_id: str, model_hash: str) -> Acceptance | None:
    """Return the acceptance of exactly this model that no plan has used yet; null without one."""
    held = facts.get(connection, _name(model_id))
    found = Acceptance(**json.loads(held)) if held else None
    return found if found is not None and found.model_hash == model_hash else None


def use_up(connection: sqlite3.Connection, model_id: str, model_hash: str) -> None:
    """Note that a plan by this model was applied; call it in the transaction of the plan."""
    if accepted(connection, model_id, model_hash) is not None:
        with transaction(connection):
            connection.execute("DELETE FROM facts WHERE name = ?", (_name(model_id),))


def _name(model_id: str) -> str:
    return f"accepted_change@{model_id}"
