"""The score stage: committed facts in, committed scores and contributions out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from connector import changes
from connector.crash import crash_point
from connector.engine.changed import Changed
from connector.engine.scoring import score_subjects
from connector.inputs import STATEMENTS, bands_run, sources
from connector.job import Job
from connector.models import Line
from connector.store import coverage, runs
from connector.store.coverage import Coverage
from connector.store.lake import KEEP_SNAPSHOTS
from connector.store.state import transaction
from connector.tables import BANDS, PERSON, RESCORED, SCORES, SUBJECTS, tables_of

FACTS = ("people", "accounts", "events", "attributes", "flags", "adjustments", "mirror", "matches")
_KEY = "subject_id"


@dataclass(frozen=True)
class Scored:
    """Count what has a score from any model; by_model counts for each, by its id.

    kept are those of the people and accounts who have their earlier rows, for nothing that these are made of changed.
    """

    people: int
    accounts: int
    by_model: Mapping[str, int]
    kept: Mapping[str, int]


def score_stage(job: Job, run_id: str, as_of: datetime, *, changed_only: bool = False) -> Scored:
    """Score people and accounts with every model as of one instant; register all of it together under the run.

    With changed_only, those that did not change keep the rows of the last run, where its scores can still be used.
    """
    job.progress.begin("score")
    made: dict[str, Path] = {}
    noted = changes.noted(job)
    with job.engine() as engine:
        facts = {line.model.id: sources(job.lake, job.state, job.settings, as_of, line) for line in job.models.lines}
        now = changes.present(engine, job, run_id, facts, bands_run(job.lake, job.state, as_of))
        tables = [tables_of(line)[0] for line in job.models.lines]
        found = changes.find_changes(engine, job, as_of, now, tables) if changed_only else None
        fresh: dict[str, int] = {}
        for line in job.models.lines:
            files = {table: job.lake.new_file(table) for table in tables_of(line)}
            asked = found.of(line) if found else None
            fresh[line.model.id] = _score_line(
                engine, job, line, as_of, facts[line.model.id], list(files.values()), asked
            )
            job.progress.advance(fresh[line.model.id])
            made |= files
        if found:
            made[RESCORED] = job.lake.new_file(RESCORED)
            found.save(engine, str(made[RESCORED]))
        crash_point("score: files written")
        _commit(job, run_id, made, replace(now, runs=(*found.covered.runs, run_id)) if found else now, noted)
        scored = _counted(engine, job, fresh, any_kept=found is not None)
    for table in tables:
        job.lake.compact(table, _KEY, (_KEY,))
    return scored


def _commit(
    job: Job, run_id: str, made: Mapping[str, Path], covered: Coverage, noted: Mapping[str, Sequence[int]]
) -> None:
    """Register the files with what they cover; contributions stay as long as later ones build on them."""
    scores = {tables_of(line)[0] for line in job.models.lines}
    with transaction(job.state):
        for table, path in made.items():
            if table not in scores:
                job.lake.replace(table, path, run_id=run_id, keep=max(KEEP_SNAPSHOTS, len(covered.runs)))
            elif len(covered.runs) > 1:
                job.lake.patch(table, _KEY, path, run_id=run_id)
            else:
                job.lake.replace(table, path, run_id=run_id)
        changes.clear(job, noted)
        coverage.put(job.state, covered)


def _score_line(
    engine: duckdb.DuckDBPyConnection,
    job: Job,
    line: Line,
    as_of: datetime,
    facts: Mapping[str, str],
    files: Sequence[Path],
    asked: Changed | None,
) -> int:
    """Score a model's audience, or those asked for, into two files; returns how many were scored."""
    counts = score_subjects(
        engine,
        line.model,
        line.rolled,
        as_of=as_of,
        sources=facts,
        scores_path=files[0],
        contributions_path=files[1],
        changed=asked,
        kept_in=job.folder / STATEMENTS,
    )
    return counts.people if line.role == PERSON else counts.accounts


def _counted(engine: duckdb.DuckDBPyConnection, job: Job, fresh: Mapping[str, int], *, any_kept: bool) -> Scored:
    """Count who has a score, each once however many models score it, and which of them kept theirs."""
    rows: dict[str, int] = {}
    have: dict[str, int] = {}
    kept: dict[str, int] = {}
    for table, (role, _) in SUBJECTS.items():
        relations = {line.model.id: job.lake.relation(tables_of(line)[0]) for line in job.models.of(role)}
        scores = {model: relation for model, relation in relations.items() if relation}
        for model, relation in scores.items():
            rows[model], _ = changes.count_subjects(engine, [relation], None)
        have[table] = sum(rows[model] for model in scores)
        kept[table] = have[table] - sum(fresh[model] for model in scores)
        if len(scores) > 1:
            have[table], kept[table] = changes.count_subjects(engine, list(scores.values()), role if any_kept else None)
    return Scored(have["people"], have["accounts"], rows, kept)


def scores_of(job: Job, as_of: datetime, model: str) -> str | None:
    """Find the run that scored as of this instant with these models (id@hash), the newest if several did."""
    for file in reversed(job.lake.files(SCORES)):
        run = runs.get(job.state, file.run_id or "")
        if run is not None and run.as_of == as_of and run.model_hash == model:
            return run.run_id
    return None


def bands_file(job: Job, scores_run: str) -> Path:
    """Write what is about to be seen (role, subject_id, band) as a file to be registered with the plan.

    role is the model's seat: person or account for a primary model, with its id for a further one.
    """
    path = job.lake.new_file(BANDS)
    relations = {line.seat: job.lake.relation(tables_of(line)[0], run_id=scores_run) for line in job.models.lines}
    rows = " UNION ALL ".join(
        f"SELECT '{seat}' AS role, subject_id, band FROM {relation}"  # noqa: S608 - file lists of our own making
        for seat, relation in relations.items()
        if relation is not None
    )
    with job.engine() as engine:
        engine.execute(
            f"COPY ({rows} ORDER BY role, subject_id) TO '{str(path).replace(chr(39), chr(39) * 2)}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    return path


def revision(job: Job) -> str:
    """Name the committed facts and the plans applied so far: 12 hex digits that differ where any file of them does."""
    files = [(file.table, file.seq) for table in (*FACTS, BANDS) for file in job.lake.files(table)]
    return hashlib.sha256(repr(files).encode()).hexdigest()[:12]
