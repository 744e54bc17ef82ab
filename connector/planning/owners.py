"""Who gets a record, and who its task, while a plan is made."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb

from connector.errors import ConfigError
from connector.job import Job
from connector.plan import Plan
from connector.planning.diff import Mirror
from connector.planning.draft import Draft, Rules
from connector.planning.records import Record
from connector.routing import fits
from connector.routing.decide import Asked, Decision, decide, hand_over, task_owner
from connector.routing.pools import RoutingTable, Target, resolve_table
from connector.routing.rota import DAY, Rota, pointer_of, pointer_text
from connector.settings.acting import Action
from connector.store import assignments
from connector.tables import MIRROR

LOOK_BACK = DAY + timedelta(hours=2)  # a pool's local day can be that long


@dataclass(frozen=True)
class Owning:
    """Name a record's owner after a plan; change is the new one, null where it keeps the one it has.

    waits: it is to get one as soon as somebody of its pool is there.
    """

    owner: str | None
    change: str | None = None
    reason: str | None = None
    waits: bool = False


def rota_of(engine: duckdb.DuckDBPyConnection, job: Job, table: RoutingTable, as_of: datetime) -> Rota:
    """Read where the pools stand: their pointers, what was given of late, and what is open where that is capped."""
    kept = assignments.pointers(job.state)
    rota = Rota(
        pointers={pool: {owner: pointer_of(text) for owner, text in owners.items()} for pool, owners in kept.items()},
        given=assignments.given_since(job.state, as_of - LOOK_BACK),
    )
    owner = job.mapping.write.owner
    capped = [pool for pool in table.pools.values() if any(one.cap_open is not None for one in pool.members)]
    if capped and owner is not None and job.lake.relation(MIRROR) is not None:
        from connector.routing import matching  # on use: it loads a library of SQL

        facts = matching.open_facts(engine, job.lake, as_of, job.settings.lists.folder)
        owners = fits.current_owners(job.lake, owner.field, MIRROR)
        for pool in capped:
            rota.open_now[pool.id] = Counter(matching.open_counts(facts, pool, owners))
    return rota


def match_rules(engine: duckdb.DuckDBPyConnection, job: Job, table: RoutingTable, as_of: datetime) -> bool:
    """Find who fits which rules, where any action asks for them; tells whether it did."""
    asked = any(action.owner is not None and action.owner.route for action in job.settings.action)
    if asked and job.lake.relation("people") is not None:
        from connector.routing import matching  # on use, as above

        matching.make_fits(
            matching.open_facts(engine, job.lake, as_of, job.settings.lists.folder),
            table.routes,
            job.models.of("person"),
        )
    return asked


def queue_owned(job: Job) -> frozenset[str]:
    """Name the objects that a queue may own; HubSpot's owners are people and queues alike."""
    owner = job.mapping.write.owner
    if owner is None:
        return frozenset()
    names = [name for table in ("people", "accounts") for name in job.mapping.objects(table) if name in job.describes]
    described = {name: job.describes[name].fields.get(owner.field) for name in names}
    return frozenset(name for name, info in described.items() if info and {"Group", "owners"} & {*info.references})


def keep_routing(job: Job, run_id: str, plan: Plan) -> None:
    """Enter a plan's decisions and how far they move the pools; call it in the transaction that commits the plan."""
    owner = job.mapping.write.owner
    if owner is None:
        return
    table = routing_table(job)
    kept = assignments.pointers(job.state)
    rota = Rota({pool: {name: pointer_of(text) for name, text in held.items()} for pool, held in kept.items()})
    for made in plan.routing:
        pool = table.pools.get(made.pool or "")
        if pool is not None and made.owner is not None and not made.renewed:
            rota.move(pool, made.owner, made.passed.get(pool.id, {}))
    assignments.supersede_unsent(job.state, owner.field)
    assignments.put_pointers(
        job.state,
        {pool: {name: pointer_text(n) for name, n in held.items()} for pool, held in rota.pointers.items()},
    )
    at = datetime.fromisoformat(plan.as_of)
    assignments.record(job.state, (_assignment(run_id, at, made) for made in plan.routing))


