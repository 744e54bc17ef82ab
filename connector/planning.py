"""The plan stage: scores beside the mirror, and what follows from the difference."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import duckdb

from connector.actions import band_trigger, due_at, task_key
from connector.crm.base import JsonScalar
from connector.diff import Mirror, field_changes
from connector.draft import Draft, LineRules, Rules
from connector.guards import guards
from connector.job import Job
from connector.models import Line
from connector.plan import Change, EpisodeChange, Plan, TaskChange, utc_text
from connector.records import Record, deciding_actions, left_records, register_written, scored_records
from connector.routing import Pool, Rota, may_assign
from connector.score import previous_bands, revision
from connector.settings import Action
from connector.store import episodes, runs, written


def plan_stage(job: Job, as_of: datetime, pools: Mapping[str, Pool], *, backfill_tasks: bool) -> Plan:
    """Compare the newest scores with the mirror; reads the store only.

    Models go in their order, records hottest first, ties by id, so that the same store gives the same owners.
    """
    job.progress.begin("plan")
    draft = Draft(Rota(_load(job)))
    with job.engine() as engine:
        register_written(engine, job)
        rules = _rules(engine, job, as_of, pools)
        for line in job.models.lines:
            _plan_line(engine, job, rules, _line_rules(job, line, backfill_tasks=backfill_tasks), draft)
    return Plan(
        crm=job.crm.capabilities.crm,
        as_of=utc_text(as_of),
        model=job.models.name,
        config_hash=job.settings.hash,
        revision=revision(job),
        baseline=not runs.baseline_made(job.state),
        changes=tuple(draft.changes.values()),
        tasks=tuple(draft.tasks),
        opened=tuple(draft.opened),
        closed=tuple(draft.closed),
        guards=tuple(draft.guards),
    )


def _plan_line(engine: duckdb.DuckDBPyConnection, job: Job, rules: Rules, about: LineRules, draft: Draft) -> None:
    """Plan what one model means for everybody in its audience, and for those who left it."""
    line = about.line
    for row in scored_records(engine, job, line):
        _plan_record(rules, about, draft, row)
        job.progress.advance(1)
    triggers = about.triggers
    staying = [record_id for _, record_id, trigger in rules.open if trigger in triggers]
    for row in left_records(engine, job, line, rules.as_of, staying):
        _plan_record(rules, about, draft, row)
    seen = previous_bands(job.lake, job.state, rules.as_of, line.seat)
    draft.guards += guards(engine, job, line, seen, baseline=about.baseline)


def _rules(engine: duckdb.DuckDBPyConnection, job: Job, as_of: datetime, pools: Mapping[str, Pool]) -> Rules:
    owner = job.mapping.write.owner
    queues = frozenset(o.id for o in job.owners if o.queue)
    stays = episodes.current(job.state)
    return Rules(
        crm=job.crm.capabilities.crm,
        as_of=as_of,
        actions=job.settings.action,
        deciding=deciding_actions(engine, job),
        pools=pools,
        unassigned=queues | {job.connection.user_id},
        working=frozenset(o.id for o in job.owners if o.active and not o.queue),
        owner_field=owner.field if owner else None,
        owner_policy=owner.policy if owner else "never",
        assignable=frozenset(job.mapping.objects("people")),
        open={key: stay.number for key, stay in stays.items() if stay.closed_at is None},
        last={key: stay.number for key, stay in stays.items()},
    )


def _line_rules(job: Job, line: Line, *, backfill_tasks: bool) -> LineRules:
    """Bind a model to its fields and actions; one that was never applied makes no tasks, unless asked."""
    baseline = not runs.baseline_made(job.state, line.id)
    meant = [a for a in job.settings.action if line.role == "person" and job.models.place(a.model) == line.id]
    return LineRules(
        line=line,
        specs=job.mapping.write.specs(line.role, line.id),
        actions={action.band: action for action in meant},
        baseline=baseline,
        tasks=(backfill_tasks or not baseline) and job.mapping.write.task is not None,
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


def _plan_record(rules: Rules, about: LineRules, draft: Draft, row: Record) -> None:
    mirror = _mirror(rules, row)
    score = {**row, "model": f"{row['model_id']}@{row['model_hash']}" if row["model_id"] else None}
    fields = field_changes(about.specs, mirror, score, plain)
    action = about.actions.get(row["band"] or "")
    current = mirror.current(rules.owner_field) if rules.owner_field else None
    owner, reason = _new_owner(rules, draft, row, action, current, mirror)
    if fields or owner:
        change = (current, owner) if owner else None
        draft.note(Change(row["object"], row["record_id"], fields, change, row["band"], row["total"], reason))
    _plan_episodes(rules, about, draft, row, action, owner or current)


def _mirror(rules: Rules, row: Record) -> Mirror:
    last = json.loads(row["fields_json"]) if row["fields_json"] else {}
    values = {name[1:]: value for name, value in row.items() if name.startswith("=")}
    if rules.owner_field:
        values[rules.owner_field] = row["owner_id"]
    return Mirror(values, last, row["modified_at"], row["written_at"])


def _new_owner(
    rules: Rules, draft: Draft, row: Record, action: Action | None, current: str | None, mirror: Mirror
) -> tuple[str | None, str | None]:
    """Choose a record's new owner, null where it keeps the one it has, and say why where several actions name one."""
    key = (row["object"], row["record_id"])
    places = rules.deciding.get(row["record_id"], ()) if rules.deciding is not None else ()
    deciding = rules.actions[places[0]] if places else action if rules.deciding is None else None
    reason = _reason(rules, places)
    if key in draft.owners:
        return draft.owners[key], reason
    if deciding is None or deciding.owner is None or row["object"] not in rules.assignable or not rules.owner_field:
        return None, None
    pool = rules.pools[deciding.owner.pool]
    last = mirror.written.get(rules.owner_field)
    told = None if last is None else str(last)
    if not pool.owners or not may_assign(rules.owner_policy, current, pool, told, rules.unassigned):
        return None, None
    chosen = draft.rota.next(pool)
    if rules.deciding is not None:
        draft.owners[key] = chosen
    return chosen, reason


def _reason(rules: Rules, places: Sequence[int]) -> str | None:
    """Say which of several actions decided about an owner."""
    if len(places) < 2:
        return None
    first, *others = (f"action {place + 1} ({_band_of(rules.actions[place])})" for place in places)
    return f"owner by {first}, which stands before {', '.join(others)}"


def _band_of(action: Action) -> str:
    return f"{action.model} {action.band}" if action.model else action.band


def _plan_episodes(
    rules: Rules, about: LineRules, draft: Draft, row: Record, action: Action | None, owner: str | None
) -> None:
    trigger = band_trigger(action.band, about.line.id) if action else None
    for known in about.triggers:
        key = (row["object"], row["record_id"], known)
        if key in rules.open and known != trigger:
            draft.closed.append(EpisodeChange(*key, rules.open[key]))
    if action is None or trigger is None:
        return
    key = (row["object"], row["record_id"], trigger)
    if key in rules.open:
        return
    number = rules.last.get(key, 0) + 1
    draft.opened.append(EpisodeChange(*key, number))
    if about.tasks and action.task is not None:
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


def _task(rules: Rules, row: Record, action: Action, trigger: str, number: int, doer: str | None) -> TaskChange:
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
