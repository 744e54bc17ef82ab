"""Whom a plan creates: people found by feeds, each once."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

import duckdb

from connector.job import Job
from connector.plan import NEW_PEOPLE, CreateChange, Guard
from connector.prospects.commit import new_record
from connector.prospects.find import Prospect, prospect_key, prospects, terms_of
from connector.store import erased, outbox
from connector.store.outbox import OutboxRow
from mappings.create import CreateTarget

_ASKED_AT_ONCE: Final = 5_000


def plan_creates(engine: duckdb.DuckDBPyConnection, job: Job, as_of: datetime) -> Iterator[CreateChange]:
    """Ask for everybody who waits and may be created, by address.

    The outbox remembers for ever who was: one whom people deleted since, or gave up, is not asked for again. One whom
    the CRM refused is, once the wait is over or what is known has changed.
    """
    target = job.mapping.creates
    terms = terms_of(job.settings, target, erased.load(job.state))
    if target is None or terms is None:
        return
    crm = job.crm.capabilities.crm
    able = (found for found in prospects(engine, job.lake, terms) if found.problem is None)
    while chunk := {prospect_key(crm, found.email): found for found in islice(able, _ASKED_AT_ONCE)}:
        before = outbox.by_keys(job.state, chunk)
        for key, found in chunk.items():
            if _is_open(job, target, before.get(key), found, as_of):
                fields = tuple(sorted(new_record(job, target, found)))
                yield CreateChange(target.object, key, found.feed, fields)


def _is_open(job: Job, target: CreateTarget, row: OutboxRow | None, found: Prospect, as_of: datetime) -> bool:
    if row is None or row.state in outbox.UNSETTLED:
        return True
    if row.state != "quarantined":
        return False
    return row.not_before is None or row.not_before <= as_of or row.payload["fields"] != new_record(job, target, found)


def create_guard(job: Job, asked: int) -> Iterator[Guard]:
    """Count the people to be created, whatever the size of the store: a file too many is not taken back by deleting."""
    if job.mapping.creates is None:
        return
    limit = job.settings.limits.max_creates
    detail = f"{asked:,} people would be created, max_creates is {limit:,}"
    yield Guard(NEW_PEOPLE, float(asked), float(limit), asked, detail)
