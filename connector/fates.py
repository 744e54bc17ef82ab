"""What became of an object's records in one pull: who goes on as whom, who is gone, and who came back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.crm.base import Moved, Page
from connector.gone import GONE, GONE_KEY, gone_rows, held_gone
from connector.job import Job
from connector.moves import SUCCESSOR_KEY, Move, changed_moves, held_ids, held_moves, successor_key, successor_rows
from connector.store.files import Delta
from connector.tables import SUCCESSORS
from connector.touched import note
from mappings.targets import Role

_NOBODY: Final = pa.chunked_array([], pa.string())


@dataclass
class Fates:
    """Gather what the pages of one object tell; role is null where its records are neither people nor accounts.

    held are the ids known to have moved already, lost those of the people known to be gone.
    """

    role: Role | None
    held: pa.ChunkedArray = field(default_factory=lambda: _NOBODY)
    lost: pa.ChunkedArray = field(default_factory=lambda: _NOBODY)
    moved: dict[str, Moved] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    back: set[str] = field(default_factory=set)

    def note(self, page: Page, key: str) -> None:
        """Take a page, whose living records have their ids in this column; what a later page says counts."""
        moved = {move.id: move for move in page.moved}
        self.moved |= moved
        self.gone |= dict.fromkeys(page.deleted)
        if not (len(self.held) or len(self.lost) or self.gone):
            return
        alive = page.rows[key].cast(pa.string())
        for known in (self.held, self.lost):
            self.back |= {*alive.filter(pc.is_in(alive, value_set=known)).to_pylist()} - moved.keys()
        if self.gone:
            for record_id in self.gone.keys() & set(alive.to_pylist()):
                del self.gone[record_id]

    def deltas(self, job: Job, at: datetime) -> Iterator[Delta]:
        """Write the tables `successors` and `gone`, and note whose facts that moves."""
        if self.role is None:
            return
        held: dict[str, Move] = {}
        if self.moved or self.back:
            with job.engine() as engine:
                held = held_moves(engine, job.lake, self.role)
            changed, struck = changed_moves(held, self.moved.values(), self.back, at)
            if changed or struck:
                keys = [successor_key(self.role, record_id) for record_id in struck]
                yield job.lake.merge(SUCCESSORS, SUCCESSOR_KEY, [successor_rows(self.role, changed)], keys)
                ends = {
                    move.end_id
                    for move in (*changed.values(), *(held[old] for old in {*changed, *struck} & held.keys()))
                }
                yield from note(job, self.role, sorted({*struck, *(end for end in ends if end)}))
        if self.role == "person":
            yield from self._gone(job, at)

    def _gone(self, job: Job, at: datetime) -> Iterator[Delta]:
        """Write who is gone and who came back; who moved is neither."""
        lost = set(self.lost.to_pylist())
        stayed = lost | set(self.held.to_pylist()) | self.moved.keys() if self.gone else lost
        ended = [record_id for record_id in self.gone if record_id not in stayed]
        alive = sorted(self.back & lost)
        if alive or ended:
            yield job.lake.merge(GONE, GONE_KEY, [gone_rows(ended, at)], alive)


def fates_of(job: Job, name: str) -> Fates:
    """Begin with what earlier pulls told of an object's role."""
    table = job.mapping.read[name].table
    if table not in ("people", "accounts"):
        return Fates(None)
    role: Role = "person" if table == "people" else "account"
    with job.engine() as engine:
        return Fates(role, held_ids(engine, job.lake, role), held_gone(engine, job.lake))


def dead_rows(job: Job, delta: Delta, dead: Iterable[str], depth: int) -> Delta | None:
    """Delete from what a pull itself brought the rows of records that were deleted before it ended.

    dead are record keys; depth counts the parts of one. Null where nothing is to be deleted.
    """
    files = [str(path) for path, _ in delta.files]
    keys = list(dead)
    if not files or not keys:
        return None
    own = pa.array(keys, pa.string())
    with job.engine() as engine:
        engine.register("dead", pa.table({"id": own}))
        found = engine.execute(
            f"""SELECT DISTINCT {delta.key} FROM read_parquet(?, union_by_name = true)
                WHERE array_to_string(string_split({delta.key}, ':')[:?], ':') IN (SELECT id FROM dead)""",  # noqa: S608 - our own name
            [files, depth],
        ).fetchall()
    return job.lake.merge(delta.table, delta.key, (), [str(row[0]) for row in found]) if found else None
