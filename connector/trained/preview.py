"""What a plan would write by other models than those in use; the store and the CRM stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from connector.engine.scoring import score_subjects
from connector.inputs import STATEMENTS, sources
from connector.job import Job
from connector.models import Models
from connector.plan import Plan
from connector.planning.owners import routing_table
from connector.planning.stage import plan_stage
from connector.tables import tables_of


def preview(job: Job, models: Models, as_of: datetime) -> Plan:
    """Score everybody with these models into files that are thrown away, and plan from them."""
    with _scored(job, models, as_of) as scored:
        return plan_stage(scored, as_of, routing_table(job), backfill_tasks=False)


@contextmanager
def _scored(job: Job, models: Models, as_of: datetime) -> Iterator[Job]:
    """Give the job as it would be after the score stage."""
    with TemporaryDirectory(prefix="leadlight-preview-") as folder, job.engine() as engine:
        laid: dict[str, Path] = {}
        for place, line in enumerate(models.lines):
            files = {table: Path(folder) / f"{place}-{table.partition('@')[0]}.parquet" for table in tables_of(line)}
            scores, contributions = files.values()
            score_subjects(
                engine,
                line.model,
                line.rolled,
                as_of=as_of,
                sources=sources(job.lake, job.state, job.settings, as_of, line),
                scores_path=scores,
                contributions_path=contributions,
                kept_in=job.folder / STATEMENTS,
            )
            laid |= files
        yield replace(job, models=models, lake=job.lake.over(laid))
