"""The apply stage: the plan into the outbox, the outbox into the CRM, every answer on its own row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connector import canary
from connector.acting.configured import trigger_of
from connector.acting.joins import join_entries
from connector.acting.notify import notice_entries
from connector.acting.single import hold_marked, send_tasks, settled_at, write_of
from connector.acting.tasks import task_write
from connector.acting.wording import words_about
from connector.budget import refuse_overspending
from connector.crash import crash_point
from connector.crm.base import Write, WriteResult
from connector.errors import Forbidden, LeadlightError, StalePlan
from connector.job import Job
from connector.people_first import CHOSEN, send_fields
from connector.plan import Change, ClockStep, Plan, TaskChange
from connector.planning.owners import keep_routing
from connector.prospects.commit import create_entries, withdraw
from connector.prospects.ledger import made_by_run
from connector.prospects.send import send_creates
from connector.score import revision
from connector.store import acceptance, assignments, clocks, episodes, notices, outbox, quarantine, runs, written
from connector.store.outbox import Entry, OutboxRow, Settlement
from connector.store.state import transaction
from connector.tables import BANDS
from connector.undo import Undo

ROWS_AT_ONCE = 10_000  # what one crash can make us send again
FLOWN: tuple[outbox.Kind, ...] = ("fields", "create")  # kinds of which a few go first, where there are many
SENT: tuple[outbox.Kind, ...] = ("fields", "create", "task", "join")
PASSES = 3  # a row that may pass later is tried so often in one run


@dataclass(frozen=True)
class Applied:
    """Count what became of a plan's rows.

    waiting are those left for the next run; held those that were refused before, whose next try is yet to come.
    created are people who are new in the CRM, linked those whom a feed found and who were there already.
    """

    done: int
    rejected: int
    superseded: int
    waiting: int
    held: int = 0
    created: int = 0
    linked: int = 0

    def as_dict(self) -> dict[str, int]:
        """Give the counts by name."""
        return {
            "done": self.done,
            "rejected": self.rejected,
            "superseded": self.superseded,
            "waiting": self.waiting,
            "held": self.held,
            "created": self.created,
            "linked": self.linked,
        }


def refuse_stale(job: Job, plan: Plan) -> None:
    """Raise StalePlan where configuration, model, CRM, facts or applied plans are others than when it was made."""
    reasons = [
        reason
        for reason, differs in (
            ("the configuration changed", plan.config_hash != job.settings.hash),
            ("the model changed", plan.model != job.models.name),
            ("it was made for another CRM", plan.crm != job.crm.capabilities.crm),
            ("the store was pulled again since, or a plan was applied", plan.revision != revision(job)),
        )
        if differs
    ]
    if reasons:
        raise StalePlan(f"this plan is stale: {'; '.join(reasons)}; make a new one with `leadlight plan`")


def commit_plan(job: Job, run_id: str, plan: Plan, bands: Path) -> None:
    """Commit the outbox, the episodes and the bands of a plan in one transaction, before anything is sent."""
    as_of, now = datetime.fromisoformat(plan.as_of), _server_time(job)
    keys = {(task.object, task.record_id, task.trigger): task.key for task in plan.tasks}
    with transaction(job.state):
        notices.doubt_inflight(job.state)
        outbox.release_inflight(job.state)
        _take_back(job, run_id)
        keep_routing(job, run_id, plan)
        quarantine.release_due(job.state, run_id, now)
        outbox.enqueue(job.state, run_id, quarantine.ask_again(job.state, run_id, _entries(job, plan), now))
        withdraw(job, plan)
        episodes.close_many(job.state, [(e.object, e.record_id, e.trigger) for e in plan.closed], as_of)
        episodes.resume_many(job.state, [(e.object, e.record_id, e.trigger) for e in plan.resumed])
        openings = (
            episodes.Opening(e.object, e.record_id, e.trigger, as_of, keys.get((e.object, e.record_id, e.trigger)))
            for e in plan.opened
        )
        episodes.open_many(job.state, openings)
        clocks.record(job.state, map(_clock_step, plan.clocks))
        job.lake.replace(BANDS, bands, run_id=run_id)
        for line in job.models.lines:
            runs.mark_baseline(job.state, run_id, line.baseline)
            runs.accept_model(job.state, line.model.id, line.model.hash)
            acceptance.use_up(job.state, line.model.id, line.model.hash)


def _clock_step(step: ClockStep) -> clocks.Step:
    at = datetime.fromisoformat(step.at)
    of = (step.object, step.record_id, step.trigger, step.episode)
    return clocks.Step(*of, step.name, at, step.owner_id, step.task_key, step.given_to, step.touched_by, step.worked_s)


def restore(job: Job, run_id: str, undo: Undo) -> None:
    """Commit what takes a run back; changes that still wait to be sent give way to it."""
    with transaction(job.state):
        outbox.release_inflight(job.state)
        _take_back(job, run_id)
        assignments.take_back(job.state, undo.run_id, [(e.object, e.record_id) for e in undo.entries])
        outbox.enqueue(job.state, run_id, undo.entries)


def send(job: Job, run_id: str, allowed: Sequence[str] = ()) -> Applied:
    """Send what is in the outbox, records before tasks, until nothing more can be done in this run.

    Raises UnsafePlan where the canary of a large plan died (unless `allowed` names it), and what the adapter raises
    (AuthError, RetryableError, QuotaExhausted); rows without an answer then wait in the outbox. An object that we may
    not write is raised at the end, when all others were served. Ends early, without an error, where the process was
    asked to stop.
    """
    job.progress.begin("apply")
    for kind in FLOWN:
        for name in _objects(job, kind):
            with suppress(Forbidden):  # told below, when all others were served
                _fly_canary(job, run_id, name, kind, allowed)
    forbidden: Forbidden | None = None
    for kind in SENT:
        for name in _objects(job, kind):
            try:
                _send_object(job, run_id, name, kind)
            except Forbidden as error:
                job.switched_off.append(f"{name} is not written: {error.message}")
                forbidden = forbidden or error
    if forbidden is not None:
        raise forbidden
    return applied(job, run_id)


def _objects(job: Job, kind: outbox.Kind) -> list[str]:
    """List the objects that have unsent rows of a kind, where the mapping makes such."""
    able = {"create": job.mapping.creates, "task": job.mapping.write.task, "join": job.mapping.write.task}
    return outbox.objects(job.state, kind) if able.get(kind, kind) is not None else []


def applied(job: Job, run_id: str) -> Applied:
    """Count what became of a run's rows."""
    counts = Counter(outbox.counts(job.state, run_id))
    waiting = counts["planned"] + counts["inflight"] + counts["retry"]
    held = sum(1 for row in quarantine.refused(job.state) if row.run_id != run_id and row.kind != notices.KIND)
    created, linked = made_by_run(job.state, run_id)
    return Applied(counts["done"], counts["quarantined"], counts["superseded"], waiting, held, created, linked)


