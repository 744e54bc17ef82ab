"""Everybody's newest contributions, whoever was scored anew."""

import sqlite3

from connector.models import Line
from connector.store import coverage
from connector.store.lake import Lake
from connector.tables import RESCORED, tables_of


def newest_contributions(lake: Lake, state: sqlite3.Connection, line: Line) -> str | None:
    """Give the relation of everybody's newest contributions; null where nothing was scored.

    A run that scored only what changed has the rows of these alone; all others' are in the runs before it.
    """
    held, table = coverage.get(state), tables_of(line)[1]
    if held is None or len(held.runs) == 1:
        return lake.relation(table)
    rows: list[str] = []
    marks: list[str] = []
    for place, run_id in enumerate(held.runs):
        for name, into in ((table, rows), (RESCORED, marks)):
            if relation := lake.relation(name, run_id=run_id):
                into.append(f"SELECT *, {place} AS place FROM {relation}")  # noqa: S608 - file lists of our own making
    last = (
        f"SELECT subject_id, max(place) AS last FROM ({' UNION ALL '.join(marks)}) "  # noqa: S608 - file lists of our own making
        f"WHERE role = '{line.role}' GROUP BY subject_id"
    )
    every = f"({' UNION ALL '.join(rows)}) LEFT JOIN ({last}) USING (subject_id)"
    return f"(SELECT * EXCLUDE (place, last) FROM {every} WHERE place = coalesce(last, 0))"  # noqa: S608 - file lists of our own making
