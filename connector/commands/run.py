"""Commands that run stages: pull, score, plan, apply, sync, and all of them on a schedule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from connector import log, pipeline
from connector.compose import load_parts, open_job
from connector.errors import ConfigError
from connector.job import Job
from connector.output import Output
from connector.pipeline import Options
from connector.plan import Change, Plan, load_plan, refuse_unsafe, save_plan
from connector.routing import shares
from connector.settings.file import Settings, load_settings

__all__ = ["Options", "apply", "daemon", "plan", "pull", "score_store", "sync"]
CHANGES_PENDING = 3
REJECTED_ROWS = 1
SHOWN = 12


def pull(out: Output, config: Path) -> int:
    """Run the pull stage."""
    return _stage(out, config, lambda job: pipeline.pull(job), writes_crm=False)


def score_store(
    out: Output, config: Path, as_of: datetime | None, *, changed_only: bool, allow: tuple[str, ...] = ()
) -> int:
    """Run the score stage."""
    options = Options(as_of, allowed=allow, changed_only=changed_only)
    return _stage(out, config, lambda job: pipeline.score(job, options), writes_crm=False)


def sync(out: Output, config: Path, options: Options) -> int:
    """Run all stages."""
    return _stage(out, config, lambda job: pipeline.sync(job, options), writes_crm=True)


def plan(out: Output, config: Path, output: Path | None, options: Options) -> int:
    """Plan, show, and save where asked."""
    with _job(out, config, writes_crm=True) as job:
        outcome = pipeline.plan(job, options)
    made = outcome.plan
    if made is None:
        raise ConfigError("nothing was planned")
    digest = save_plan(made, output) if output else pipeline.checksum(made)
    data = {
        **made.counts(),
        "changes": made.size,
        "checksum": digest,
        "guards": [asdict(guard) for guard in made.guards],
        "routing": shares.summary(made.routing, made.warnings),
        "path": str(output) if output else None,
    }
    out.result(data, _plan_lines(made, output))
    refuse_unsafe(made, allowed=options.allowed)
    return CHANGES_PENDING if made.size else 0


def apply(out: Output, config: Path, path: Path, allowed: tuple[str, ...]) -> int:
    """Apply a saved plan."""
    reviewed = load_plan(path)
    with _job(out, config, writes_crm=True) as job:
        outcome = pipeline.apply(job, reviewed, Options(allowed=allowed))
    done = outcome.applied.as_dict() if outcome.applied else {}
    data = {**done, "checksum": pipeline.checksum(reviewed), "run_id": outcome.run_id, "status": outcome.status}
    out.result(data, _applied_lines(done))
    return REJECTED_ROWS if done.get("rejected") else 0


def daemon(config: Path) -> None:
    """Serve until told to stop."""
    from connector import daemon as scheduled  # on use: a one-off run needs no scheduler

    settings, _, _ = load_parts(config)
    _log(settings)
    scheduled.serve(config, settings)


@contextmanager
def _job(out: Output, config: Path, *, writes_crm: bool) -> Iterator[Job]:
    _log(load_settings(config))
    with out.steps() as progress, open_job(config, writer=True, writes_crm=writes_crm, progress=progress) as job:
        yield job


def _stage(out: Output, config: Path, run: Callable[[Job], pipeline.Outcome], *, writes_crm: bool) -> int:
    with _job(out, config, writes_crm=writes_crm) as job:
        outcome = run(job)
    out.result(outcome.as_dict(), _outcome_lines(outcome))
    return REJECTED_ROWS if outcome.status == "completed_with_errors" else 0


def _log(settings: Settings) -> None:
    log.configure(settings.log.level, settings.log.format, settings.secrets())


def _outcome_lines(outcome: pipeline.Outcome) -> Sequence[str]:
    told = outcome.as_dict()
    lines = [f"run {outcome.run_id}: {outcome.status}, as of {told['as_of']}, {outcome.duration_s:.1f} s"]
    if outcome.pulled:
        lines.append("pulled " + ", ".join(f"{n:,} {name}" for name, n in outcome.pulled.items()))
    if told_of := {name: n for name, n in outcome.fed.items() if n}:
        lines.append("feeds: " + ", ".join(f"{n:,} {name}" for name, n in told_of.items()))
    if outcome.scored:
        each = [f"{name} {n:,}" for name, n in outcome.by_model.items()] if len(outcome.by_model) > 1 else []
        kept = f", {outcome.kept['people']:,} of them carried over" if outcome.kept.get("people") else ""
        lines.append(f"scored {outcome.scored['people']:,} people" + (f" ({', '.join(each)})" if each else "") + kept)
    if outcome.plan:
        lines.append("planned " + ", ".join(f"{n:,} {name}" for name, n in outcome.plan.counts().items()))
        lines += shares.lines(outcome.plan.routing, outcome.plan.warnings)
    if outcome.applied:
        lines += _applied_lines(outcome.applied.as_dict())
    if outcome.notified and any(outcome.notified.as_dict().values()):
        lines.append("notices: " + ", ".join(f"{n:,} {name}" for name, n in outcome.notified.as_dict().items()))
    lines += [f"switched off: {what}" for what in outcome.switched_off]
    lines += [f"warning: {what}" for what in outcome.warnings]
    lines += [f"note: {what}" for what in outcome.notes]
    lines.append(f"API calls: {outcome.calls[0]:,} read, {outcome.calls[1]:,} write")
    return lines


def _applied_lines(done: dict[str, int]) -> list[str]:
    lines = ["applied " + ", ".join(f"{n:,} {name}" for name, n in done.items())]
    return [*lines, "see `leadlight queue list` for what was rejected"] if done.get("rejected") else lines


def _plan_lines(made: Plan, output: Path | None) -> list[str]:
    counts = made.counts()
    parts = f"{counts['fields']:,} records' fields, " + _counted(
        counts, "owners", "tasks", "notices", "joins", "creates"
    )
    next_step = f"leadlight apply {output}" if output else "leadlight plan -o plan.json, then leadlight apply plan.json"
    guards = [f"guard {g.name}: {g.figures}" for g in made.guards]
    return [
        f"{made.size:,} changes as of {made.as_of}: {parts}.",
        *_change_lines(made),
        *_effect_lines(made),
        *shares.lines(made.routing, made.warnings),
        *guards,
        f"Nothing was written. Next: {next_step}",
    ]


def _effect_lines(made: Plan) -> list[str]:
    """Show the first messages, memberships and new people, each with what brings it about."""
    told = [f"  message to {row.channel}: {row.object} {row.record_id} ({row.trigger})" for row in made.notices]
    told += [f"  {row.what} {row.to}: {row.object} {row.record_id} ({row.trigger})" for row in made.joins]
    told += [f"  new {row.object} of feed {row.feed}: {', '.join(row.fields)} ({row.key})" for row in made.creates]
    more = len(told) - SHOWN
    return [*told[:SHOWN], *([f"  ... and {more:,} more messages, memberships and new people"] if more > 0 else [])]


def _counted(counts: Mapping[str, int], *names: str) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def _change_lines(made: Plan) -> list[str]:
    """Show the hottest changes field by field, and how many more there are."""
    lines = [_change_line(change) for change in made.changes[:SHOWN]]
    more = len(made.changes) - SHOWN
    return [*lines, f"  ... and {more:,} more"] if more > 0 else lines


def _change_line(change: Change) -> str:
    parts = [f"{name}: {before!s} -> {after!s}" for name, (before, after) in change.fields.items()]
    parts += [f"owner: {change.owner[0]} -> {change.owner[1]}"] if change.owner else []
    parts += [f"({change.owner_reason})"] if change.owner_reason else []
    why = "left the audience" if change.total is None else f"{change.band or 'no band'}, {change.total:g}"
    return f"  {change.object} {change.record_id} ({why}): " + "; ".join(parts)
