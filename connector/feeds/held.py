"""Rows on hold: tried again when people or accounts came, and landed once whom they are about is known."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Final

from connector.crash import crash_point
from connector.feeds.index import index_subjects, keyed_to_known
from connector.feeds.landing import ATTRIBUTE_SELECT, NO_PERSON, SUBJECT, Landing, event_select, landing
from connector.job import Job
from connector.store import compaction, facts
from connector.store.files import DELETED
from connector.store.state import transaction

_NAME: Final = "held_tried"
_SUBJECTS: Final = {"people": "person_id", "accounts": "account_id"}


def retry_held(job: Job) -> dict[str, int]:
    """Land what can be landed now; returns counts of events and attributes, and of the rows that are held no more.

    Nothing is asked where nobody came, and no more than that where whoever came is nobody that rows wait for.
    """
    relation = job.lake.relation("held")
    seen, now = _seen(job), {table: _newest(job, table) for table in _SUBJECTS}
    if relation is None or seen == now:
        return {}
    if seen is not None and not _is_awaited(job, relation, seen):
        with transaction(job.state):
            facts.put(job.state, _NAME, json.dumps(now))
        return {}
    counts: Counter[str] = Counter()
    with landing(job) as lands:
        counts["released"] += _land_events(lands, relation) + _land_attributes(lands, relation)
        deltas = lands.close()
        crash_point("held: files written")
        with transaction(job.state):
            for delta in deltas:
                job.lake.commit(delta)
            facts.put(job.state, _NAME, json.dumps(now))
        counts.update({name: lands.counts[name] for name in ("events", "attributes")})
    return dict(counts) if counts["released"] or counts["events"] else {}


def _seen(job: Job) -> dict[str, int] | None:
    """Read against which files of people and accounts the rows on hold were tried last; null for none."""
    held: dict[str, int] | None = json.loads(facts.get(job.state, _NAME) or "null")
    return held


def _newest(job: Job, table: str) -> int:
    return max((file.seq for file in job.lake.files(table)), default=0)


def _is_awaited(job: Job, relation: str, seen: Mapping[str, int]) -> bool:
    """Tell whether rows wait for anybody who came; true where it is not known who did."""
    came: dict[str, str | None] = {}
    for table, key in _SUBJECTS.items():
        paths = job.lake.since(table, seen.get(table, 0))
        if paths is None:
            return True
        came[table] = compaction.newest([], paths, key, DELETED) if paths else None
    with job.engine() as engine:
        index_subjects(engine, job.lake, came)
        rows = f"(SELECT person_key, email, account_key, domain FROM {relation})"  # noqa: S608 - a file list of our own making
        known = keyed_to_known(rows, ())
        found = f"SELECT 1 FROM ({known}) WHERE person_id IS NOT NULL OR account_id IS NOT NULL LIMIT 1"  # noqa: S608 - as above
        return bool(engine.execute(found).fetchall())


def _land_events(lands: Landing, relation: str) -> int:
    """Land held events whose person came; or whose account did, and then they wait on for the person."""
    columns = lands.match(f"(SELECT * FROM {relation} WHERE target = 'event')")  # noqa: S608 - a file list of our own making
    if "event_id" not in columns:
        return 0
    unchanged = "person_id IS NULL AND account_id IS NOT DISTINCT FROM landed_account_id"
    lands.engine.execute(f"DELETE FROM known WHERE {unchanged}")  # noqa: S608 - names of our own
    lands.land("events", event_select(columns))
    kept = ", ".join(name for name in columns if name != "landed_account_id")
    waiting = f"SELECT {kept}, account_id AS landed_account_id FROM known WHERE {NO_PERSON}"  # noqa: S608 - as above
    page = lands.engine.sql(waiting).to_arrow_table()
    if page.num_rows:
        lands.hold(page)
    return _release(lands, f"NOT ({NO_PERSON})")


def _land_attributes(lands: Landing, relation: str) -> int:
    columns = lands.match(f"(SELECT * FROM {relation} WHERE target = 'attribute')")  # noqa: S608 - a file list of our own making
    if "role" not in columns:
        return 0
    lands.land("attributes", ATTRIBUTE_SELECT)
    return _release(lands, f"{SUBJECT} IS NOT NULL")


def _release(lands: Landing, where: str) -> int:
    """Take rows off hold; returns how many."""
    rows = lands.engine.execute(f"SELECT held_id, file FROM known WHERE {where}").fetchall()  # noqa: S608 - names of our own
    lands.writers["held"].delete([held_id for held_id, _ in rows])
    lands.writers["feed_rows"].delete([f"{file}:held:{held_id}" for held_id, file in rows])
    return len(rows)