def routing_table(job: Job) -> RoutingTable:
    """Resolve the configured rules and pools; raises ConfigError naming everybody whom the CRM does not know."""
    settings = job.settings
    table, problems = resolve_table(settings.route, settings.pool, settings.hours, job.owners)
    if problems:
        raise ConfigError(problems)
    return table


def _assignment(run_id: str, at: datetime, made: Decision) -> assignments.Assignment:
    return assignments.Assignment(
        run_id, made.kind, made.object, made.record_id, at, made.rule, made.pool, made.before, made.owner,
        made.reason, made.passed,
    )  # fmt: skip


def new_owner(
    rules: Rules, draft: Draft, row: Record, action: Action | None, current: str | None, mirror: Mirror
) -> Owning:
    """Choose a record's owner and say why; a record that several models ask about is decided once."""
    key = (row["object"], row["record_id"])
    places = rules.deciding.get(row["record_id"], ()) if rules.deciding is not None else ()
    deciding = rules.actions[places[0]] if places else action if rules.deciding is None else None
    if deciding is None or deciding.owner is None or row["object"] not in rules.assignable or not rules.owner_field:
        return Owning(current)
    if key not in draft.decisions:
        asked = _asked(rules, row, deciding, current, mirror.written.get(rules.owner_field))
        draft.decisions[key] = decide(rules.terms, draft.rota, asked)
        draft.routing += filter(None, (draft.decisions[key],))
    found = draft.decisions[key]
    if found is None or found.owner is None:
        return Owning(current, waits=found is not None and found.pool is not None)
    reason = "; ".join(filter(None, (found.reason, _reason(rules, places))))
    return Owning(found.owner, found.owner, reason)


def doer_of(rules: Rules, draft: Draft, row: Record, action: Action, owner: str | None) -> str | None:
    """Choose who gets a task: the record's owner, or who would be its next where the owner left or is nobody.

    The record itself keeps the owner it has; null lets the CRM decide.
    """
    if owner in rules.working and owner not in rules.terms.unassigned:
        return owner
    if action.owner is None:
        return None
    found = task_owner(rules.terms, draft.rota, _asked(rules, row, action, owner, None))
    if found is None:
        return None
    draft.routing.append(found)
    return found.owner


def successor_of(rules: Rules, draft: Draft, row: Record, action: Action, current: str, pool: str | None) -> str | None:
    """Choose who gets a record that its owner let lie: the next of the pool named, or else as the action routes it.

    Null where there is nobody else.
    """
    asked = _asked(rules, row, action, current, None)
    found = hand_over(rules.terms, draft.rota, replace(asked, target=Target("pool", pool)) if pool else asked)
    if found is None:
        return None
    draft.routing.append(found)
    return found.owner


def _asked(rules: Rules, row: Record, action: Action, current: str | None, last: object) -> Asked:
    pool = action.owner.pool if action.owner else None
    line = rules.lines[action.model]
    return Asked(
        object=row["object"],
        record_id=row["record_id"],
        band=action.band or row.get("band"),
        current=current,
        last_written=None if last is None else str(last),
        target=None if pool is None else Target("pool", pool),
        places=fits.places_of(row, line),
        account_owner=row.get("account_owner"),
        promised=rules.promised.get((row["object"], row["record_id"])),
        takes_queues=row["object"] in rules.queue_owned,
    )


def _reason(rules: Rules, places: Sequence[int]) -> str | None:
    """Say which of several actions decided about an owner."""
    if len(places) < 2:
        return None
    first, *others = (f"action {place + 1} ({_band_of(rules.actions[place])})" for place in places)
    return f"owner by {first}, which stands before {', '.join(others)}"


def _band_of(action: Action) -> str:
    return f"{action.model} {action.band}" if action.model else str(action.band)
