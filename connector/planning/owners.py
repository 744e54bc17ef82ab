"""Who gets a record, and who its task, while a plan is made."""

from collections.abc import Sequence

from connector.job import Job
from connector.planning.diff import Mirror
from connector.planning.draft import Draft, Rules
from connector.planning.records import Record
from connector.routing.pools import Rota, may_assign
from connector.settings_acting import Action
from connector.store import written


def given_so_far(job: Job) -> dict[str, int]:
    """Count the records that each owner got from us, which is where the rota goes on."""
    owner = job.mapping.write.owner
    load: dict[str, int] = {}
    for name in job.mapping.objects("people") if owner else ():
        for row in written.last_written(job.state, name):
            if (holder := row.fields.get(owner.field if owner else "")) is not None:
                load[str(holder)] = load.get(str(holder), 0) + 1
    return load


def new_owner(
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


def doer_of(rules: Rules, rota: Rota, action: Action, owner: str | None) -> str | None:
    """Choose who gets a task: the record's owner, or the pool's next where the owner left or is nobody.

    The record itself keeps the owner it has; null lets the CRM decide.
    """
    if owner in rules.working and owner not in rules.unassigned:
        return owner
    pool = rules.pools[action.owner.pool] if action.owner else None
    return rota.next(pool) if pool and pool.owners else None
