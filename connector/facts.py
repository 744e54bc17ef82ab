"""The facts as models see them: what was pulled, and what was found out about it on top.

Nothing that was pulled is ever patched: each step wraps the relations of the one before, as of one instant, so that a
finding that changes changes the scores of history with it.
"""

import hashlib
from datetime import datetime
from typing import Final

from connector.allowed import allowed
from connector.bots.see import unflagged
from connector.credits import in_role
from connector.currency import in_corporate_currency
from connector.enrichment.step import enriched
from connector.matching.linked import matched
from connector.retold import unretold
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.successors import followed
from connector.view import Relations, Step, View

READ: Final = ("people", "accounts", "events", "adjustments")


def relations(lake: Lake, settings: Settings, as_of: datetime) -> dict[str, str]:
    """Name the relation of each canonical table that has rows; tables that were never pulled are absent.

    A converted lead is left out: the person is then the contact.
    """
    view = View(lake, settings, as_of)
    found: Relations = {name: relation for name in READ if (relation := lake.relation(name))}
    for step in STEPS:
        found = step(view, found)
    return dict(found)


def _unconverted(view: View, found: Relations) -> Relations:
    if "people" not in found or "converted_at" not in view.lake.columns("people"):
        return found
    return {**found, "people": f"(SELECT * FROM {found['people']} WHERE converted_at IS NULL)"}  # noqa: S608 - a file list of our own making


def fingerprint(settings: Settings) -> str:
    """Give 12 hex digits of all that the steps do by; scores by others cannot be built on."""
    said = [table.model_dump(mode="json") for table in (*settings.vendor, *settings.enrich, settings.signals)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


STEPS: Final[tuple[Step, ...]] = (
    _unconverted,
    matched,
    unretold,
    unflagged,
    followed,
    in_role,
    in_corporate_currency,
    enriched,
    allowed,
)
