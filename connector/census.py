"""People whom a CRM purged for privacy and told nobody of: those we know are asked for, some in each pull.

Who is not found in two pulls, one after the other, is gone, and leaves the store with all that was kept of them
(gone.py): a merge that the CRM's index does not know yet looks the same, and is told by the next pull. 500 a pull cost
five calls, so that 100,000 people are asked for within 200 pulls.
"""

import json
from collections.abc import Sequence

from connector.job import Job
from connector.store import cursors
from connector.tables import MIRROR

SLICE = 500


def vanished(job: Job, name: str) -> Sequence[str]:
    """Ask for the next of an object's people; gives the ids of those that were not there the last time either."""
    if not job.crm.capabilities.purges or job.mapping.read[name].table != "people":
        return ()
    place = f"census:{name}"
    stored = json.loads(cursors.get(job.state, place) or "{}")
    after, before = str(stored.get("after", "")), set(stored.get("missing", ()))
    ids = _known(job, name, after)
    missing = job.crm.vanished(name, ids) if ids else ()
    if not missing:
        after = ids[-1] if len(ids) == SLICE else ""
    cursors.put(job.state, place, json.dumps({"after": after, "missing": sorted(missing)}))
    return [one for one in missing if one in before]


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
