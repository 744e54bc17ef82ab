"""Who to call now: the hottest people of a store with reasons, owner and task, and how the scores are spread."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from connector.acting.configured import line_of, trigger_of
from connector.acting.wording import record_url
from connector.job import Job
from connector.matching.linked import has_accounts, linked_people
from connector.report.html import Contact, Count, Lead, Overview
from connector.sla.figures import Figures, as_hours, sla_figures
from connector.store import episodes, outbox
from connector.tables import MIRROR, SCORES

STEPS = 10


def overview(job: Job, tiles: Mapping[str, int], *, hottest: int = 10) -> Overview:
    """Read the newest scores beside the mirror; tiles are further numbers to show, by name."""
    with job.engine() as engine:
        bands, scored = _bands(engine, job)
        return Overview(
            crm={"salesforce": "Salesforce", "hubspot": "HubSpot"}[job.crm.capabilities.crm],
            model=f"{job.model.id}@{job.model.hash}",
            as_of=_as_of(engine, job),
            scored=scored,
            bands=[Count(name, n, n / scored if scored else 0.0) for name, n in bands],
            tiles=[Count(name, n) for name, n in tiles.items()],
            leads=_leads(engine, job, hottest),
            spread=_spread(engine, job),
            contacts=_contacts(job),
        )


def _bands(engine: duckdb.DuckDBPyConnection, job: Job) -> tuple[list[tuple[str, int]], int]:
    rows = engine.execute(f"SELECT coalesce(band, 'no band'), count(*) FROM {job.lake.relation(SCORES)} GROUP BY 1")  # noqa: S608 - a file list of our own making
    found = dict(rows.fetchall())
    names = [band.id for band in job.model.bands if band.id in found] + (["no band"] if "no band" in found else [])
    return [(name, found[name]) for name in names], sum(found.values())


def _as_of(engine: duckdb.DuckDBPyConnection, job: Job) -> str:
    row = engine.execute(f"SELECT max(as_of)::TIMESTAMP FROM {job.lake.relation(SCORES)}").fetchone()  # noqa: S608 - as above
    return row[0].strftime("%d %b %Y %H:%M UTC") if row and row[0] else "never"


def _spread(engine: duckdb.DuckDBPyConnection, job: Job) -> list[tuple[str, int]]:
    """Count people in ten equal steps between the lowest and the highest total."""
    rows = engine.execute(f"SELECT min(total), max(total) FROM {job.lake.relation(SCORES)}").fetchall()  # noqa: S608 - as above
    low, high = rows[0]
    if low is None:
        return []
    scale = job.model.spec.model.scale
    low, high = (low if scale.min is None else scale.min), (high if scale.max is None else scale.max)
    width = max((high - low) / STEPS, 1e-9)
    step = "least(greatest(floor((total - ?) / ?), 0), ?)::INTEGER"
    rows = engine.execute(
        f"SELECT {step}, count(*) FROM {job.lake.relation(SCORES)} GROUP BY 1",  # noqa: S608 - as above
        [low, width, STEPS - 1],
    ).fetchall()
    counts = dict(rows)
    edges = [low + width * place for place in range(STEPS + 1)]
    return [(f"{edges[at]:.0f} to {edges[at + 1]:.0f}", counts.get(at, 0)) for at in range(STEPS)]


def _leads(engine: duckdb.DuckDBPyConnection, job: Job, hottest: int) -> list[Lead]:
    columns = job.lake.columns("people")
    accounts = job.lake.relation("accounts") if has_accounts(job.lake) else None
    company = "p.company" if "company" in columns else "NULL"
    account = f"LEFT JOIN {accounts} a ON a.account_id = p.account_id" if accounts else ""
    cursor = engine.execute(
        f"""SELECT s.subject_id, m.object, m.name, {"p.title" if "title" in columns else "NULL"} AS title,
                   {f"coalesce(a.name, {company})" if accounts else company} AS company,
                   s.total, s.band, s.reasons, m.owner_id, m.record_id
            FROM {job.lake.relation(SCORES)} s
            JOIN {job.lake.relation(MIRROR)} m ON m.role = 'person' AND m.record_id = s.subject_id
            JOIN {linked_people(job.lake)} p ON p.person_id = s.subject_id {account}
            ORDER BY s.total DESC, m.object, m.record_id LIMIT ?""",  # noqa: S608 - as above
        [hottest],
    )
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    tasks = _tasks(job, {row["record_id"] for row in rows})
    people = {owner.id: owner.name for owner in job.owners}
    ranks = {band.id: rank for rank, band in enumerate(job.model.bands)}
    return [_lead(job, row, tasks.get(row["record_id"]), people, ranks) for row in rows]


def _lead(
    job: Job, row: Mapping[str, Any], task: tuple[str, str] | None, people: Mapping[str, str], ranks: Mapping[str, int]
) -> Lead:
    return Lead(
        record_id=row["record_id"],
        name=row["name"] or row["record_id"],
        title=row["title"],
        company=row["company"],
        score=f"{row['total']:.0f}",
        band=row["band"],
        rank=ranks.get(row["band"], 3),
        reasons=tuple(part.strip() for part in (row["reasons"] or "").split(";") if part.strip()),
        owner=people.get(row["owner_id"] or "", row["owner_id"]),
        task=task[0] if task else None,
        due=task[1] if task else None,
        url=record_url(job, row["object"], row["record_id"]),
    )


def _tasks(job: Job, record_ids: set[str]) -> dict[str, tuple[str, str]]:
    """Find the newest task that the primary model made for these records: its subject and when it is due."""
    target = job.mapping.write.task
    if target is None:
        return {}
    others = [
        trigger_of(action, job.models)
        for action in job.settings.action
        if line_of(action, job.models).named is not None
    ]
    theirs = episodes.task_keys(job.state, others)
    subject, due = (target.fields[part].field if part in target.fields else "" for part in ("subject", "due"))
    return {
        row.record_id: (str(row.payload["fields"].get(subject, "task")), _day(row.payload["fields"].get(due)))
        for row in outbox.rows(job.state, ("done",))
        if row.kind == "task" and row.record_id in record_ids and row.key not in theirs
    }


def _contacts(job: Job) -> list[Contact]:
    """Tell how soon people act: each band as a whole, then its owners by name."""
    people = {owner.id: owner.name for owner in job.owners}
    rows = []
    for band in sla_figures(job.state):
        name = f"{band.model} {band.band}" if band.model else band.band
        parts = [(people.get(owner or "", owner or "nobody"), figures) for owner, figures in band.owners]
        rows += [_contact(name, owner, figures) for owner, figures in [(None, band.all), *parts]]
    return rows


def _contact(band: str, owner: str | None, figures: Figures) -> Contact:
    share = "none" if figures.breach_share is None else f"{figures.breach_share:.0%}"
    return Contact(band, owner, figures.clocks, as_hours(figures.median_s), as_hours(figures.p90_s), share)


def _day(value: Any) -> str:  # noqa: ANN401 - a date or a time, as the CRM takes it
    if value is None:
        return "any time"
    text = str(value)
    moment = datetime.fromisoformat(text)
    return moment.strftime("%d %b %Y") if len(text) == len("2026-07-01") else moment.strftime("%d %b %Y %H:%M UTC")
