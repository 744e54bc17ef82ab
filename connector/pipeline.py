"""One run from the CRM and back: the stages, in their order, and the record of how they ended.

    CRM --pull--> facts --score--> scores + contributions --plan--> changes --apply--> outbox --> CRM

Each stage reads committed state and commits its result, so that a run that was cut off goes on from there.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connector import canary
from connector.acting.actions import parse_duration
from connector.acting.notify import Notified, send_notices
from connector.apply import Applied, applied, commit_plan, refuse_stale, restore, send
from connector.audit.gate import refuse_unfit
from connector.bots.flag import flag_stage
from connector.budget import server_day
from connector.crash import crash_point
from connector.enrichment.coverage import watch_vendors
from connector.enrichment.observe import observe_stage
from connector.enrichment.words import words_stage
from connector.errors import ConfigError, LeadlightError, QuotaExhausted, RetryableError, StalePlan
from connector.feeds.stage import feeds_stage
from connector.job import Job
from connector.matching.stage import match_stage
from connector.plan import Change, Plan, checksum, refuse_unsafe
from connector.planning.owners import routing_table
from connector.planning.stage import plan_stage
from connector.pull import pull_stage
from connector.readings import note_readings
from connector.score import Scored, bands_file, score_stage, scores_of
from connector.signals import minimise
from connector.sla.look import look_at_tasks
from connector.store import runs
from connector.store.state import utc_text
from connector.store.tidying import tidy
from connector.tables import MIRROR
from connector.trained.in_use import note_in_use
from connector.undo import Undo


@dataclass(frozen=True)
class Options:
    """Say how this run differs from the usual one; as_of null means the CRM's own time.

    changed_only scores those whose facts changed and lets all others keep their scores, where that gives the same.
    """

    as_of: datetime | None = None
    backfill_tasks: bool = False
    allowed: tuple[str, ...] = ()
    changed_only: bool = False


@dataclass
class Outcome:
    """Collect what a run did; status is that of the runs table."""

    run_id: str
    as_of: datetime
    status: runs.Status = "running"
    pulled: dict[str, int] = field(default_factory=dict)
    fed: dict[str, int] = field(default_factory=dict)
    scored: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    by_model: dict[str, int] = field(default_factory=dict)
    flagged: int = 0
    plan: Plan | None = None
    applied: Applied | None = None
    notified: Notified | None = None
    scores_run: str | None = None
    switched_off: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    duration_s: float = 0.0
    calls: tuple[int, int] = (0, 0)

    def as_dict(self) -> dict[str, Any]:
        """Give the run as the command line's JSON has it."""
        read, write = self.calls
        return {
            "run_id": self.run_id,
            "status": self.status,
            "as_of": utc_text(self.as_of),
            "api_calls": {"read": read, "write": write},
            "pulled": self.pulled,
            "fed": self.fed,
            "flagged": self.flagged,
            "scored": self.scored,
            "carried_over": self.kept,
            "models": self.by_model,
            "plan": self.plan.counts() if self.plan else {},
            "applied": self.applied.as_dict() if self.applied else {},
            "notices": self.notified.as_dict() if self.notified else {},
            "switched_off": list(self.switched_off),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "duration_s": round(self.duration_s, 3),
            "peak_rss_mb": peak_rss_mb(),
        }


Stage = Callable[[Job, Outcome, Options], None]


def sync(job: Job, options: Options) -> Outcome:
    """Run all stages; needs the writer lock. Raises what the stages raise, after recording how the run ended."""
    return _run_stages(job, "sync", STAGES, options)


def pull(job: Job) -> Outcome:
    """Pull, keep what vendors say, match people to accounts, and find what machines did in what came."""
    return _run_stages(job, "pull", PULLED, Options())


def score(job: Job, options: Options) -> Outcome:
    """Run the score stage alone."""
    return _run_stages(job, "score", (_score,), options)


def plan(job: Job, options: Options) -> Outcome:
    """Score what was pulled and plan from it; sends reads only. A store that was never pulled is pulled first."""
    first = PULLED if job.lake.relation("people") is None else ()
    return _run_stages(job, "plan", (*first, _score, _plan), options)


