"""What entering and leaving a band opens and closes, and the task that comes with it."""

from datetime import datetime

from connector.acting.actions import band_trigger, parse_duration
from connector.plan import EpisodeChange
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.effects import plan_effects
from connector.planning.owners import Owning
from connector.planning.records import Record
from connector.settings.acting import Action


def plan_episodes(
    rules: Rules, about: LineRules, draft: Draft, row: Record, action: Action | None, owning: Owning
) -> None:
    """Open, resume or close what a record's band means, with the task of an episode that opens."""
    trigger = band_trigger(action.band, about.line.named) if action and action.band else None
    for known in about.triggers:
        key = (row["object"], row["record_id"], known)
        if key in rules.open and known != trigger:
            draft.closed.append(EpisodeChange(*key, rules.open[key]))
    if action is None or trigger is None:
        return
    key = (row["object"], row["record_id"], trigger)
    if key in rules.open or (about.waits and action.task is not None):
        return
    if _cooling(action, rules.closed_at.get(key), rules.as_of):
        draft.resumed.append(EpisodeChange(*key, rules.last[key]))
        return
    if owning.waits and about.tasks:  # the task comes with the owner
        return
    number = rules.last.get(key, 0) + 1
    draft.opened.append(EpisodeChange(*key, number))
    plan_effects(rules, about, draft, row, action, trigger, number, owning.owner)


def _cooling(action: Action, closed_at: datetime | None, as_of: datetime) -> bool:
    """Tell whether an episode ended so lately that a record which comes back is in it still."""
    if action.cool_down is None or closed_at is None:
        return False
    return as_of < closed_at + parse_duration(action.cool_down)
