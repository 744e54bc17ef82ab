"""The plan stage: scores beside the mirror, and what follows from the difference."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from connector.actions import band_trigger, due_at, task_key
from connector.crm.base import JsonScalar
from connector.diff import Mirror, field_changes
from connector.guards import guards
from connector.job import Job
from connector.mirror import MIRROR, targets
from connector.plan import Change, EpisodeChange, Plan, TaskChange, utc_text
from connector.routing import Pool, Rota, may_assign
from connector.score import ACCOUNT, PERSON, TABLES_OF, previous_bands, revision
from connector.settings import Action
from connector.store import episodes, runs, written
from mappings.model import WriteField
from mappings.targets import Policy

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Rules:
    """Hold what planning one record needs to know, the same for every record of the plan."""

    crm: str
    as_of: datetime
    actions: Mapping[str, Action]
    pools: Mapping[str, Pool]
    unassigned: frozenset[str]
    working: frozenset[str]  # users who can be given a task
    owner_field: str | None
    owner_policy: Policy
    assignable: frozenset[str]  # objects that may be owned by whom we choose
    tasks: bool
    specs: Mapping[str, Mapping[str, WriteField]]  # by role
    open: Mapping[tuple[str, str, str], int]
    last: Mapping[tuple[str, str, str], int]


@dataclass
class Draft:
    """Collect the parts of a plan while the records pass by."""

    rota: Rota
    changes: list[Change] = field(default_factory=list)
    tasks: list[TaskChange] = field(default_factory=list)
    opened: list[EpisodeChange] = field(default_factory=list)
    closed: list[EpisodeChange] = field(default_factory=list)


def plan_stage(job: Job, as_of: datetime, pools: Mapping[str, Pool], *, backfill_tasks: bool) -> Plan:
    """Compare the newest scores with the mirror; reads the store only.

    Records are taken hottest first, ties by id, so that the same store gives the same owners.
    """
    job.progress.begin("plan")
    baseline = not runs.baseline_made(job.state)
    rules = _rules(job, as_of, pools, tasks=backfill_tasks or not baseline)
    draft = Draft(Rota(_load(job)))
    with job.engine() as engine:
        for role in (PERSON, ACCOUNT):
            for row in _records(engine, job, role):
                _plan_record(rules, draft, row)
                job.progress.advance(1)
        seen = previous_bands(job.lake, job.state, as_of, PERSON)
        measured = guards(engine, job, seen, baseline=baseline)
    return Plan(
        crm=job.crm.capabilities.crm,
        as_of=utc_text(as_of),
        model=job.models.name,
        config_hash=job.settings.hash,
        revision=revision(job),
        baseline=baseline,
        changes=tuple(draft.changes),
        tasks=tuple(draft.tasks),
        opened=tuple(draft.opened),
        closed=tuple(draft.closed),
        guards=tuple(measured),
    )


def _rules(job: Job, as_of: datetime, pools: Mapping[str, Pool], *, tasks: bool) -> Rules:
    owner = job.mapping.write.owner
    queues = frozenset(o.id for o in job.owners if o.queue)
    stays = episodes.current(job.state)
    return Rules(
        crm=job.crm.capabilities.crm,
        as_of=as_of,
        actions={action.band: action for action in job.settings.action},
        pools=pools,
        unassigned=queues | {job.connection.user_id},
        working=frozenset(o.id for o in job.owners if o.active and not o.queue),
        owner_field=owner.field if owner else None,
        owner_policy=owner.policy if owner else "never",
        assignable=frozenset(job.mapping.objects("people")),
        tasks=tasks and job.mapping.write.task is not None,
        specs={role: targets(job.mapping, role) for role in (PERSON, ACCOUNT)},
        open={key: stay.number for key, stay in stays.items() if stay.closed_at is None},
        last={key: stay.number for key, stay in stays.items()},
    )


def _load(job: Job) -> dict[str, int]:
    """Count the records that each owner got from us, which is where the rota goes on."""
    owner = job.mapping.write.owner
    load: dict[str, int] = {}
    for name in job.mapping.objects("people") if owner else ():
        for row in written.last_written(job.state, name):
            if (holder := row.fields.get(owner.field if owner else "")) is not None:
                load[str(holder)] = load.get(str(holder), 0) + 1
    return load


def _records(engine: duckdb.DuckDBPyConnection, job: Job, role: str) -> Iterator[dict[str, Any]]:
    """Read every scored record of a role with its mirror row and what was written to it last, hottest first."""
    table = TABLES_OF[role][0]
    mirror, scores = job.lake.relation(MIRROR), job.lake.relation(table)
    if mirror is None or scores is None or (role == ACCOUNT and job.models.accounts is None):
        return
    engine.register("written", written.as_arrow(job.state))
    people = job.lake.relation("people")
    account = "p.account_id" if "account_id" in job.lake.columns("people") else "NULL"  # a CRM of leads alone has none
    scored, held = (_naive(job, name) for name in (table, MIRROR))
    cursor = engine.execute(
        f"""SELECT s.* REPLACE ({scored}), m.* REPLACE ({held}), w.fields_json,
                   w.written_at::TIMESTAMP AS written_at, {account} AS account_id
            FROM {scores} s JOIN {mirror} m ON m.role = '{role}' AND m.record_id = s.subject_id
            LEFT JOIN {people} p ON m.role = '{PERSON}' AND p.person_id = s.subject_id
            LEFT JOIN written w ON w.object = m.object AND w.record_id = m.record_id
            ORDER BY s.total DESC, m.object, m.record_id"""  # noqa: S608 - relations are file lists of our own making
    )
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _naive(job: Job, table: str) -> str:
    """Cast a table's times to UTC without a zone, which DuckDB hands to Python without a library of zones."""
    times = [name for name, kind in job.lake.columns(table).items() if kind.startswith("timestamp")]
    return ", ".join(f"{quote(name)}::TIMESTAMP AS {quote(name)}" for name in times)