def apply(job: Job, reviewed: Plan, options: Options) -> Outcome:
    """Apply a reviewed plan; what people changed in the CRM meanwhile is read first and left alone."""
    refuse_stale(job, reviewed)
    refuse_unsafe(reviewed, options.allowed)
    with _run(job, "apply", datetime.fromisoformat(reviewed.as_of)) as outcome:
        outcome.scores_run = scores_of(job, outcome.as_of, reviewed.model)
        outcome.pulled = pull_stage(job)
        outcome.plan = without_conflicts(job, reviewed)
        _send(job, outcome, outcome.plan, options)
        outcome.applied = _with_superseded(outcome.applied, reviewed, outcome.plan)
    return outcome


def undo(job: Job, approved: Undo) -> Outcome:
    """Write back what stood in the CRM before a run; what the next plan asks for, it asks for again."""
    with _run(job, "undo", None) as outcome:
        restore(job, outcome.run_id, approved)
        outcome.applied = send(job, outcome.run_id, (canary.NAME,))
    return outcome


def without_conflicts(job: Job, reviewed: Plan) -> Plan:
    """Drop the owner changes whose record has got another owner since the plan was made: people win.

    The task of such a record goes to whom it was given, where that is somebody who can do it.
    """
    owners = _owners_now(job, [change.record_id for change in reviewed.changes if change.owner])
    kept = [_without_conflict(change, owners) for change in reviewed.changes]
    able = {owner.id for owner in job.owners if owner.active and not owner.queue}
    given = {
        (old.object, old.record_id): owners.get((old.object, old.record_id))
        for old, new in zip(reviewed.changes, kept, strict=True)
        if old.owner and not new.owner
    }
    tasks = tuple(
        replace(task, owner_id=to) if (to := given.get((task.object, task.record_id))) in able else task
        for task in reviewed.tasks
    )
    routing = tuple(
        made for made in reviewed.routing if made.kind != "record" or (made.object, made.record_id) not in given
    )
    changes = tuple(change for change in kept if change.fields or change.owner)
    return replace(reviewed, changes=changes, tasks=tasks, routing=routing)


def peak_rss_mb() -> float:
    """Tell the most memory this process has held, in MB."""
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, 1)


@contextmanager
def _run(job: Job, command: str, as_of: datetime | None) -> Iterator[Outcome]:
    """Record a run from start to end, whatever the end is."""
    at = (as_of or job.connection.server_time_at).replace(microsecond=0)
    run_id = runs.start(job.state, command=command, as_of=at, config_hash=job.settings.hash, model_hash=job.models.name)
    outcome, started = Outcome(run_id, at), time.monotonic()
    job.crm.calls.ends_at_s = started + parse_duration(job.settings.limits.run_timeout).total_seconds()
    try:
        yield outcome
        outcome.status = _status(job, outcome)
    except LeadlightError as error:
        outcome.status = "stopped" if isinstance(error, RetryableError | QuotaExhausted) else "failed"
        raise
    except BaseException:
        outcome.status = "failed"
        raise
    finally:
        outcome.switched_off = tuple(dict.fromkeys(job.switched_off))
        outcome.duration_s = time.monotonic() - started
        outcome.calls = (job.crm.calls.read, job.crm.calls.write)
        counts = outcome.as_dict() | {"server_time_at": server_day(job.crm.calls.server_time_at)}
        runs.finish(job.state, run_id, outcome.status, counts)


def _status(job: Job, outcome: Outcome) -> runs.Status:
    if job.stop.is_set():
        return "stopped"
    rejected = outcome.applied is not None and outcome.applied.rejected > 0
    return "completed_with_errors" if rejected or job.switched_off else "ok"


def _run_stages(job: Job, command: str, stages: Sequence[Stage], options: Options) -> Outcome:
    """Run stages in their order; a process that was asked to stop starts no further one."""
    with _run(job, command, options.as_of) as outcome:
        for stage in stages:
            if not job.stop.is_set():
                stage(job, outcome, options)
    return outcome


