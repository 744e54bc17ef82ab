"""The pull stage: what changed in the CRM, as canonical facts and as the mirror, committed with its cursor."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from connector.budget import refuse_overspending
from connector.census import looks
from connector.crash import crash_point
from connector.crm.base import Page
from connector.errors import Forbidden, SchemaChanged
from connector.fates import Fates, dead_rows, fates_of
from connector.gone import GONE, GONE_KEY, purge
from connector.job import Job
from connector.mirror import MIRROR_KEY, ROLES, mirror_ids, mirror_rows, mirror_spec
from connector.moves import SUCCESSOR_KEY
from connector.noting import CHANGE_KEY, CHANGES, begin_noting, forget_unread, note_changes
from connector.noting import CLUSTERED as NOTED_TOGETHER
from connector.store import cursors, episodes, erased, outbox
from connector.store.erased import Erased
from connector.store.files import Delta
from connector.store.state import transaction
from connector.tables import MIRROR, SUCCESSORS
from connector.touched import touched_by
from connector.verdicts import record_keys, verdicts_of
from mappings.model import ReadTable
from mappings.read import to_canonical
from mappings.wanted import fields_to_read, record_key
from scoring.schema import TABLES

KEYS = {
    "outcomes": "outcome_id",
    MIRROR: MIRROR_KEY,
    SUCCESSORS: SUCCESSOR_KEY,
    GONE: GONE_KEY,
    CHANGES: CHANGE_KEY,
}
# A person's events lie together: scoring reads them in one pass, `explain` reads one row group.
CLUSTERED = {
    "people": ("person_id",),
    "accounts": ("account_id",),
    "events": ("person_id", "occurred_at"),
    "outcomes": ("occurred_at",),
    "credits": ("deal_id",),
    "history": ("subject_id", "changed_at"),
    "rates": ("currency",),
    MIRROR: ("record_id",),
    SUCCESSORS: ("role", "old_id"),
    GONE: ("person_id",),
    CHANGES: NOTED_TOGETHER,
}


def pull_stage(job: Job) -> dict[str, int]:
    """Read every mapped object since its cursor; returns the rows that came, per canonical table.

    Each object is committed with its cursor as it ends, so that a broken pull goes on where it stopped. A changed
    mapping is read whole again.
    """
    counts: Counter[str] = Counter({"people": 0, "accounts": 0, "events": 0, "outcomes": 0})
    for name in job.mapping.read:
        if job.stop.is_set():
            break
        job.progress.begin(f"pull {name}")
        try:
            counts.update(_pull_object(job, name))
        except (Forbidden, SchemaChanged) as error:  # the others can be read; the next run looks at its fields anew
            job.switched_off.append(f"{name} was not read: {error.message}")
    purge(job)
    forget_unread(job)
    for table, order in CLUSTERED.items():
        job.lake.compact(table, table_key(table), order)
    return dict(counts)


def table_key(table: str) -> str:
    """Name the key column of a table of the lake."""
    return KEYS.get(table) or TABLES[table].key[0]


def _pull_object(job: Job, name: str) -> Counter[str]:
    table = job.mapping.read[name].table
    spec = mirror_spec(job.mapping, name, job.describes[name])
    fields = dict.fromkeys((*fields_to_read(job.mapping, name), *(spec.wanted() if spec else ())))
    counts: Counter[str] = Counter()
    looked: dict[str, str] = {}
    place = _cursor_name(job, name)
    cursor = before = cursors.get(job.state, place)
    read_before = cursors.any_of(job.state, f"{name}@")  # also under another mapping
    known, fates, forgotten = verdicts_of(job, name), fates_of(job, name), erased.load(job.state)
    with (
        job.lake.writer(table, table_key(table)) as facts,
        job.lake.writer(MIRROR, MIRROR_KEY) as mirror,
        job.lake.writer("outcomes", table_key("outcomes")) as verdicts,
    ):
        for read in _pages(job, name, tuple(fields), cursor, looked):
            refuse_overspending(job.crm.calls, job.allowed_calls)
            cursor = read.cursor
            if not (read.rows.num_rows or read.deleted or read.moved):
                continue
            page = _without(read, forgotten, job.mapping.read[name])
            canonical = to_canonical(job.mapping, name, page.rows)
            rows = forgotten.without(canonical[table])
            if known is not None:
                keys = record_keys(job, name, page.rows[job.mapping.read[name].key].to_pylist(), page.deleted)
                fresh, withdrawn = known.sort(keys, canonical["outcomes"])
                verdicts.delete(withdrawn)
                verdicts.add(fresh)
                counts["outcomes"] += fresh.num_rows
            facts.delete(_stale(job, name, table, page, read_before=read_before))
            facts.add(rows)
            if spec:
                mirror.add(mirror_rows(spec, page.rows))
            mirror.delete(mirror_ids(name, page.deleted))
            fates.note(page, job.mapping.read[name].key)
            counts[table] += rows.num_rows
            job.progress.advance(page.rows.num_rows)
            crash_point("pull: a page")
        deltas = [facts.close(), mirror.close(), verdicts.close()]
        deltas += [*touched_by(job, deltas[0], whole=before is None), *_late(job, name, deltas[0], fates)]
        deltas += note_changes(job, name, deltas[0])
        crash_point("pull: files written")
        with transaction(job.state):
            for delta in deltas:
                job.lake.commit(delta)
            for each, reached in {place: cursor or "", **looked}.items():
                cursors.put(job.state, each, reached)
            begin_noting(job, name)
            _follow(job, name, fates)
            cursors.forget_others(job.state, f"{name}@", place)
    return counts


def _without(page: Page, forgotten: Erased, read: ReadTable) -> Page:
    """Leave out of a page of people those who asked to be forgotten."""
    return replace(page, rows=forgotten.without(page.rows, (read.key,))) if read.table == "people" else page


def _late(job: Job, name: str, facts: Delta, fates: Fates) -> Iterator[Delta]:
    """Write what the end of a pull tells of the records that its own pages brought."""
    yield from fates.deltas(job, _now(job))
    if job.mapping.read[name].table not in ROLES:
        depth = record_key(job.mapping, name, "").count(":") + 1
        dead = dead_rows(job, facts, record_keys(job, name, (), tuple(fates.gone)), depth)
        yield from () if dead is None else (dead,)


def _now(job: Job) -> datetime:
    return job.crm.calls.server_time_at or job.connection.server_time_at


def _pages(job: Job, name: str, fields: Sequence[str], cursor: str | None, looked: dict[str, str]) -> Iterator[Page]:
    """Read what changed; a whole reading tells no deletions, so that those since the object was read last follow.

    So does what no reading tells; how far it was looked for is put into `looked`.
    """
    earlier = cursors.newest(job.state, f"{name}@") if cursor is None else None
    reached: Page | None = None
    for page in job.crm.changes(name, fields, cursor):
        reached = page
        yield page
    if earlier:
        for page in job.crm.changes(name, fields, earlier):
            reached = page
            yield page
    for look in looks(job, name, fields) if reached is not None and (cursor or earlier) else ():
        looked[look.place] = look.reached
        if reached is not None and look.page is not None:
            yield replace(look.page, cursor=reached.cursor)


def _follow(job: Job, name: str, fates: Fates) -> None:
    """Let what was begun for a record go on with its successor, and end with a record that has none."""
    if fates.role is None:
        return
    known = [move for move in fates.moved.values() if move.object in job.mapping.read]
    episodes.follow(job.state, name, known, _now(job))
    outbox.follow(job.state, known)
    episodes.close_of(job.state, name, fates.gone, _now(job))
    outbox.drop(job.state, list(fates.gone), "the record is gone")


def _cursor_name(job: Job, name: str) -> str:
    """Tie a cursor to what was read with it: a changed table of the mapping is read from the start.

    So are the fields of a further model: what stands in them counts before anything is written there. And so is what
    was switched off or comes back.
    """
    read = job.mapping.read[name]
    role = ROLES.get(read.table)
    further = [t for t in job.mapping.write.targets if t.role == role and t.model_id is not None]
    names = sorted(spec.field for target in further for spec in target.specs.values())
    names += sorted(f"without {field}" for of, field in job.mapping.off if of == name)
    return f"{name}@{read.hash}" + (f"+{sha256(repr(names).encode()).hexdigest()[:12]}" if names else "")


def _stale(job: Job, name: str, table: str, page: Page, *, read_before: bool) -> Sequence[str]:
    """List the keys of rows that a page makes stale.

    A record may have given several events or outcomes, whose keys are its own and `:` and more; the ones that it no
    longer gives must go. Nothing is there to go where the object was never read, and the table is not searched.
    """
    if table in ("people", "accounts"):
        return page.deleted
    if table in ("credits", "history", "rates"):
        return record_keys(job, name, (), page.deleted)
    relation = job.lake.relation(table)
    if relation is None or not read_before:
        return ()
    ids = [*page.rows[job.mapping.read[name].key].to_pylist(), *page.deleted]
    keys = [record_key(job.mapping, name, str(record_id)) for record_id in ids]
    depth = record_key(job.mapping, name, "").count(":") + 1
    own = table_key(table)
    with job.engine() as engine:
        found = engine.execute(
            f"""SELECT {own} FROM {relation}
                WHERE array_to_string(string_split({own}, ':')[:?], ':') IN (SELECT unnest(?::VARCHAR[]))""",  # noqa: S608 - file lists and columns of our own
            [depth, keys],
        ).fetchall()
    return [row[0] for row in found]
