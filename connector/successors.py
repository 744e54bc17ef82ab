"""Who goes on as whom: merged records and converted leads, whose history then counts for the record that lives on.

What was pulled keeps the ids it came with. The table `successors` says which id each goes on as, and the facts are seen
through it: as it is known now, whatever the as_of, since it is the same person all along.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from connector.crm.base import Moved
from connector.store.lake import Lake
from connector.view import Relations, View

SUCCESSORS: Final = "successors"
SUCCESSOR_KEY: Final = "successor_id"  # ROLE:OLD_ID, since a vendor's ids may be unique per object only
_ROLES: Final = {"person_id": "person", "account_id": "account"}
_INSTANT: Final = pa.timestamp("us", "UTC")


class Move(NamedTuple):
    """One row: the object and id that a record goes on as, when that was first seen, and where its chain ends.

    end_id is null where the chain comes back to where it began: it ends nowhere.
    """

    object: str
    new_id: str
    moved_at: datetime
    end_id: str | None = None


def held_ids(engine: duckdb.DuckDBPyConnection, lake: Lake, role: str) -> pa.ChunkedArray:
    """Read the ids of a role that go on as others."""
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return pa.chunked_array([], pa.string())
    return engine.sql(f"SELECT old_id FROM {relation} WHERE role = '{role}'").to_arrow_table()["old_id"]  # noqa: S608 - a file list of our own making


def held_moves(engine: duckdb.DuckDBPyConnection, lake: Lake, role: str) -> dict[str, Move]:
    """Read the moves of a role by old id, as the CRM told them."""
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return {}
    columns = "old_id, object, new_id, epoch_us(moved_at), end_id"
    rows = engine.execute(f"SELECT {columns} FROM {relation} WHERE role = ?", [role]).fetchall()  # noqa: S608 - as above
    times = pa.array([row[3] for row in rows], pa.int64()).cast(_INSTANT).to_pylist()
    return {row[0]: Move(row[1], row[2], at, row[4]) for row, at in zip(rows, times, strict=True)}


def changed_moves(
    held: Mapping[str, Move], told: Iterable[Moved], back: Iterable[str], at: datetime
) -> tuple[dict[str, Move], list[str]]:
    """Give the moves to write and the old ids to strike, once these were told and those have come back.

    A chain is followed to its end, so that a move may change where earlier ones end.
    """
    struck = sorted(set(back) & held.keys())
    now = {old: move for old, move in held.items() if old not in struck}
    for move in told:
        if move.id not in now or now[move.id].new_id != move.into:
            now[move.id] = Move(move.object, move.into, at)
    ends = {old: _end(now, old) for old in now}
    changed = {old: move._replace(end_id=ends[old]) for old, move in now.items()}
    return {old: move for old, move in changed.items() if held.get(old) != move}, struck


def _end(moves: Mapping[str, Move], old: str) -> str | None:
    seen, at = {old}, moves[old].new_id
    while at in moves:
        if at in seen:
            return None
        seen.add(at)
        at = moves[at].new_id
    return at


def successor_rows(role: str, moves: Mapping[str, Move]) -> pa.Table:
    """Give rows of the table: role (person, account), old_id, object and new_id as told, end_id, moved_at."""
    return pa.table(
        {
            SUCCESSOR_KEY: pa.array([successor_key(role, old) for old in moves], pa.string()),
            "role": pa.repeat(pa.scalar(role), len(moves)),
            "old_id": pa.array(list(moves), pa.string()),
            "object": pa.array([move.object for move in moves.values()], pa.string()),
            "new_id": pa.array([move.new_id for move in moves.values()], pa.string()),
            "end_id": pa.array([move.end_id for move in moves.values()], pa.string()),
            "moved_at": pa.array([move.moved_at for move in moves.values()], _INSTANT),
        }
    )


def successor_key(role: str, old_id: str) -> str:
    """Name the row of a record that moved."""
    return f"{role}:{old_id}"


def resolved(lake: Lake, role: str) -> str | None:
    """Give a relation (old_id, new_id) of where each chain of moves ends; null where nobody moved."""
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return None
    return f"(SELECT old_id, end_id AS new_id FROM {relation} WHERE role = '{role}' AND end_id IS NOT NULL)"  # noqa: S608 - our own words


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

    A filter on a person's id still reaches the files.
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
    """Replace one column: of people in two parts, since their events are looked up by it, of accounts in one pass."""
    ends = resolved(lake, role)
    if ends is None:
        return relation
    same = f"s.old_id = t.{column} AND {whose}"
    if role == "account":
        value = f"COALESCE(s.new_id, t.{column}) AS {column}"
        return f"(SELECT t.* REPLACE ({value}) FROM {relation} AS t LEFT JOIN {ends} AS s ON {same})"  # noqa: S608 - our own words
    stay = f"SELECT t.* FROM {relation} AS t ANTI JOIN {ends} AS s ON {same}"  # noqa: S608 - as above
    go = f"SELECT t.* REPLACE (s.new_id AS {column}) FROM {relation} AS t JOIN {ends} AS s ON {same}"  # noqa: S608 - as above
    return f"({stay} UNION ALL BY NAME {go})"
