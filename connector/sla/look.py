"""What the CRM tells about running clocks: who acted on their records, and how their tasks stand."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from connector.acting.actions import band_trigger
from connector.crm.base import Found
from connector.job import Job
from connector.settings.sla import TASK_TOUCH, SlaSettings
from connector.sla.clock import CONVERTED, SlaRules, Touch
from connector.store import clocks, outbox, written
from connector.store.clocks import Clock, TaskLook
from connector.store.episodes import EpisodeKey
from connector.store.outbox import OutboxRow
from mappings.model import TaskTarget

_CLOCKS = pa.schema(
    [("place", pa.int64()), ("record_id", pa.string()), ("started_at", pa.timestamp("us", "UTC")),
     ("types", pa.list_(pa.string()))]
)  # fmt: skip


def settings_by_trigger(job: Job) -> dict[str, SlaSettings]:
    """Give each [[sla]] by the trigger of its band."""
    named = {line.model.id: line.named for line in job.models.of("person")}
    return {band_trigger(sla.band, named[sla.model or job.models.people.id]): sla for sla in job.settings.sla}


def look_at_tasks(job: Job) -> int:
    """Read how the tasks of running clocks stand in the CRM, and keep it in the store; returns how many were read.

    Nothing is asked where no clock runs.
    """
    target = job.mapping.write.task
    running = [c for c in clocks.in_band(job.state).values() if c.is_running and c.task_key] if job.settings.sla else []
    if target is None or target.unique_field is None or not running:
        return 0
    known = job.describes[target.object].fields if target.object in job.describes else {}
    wanted = [name for name in _fields(target) if name in known]
    keys = [clock.task_key for clock in running if clock.task_key]
    found = job.crm.find(target.object, target.unique_field, keys, wanted)
    sent = outbox.by_keys(job.state, list(found))
    later = {row.record_id: row.fields for row in written.last_written(job.state, target.object)}
    at = job.connection.server_time_at
    looks = [_look(target, key, one, sent.get(key), later.get(one.id, {}), at) for key, one in found.items()]
    clocks.see_tasks(job.state, looks)
    return len(looks)


def sla_rules(engine: duckdb.DuckDBPyConnection, job: Job, as_of: datetime) -> SlaRules:
    """Bind settings, clocks and touches together; reads the store only."""
    settings = settings_by_trigger(job)
    held = clocks.in_band(job.state)
    running = [clock for clock in held.values() if clock.is_running and clock.trigger in settings]
    touches = _touches(engine, job, settings, running, as_of) if running else {}
    return SlaRules(settings, held, touches, job.mapping.write.task)


def _fields(target: TaskTarget) -> Iterator[str]:
    if target.done is not None:
        yield from (name for name in (target.done.field, target.done.at) if name)
    yield from (target.fields[part].field for part in ("owner", "priority") if part in target.fields)


def _look(
    target: TaskTarget,
    key: str,
    found: Found,
    sent: OutboxRow | None,
    later: Mapping[str, object],
    at: datetime,
) -> TaskLook:
    """Tell how one task stands; its owner and priority are ours as long as they are what we wrote last.

    Where the CRM does not say when it was completed, that is now: nobody saw it completed before.
    """
    ours = {**(sent.payload["fields"] if sent else {}), **later}
    done, done_at = False, None
    if target.done is not None and not found.deleted:
        done = str(found.fields.get(target.done.field)).lower() == str(target.done.is_).lower()
        done_at = (_moment(found.fields.get(target.done.at or "")) or at) if done else None
    held: dict[str, str | None] = {}
    for part in ("owner", "priority"):
        spec = target.fields.get(part)
        value = found.fields.get(spec.field) if spec is not None else None
        held[part] = str(value) if spec is not None and value is not None and value == ours.get(spec.field) else None
    return TaskLook(key, found.id, not (done or found.deleted), done_at, held["owner"], held["priority"])


def _moment(value: object) -> datetime | None:
    """Read a time of the CRM, UTC where it names no zone; null for what is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _touches(
    engine: duckdb.DuckDBPyConnection,
    job: Job,
    settings: Mapping[str, SlaSettings],
    running: Sequence[Clock],
    as_of: datetime,
) -> dict[EpisodeKey, Touch]:
    """Find the first act on each record since its clock started: an event of a kind that counts, or its task done."""
    found: dict[EpisodeKey, Touch] = {}
    events = job.lake.relation("events")
    if events is not None:
        for place, kind, at in _events(engine, events, settings, running, as_of):
            found[running[place].key] = Touch(at.replace(tzinfo=UTC), kind)
    for clock in running:
        done_at = clock.task_done_at if TASK_TOUCH in settings[clock.trigger].touched_by else None
        if done_at is not None and clock.started_at <= done_at <= as_of:
            earlier = found.get(clock.key)
            if earlier is None or done_at < earlier.at:
                found[clock.key] = Touch(done_at, TASK_TOUCH)
    return found


def _events(
    engine: duckdb.DuckDBPyConnection,
    events: str,
    settings: Mapping[str, SlaSettings],
    running: Sequence[Clock],
    as_of: datetime,
) -> list[tuple[int, str, datetime]]:
    """Read each clock's first event that counts, as (place of the clock, type, UTC without a zone)."""
    rows = [
        (place, clock.record_id, clock.started_at, [*settings[clock.trigger].touched_by])
        for place, clock in enumerate(running)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    engine.register("running_clocks", pa.table(columns, schema=_CLOCKS))
    found: list[tuple[int, str, datetime]] = engine.execute(
        f"""SELECT c.place, arg_min(e.type, e.occurred_at), min(e.occurred_at)::TIMESTAMP
            FROM running_clocks c JOIN {events} e ON e.person_id = c.record_id AND list_contains(c.types, e.type)
            WHERE e.occurred_at >= c.started_at AND epoch(e.occurred_at) <= {as_of.timestamp()} GROUP BY 1""",  # noqa: S608 - file lists of our own making
    ).fetchall()
    return found


__all__ = ["CONVERTED", "look_at_tasks", "settings_by_trigger", "sla_rules"]
