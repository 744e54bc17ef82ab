"""Refuses to score where a model asks for better facts than there are (`[needs_quality]`)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import duckdb

from connector.audit.finding import Audit
from connector.audit.run import audit, audited_store
from connector.audit.subject import Audited
from connector.errors import UnsafePlan
from connector.job import Job
from connector.models import Line
from connector.settings.audit import AuditSettings
from connector.store import facts
from scoring.model import Model

GUARD: Final = "needs_quality"
_PASSED: Final = "quality_passed"
_FOR: Final = timedelta(days=1)


def guard_of(line: Line) -> str:
    """Name a model's guard as --allow takes it."""
    return GUARD if line.primary and line.role == "person" else f"{GUARD}@{line.model.id}"


def refuse_unfit(job: Job, as_of: datetime, allowed: Sequence[str]) -> None:
    """Raise UnsafePlan naming all that the facts lack for a model that asks for it and is not allowed by name.

    What passed is not judged again for a day, unless the models changed; what did not is judged every time.
    """
    asking = [line for line in job.models.lines if line.model.spec.needs_quality and guard_of(line) not in allowed]
    if not asking or _passed(job, as_of):
        return
    job.progress.begin("audit")
    with job.engine() as engine:
        found = audit(engine, audited_store(job.lake, job.settings, job.models, as_of, job.mapping))
    refused = [
        f"guard {guard_of(line)}: model {line.model.id}: {why}; "
        f"see `leadlight audit`, then pass --allow {guard_of(line)}"
        for line in asking
        for why in unmet(line.model, found)
    ]
    if refused:
        raise UnsafePlan("\n".join(refused))
    facts.put(job.state, _PASSED, json.dumps([_key(job), as_of.isoformat()]))


def refuse_unfit_files(
    engine: duckdb.DuckDBPyConnection,
    model: Model,
    sources: Mapping[str, str],
    as_of: datetime,
    allowed: Sequence[str],
) -> None:
    """Raise UnsafePlan as `refuse_unfit` does, for a model that scores plain files."""
    if model.spec.needs_quality is None or GUARD in allowed:
        return
    found = audit(engine, Audited((model,), as_of, AuditSettings(), sources))
    if refused := unmet(model, found):
        told = "; ".join(refused)
        raise UnsafePlan(f"guard {GUARD}: model {model.id}: {told}; better the facts, or pass --allow {GUARD}")


def unmet(model: Model, found: Audit) -> list[str]:
    """Say what a model asks of the facts that they are not."""
    needs = model.spec.needs_quality
    if needs is None:
        return []
    grades = needs.grades()
    told = [
        f"{area} is graded {found.score(area) or 0.0:.0f}, {least:g} is needed"
        for area, least in grades.items()
        if (found.score(area) or 0.0) < least and (found.score(area) is not None or area in ("overall", "outcomes"))
    ]
    of = "accounts" if model.spec.model.subject == "account" else "people"
    fill = {
        str(row["field"]): float(str(row["fill"]))
        for area in found.areas
        for row in area.measures
        if row.get("of") == of and "fill" in row
    }
    for name, least in needs.fill:
        held = fill.get(name.removeprefix("account.") if of == "accounts" else name, 0.0)
        if held < least:
            told.append(f"{name} is known of {held:.0%}, {least:.0%} is needed")
    return [*told, *_too_old(model, found)]


def _too_old(model: Model, found: Audit) -> list[str]:
    needs = model.spec.needs_quality
    limit_s = needs.newest_event_within if needs else None
    if limit_s is None:
        return []
    if found.newest_event_at is None:
        return ["there are no events, and the newest must not be old"]
    age_s = (found.as_of - found.newest_event_at).total_seconds()
    days, limit = age_s / 86_400, limit_s / 86_400
    return [f"the newest event is {days:.1f} days old, {limit:g} is the most"] if age_s > limit_s else []


def _passed(job: Job, as_of: datetime) -> bool:
    held = facts.get(job.state, _PASSED)
    if held is None:
        return False
    key, at = json.loads(held)
    return bool(key == _key(job)) and timedelta() <= as_of - datetime.fromisoformat(at) < _FOR


def _key(job: Job) -> str:
    return f"{job.models.name} {job.settings.hash}"
