"""What became of an object's records in one pull: who goes on as whom, who is gone, and who came back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from connector.crm.base import Moved, Page
from connector.gone import GONE, GONE_KEY, gone_rows, held_gone
from connector.job import Job
from connector.store.parquet import Delta
from connector.successors import SUCCESSOR_KEY, SUCCESSORS, held_successors, successor_key, successor_rows
from connector.touched import note
from mappings.targets import Role


@dataclass
class Fates:
    """Gather what the pages of one object tell; role is null where its records are neither people nor accounts.

    held are the moves that are known already, lost the people known to be gone.
    """

    role: Role | None
    held: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    moved: dict[str, Moved] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    back: set[str] = field(default_factory=set)

    def note(self, page: Page, key: str) -> None:
        """Take a page, whose living records have their ids in this column; what a later page says counts."""
        moved = {move.id: move for move in page.moved}
        self.moved |= moved
        self.gone |= dict.fromkeys(page.deleted)
        if self.held or self.lost or self.gone:
            alive = set(page.rows[key].cast(pa.string()).to_pylist())
            self.back |= (alive & (self.held.keys() | self.lost)) - moved.keys()
            for record_id in alive & self.gone.keys():
                del self.gone[record_id]

    def deltas(self, job: Job, at: datetime) -> Iterator[Delta]:
        """Write the tables `successors` and `gone`, and note whose facts that moves."""
        if self.role is None:
            return
        fresh = [move for move in self.moved.values() if self.held.get(move.id) != move.into]
        returned = sorted(self.back & self.held.keys())
        if fresh or returned:
            keys = [successor_key(self.role, record_id) for record_id in returned]
            yield job.lake.merge(SUCCESSORS, SUCCESSOR_KEY, [successor_rows(self.role, fresh, at)], keys)
            ids = {*returned, *(self.held[record_id] for record_id in returned), *(move.into for move in fresh)}
            yield from note(job, self.role, sorted(ids))
        ended = [record_id for record_id in self.gone if record_id not in self.moved and record_id not in self.held]
        alive = sorted(self.back & self.lost)
        if self.role == "person" and (alive or any(record_id not in self.lost for record_id in ended)):
            yield job.lake.merge(GONE, GONE_KEY, [gone_rows(ended, at)], alive)


def fates_of(job: Job, name: str) -> Fates:
    """Begin with what earlier pulls told of an object's role."""
    table = job.mapping.read[name].table
    if table not in ("people", "accounts"):
        return Fates(None)
    role: Role = "person" if table == "people" else "account"
    with job.engine() as engine:
        return Fates(role, held_successors(engine, job.lake, role), held_gone(engine, job.lake))


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
