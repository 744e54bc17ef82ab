"""What entering and leaving a band opens and closes, and the task that comes with it."""

from datetime import datetime

from connector.actions import band_trigger, due_at, parse_duration, task_key
from connector.plan import EpisodeChange, TaskChange, utc_text
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.notices import note_notice
from connector.planning.owners import Owning, doer_of
from connector.planning.records import Record
from connector.settings_acting import Action


def plan_episodes(
    rules: Rules, about: LineRules, draft: Draft, row: Record, action: Action | None, owning: Owning
) -> None:
    """Open, resume or close what a record's band means, with the task of an episode that opens."""
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
    if _cooling(action, rules.closed_at.get(key), rules.as_of):
        draft.resumed.append(EpisodeChange(*key, rules.last[key]))
        return
    if owning.waits and about.tasks:  # the task comes with the owner
        return
    number = rules.last.get(key, 0) + 1
    draft.opened.append(EpisodeChange(*key, number))
    if about.tasks and action.task is not None:
        doer = doer_of(rules, draft, row, action, owning.owner)
        draft.tasks.append(_task(rules, row, action, trigger, number, doer))
    if action.notify is not None and not about.baseline:  # who was there before is no news
        note_notice(rules, draft, row, action.notify, trigger, number, owning.owner)


def _cooling(action: Action, closed_at: datetime | None, as_of: datetime) -> bool:
    """Tell whether an episode ended so lately that a record which comes back is in it still."""
    if action.cool_down is None or closed_at is None:
        return False
    return as_of < closed_at + parse_duration(action.cool_down)


def _task(rules: Rules, row: Record, action: Action, trigger: str, number: int, doer: str | None) -> TaskChange:
    asked = action.task
    calendar = rules.calendars.of(doer, asked.hours if asked else None)
    return TaskChange(
        object=row["object"],
        record_id=row["record_id"],
        trigger=trigger,
        episode=number,
        key=task_key(rules.crm, row["object"], row["record_id"], trigger, number),
        action=action.band,
        owner_id=doer,
        account_id=row["account_id"],
        due_at=utc_text(due_at(rules.as_of, asked.due, calendar)) if asked else None,
        band=row["band"],
        total=row["total"],
        reasons=row["reasons"],
    )
