"""People whom a CRM purged for privacy and told nobody of: those we know are asked for, some in each pull.

Who is gone leaves the store with all that was kept of them (gone.py). 500 a pull cost five calls, so that 100,000
people are asked for within 200 pulls; a pull that finds somebody gone asks for the same ones again.
"""

from collections.abc import Sequence

from connector.job import Job
from connector.mirror import MIRROR
from connector.store import cursors

SLICE = 500


def vanished(job: Job, name: str) -> Sequence[str]:
    """Ask for the next of an object's people; gives the ids of those that no longer exist."""
    if not job.crm.capabilities.purges or job.mapping.read[name].table != "people":
        return ()
    place = f"census:{name}"
    ids = _known(job, name, cursors.get(job.state, place) or "")
    gone = job.crm.vanished(name, ids) if ids else ()
    if not gone:
        cursors.put(job.state, place, ids[-1] if len(ids) == SLICE else "")
    return gone


def _known(job: Job, name: str, after: str) -> list[str]:
    relation = job.lake.relation(MIRROR)
    if relation is None:
        return []
    with job.engine() as engine:
        found = engine.execute(
            f"SELECT record_id FROM {relation} WHERE object = ? AND record_id > ? ORDER BY record_id LIMIT ?",  # noqa: S608 - a file list of our own making
            [name, after, SLICE],
        ).fetchall()
    return [str(row[0]) for row in found]