def _take_back(job: Job, run_id: str) -> None:
    """Supersede field changes that an earlier run left unsent.

    The plan of this run saw the same records later: it asks again for what is still wanted, and what it does not ask
    for has landed meanwhile, or a person has chosen otherwise.
    """
    left = [row.id for row in outbox.unsettled(job.state) if row.kind == "fields"]
    outbox.settle(job.state, [Settlement(row_id, "superseded", f"a newer plan: {run_id}") for row_id in left])


def _entries(job: Job, plan: Plan) -> Iterator[Entry]:
    owner = job.mapping.write.owner
    for change in plan.changes:
        yield Entry("fields", change.object, change.record_id, _payload(change, owner.field if owner else ""))
    yield from notice_entries(job, plan.notices, plan.as_of)
    yield from join_entries(job, plan)
    yield from create_entries(job, plan)
    if not plan.tasks or job.mapping.write.task is None:
        return
    for task, words in words_about(job, plan.tasks):
        write = _task(job, task, words)
        payload = {"fields": dict(write.fields), "key_field": write.key[0] if write.key else "", "links": write.links}
        if write.marker:
            payload["marker"] = [write.marker.text, write.marker.field, write.marker.link, write.marker.record_id]
        yield Entry("task", write.object, task.record_id, payload, task.key)


def _payload(change: Change, owner_field: str) -> dict[str, Any]:
    """Give what is written, and what stood there before, which `runs undo` restores."""
    both = {**change.fields, **({owner_field: change.owner} if change.owner else {})}
    return {
        "fields": {name: after for name, (_, after) in both.items()},
        "before": {name: before for name, (before, _) in both.items()},
    }


def _task(job: Job, task: TaskChange, words: Mapping[str, str]) -> Write:
    target = job.mapping.write.task
    asked = next(a for a in job.settings.action if a.task and trigger_of(a, job.models) == task.trigger)
    if target is None or asked.task is None:
        raise ValueError("a plan with tasks needs [write.task]")
    linked = task.person is None or task.person[0] == "Contact"  # Salesforce refuses an account beside a lead
    return task_write(
        target,
        task,
        asked.task,
        words,
        html_body=job.crm.capabilities.crm == "hubspot",
        account_link=job.crm.capabilities.crm != "salesforce" or linked,
    )


