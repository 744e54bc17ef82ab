"""Guards: shares that a sane plan does not pass, measured before anything is sent."""

from collections.abc import Iterator

import duckdb

from connector.job import Job
from connector.models import Line
from connector.plan import MODEL_CHANGED, Guard
from connector.planning.draft import Draft
from connector.store import acceptance, runs
from connector.tables import PERSON, tables_of

MISSING_LIMIT_SHARE = 0.5


def volume_guards(job: Job, draft: Draft, people: int) -> Iterator[Guard]:
    """Measure what a whole plan does to people's work: owners changed and tasks made, as shares of all people.

    Nothing to measure on a baseline or a small population.
    """
    limits = job.settings.limits
    if people < limits.min_population or not runs.baseline_made(job.state):
        return
    owners = sum(1 for change in draft.changes.values() if change.owner)
    yield Guard("changed_owners", owners / people, limits.max_owner_share, people)
    yield Guard("new_tasks", len(draft.tasks) / people, limits.max_task_share, people)


def model_guard(job: Job) -> Iterator[Guard]:
    """Trip where a model is not the one by which the last plan was applied; a model that is new has nothing to differ.

    Every point of everybody may move with it, so somebody has to say that it is meant: here, or before (`model use`).
    """
    before = {line.model.id: runs.accepted_model(job.state, line.model.id) for line in job.models.lines}
    changed = [
        f"{line.model.id} was {old} and is {line.model.hash}"
        for line in job.models.lines
        if (old := before[line.model.id]) is not None
        and old != line.model.hash
        and acceptance.accepted(job.state, line.model.id, line.model.hash) is None
    ]
    if changed:
        detail = f"the model is not the one that was applied last: {', '.join(changed)}"
        yield Guard(MODEL_CHANGED, float(len(changed)), 0.0, len(before), detail)


def guards(
    engine: duckdb.DuckDBPyConnection, job: Job, line: Line, previous: str | None, *, baseline: bool
) -> list[Guard]:
    """Measure one model's plan against what people saw last; nothing to measure on a baseline or a small population.

    changed_bands: share of the people scored both times whose band differs; who was shown to move when a change of
    model was accepted does not count. missing_people: share of the people
    scored last time who are gone now (an empty or halved pull, another audience). Those of a further model bear its id.
    """
    now = job.lake.relation(tables_of(line)[0])
    if line.role != PERSON or baseline or previous is None or now is None:
        return []
    both, changed, before = engine.execute(
        f"""SELECT count(n.subject_id), count_if(n.band IS DISTINCT FROM b.band AND n.subject_id IS NOT NULL), count(*)
            FROM {previous} b LEFT JOIN {now} n ON n.subject_id = b.subject_id"""  # noqa: S608 - file lists of our own making
    ).fetchall()[0]
    limits = job.settings.limits
    if before < limits.min_population:
        return []
    suffix = "" if line.primary else f"@{line.model.id}"
    meant = acceptance.accepted(job.state, line.model.id, line.model.hash)
    most = min(1.0, limits.max_changed_share + (meant.moves_share if meant else 0.0))
    return [
        Guard(f"changed_bands{suffix}", changed / both if both else 0.0, most, both),
        Guard(f"missing_people{suffix}", 1 - both / before, MISSING_LIMIT_SHARE, before),
    ]
