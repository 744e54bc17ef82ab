"""What the engine reads for one model: the facts, with the bands that people saw last."""

import sqlite3
from datetime import datetime

from connector.facts import relations
from connector.models import Line
from connector.settings.file import Settings
from connector.store import runs
from connector.store.lake import Lake
from connector.tables import BANDS, SUBJECTS

STATEMENTS = "statements"  # the folder of a store where compiled models are kept


def sources(lake: Lake, state: sqlite3.Connection, settings: Settings, as_of: datetime, line: Line) -> dict[str, str]:
    """Name the relations the engine reads for one model: the facts, with the bands of this model.

    previous_band is what people saw last before as_of.
    """
    found = relations(lake, settings, as_of)
    for table, (role, key) in SUBJECTS.items():
        seen = previous_bands(lake, state, as_of, line.seat if role == line.role else role)
        if table in found and seen is not None:
            found[table] = (
                f"(SELECT t.*, b.band AS previous_band FROM {found[table]} t"  # noqa: S608 - a file list of our own making
                f" LEFT JOIN {seen} b ON b.subject_id = t.{key})"
            )
    return found


def previous_bands(lake: Lake, state: sqlite3.Connection, as_of: datetime, seat: str) -> str | None:
    """Give the relation (subject_id, band) of one model as it was seen before as_of; null without any."""
    run_id = bands_run(lake, state, as_of)
    if run_id is None:
        return None
    return f"(SELECT subject_id, band FROM {lake.relation(BANDS, run_id=run_id)} WHERE role = '{seat}')"  # noqa: S608 - as above


def bands_run(lake: Lake, state: sqlite3.Connection, as_of: datetime) -> str | None:
    """Name the run whose plan people saw last before as_of; null without any."""
    for file in reversed(lake.files(BANDS)):
        run = runs.get(state, file.run_id or "")
        if run is not None and run.as_of < as_of:
            return run.run_id
    return None