def quote(name: str) -> str:
    """Quote a column name."""
    return '"' + name.replace('"', '""') + '"'


def _plan_record(rules: Rules, draft: Draft, row: Mapping[str, Any]) -> None:
    mirror = _mirror(rules, row)
    score = {**row, "model": f"{row['model_id']}@{row['model_hash']}"}
    fields = field_changes(rules.specs[row["role"]], mirror, score, plain)
    action = rules.actions.get(row["band"] or "") if row["role"] == PERSON else None
    current = mirror.current(rules.owner_field) if rules.owner_field else None
    owner = _new_owner(rules, draft.rota, row, action, current, mirror)
    if fields or owner:
        change = (current, owner) if owner else None
        draft.changes.append(Change(row["object"], row["record_id"], fields, change, row["band"], row["total"]))
    _plan_episodes(rules, draft, row, action, owner or current)


def _mirror(rules: Rules, row: Mapping[str, Any]) -> Mirror:
    last = json.loads(row["fields_json"]) if row["fields_json"] else {}
    values = {name[1:]: value for name, value in row.items() if name.startswith("=")}
    if rules.owner_field:
        values[rules.owner_field] = row["owner_id"]
    return Mirror(values, last, row["modified_at"], row["written_at"])


def _new_owner(
    rules: Rules, rota: Rota, row: Mapping[str, Any], action: Action | None, current: str | None, mirror: Mirror
) -> str | None:
    if action is None or action.owner is None or row["object"] not in rules.assignable or rules.owner_field is None:
        return None
    pool = rules.pools[action.owner.pool]
    last = mirror.written.get(rules.owner_field)
    told = None if last is None else str(last)
    if not pool.owners or not may_assign(rules.owner_policy, current, pool, told, rules.unassigned):
        return None
    return rota.next(pool)


def _plan_episodes(
    rules: Rules, draft: Draft, row: Mapping[str, Any], action: Action | None, owner: str | None
) -> None:
    trigger = band_trigger(action.band) if action else None
    for band in rules.actions:
        key = (row["object"], row["record_id"], band_trigger(band))
        if key in rules.open and key[2] != trigger:
            draft.closed.append(EpisodeChange(*key, rules.open[key]))
    if action is None or trigger is None:
        return
    key = (row["object"], row["record_id"], trigger)
    if key in rules.open:
        return
    number = rules.last.get(key, 0) + 1
    draft.opened.append(EpisodeChange(*key, number))
    if rules.tasks and action.task is not None:
        doer = _doer(rules, draft.rota, action, owner)
        draft.tasks.append(_task(rules, row, action, trigger, number, doer))


def _doer(rules: Rules, rota: Rota, action: Action, owner: str | None) -> str | None:
    """Choose who gets a task: the record's owner, or the pool's next where the owner left or is nobody.

    The record itself keeps the owner it has; null lets the CRM decide.
    """
    if owner in rules.working and owner not in rules.unassigned:
        return owner
    pool = rules.pools[action.owner.pool] if action.owner else None
    return rota.next(pool) if pool and pool.owners else None


def _task(
    rules: Rules, row: Mapping[str, Any], action: Action, trigger: str, number: int, doer: str | None
) -> TaskChange:
    due = action.task.due if action.task else None
    return TaskChange(
        object=row["object"],
        record_id=row["record_id"],
        trigger=trigger,
        episode=number,
        key=task_key(rules.crm, row["object"], row["record_id"], trigger, number),
        action=action.band,
        owner_id=doer,
        account_id=row["account_id"],
        due_at=utc_text(due_at(rules.as_of, due)) if due else None,
        band=row["band"],
        total=row["total"],
        reasons=row["reasons"],
    )


def plain(value: Any) -> JsonScalar:  # noqa: ANN401 - whatever the mirror holds
    """Turn a value of the mirror into what a plan can hold."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
