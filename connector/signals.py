"""What the store may hold about people: an earlier configuration may have let in what this one does not allow."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.allowed import listed
from connector.engine.relations import quoted
from connector.job import Job
from connector.settings.signals import SignalSettings
from connector.store import facts
from connector.store.state import transaction
from connector.touched import touched_by
from mappings.privacy import TELLING

_NAME: Final = "signals"
_KEY: Final = "event_id"


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
    gone = "false" if settings.allow is None else f"type NOT IN ({listed(settings.allow)})"
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


def keep_allowed(events: pa.Table, settings: SignalSettings) -> pa.Table:
    """Leave out of canonical events what is not allowed, before they are stored."""
    if settings.bare:
        events = events.drop_columns([name for name in TELLING if name in events.column_names])
    if settings.allow is None:
        return events
    return events.filter(pc.is_in(events["type"], pa.array(settings.allow, pa.string())))
