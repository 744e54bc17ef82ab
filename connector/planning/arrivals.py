"""The leads of a stretch of time as the store knows them: who came, when, and what rules fit them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from connector.acting.actions import band_trigger
from connector.acting.configured import line_of
from connector.errors import ConfigError
from connector.job import Job
from connector.planning.owners import queue_owned
from connector.planning.records import register_written
from connector.routing import fits, matching
from connector.routing.decide import Asked
from connector.routing.pools import RoutingTable, Target
from connector.routing.replay import Arrival
from connector.settings.acting import Action
from connector.store import episodes, runs
from connector.store.episodes import Episode
from connector.tables import MIRROR, tables_of


def arrivals(
    job: Job, table: RoutingTable, actions: Sequence[Action], as_of: datetime, record: str | None = None
) -> list[Arrival]:
    """List everybody who entered a band that names an owner, at the time of the first entry.

    Who was in it when the store was begun came when the record was made. With `record`: that one alone, in a band or
    not, for a preview. Raises ConfigError where nothing was scored.
    """
    people = job.models.of("person")
    acting = [a for a in actions if a.owner is not None and a.band is not None and line_of(a, job.models) in people]
    if job.lake.relation(MIRROR) is None or job.lake.relation("people") is None:
        raise ConfigError("the store holds no people yet; run `leadlight sync` first")
    if not acting:
        raise ConfigError("no [[action]] gives people of a band an owner; give one owner = { route = true } or a pool")
    come = _Coming(job, acting, episodes.first(job.state), runs.baseline_at(job.state), queue_owned(job))
    with job.engine() as engine:
        register_written(engine, job)
        facts = matching.open_facts(engine, job.lake, as_of, job.settings.lists.folder)
        matching.make_fits(facts, table.routes, people)
        rows = _rows(engine, job, acting, record)
        return [one for row in rows if (one := come.arrival(row, preview=record is not None)) is not None]


@dataclass(frozen=True)
class _Coming:
    """Know when people came: by the first entry into a band that names an owner."""

    job: Job
    acting: Sequence[Action]
    entries: Mapping[episodes.EpisodeKey, Episode]
    begun_at: datetime | None
    takes: frozenset[str]

    def arrival(self, row: Mapping[str, Any], *, preview: bool) -> Arrival | None:
        """Make an arrival of the first action in the file whose band the person is in, or was; null without one."""
        for n, action in enumerate(self.acting):
            trigger = band_trigger(action.band or "", self.job.models.place(action.model))
            entry = self.entries.get((row["object"], row["record_id"], trigger))
            if entry is not None or row[f"band{n}"] == action.band:
                return self._made(row, action, action.band, entry)
        return self._made(row, self.acting[0], row["band0"], None) if preview else None

    def _made(self, row: Mapping[str, Any], action: Action, band: str | None, entry: Episode | None) -> Arrival:
        begun = self.begun_at or self.job.connection.server_time_at
        created = datetime.fromtimestamp(row["created_s"], UTC) if row["created_s"] is not None else begun
        at = created if entry is None or entry.opened_at <= begun else entry.opened_at
        nobody = row["owner_id"] is None or row["owner_id"] in self._nobody
        return Arrival(
            at,
            self._asked(row, action, band),
            row["owner_id"],
            by_person=not nobody and row["owner_id"] != row["last_written"],
        )

    @property
    def _nobody(self) -> frozenset[str]:
        return frozenset(owner.id for owner in self.job.owners if owner.queue) | {self.job.connection.user_id}

    def _asked(self, row: Mapping[str, Any], action: Action, band: str | None) -> Asked:
        pool = action.owner.pool if action.owner else None
        return Asked(
            object=row["object"],
            record_id=row["record_id"],
            band=band,
            current=None,
            target=None if pool is None else Target("pool", pool),
            places=fits.places_of(row, line_of(action, self.job.models)),
            account_owner=row.get("account_owner"),
            takes_queues=row["object"] in self.takes,
        )


def _rows(
    engine: duckdb.DuckDBPyConnection, job: Job, acting: Sequence[Action], record: str | None
) -> Iterator[Mapping[str, Any]]:
    """Read people with their object, owner, fitting rules, and the band of each acting model as band0, band1, ..."""
    owner = job.mapping.write.owner
    owners = fits.current_owners(job.lake, owner.field if owner else "", MIRROR)
    joins, bands = "", ""
    for n, action in enumerate(acting):
        scores = job.lake.relation(tables_of(line_of(action, job.models))[0])
        joins += f" LEFT JOIN {scores} s{n} ON s{n}.subject_id = p.person_id" if scores else ""
        bands += f", {f's{n}.band' if scores else 'NULL'} AS band{n}"
    created = "epoch(p.created_at)" if "created_at" in job.lake.columns("people") else "NULL"
    last = f"json_extract_string(w.fields_json, '$.\"{owner.field}\"')" if owner else "NULL"
    cursor = engine.execute(
        f"""SELECT m.object, m.record_id, o.owner_id, {created} AS created_s, {last} AS last_written,
                   g.* EXCLUDE (subject_id){bands}
            FROM {job.lake.relation("people")} p
            JOIN {job.lake.relation(MIRROR)} m ON m.role = 'person' AND m.record_id = p.person_id
            JOIN {owners} o ON o.record_id = m.record_id
            LEFT JOIN written w ON w.object = m.object AND w.record_id = m.record_id
            LEFT JOIN {fits.FITS} g ON g.subject_id = p.person_id {joins}
            WHERE ? IS NULL OR p.person_id = ? ORDER BY m.object, m.record_id""",  # noqa: S608 - file lists and names of our own making
        [record, record],
    )
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(10_000):
        yield from (dict(zip(names, row, strict=True)) for row in rows)