def _fly_canary(job: Job, run_id: str, name: str, kind: outbox.Kind, allowed: Sequence[str]) -> None:
    """Write the first few of many records and look at them before the rest goes."""
    if job.stop.is_set() or not canary.is_due(job, outbox.unsent(job.state, name, kind), allowed):
        return
    refuse_overspending(job.crm.calls, job.allowed_calls)
    rows = outbox.take(job.state, job.settings.limits.canary_records, name, kind)
    _send_rows(job, run_id, rows)
    done = outbox.by_id(job.state, [row.id for row in rows])
    landed = [row for row in done if row.state == "done" and row.reason is None]
    made = [replace(row, record_id=row.result_id or "") for row in landed] if kind == "create" else landed
    canary.refuse_unheld(job, name, made)


def _send_object(job: Job, run_id: str, name: str, kind: outbox.Kind) -> None:
    for _ in range(PASSES):
        after, again = 0, False
        while rows := _next_rows(job, name, kind, after):
            after = rows[-1].id
            again |= _send_rows(job, run_id, rows)
        if not again or job.stop.is_set():
            return


def _next_rows(job: Job, name: str, kind: outbox.Kind, after: int) -> list[OutboxRow]:
    """Take the next batch, unless the process was asked to stop or our share of the day's calls is used up."""
    if job.stop.is_set():
        return []
    refuse_overspending(job.crm.calls, job.allowed_calls)
    return outbox.take(job.state, ROWS_AT_ONCE, name, kind, after_id=after, now=_server_time(job))


def _send_rows(job: Job, run_id: str, rows: Sequence[OutboxRow]) -> bool:
    """Send one batch and settle each row by its own answer; tells whether any row may pass later."""
    started_at = _server_time(job)
    try:
        results = _answers(job, rows, started_at)
    except LeadlightError as error:
        reason, now = f"no answer: {type(error).__name__}", _server_time(job)
        left = [Settlement(row.id, "retry", reason, not_before=settled_at(job, row, now)) for row in rows]
        outbox.settle(job.state, left)
        raise
    crash_point("send: answered")
    with transaction(job.state):
        outbox.settle(
            job.state, [_settlement(job, row, result, started_at) for row, result in zip(rows, results, strict=True)]
        )
        written.remember(job.state, _taken(rows, results, started_at), run_id=run_id)
    _note_left_out(job, rows, results)
    job.progress.advance(len(rows))
    return any(result.retry for result in results if not result.ok)


def _taken(
    rows: Sequence[OutboxRow], results: Sequence[WriteResult], at: datetime
) -> Iterator[tuple[str, str, dict[str, Any], datetime]]:
    """List the fields that the CRM took, by record."""
    for row, result in zip(rows, results, strict=True):
        if result.ok and row.kind == "fields":
            fields = {name: value for name, value in _ours(row).items() if name not in result.fields}
            yield row.object, row.record_id, fields, at


def _note_left_out(job: Job, rows: Sequence[OutboxRow], results: Sequence[WriteResult]) -> None:
    """Say once for each field that the CRM took records without it."""
    told = {
        (row.object, name): result.message
        for row, result in zip(rows, results, strict=True)
        if result.ok and result.message != CHOSEN
        for name in result.fields
    }
    job.switched_off.extend(f"{of}.{name} was not taken: {message}" for (of, name), message in told.items())


def _answers(job: Job, rows: Sequence[OutboxRow], now: datetime) -> list[WriteResult]:
    """Send rows of one kind; marked tasks wait from now on before they are sent again."""
    if rows[0].kind == "fields":
        return send_fields(job, rows)
    if rows[0].kind == "create":
        return send_creates(job, rows)
    if rows[0].kind != "task":
        return job.crm.write([write_of(row) for row in rows])
    hold_marked(job, rows, now)
    return send_tasks(job, [write_of(row) for row in rows])


def _ours(row: OutboxRow) -> Mapping[str, Any]:
    """Give what counts as written by us from now on; an undo gives a record back, and says so."""
    ours: Mapping[str, Any] = row.payload.get("ours", row.payload["fields"])
    return ours


def _settlement(job: Job, row: OutboxRow, result: WriteResult, now: datetime) -> Settlement:
    if result.ok and row.kind == "create" and not result.created:
        return Settlement(row.id, "done", result.message, result.id)
    if result.ok:
        return Settlement(row.id, "done", f"without {', '.join(result.fields)}" if result.fields else None, result.id)
    reason = f"{result.code}: {result.message}"
    if result.retry:
        return Settlement(row.id, "retry", reason, not_before=settled_at(job, row, now))
    return Settlement(row.id, "quarantined", reason, not_before=quarantine.try_again_at(now, row.attempts))


def _server_time(job: Job) -> datetime:
    """Tell the CRM's time, which every wait is counted by."""
    return job.crm.calls.server_time_at or job.connection.server_time_at
