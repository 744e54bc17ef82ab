"""Who goes on as whom: merged records and converted leads, whose history then counts for the record that lives on.

What was pulled keeps the ids it came with. The table `successors` says which id each goes on as, and the facts are seen
through it: as it is known now, whatever the as_of, since it is the same person all along.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import duckdb
import pyarrow as pa

from connector.crm.base import Moved
from connector.store.lake import Lake
from connector.view import Relations, View

SUCCESSORS: Final = "successors"
SUCCESSOR_KEY: Final = "successor_id"  # ROLE:OLD_ID, since a vendor's ids may be unique per object only
_ROLES: Final = {"person_id": "person", "account_id": "account"}


def successor_rows(role: str, moved: Iterable[Moved], at: datetime) -> pa.Table:
    """Give rows of the table: role (person, account), old_id, object, new_id (goes on as), moved_at (first seen)."""
    moves = list(moved)
    return pa.table(
        {
            SUCCESSOR_KEY: pa.array([successor_key(role, move.id) for move in moves], pa.string()),
            "role": pa.repeat(pa.scalar(role), len(moves)),
            "old_id": pa.array([move.id for move in moves], pa.string()),
            "object": pa.array([move.object for move in moves], pa.string()),
            "new_id": pa.array([move.into for move in moves], pa.string()),
            "moved_at": pa.repeat(pa.scalar(at, pa.timestamp("us", "UTC")), len(moves)),
        }
    )


def successor_key(role: str, old_id: str) -> str:
    """Name the row of a record that moved."""
    return f"{role}:{old_id}"


def held_successors(engine: duckdb.DuckDBPyConnection, lake: Lake, role: str) -> dict[str, str]:
    """Read which ids of a role go on as which, as the CRM told it, step by step."""
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return {}
    rows = engine.execute(f"SELECT old_id, new_id FROM {relation} WHERE role = ?", [role]).fetchall()  # noqa: S608 - a file list of our own making
    return {str(old): str(new) for old, new in rows}


def resolved(lake: Lake, role: str) -> str | None:
    """Give a relation (old_id, new_id) of where each chain of moves ends; null where nobody moved.

    A chain that comes back to where it began ends nowhere, and is left out.
    """
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return None
    moves = f"SELECT old_id, new_id FROM {relation} WHERE role = '{role}'"  # noqa: S608 - our own words
    return (
        f"(WITH RECURSIVE moves AS ({moves}), chain AS (SELECT old_id, new_id FROM moves"  # noqa: S608 - as above
        " UNION SELECT c.old_id, m.new_id FROM chain c JOIN moves m ON m.old_id = c.new_id)"
        " SELECT old_id, new_id FROM chain WHERE new_id NOT IN (SELECT old_id FROM moves))"
    )


def followed(view: View, found: Relations) -> Relations:
    """Give the events and adjustments of records that moved to those that they go on as."""
    seen = dict(found)
    for table, columns in (("events", ("person_id", "account_id")), ("adjustments", ("subject_id",))):
        if table in seen:
            there = [column for column in columns if column in view.lake.columns(table)]
            seen[table] = follow(view.lake, seen[table], there)
    return seen


def follow(lake: Lake, relation: str, columns: Sequence[str]) -> str:
    """Replace the ids in columns of a relation; a subject_id is taken for a person's.

    In two parts, so that a filter on an id still reaches the files.
    """
    for column in columns:
        relation = _replaced(lake, relation, column, _ROLES.get(column, "person"), "true")
    return relation


def follow_observations(lake: Lake, relation: str) -> str:
    """Replace the subject_ids of a relation whose rows name their role: person or account."""
    for role in _ROLES.values():
        relation = _replaced(lake, relation, "subject_id", role, f"t.role = '{role}'")
    return relation


def _replaced(lake: Lake, relation: str, column: str, role: str, whose: str) -> str:
    ends = resolved(lake, role)
    if ends is None:
        return relation
    same = f"s.old_id = t.{column} AND {whose}"
    stay = f"SELECT t.* FROM {relation} AS t ANTI JOIN {ends} AS s ON {same}"  # noqa: S608 - our own words
    go = f"SELECT t.* REPLACE (s.new_id AS {column}) FROM {relation} AS t JOIN {ends} AS s ON {same}"  # noqa: S608 - as above
    return f"({stay} UNION ALL BY NAME {go})"
