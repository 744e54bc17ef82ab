"""Records that were merged or converted, as the CRM tells of them: what to write of each, and where a chain ends."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from connector.crm.base import Moved
from connector.store.lake import Lake
from connector.tables import SUCCESSORS

SUCCESSOR_KEY: Final = "successor_id"  # ROLE:OLD_ID, since a vendor's ids may be unique per object only
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
