"""The score stage: committed facts in, committed scores and contributions out."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from connector import changes
from connector.crash import crash_point
from connector.engine.changed import Changed
from connector.engine.duckdb import score_subjects
from connector.facts import relations
from connector.job import Job
from connector.models import Line
from connector.settings.file import Settings
from connector.store import coverage, runs
from connector.store.coverage import Coverage
from connector.store.lake import KEEP_SNAPSHOTS, Lake
from connector.store.parquet import row_count
from connector.store.state import transaction
from mappings.targets import Role

SCORES = "scores"
CONTRIBUTIONS = "contributions"
ACCOUNT_SCORES = "account_scores"
ACCOUNT_CONTRIBUTIONS = "account_contributions"
PERSON: Final = "person"
ACCOUNT: Final = "account"
TABLES_OF = {PERSON: (SCORES, CONTRIBUTIONS), ACCOUNT: (ACCOUNT_SCORES, ACCOUNT_CONTRIBUTIONS)}
SUBJECTS: Final[Mapping[str, tuple[Role, str]]] = {"people": (PERSON, "person_id"), "accounts": (ACCOUNT, "account_id")}
FACTS = ("people", "accounts", "events", "attributes", "flags", "adjustments", "mirror", "matches")
RESCORED = "rescored"  # who was scored anew by a run that kept the other rows
STATEMENTS = "statements"  # the folder of a store where compiled models are kept
BANDS = "bands"  # what people saw: kept per applied plan, since hysteresis depends on it


@dataclass(frozen=True)
class Scored:
    """Count what has a score from any model; by_model counts for each, by its id.

    kept are those of the people and accounts who have their earlier rows, for nothing that these are made of changed.
    """

    people: int
    accounts: int
    by_model: Mapping[str, int]
    kept: Mapping[str, int]


def tables_of(line: Line) -> tuple[str, str]:
    """Name the tables that a model's scores and contributions are kept in."""
    scores, contributions = TABLES_OF[line.role]
    return (
        (scores, contributions) if line.primary else (f"{scores}@{line.model.id}", f"{contributions}@{line.model.id}")
    )


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
            asked = found.of(job, line, tables_of(line)[0]) if found else None
            fresh[line.model.id] = _score_line(
                engine, job, line, as_of, facts[line.model.id], list(files.values()), asked
            )
            job.progress.advance(fresh[line.model.id])
            made |= files
        if found:
            made[RESCORED] = job.lake.new_file(RESCORED)
            found.save(engine, str(made[RESCORED]))
        scored = _counted(engine, job, made, fresh)
    crash_point("score: files written")
    _commit(job, run_id, made, replace(now, runs=(*found.covered.runs, run_id)) if found else now, noted)
    return scored


def _commit(
    job: Job, run_id: str, made: Mapping[str, Path], covered: Coverage, noted: Mapping[str, Sequence[int]]
) -> None:
    """Register the files with what they cover; contributions stay as long as later ones build on them."""
    with transaction(job.state):
        for table, path in made.items():
            is_whole = table in {tables_of(line)[0] for line in job.models.lines}
            keep = KEEP_SNAPSHOTS if is_whole else max(KEEP_SNAPSHOTS, len(covered.runs))
            job.lake.replace(table, path, run_id=run_id, keep=keep)
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


def _counted(engine: duckdb.DuckDBPyConnection, job: Job, made: Mapping[str, Path], fresh: Mapping[str, int]) -> Scored:
    """Count who has a score, each once however many models score it, and which of them kept theirs."""
    rows = {line.model.id: row_count(made[tables_of(line)[0]]) for line in job.models.lines}
    have: dict[str, int] = {}
    kept: dict[str, int] = {}
    for table, (role, _) in SUBJECTS.items():
        lines = job.models.of(role)
        have[table] = sum(rows[line.model.id] for line in lines)
        kept[table] = have[table] - sum(fresh[line.model.id] for line in lines)
        if len(lines) > 1:
            files = [str(made[tables_of(line)[0]]) for line in lines]
            have[table], kept[table] = changes.count_subjects(engine, files, role if RESCORED in made else None)
    return Scored(have["people"], have["accounts"], rows, kept)


def sources(lake: Lake, state: sqlite3.Connection, settings: Settings, as_of: datetime, line: Line) -> dict[str, str]:
    """Name the relations the engine reads for one model: the facts, with the bands of this model.

    previous_band is what people saw last before as_of.
    """
    found = relations(lake, settings, as_of)
    for table, (role, key) in SUBJECTS.items():
        seen = previous_bands(lake, state, as_of, line.seat if role == line.role else role)
        if table in found and seen is not None:
            found[table] = (
                f"(SELECT t.*, b.band AS previous_band FROM {found[table]} t"  # noqa: S608 - a file list of our own making
                f" LEFT JOIN {seen} b ON b.subject_id = t.{key})"
            )
    return found


def previous_bands(lake: Lake, state: sqlite3.Connection, as_of: datetime, seat: str) -> str | None:
    """Give the relation (subject_id, band) of one model as it was seen before as_of; null without any."""
    run_id = bands_run(lake, state, as_of)
    if run_id is None:
        return None
    return f"(SELECT subject_id, band FROM {lake.relation(BANDS, run_id=run_id)} WHERE role = '{seat}')"  # noqa: S608 - as above


def bands_run(lake: Lake, state: sqlite3.Connection, as_of: datetime) -> str | None:
    """Name the run whose plan people saw last before as_of; null without any."""
    for file in reversed(lake.files(BANDS)):
        run = runs.get(state, file.run_id or "")
        if run is not None and run.as_of < as_of:
            return run.run_id
    return None


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
