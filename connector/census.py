"""What a CRM tells nobody of: people purged for privacy, and links that come or go without an edit.

The people whom we know are looked at, some in each pull, and what they did likewise. Who is not found in two pulls, one
after the other, is gone, and leaves the store with all that was kept of them (gone.py): a merge that the CRM's index
does not know yet looks the same, and is told by the next pull. 500 people a pull cost five calls and one for each
object that they may be linked to, so that 100,000 people are looked at within 200 pulls.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.crm.base import Page
from connector.job import Job
from connector.store import cursors
from connector.tables import MIRROR
from mappings.read import to_canonical
from mappings.spec import ASSOCIATIONS
from mappings.wanted import record_key
from scoring.schema import TABLES

SLICE: Final = 500
RECORDS: Final = 100  # of what people did, read again in one pull: one call
PEOPLE: Final = "people"


@dataclass(frozen=True)
class Look:
    """Tell what a look found; store `reached` as the cursor of `place` with the rows of the page, null without any."""

    place: str
    reached: str
    page: Page | None = None


def looks(job: Job, name: str, fields: Sequence[str]) -> Iterator[Look]:
    """Look at the next of an object's records: the rows that are not as we know them, and those that are gone.

    None where the CRM tells everything by itself.
    """
    table = job.mapping.read[name].table
    if not job.crm.capabilities.silent:
        return
    if table == PEOPLE:
        yield _people(job, name, fields)
    elif table in ("events", "outcomes"):
        yield from (_deeds(job, name, one, fields) for one in job.mapping.read if _is_linked(job, name, one))


def _people(job: Job, name: str, fields: Sequence[str]) -> Look:
    """Look at the next people; who is missing a second time is gone."""
    place = f"census:{name}"
    stored = json.loads(cursors.get(job.state, place) or "{}")
    after, before = str(stored.get("after", "")), set(stored.get("missing", ()))
    ids = _next(job, name, after)
    page = job.crm.look(name, fields, ids) if ids else None
    missing = page.deleted if page else ()
    if not missing:
        after = ids[-1] if len(ids) == SLICE else ""
    reached = json.dumps({"after": after, "missing": sorted(missing)})
    told = page and Page(_other(job, name, page.rows), tuple(one for one in missing if one in before))
    return Look(place, reached, told)


def _is_linked(job: Job, name: str, people: str) -> bool:
    persons = [field for source in job.mapping.read[name].person for field in source.from_]
    return job.mapping.read[people].table == PEOPLE and ASSOCIATIONS + people in persons


def _deeds(job: Job, name: str, people: str, fields: Sequence[str]) -> Look:
    """Look at what the next people are linked to; read again what they have come to or gone from."""
    place = f"census:{name}:{people}"
    ids = _next(job, people, cursors.get(job.state, place) or "")
    if not ids:
        return Look(place, "")
    linked, kept = job.crm.links(people, name, ids), _deeds_kept(job, name, ids)
    differ = {one: kept[one].symmetric_difference(linked.get(one, ())) for one in ids}
    counts = accumulate(len(records) for records in differ.values())
    done = ids[: max(1, sum(count <= RECORDS for count in counts))]  # who has more than that goes alone
    reached = done[-1] if len(done) < len(ids) or len(ids) == SLICE else ""
    records = sorted(set[str]().union(*(differ[one] for one in done)))
    if not records:
        return Look(place, reached)
    page = job.crm.look(name, fields, records)
    read = job.mapping.read[name]
    now = _deeds_in(job, name, to_canonical(job.mapping, name, page.rows)[read.table])
    changed = {record for one in done for record in differ[one] if (record in now[one]) != (record in kept[one])}
    return Look(place, reached, replace(page, rows=_only(page.rows, read.key, changed)))


def _next(job: Job, name: str, after: str) -> list[str]:
    relation = job.lake.relation(MIRROR)
    if relation is None:
        return []
    with job.engine() as engine:
        found = engine.execute(
            f"SELECT record_id FROM {relation} WHERE object = ? AND record_id > ? ORDER BY record_id LIMIT ?",  # noqa: S608 - a file list of our own making
            [name, after, SLICE],
        ).fetchall()
    return [str(row[0]) for row in found]


def _deeds_kept(job: Job, name: str, people: Sequence[str]) -> defaultdict[str, set[str]]:
    """Give the records of an object by the people of whom they are known to tell."""
    table = job.mapping.read[name].table
    key, relation = TABLES[table].key[0], job.lake.relation(table)
    if relation is None:
        return defaultdict(set)
    with job.engine() as engine:
        found = engine.sql(
            f"""SELECT person_id, {key} FROM {relation}
                WHERE starts_with({key}, ?) AND person_id IN (SELECT unnest(?::VARCHAR[]))
                    AND person_id BETWEEN ? AND ?""",  # noqa: S608 - as above; the bounds skip what lies elsewhere
            params=[record_key(job.mapping, name, ""), people, min(people), max(people)],
        )
        return _deeds_in(job, name, found.to_arrow_table())


def _deeds_in(job: Job, name: str, rows: pa.Table) -> defaultdict[str, set[str]]:
    """Give the records that rows of events or outcomes come from, by person."""
    prefix = record_key(job.mapping, name, "")
    keys = rows[TABLES[job.mapping.read[name].table].key[0]].to_pylist()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for person, key in zip(rows["person_id"].to_pylist(), keys, strict=True):
        found[person].add(key.removeprefix(prefix).partition(":")[0])
    return found


def _other(job: Job, name: str, rows: pa.Table) -> pa.Table:
    """Keep the rows of people of whom we know otherwise; whom we do not keep at all is none of them."""
    now = _by_id(to_canonical(job.mapping, name, rows)[PEOPLE])
    kept = _people_kept(job, list(now))
    return _only(rows, job.mapping.read[name].key, {one for one, row in now.items() if kept.get(one, row) != row})


def _people_kept(job: Job, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    relation = job.lake.relation(PEOPLE)
    if relation is None:
        return {}
    with job.engine() as engine:
        found = engine.sql(
            f"SELECT * FROM {relation} WHERE person_id IN (SELECT unnest(?::VARCHAR[]))",  # noqa: S608 - as above
            params=[ids],
        )
        return _by_id(found.to_arrow_table())


def _by_id(people: pa.Table) -> dict[str, Mapping[str, Any]]:
    """Give people by id, without what is unknown: a column that only some files have is null in the others."""
    return {
        str(row["person_id"]): {name: value for name, value in row.items() if value is not None}
        for row in people.to_pylist()
    }


def _only(rows: pa.Table, key: str, ids: Collection[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows[key].cast(pa.string()), pa.array(sorted(ids), pa.string())))
