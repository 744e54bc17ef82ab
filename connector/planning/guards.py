"""Guards: shares that a sane plan does not pass, measured before anything is sent."""

import duckdb

from connector.job import Job
from connector.models import Line
from connector.plan import Guard
from connector.score import PERSON, tables_of

MISSING_LIMIT_SHARE = 0.5


def guards(
    engine: duckdb.DuckDBPyConnection, job: Job, line: Line, previous: str | None, *, baseline: bool
) -> list[Guard]:
    """Measure one model's plan against what people saw last; nothing to measure on a baseline or a small population.

    changed_bands: share of the people scored both times whose band differs. missing_people: share of the people
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
    return [
        Guard(f"changed_bands{suffix}", changed / both if both else 0.0, limits.max_changed_share, both),
        Guard(f"missing_people{suffix}", 1 - both / before, MISSING_LIMIT_SHARE, before),
    ]
