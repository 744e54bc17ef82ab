"""What the store may hold about people: an earlier configuration may have let in what this one does not allow."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.engine.relations import literal, quoted
from connector.job import Job
from connector.models import Models
from connector.settings.signals import SignalSettings
from connector.store import facts
from connector.store.state import transaction
from connector.touched import touched_by
from connector.view import Relations, View
from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.privacy import TELLING, restricted, sensitive_fields, unnamed_columns
from scoring.conditions import Condition, leaves

_NAME: Final = "signals"
_KEY: Final = "event_id"


def allowed_mapping(mapping: Mapping, settings: SignalSettings) -> tuple[Mapping, list[str]]:
    """Give the mapping that reads what is allowed, and what it reads that nobody has allowed."""
    problems = sensitive_fields(mapping, settings.sensitive)
    problems += unnamed_columns(mapping, load_mapping(mapping.crm), settings.columns) if settings.bare else []
    return restricted(mapping, settings.allow, bare=settings.bare), problems


def signal_problems(models: Models, settings: SignalSettings) -> list[str]:
    """Name the rules of the models that ask for what is not allowed, and so could never fire."""
    problems: list[str] = []
    for model in models.known():
        spec = model.spec
        asking = [(rule.id, rule.event, rule.where) for rule in spec.engagement]
        asking += [(rule.id, rule.event, rule.where) for rule in spec.multiply]
        for rule_id, types, where in asking:
            told = _unallowed(types or (), where, settings)
            problems += [f"signals: model {spec.model.id}, rule {rule_id} asks for {what}" for what in told]
    return list(dict.fromkeys(problems))


def _unallowed(types: Sequence[str], where: Condition | None, settings: SignalSettings) -> Iterator[str]:
    for kind in types:
        if settings.allow is not None and kind not in settings.allow:
            yield f"the event {kind!r}, which `allow` does not name"
    asked = {leaf.field.partition(".")[0] for leaf in leaves(where) if leaf.field}
    for name in TELLING:
        if settings.bare and name in asked:
            yield f"{name!r} of an event, which the profile hipaa leaves out"


def minimise(job: Job) -> int:
    """Take out of the store what is no longer allowed, once per change of the settings; returns the events changed.

    The rows are replaced or deleted and the files merged into one at once; the old ones go with the next run's sweep,
    an hour later at the earliest, as readers may still have them open.
    """
    settings = job.settings.signals
    held = facts.get(job.state, _NAME)
    if held == settings.version or (held is None and settings == SignalSettings()):
        return 0
    events, changed = job.lake.relation("events"), 0
    if events is not None:
        changed = _take_out(job, settings, events)
    with transaction(job.state):
        facts.put(job.state, _NAME, settings.version)
    return changed


def _take_out(job: Job, settings: SignalSettings, events: str) -> int:
    telling = [name for name in TELLING if settings.bare and name in job.lake.columns("events")]
    gone = "false" if settings.allow is None else f"type NOT IN ({_list(settings.allow)})"
    emptied = ", ".join(f"NULL AS {quoted(name)}" for name in telling)
    told = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in telling) or "false"
    with job.engine() as engine:
        deleted = [row[0] for row in engine.execute(f"SELECT {_KEY} FROM {events} WHERE {gone}").fetchall()]  # noqa: S608 - file lists and names of our own; values are quoted
        stay = f"FROM {events} WHERE NOT ({gone}) AND ({told})"
        rows = engine.sql(f"SELECT * {f'REPLACE ({emptied})' if emptied else ''} {stay}").to_arrow_reader(100_000)
        delta = job.lake.merge("events", _KEY, (pa.Table.from_batches([batch]) for batch in rows), deleted)
    touched = touched_by(job, delta, whole=False)
    with transaction(job.state):
        for made in (delta, *touched):
            job.lake.commit(made)
    job.lake.compact("events", _KEY, ("person_id", "occurred_at"), force=True)
    return delta.rows


def allowed(view: View, found: Relations) -> Relations:
    """See events of the allowed types alone, without what tells what somebody read."""
    settings = view.settings.signals
    if "events" not in found or (settings.allow is None and not settings.bare):
        return found
    telling = [name for name in TELLING if settings.bare and name in view.lake.columns("events")]
    left = f"* EXCLUDE ({', '.join(map(quoted, telling))})" if telling else "*"
    kept = "true" if settings.allow is None else f"type IN ({_list(settings.allow)})"
    return {**found, "events": f"(SELECT {left} FROM {found['events']} WHERE {kept})"}  # noqa: S608 - as above


def keep_allowed(events: pa.Table, settings: SignalSettings) -> pa.Table:
    """Leave out of canonical events what is not allowed, before they are stored."""
    if settings.bare:
        events = events.drop_columns([name for name in TELLING if name in events.column_names])
    if settings.allow is None:
        return events
    return events.filter(pc.is_in(events["type"], pa.array(settings.allow, pa.string())))


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(map(literal, values)) or "NULL"
