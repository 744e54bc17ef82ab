"""What sales people say of leads: accepted, or rejected and why, as outcomes with the time at which it was first seen.

A CRM's field tells the verdict and not its time. So a verdict keeps the time of the pull that brought it, until another
one takes its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.feedback import KINDS
from connector.job import Job
from mappings.wanted import record_key

KEY: Final = "outcome_id"


@dataclass
class Verdicts:
    """Compare the verdicts of the pages of one object with those that are known: by outcome id, the reason."""

    held: dict[str, str | None] = field(default_factory=dict)

    def sort(self, record_keys: Iterable[str], rows: pa.Table) -> tuple[pa.Table, list[str]]:
        """Give the rows that are new or differ, and the ids of verdicts that these records no longer have."""
        ids = rows[KEY].to_pylist()
        reasons = rows["reason"].to_pylist() if "reason" in rows.column_names else [None] * len(ids)
        given = dict(zip(ids, reasons, strict=True))
        fresh = [name for name, reason in given.items() if name not in self.held or self.held[name] != reason]
        known = {f"{key}:{kind}" for key in record_keys for kind in KINDS}
        gone = sorted((known & self.held.keys()) - given.keys())
        self.held = {name: reason for name, reason in self.held.items() if name not in gone} | given
        return rows.filter(pc.is_in(rows[KEY], pa.array(fresh, pa.string()))), gone


def verdicts_of(job: Job, name: str) -> Verdicts | None:
    """Read the verdicts known so far; null for an object that tells none."""
    table = job.mapping.read[name]
    if table.table != "people" or not table.outcome:
        return None
    relation = job.lake.relation("outcomes")
    if relation is None:
        return Verdicts()
    reason = "reason" if "reason" in job.lake.columns("outcomes") else "NULL"
    with job.engine() as engine:
        rows = engine.execute(
            f"SELECT {KEY}, {reason} FROM {relation} WHERE list_contains(?::VARCHAR[], kind)",  # noqa: S608 - file lists of our own making
            [list(KINDS)],
        ).fetchall()
    return Verdicts(dict(rows))


def record_keys(job: Job, name: str, ids: Sequence[Any], deleted: Sequence[str]) -> list[str]:
    """Name the keys under which the outcomes of a page's records are known."""
    return [record_key(job.mapping, name, str(record_id)) for record_id in (*ids, *deleted)]
