"""Links between records, stored in both directions under HubSpot's own type ids.

Table `associations(from_type, to_type, from_id, to_id, type_id)`: types are plural names, ids are whole numbers.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from connector.sandbox.storage import Storage

Execute = Callable[[str, Sequence[Any]], sqlite3.Cursor]

TABLE = """
CREATE TABLE IF NOT EXISTS associations (from_type TEXT, to_type TEXT, from_id INTEGER, to_id INTEGER, type_id INTEGER,
  PRIMARY KEY (from_type, to_type, from_id, to_id, type_id)) WITHOUT ROWID
"""
INSERT = "INSERT OR IGNORE INTO associations (from_type, to_type, from_id, to_id, type_id) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class AssociationType:
    """Describe one direction of a HUBSPOT_DEFINED association."""

    type_id: int
    from_type: str
    to_type: str
    name: str
    inverse_id: int
    label: str | None = None

    @property
    def primary(self) -> bool:
        """Tell whether it is the labelled one that a record has once."""
        return self.label == "Primary"


# from, to, id, name, inverse id, inverse name, primary
PAIRS: tuple[tuple[str, str, int, str, int, str, bool], ...] = (
    ("contacts", "companies", 279, "contact_to_company_unlabeled", 280, "company_to_contact_unlabeled", False),
    ("contacts", "companies", 1, "contact_to_company", 2, "company_to_contact", True),
    ("deals", "contacts", 3, "deal_to_contact", 4, "contact_to_deal", False),
    ("deals", "companies", 341, "deal_to_company_unlabeled", 342, "company_to_deal_unlabeled", False),
    ("deals", "companies", 5, "deal_to_company", 6, "company_to_deal", True),
    ("tickets", "contacts", 16, "ticket_to_contact", 15, "contact_to_ticket", False),
    ("tickets", "companies", 339, "ticket_to_company_unlabeled", 340, "company_to_ticket_unlabeled", False),
    ("tickets", "companies", 26, "ticket_to_company", 25, "company_to_ticket", True),
    ("tickets", "deals", 28, "ticket_to_deal", 27, "deal_to_ticket", False),
    # the rest not recorded: from the vendor's pages on associations, leads and communications
    ("communications", "contacts", 81, "communication_to_contact", 82, "contact_to_communication", False),
    ("communications", "tickets", 83, "communication_to_ticket", 84, "ticket_to_communication", False),
    ("communications", "deals", 85, "communication_to_deal", 86, "deal_to_communication", False),
    ("communications", "companies", 87, "communication_to_company", 88, "company_to_communication", False),
    ("leads", "contacts", 608, "lead_to_contact", 609, "contact_to_lead", False),
    ("leads", "contacts", 578, "lead_to_primary_contact", 579, "primary_contact_to_lead", False),
    ("leads", "companies", 610, "lead_to_company", 611, "company_to_lead", False),
    ("contacts", "contacts", 449, "contact_to_contact", 449, "contact_to_contact", False),
    ("companies", "companies", 450, "company_to_company", 450, "company_to_company", False),
    ("deals", "deals", 451, "deal_to_deal", 451, "deal_to_deal", False),
    ("tickets", "tickets", 452, "ticket_to_ticket", 452, "ticket_to_ticket", False),
)
ENGAGEMENTS: tuple[tuple[str, str, int, int, int, int], ...] = (
    ("notes", "note", 202, 190, 214, 228),
    ("tasks", "task", 204, 192, 216, 230),
    ("calls", "call", 194, 182, 206, 220),
    ("emails", "email", 198, 186, 210, 224),
    ("meetings", "meeting_event", 200, 188, 212, 226),
)
TARGETS = (("contacts", "contact"), ("companies", "company"), ("deals", "deal"), ("tickets", "ticket"))


@cache
def association_types() -> tuple[AssociationType, ...]:
    """List HubSpot's own association types, unlabelled ones first within a pair of objects."""
    pairs = [*PAIRS]
    for plural, prefix, *ids in ENGAGEMENTS:
        for (target, singular), number in zip(TARGETS, ids, strict=True):
            there, back = f"{prefix}_to_{singular}", f"{singular}_to_{prefix}"
            pairs.append((plural, target, number, there, number - 1, back, False))
    found = []
    for from_type, to_type, there_id, there, back_id, back, primary in pairs:
        label = "Primary" if primary else None
        found.append(AssociationType(there_id, from_type, to_type, there, back_id, label))
        found.append(AssociationType(back_id, to_type, from_type, back, there_id, label))
    return tuple(dict.fromkeys(found))