def _pull(job: Job, outcome: Outcome, _options: Options) -> None:
    minimise(job)
    outcome.pulled = pull_stage(job)


def _feed(job: Job, outcome: Outcome, _options: Options) -> None:
    outcome.fed = feeds_stage(job)


def _flag(job: Job, outcome: Outcome, _options: Options) -> None:
    outcome.flagged = flag_stage(job)


def _observe(job: Job, outcome: Outcome, _options: Options) -> None:
    if found := observe_stage(job):
        outcome.pulled["attributes"] = outcome.pulled.get("attributes", 0) + found
    words_stage(job)
    outcome.warnings = watch_vendors(job, outcome.as_of)


def _match(job: Job, _outcome: Outcome, _options: Options) -> None:
    match_stage(job)
    note_readings(job)


def _look(job: Job, _outcome: Outcome, _options: Options) -> None:
    look_at_tasks(job)


def _score(job: Job, outcome: Outcome, options: Options) -> None:
    if job.lake.relation("people") is None:
        raise ConfigError("the store holds no people yet; run `leadlight pull` or `leadlight sync` first")
    refuse_unfit(job, outcome.as_of, options.allowed)
    scored: Scored = score_stage(job, outcome.run_id, outcome.as_of, changed_only=options.changed_only)
    outcome.scored = {"people": scored.people, "accounts": scored.accounts}
    outcome.kept = dict(scored.kept)
    outcome.by_model = dict(scored.by_model)
    outcome.scores_run = outcome.run_id
    outcome.notes = note_in_use(job)


def _plan(job: Job, outcome: Outcome, options: Options) -> None:
    outcome.plan = plan_stage(job, outcome.as_of, routing_table(job), backfill_tasks=options.backfill_tasks)
    crash_point("plan: made")


def _apply(job: Job, outcome: Outcome, options: Options) -> None:
    if outcome.plan is not None:
        refuse_unsafe(outcome.plan, options.allowed)
        _send(job, outcome, outcome.plan, options)


def _send(job: Job, outcome: Outcome, approved: Plan, options: Options) -> None:
    if outcome.scores_run is None:
        raise StalePlan(
            "this plan is stale: the scores it was made from are gone; make a new one with `leadlight plan`"
        )
    commit_plan(job, outcome.run_id, approved, bands_file(job, outcome.scores_run))
    try:
        outcome.applied = send(job, outcome.run_id, options.allowed)
    except LeadlightError:  # an alert about today must not wait for a CRM that is down or a quota of tomorrow
        outcome.applied = applied(job, outcome.run_id)
        outcome.notified = send_notices(job)
        raise
    outcome.notified = send_notices(job)
    tidy(job.state, datetime.now(UTC))


def _owners_now(job: Job, record_ids: Sequence[str]) -> Mapping[tuple[str, str], str | None]:
    if not record_ids:
        return {}
    with job.engine() as engine:
        rows = engine.execute(
            f"""SELECT object, record_id, owner_id FROM {job.lake.relation(MIRROR)}
                WHERE record_id IN (SELECT unnest(?))""",  # noqa: S608 - a file list of our own making
            [list(record_ids)],
        ).fetchall()
    return {(name, record_id): owner for name, record_id, owner in rows}


def _without_conflict(change: Change, owners: Mapping[tuple[str, str], str | None]) -> Change:
    if change.owner is None or owners.get((change.object, change.record_id)) == change.owner[0]:
        return change
    return replace(change, owner=None, owner_reason=None)


def _with_superseded(applied: Applied | None, reviewed: Plan, sent: Plan) -> Applied | None:
    dropped = reviewed.counts()["owners"] - sent.counts()["owners"]
    return replace(applied, superseded=applied.superseded + dropped) if applied else None


PULLED: tuple[Stage, ...] = (_pull, _feed, _observe, _match, _flag)
STAGES: tuple[Stage, ...] = (*PULLED, _look, _score, _plan, _apply)

__all__ = ["STAGES", "Options", "Outcome", "apply", "checksum", "plan", "pull", "score", "sync", "without_conflicts"]
