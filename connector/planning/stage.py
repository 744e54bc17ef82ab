"""The plan stage: scores beside the mirror, and what follows from the difference."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import duckdb

from connector.acting.actions import band_trigger
from connector.acting.configured import actions_of, line_of
from connector.acting.single import weaker_promise
from connector.calendars import calendars_of
from connector.crm.base import JsonScalar
from connector.inputs import previous_bands
from connector.job import Job
from connector.models import Line
from connector.plan import Change, Plan
from connector.planning.alerts import plan_alerts
from connector.planning.call_order import call_order
from connector.planning.clocks import plan_clocks
from connector.planning.creates import create_guard, plan_creates
from connector.planning.diff import field_changes
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.episodes import plan_episodes
from connector.planning.guards import guards, model_guard, volume_guards
from connector.planning.owners import Owning, match_rules, new_owner, queue_owned, rota_of
from connector.planning.plays import cast_of
from connector.planning.records import (
    NOT_LEARNED,
    Record,
    count_people,
    deciding_actions,
    left_records,
    mirror_of,
    register_written,
    scored_records,
)
from connector.planning.states import state_changes, state_fields
from connector.routing.decide import Terms
from connector.routing.pools import RoutingTable
from connector.routing.shares import rule_hits, share_warnings, watched_shares
from connector.score import revision
from connector.sla.look import sla_rules
from connector.store import assignments, episodes, runs
from connector.store.state import utc_text


def plan_stage(job: Job, as_of: datetime, table: RoutingTable, *, backfill_tasks: bool) -> Plan:
    """Compare the newest scores with the mirror; reads the store only.

    Models go in their order, records hottest first, ties by id, so that the same store gives the same owners.
    """
    job.progress.begin("plan")
    with job.engine() as engine:
        register_written(engine, job)
        draft = Draft(rota_of(engine, job, table, as_of))
        rules = _rules(engine, job, as_of, table)
        about = [_line_rules(engine, job, line, backfill_tasks=backfill_tasks) for line in job.models.lines]
        for each in about:
            _plan_line(engine, job, rules, each, draft)
        for each in about:  # after all bands: what they decide about an owner goes first
            plan_alerts(engine, job, rules, each, draft)
        creates = tuple(plan_creates(engine, job, as_of))
        draft.guards += [*volume_guards(job, draft, count_people(engine, job)), *model_guard(job)]
        draft.guards += create_guard(job, len(creates))
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
        resumed=tuple(draft.resumed),
        clocks=tuple(draft.clocks),
        guards=tuple(draft.guards),
        notices=tuple(draft.notices),
        joins=tuple(draft.joins),
        routing=tuple(draft.routing),
        warnings=_warnings(job, draft, as_of),
        creates=creates,
    )


def _plan_line(engine: duckdb.DuckDBPyConnection, job: Job, rules: Rules, about: LineRules, draft: Draft) -> None:
    """Plan what one model means for everybody in its audience, and for those who left it."""
    line = about.line
    if line.role == "account":
        rules = replace(rules, deciding=None)  # those are about people, whose ids may be the same on HubSpot
    for row in scored_records(engine, job, line, fits=rules.fits):
        _plan_record(rules, about, draft, row)
        job.progress.advance(1)
    triggers = about.triggers
    staying = [record_id for _, record_id, trigger in rules.open if trigger in triggers]
    for row in left_records(engine, job, line, rules.as_of, staying, fits=rules.fits):
        _plan_record(rules, about, draft, row)
    seen = previous_bands(job.lake, job.state, rules.as_of, line.seat)
    draft.guards += guards(engine, job, line, seen, baseline=about.baseline)


def _rules(engine: duckdb.DuckDBPyConnection, job: Job, as_of: datetime, table: RoutingTable) -> Rules:
    owner = job.mapping.write.owner
    stays = episodes.current(job.state)
    return Rules(
        crm=job.crm.capabilities.crm,
        as_of=as_of,
        actions=job.settings.action,
        deciding=deciding_actions(engine, job),
        terms=Terms(table, owner.policy if owner else "never", table.queues | {job.connection.user_id}, as_of),
        working=table.working,
        queue_owned=queue_owned(job),
        lines={action.model: line_of(action, job.models) for action in job.settings.action},
        owner_field=owner.field if owner else None,
        promised=assignments.unsent(job.state, owner.field) if owner else {},
        fits=match_rules(engine, job, table, as_of),
        assignable=_assignable(job),
        open={key: stay.number for key, stay in stays.items() if stay.closed_at is None},
        last={key: stay.number for key, stay in stays.items()},
        closed_at={key: stay.closed_at for key, stay in stays.items() if stay.closed_at is not None},
        calendars=calendars_of(job.settings.hours, job.owners, table.hours),
        sla=sla_rules(engine, job, as_of),
        states=state_fields(job),
        consent=job.settings.consent,
    )


def _warnings(job: Job, draft: Draft, as_of: datetime) -> tuple[str, ...]:
    hits = rule_hits(job.state, as_of, draft.routing)
    task = job.mapping.write.task
    told = tuple(share_warnings(hits, watched_shares(job.settings.route)))
    told += tuple(
        f"{n:,} {deed} left out, since these people do not want them" for deed, n in draft.withheld.items() if n
    )
    if task is None or task.unique_field is not None or not draft.tasks:
        return told
    return (*told, f"tasks are kept single by a mark in the body: {weaker_promise(task.settle_s)}")


def _assignable(job: Job) -> frozenset[str]:
    """Name the objects whose owner we may choose: people, and accounts where the CRM lets us."""
    owner = job.mapping.write.owner
    known = {name: job.describes[name].fields for name in job.mapping.objects("accounts") if name in job.describes}
    accounts = [name for name, has in known.items() if owner and owner.field in has and has[owner.field].updateable]
    off = {name for name, field in job.mapping.off if owner and field == owner.field}
    return frozenset([*job.mapping.objects("people"), *accounts]) - off


def _line_rules(engine: duckdb.DuckDBPyConnection, job: Job, line: Line, *, backfill_tasks: bool) -> LineRules:
    """Bind a model to its fields and actions; one that was never applied makes no tasks, unless asked."""
    baseline = not runs.baseline_made(job.state, line.baseline)
    meant = actions_of(job.settings.action, job.models, line)
    acting = backfill_tasks or not baseline
    return LineRules(
        line=line,
        specs={name: job.mapping.specs(name, line.role, line.id) for name in job.mapping.read},
        actions={action.band: action for action in meant if action.band is not None},
        baseline=baseline,
        acting=acting,
        tasks=acting and job.mapping.write.task is not None,
        order=call_order(line.model.spec),
        alerts=tuple(action for action in meant if action.rule is not None),
        cast=cast_of(engine, job, line, meant),
        waits=job.mapping.tasks_wait,
    )


def _plan_record(rules: Rules, about: LineRules, draft: Draft, row: Record) -> None:
    mirror = mirror_of(rules.owner_field, row)
    model = f"{row['model_id']}@{row['model_hash']}" if row["model_id"] else None
    ordered = row.get("priority")  # of a trained model, where one orders people inside a band
    priority = about.order.priority(row["band"], row["total"] if ordered is None else ordered)
    score = {**NOT_LEARNED, **row, "model": model, "priority": priority}
    fields = field_changes(about.specs.get(row["object"], {}), mirror, score, plain)
    action = about.actions.get(row["band"] or "")
    fields = {**fields, **state_changes(rules, about, row, action, mirror)}
    current = mirror.current(rules.owner_field) if rules.owner_field else None
    given = (row["object"], row["record_id"]) in rules.sla.given
    owning = Owning(current) if given else new_owner(rules, draft, row, action, current, mirror)
    if fields or owning.change:
        change = (current, owning.change) if owning.change else None
        draft.note(Change(row["object"], row["record_id"], fields, change, row["band"], row["total"], owning.reason))
    plan_episodes(rules, about, draft, row, action, owning)
    trigger = band_trigger(action.band, about.line.named) if action and action.band else None
    plan_clocks(rules, about, draft, row, mirror, current, trigger)


def plain(value: Any) -> JsonScalar:  # noqa: ANN401 - whatever the mirror holds
    """Turn a value of the mirror into what a plan can hold."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
