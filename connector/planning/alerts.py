"""Event alerts: a rule of a model that acts as soon as its event occurs, whatever the band.

An alert is an episode, too. It opens at an occurrence that is newer than the last one's cool-down, and closes when its
own cool-down is over; what occurs meanwhile is not told.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from connector.acting.actions import parse_duration
from connector.acting.configured import trigger_of
from connector.job import Job
from connector.newest import newest_contributions
from connector.plan import Change, EpisodeChange
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.effects import plan_effects
from connector.planning.owners import new_owner
from connector.planning.records import Record, mirror_of, scored_records
from connector.planning.states import lifecycle_change
from connector.settings.acting import Action
from connector.store import episodes
from connector.store.episodes import Episode, EpisodeKey

FRESH: Final = timedelta(days=1)
COOL_DOWN: Final = timedelta(days=1)


def plan_alerts(engine: duckdb.DuckDBPyConnection, job: Job, rules: Rules, about: LineRules, draft: Draft) -> None:
    """Open an episode for every new occurrence, with all that its action means, and close those that cooled down.

    On a model's first plan they are opened without effects, as bands are.
    """
    told = episodes.current(job.state)
    for action in about.alerts:
        trigger = trigger_of(action, job.models)
        cooled = _close_cooled(rules, draft, action, trigger, told)
        newest = _occurrences(engine, job, about, action, rules.as_of)
        for row in scored_records(engine, job, about.line, sorted(newest), fits=rules.fits):
            key = (row["object"], row["record_id"], trigger)
            before = told.get(key)
            if before is None or (key in cooled and newest[row["record_id"]] > cooled[key]):
                _alert(rules, about, draft, row, action, trigger, 1 if before is None else before.number + 1)


def _close_cooled(
    rules: Rules, draft: Draft, action: Action, trigger: str, told: dict[EpisodeKey, Episode]
) -> dict[EpisodeKey, datetime]:
    """Close what is over; gives the end of every cool-down that is."""
    length = parse_duration(action.cool_down) if action.cool_down else COOL_DOWN
    ends = {key: episode.opened_at + length for key, episode in told.items() if key[2] == trigger}
    over = {key: end for key, end in ends.items() if end <= rules.as_of}
    draft.closed += [EpisodeChange(*key, rules.open[key]) for key in over if key in rules.open]
    return over


def _occurrences(
    engine: duckdb.DuckDBPyConnection, job: Job, about: LineRules, action: Action, as_of: datetime
) -> dict[str, datetime]:
    """Find whose newest event of a rule is fresh: by record id, when it occurred."""
    relation = newest_contributions(job.lake, job.state, about.line)
    if relation is None:
        return {}
    since = as_of - (parse_duration(action.fresh) if action.fresh else FRESH)
    rows = engine.execute(
        f"""SELECT subject_id, max(epoch(last_at)) FROM {relation}
            WHERE rule_id = ? AND epoch(last_at) BETWEEN ? AND ? GROUP BY subject_id""",  # noqa: S608 - file lists of our own making
        [action.rule, since.timestamp(), as_of.timestamp()],
    ).fetchall()
    return {subject_id: datetime.fromtimestamp(at, UTC) for subject_id, at in rows}


def _alert(
    rules: Rules, about: LineRules, draft: Draft, row: Record, action: Action, trigger: str, number: int
) -> None:
    draft.opened.append(EpisodeChange(row["object"], row["record_id"], trigger, number))
    owner = _owner(rules, draft, row, action)
    plan_effects(rules, about, draft, row, action, trigger, number, owner)


def _owner(rules: Rules, draft: Draft, row: Record, action: Action) -> str | None:
    """Note owner and lifecycle, and give the owner that this plan leaves the record with; a band's choice stands."""
    mirror = mirror_of(rules.owner_field, row)
    current = mirror.current(rules.owner_field) if rules.owner_field else None
    owning = new_owner(replace(rules, deciding=None), draft, row, action, current, mirror)
    fields = lifecycle_change(rules, row, action, mirror, opens=True)
    if owning.change or fields:
        change = (current, owning.change) if owning.change else None
        draft.note(Change(row["object"], row["record_id"], fields, change, row["band"], row["total"], owning.reason))
    return owning.owner