@cache
def types_between(from_type: str, to_type: str) -> tuple[AssociationType, ...]:
    """List the association types of one direction, the default one first."""
    return tuple(kind for kind in association_types() if (kind.from_type, kind.to_type) == (from_type, to_type))


@cache
def type_by_id(type_id: int) -> AssociationType | None:
    """Find an association type by its id."""
    return next((kind for kind in association_types() if kind.type_id == type_id), None)


def install(storage: Storage) -> None:
    """Make the table."""
    storage.execute(TABLE)


def seed_associations(
    storage: Storage,
    from_type: str,
    to_type: str,
    pairs: Iterable[tuple[str | int, str | int]],
    *,
    primary: bool = False,
) -> None:
    """Link many pairs of (from id, to id) at once, both directions, unjournaled; primary sets the label as well.

    Rows sorted by id are stored fastest. Each record may have one primary company at most: that is the caller's care.
    """
    kinds = [kind for kind in types_between(from_type, to_type) if primary or not kind.primary]
    known = list(pairs)
    for kind in kinds:
        ways = ((from_type, to_type, 0, kind.type_id), (to_type, from_type, 1, kind.inverse_id))
        for here, there, side, number in ways:
            rows = ((here, there, int(pair[side]), int(pair[1 - side]), number) for pair in known)
            storage.seed_rows(INSERT, rows)


def link(execute: Execute, kind: AssociationType, from_id: int, to_id: int) -> None:
    """Link two records in both directions inside the caller's transaction.

    A primary link brings the unlabelled one with it and takes the label from the record's former primary company.
    """
    default = types_between(kind.from_type, kind.to_type)[0]
    if kind.primary:
        one, many, single, other = kind.from_type, kind.to_type, from_id, kind
        if kind.from_type == "companies":
            inverse = type_by_id(kind.inverse_id)
            one, many, single, other = kind.to_type, kind.from_type, to_id, inverse or kind
        _clear_primary(execute, one, many, single, other)
    for each in dict.fromkeys((default, kind)):
        execute(INSERT, [each.from_type, each.to_type, from_id, to_id, each.type_id])
        execute(INSERT, [each.to_type, each.from_type, to_id, from_id, each.inverse_id])


def _clear_primary(execute: Execute, one: str, many: str, record: int, kind: AssociationType) -> None:
    key = "from_type = ? AND to_type = ? AND from_id = ? AND type_id = ?"
    former = execute(f"SELECT to_id FROM associations WHERE {key}", [one, many, record, kind.type_id]).fetchall()  # noqa: S608 - constant text
    execute(f"DELETE FROM associations WHERE {key}", [one, many, record, kind.type_id])  # noqa: S608 - constant text
    for row in former:
        execute(f"DELETE FROM associations WHERE {key} AND to_id = ?", [many, one, row[0], kind.inverse_id, record])  # noqa: S608 - constant text


def unlink(execute: Execute, from_type: str, to_type: str, from_id: int, to_id: int) -> None:
    """Drop all links between two records inside the caller's transaction."""
    for here, there, own, other in ((from_type, to_type, from_id, to_id), (to_type, from_type, to_id, from_id)):
        execute(
            "DELETE FROM associations WHERE from_type = ? AND to_type = ? AND from_id = ? AND to_id = ?",
            [here, there, own, other],
        )


def unlink_all(execute: Execute, plural: str, number: int) -> None:
    """Drop all links of one record inside the caller's transaction."""
    for target in sorted({kind.to_type for kind in association_types() if kind.from_type == plural}):
        found = execute(
            "SELECT DISTINCT to_id FROM associations WHERE from_type = ? AND to_type = ? AND from_id = ?",
            [plural, target, number],
        ).fetchall()
        for row in found:
            unlink(execute, plural, target, number, row[0])
