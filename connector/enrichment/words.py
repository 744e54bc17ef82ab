"""What a transform reads in vendors' texts, once for each distinct text, so that it can be looked up in SQL."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from connector.engine.relations import literal
from connector.enrichment.resolve import ATTRIBUTES, ROLES, WORDS
from connector.job import Job
from connector.settings.enrichment import EnrichSettings
from connector.store import compaction, coverage, cursors
from connector.store.files import DELETED
from connector.store.state import transaction
from mappings.lists import Lists, open_lists
from mappings.transforms import READS, Transformed, bound

WORDS_KEY: Final = "word_id"
_CURSOR: Final = "words@"


def words_stage(job: Job) -> int:
    """Read the texts that came since the last time; returns how many were new.

    Columns: word_id (transform:text) and meaning, null where the transform finds nothing.
    """
    wanted = [enrich for enrich in job.settings.enrich if enrich.transform]
    newest = max((file.seq for file in job.lake.files(ATTRIBUTES)), default=0)
    if not wanted or not newest:
        return 0
    lists = open_lists(job.settings.lists.folder)
    made = _digest(wanted, lists)
    before = int(json.loads(cursors.get(job.state, made) or "0"))
    if before == newest:
        return 0
    found = _columns(job, wanted, before, lists)
    rows = pa.table(dict(zip((WORDS_KEY, "meaning"), found, strict=True)))
    delta = job.lake.merge(WORDS, WORDS_KEY, [rows])
    with transaction(job.state):
        job.lake.commit(delta)
        if not before:  # other words: what was read by the old ones is in everybody's scores
            coverage.expire(job.state)
        cursors.put(job.state, made, json.dumps(newest))
        cursors.forget_others(job.state, _CURSOR, made)
    job.lake.compact(WORDS, WORDS_KEY, (WORDS_KEY,))
    return int(rows.num_rows)


def _digest(wanted: Sequence[EnrichSettings], lists: Lists) -> str:
    """Name how far was read by these transforms and lists."""
    said = [(e.of, e.attribute, e.transform) for e in wanted]
    names = [name for e in wanted for name in READS.get(e.transform or "", ())]
    return _CURSOR + hashlib.sha256(repr((said, lists.version(names))).encode()).hexdigest()[:12]


def _columns(job: Job, wanted: Sequence[EnrichSettings], since: int, lists: Lists) -> tuple[pa.Array, pa.Array]:
    found = [(enrich.transform or "", text) for enrich in wanted for text in _texts(job, enrich, since)]
    distinct = list(dict.fromkeys(found))
    meanings = [_as_text(bound(name, lists)(text)) for name, text in distinct]
    return pa.array([f"{name}:{text}" for name, text in distinct], pa.string()), pa.array(meanings, pa.string())


def _texts(job: Job, enrich: EnrichSettings, since: int) -> Iterator[str]:
    """List the distinct texts of an attribute that came after a file, where that is not the first, the unread ones."""
    paths = job.lake.since(ATTRIBUTES, since)
    came = job.lake.relation(ATTRIBUTES) if paths is None else None
    if paths:
        came = compaction.newest([], paths, "attribute_id", DELETED)
    if came is None:
        return
    known = job.lake.relation(WORDS) if since else None
    unread = f"AND {literal(f'{enrich.transform}:')} || value NOT IN (SELECT {WORDS_KEY} FROM {known})" if known else ""  # noqa: S608 - a file list of our own making
    select = f"""SELECT DISTINCT value FROM {came} WHERE name = {literal(enrich.attribute)}
        AND role = {literal(ROLES[enrich.of])} AND TRIM(value) <> '' {unread} ORDER BY value"""  # noqa: S608 - names are quoted
    with job.engine() as engine:
        yield from (str(row[0]) for row in engine.execute(select).fetchall())


def _as_text(value: Transformed) -> str | None:
    if isinstance(value, list):
        return ";".join(value) or None
    return None if value is None else str(value)
