"""What the SLA clocks of a record bring about: reminders, breaches, first touches, and who gets the work then."""

from dataclasses import dataclass, replace
from datetime import datetime

from connector.plan import Change, ClockStep
from connector.planning.diff import Mirror
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.notices import note_notice
from connector.planning.owners import successor_of
from connector.planning.records import Record
from connector.settings.sla import SlaSettings
from connector.sla.clock import Touch, due_times, worked
from connector.store.clocks import Clock, StepName
from connector.store.episodes import EpisodeKey
from connector.store.state import utc_text
from mappings.write import render


@dataclass(frozen=True)
class Standing:
    """Hold one clock beside the record it is about; owner is who is in charge now, current who the CRM names."""

    clock: Clock
    sla: SlaSettings
    row: Record
    mirror: Mirror
    current: str | None
    owner: str | None


def start_clock(rules: Rules, draft: Draft, key: EpisodeKey, number: int, owner: str | None, task: str | None) -> None:
    """Start the clock of an episode that opens, where its band has an SLA."""
    if key[2] in rules.sla.settings:
        draft.clocks.append(ClockStep(*key, number, "start", utc_text(rules.as_of), owner, task))


def plan_clocks(
    rules: Rules, about: LineRules, draft: Draft, row: Record, mirror: Mirror, current: str | None, trigger: str | None
) -> None:
    """Move the clocks of a record on; trigger is that of the band it is in now: others stop."""
    for known in about.triggers:
        clock = rules.sla.clocks.get((row["object"], row["record_id"], known))
        sla = rules.sla.settings.get(known)
        if clock is None or sla is None or not clock.is_running:
            continue
        owner = current if current in rules.working and current not in rules.terms.unassigned else clock.owner_id
        standing = Standing(clock, sla, row, mirror, current, owner)
        touch = rules.sla.touches.get(clock.key)
        if touch is not None:
            _touched(rules, draft, standing, touch)
        elif known == trigger:
            _on_time(rules, about, draft, standing)


def _touched(rules: Rules, draft: Draft, standing: Standing, touch: Touch) -> None:
    """Record the first touch, and the breach that nobody saw because no run came in between."""
    clock, calendar = standing.clock, rules.calendars.of(standing.owner, standing.sla.hours)
    deadline = due_times(standing.sla, clock.started_at, calendar).deadline
    if clock.breached_at is None and touch.at > deadline:
        draft.clocks.append(_step(standing, "breach", deadline))
    seconds = round(worked(calendar, clock.started_at, touch.at).total_seconds())
    draft.clocks.append(replace(_step(standing, "touch", touch.at), touched_by=touch.by, worked_s=seconds))


def _on_time(rules: Rules, about: LineRules, draft: Draft, standing: Standing) -> None:
    clock, sla = standing.clock, standing.sla
    calendar = rules.calendars.of(standing.owner, sla.hours)
    remind_at, deadline = due_times(sla, clock.started_at, calendar)
    given = clock.given_to
    if clock.breached_at is None and rules.as_of >= deadline:
        given = _next_owner(rules, about, draft, standing)
        draft.clocks.append(replace(_step(standing, "breach", deadline), given_to=given))
        if "notify" in sla.on_breach and sla.notify is not None:
            of = (clock.trigger, clock.number, given or standing.owner)
            note_notice(rules, draft, standing.row, sla.notify, *of, step="sla_breach")
    elif clock.breached_at is None:
        if remind_at is not None and clock.reminded_at is None and rules.as_of >= remind_at:
            draft.clocks.append(_step(standing, "remind", remind_at))
            if sla.remind is not None:
                of = (clock.trigger, clock.number, standing.owner)
                note_notice(rules, draft, standing.row, sla.remind, *of, step="sla_reminder")
        return
    _hand_over(rules, draft, standing, given)


def _next_owner(rules: Rules, about: LineRules, draft: Draft, standing: Standing) -> str | None:
    """Choose who gets a record that somebody let lie; null where nobody else can, or a person chose the owner."""
    asked, action, current = standing.sla.on_breach, about.actions.get(standing.row["band"] or ""), standing.current
    pool = standing.sla.pool if "raise" in asked else None
    routed = "reassign" in asked and action is not None and action.owner is not None
    if action is None or current is None or not (pool or routed):
        return None
    if not _ours(rules, standing) or standing.row["object"] not in rules.assignable:
        return None
    return successor_of(rules, draft, standing.row, action, current, pool)


def _ours(rules: Rules, standing: Standing) -> bool:
    """Tell whether the record's owner is still whom we wrote."""
    if rules.owner_field is None or rules.terms.policy == "never":
        return False
    return standing.current is not None and standing.current == standing.mirror.written.get(rules.owner_field)


def _hand_over(rules: Rules, draft: Draft, standing: Standing, given: str | None) -> None:
    """Ask for what a breach changes on record and task, as long as it is not there and no person chose otherwise.

    Asked again by every plan, since a change that was planned may not have been sent.
    """
    row, clock = standing.row, standing.clock
    if given is not None and standing.current != given and _ours(rules, standing):
        reason = f"nobody acted on it within {standing.sla.first_touch}"
        change = (standing.current, given)
        draft.note(Change(row["object"], row["record_id"], {}, change, row["band"], row["total"], reason))
    target = rules.sla.task
    if target is None or clock.task_id is None or not clock.task_open:
        return
    wanted = {"owner": (clock.task_owner_id, given), "priority": (clock.task_priority, standing.sla.priority)}
    fields = {}
    for part, (before, value) in wanted.items():
        spec = target.fields.get(part)  # type: ignore[call-overload] # the keys are parts of a task
        after = render(spec, value) if spec is not None and value is not None else None
        if spec is not None and before is not None and after is not None and before != after:
            fields[spec.field] = (before, after)
    if fields:
        draft.note(Change(target.object, clock.task_id, fields, None, row["band"], row["total"]))


def _step(standing: Standing, name: StepName, at: datetime) -> ClockStep:
    clock = standing.clock
    return ClockStep(*clock.key, clock.number, name, utc_text(at), standing.owner)
