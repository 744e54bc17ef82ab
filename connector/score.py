"""The score stage: committed facts in, committed scores and contributions out."""

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.engine.duckdb import ScoreCounts, score
from connector.job import Job
from connector.store import runs
from connector.store.lake import Lake
from connector.store.state import transaction

SCORES = "scores"
CONTRIBUTIONS = "contributions"
FACTS = ("people", "accounts", "events", "adjustments", "mirror")
_READ = ("accounts", "events", "adjustments")
BANDS = "bands"  # what people saw: kept per applied plan, since hysteresis depends on it


@dataclass(frozen=True)
class Scored:
    """Tell what was scored and where the scores lie; a sync runs one model, of people, so that no account is scored."""

    people: int
    scores: Path
    accounts: int = 0


def score_stage(job: Job, run_id: str, as_of: datetime) -> Scored:
    """Score everybody as of one instant and register the result under the run."""
    job.progress.begin("score")
    scores, contributions = job.lake.new_file(SCORES), job.lake.new_file(CONTRIBUTIONS)
    with job.engine() as engine:
        counts: ScoreCounts = score(
            engine,
            job.model,
            as_of=as_of,
            sources=sources(job.lake, job.state, as_of),
            scores_path=scores,
            contributions_path=contributions,
        )
    with transaction(job.state):
        job.lake.replace(SCORES, scores, run_id=run_id)
        job.lake.replace(CONTRIBUTIONS, contributions, run_id=run_id)
    job.progress.advance(counts.people)
    return Scored(counts.people, scores)


def sources(lake: Lake, state: sqlite3.Connection, as_of: datetime) -> dict[str, str]:
    """Name the relations the engine reads; tables that were never pulled are absent.

    A converted lead is left out: the person is then the contact. previous_band is what people saw last before as_of.
    """
    found = {name: relation for name in _READ if (relation := lake.relation(name))}
    people = lake.relation("people")
    if people is None:
        return found
    unconverted = " WHERE converted_at IS NULL" if "converted_at" in lake.columns("people") else ""
    living = f"(SELECT * FROM {people}{unconverted})"  # noqa: S608 - a file list of our own making
    previous = previous_bands(lake, state, as_of)
    if previous is None:
        return found | {"people": living}
    seen = f"(SELECT subject_id, band AS previous_band FROM {previous})"  # noqa: S608 - as above
    joined = f"(SELECT p.*, b.previous_band FROM {living} p LEFT JOIN {seen} b ON b.subject_id = p.person_id)"  # noqa: S608 - as above
    return found | {"people": joined}


def previous_bands(lake: Lake, state: sqlite3.Connection, as_of: datetime) -> str | None:
    """Give the relation (subject_id, band) that people saw before as_of; null where there is none."""
    for file in reversed(lake.files(BANDS)):
        run = runs.get(state, file.run_id or "")
        if run is not None and run.as_of < as_of:
            return lake.relation(BANDS, run_id=run.run_id)
    return None


def scores_of(job: Job, as_of: datetime, model: str) -> str | None:
    """Find the run that scored as of this instant with this model (id@hash), the newest if several did."""
    for file in reversed(job.lake.files(SCORES)):
        run = runs.get(job.state, file.run_id or "")
        if run is not None and run.as_of == as_of and model.endswith(f"@{run.model_hash}"):
            return run.run_id
    return None


def bands_file(job: Job, scores_run: str) -> Path:
    """Write what people are about to see, subject_id and band, as a file to be registered with the plan."""
    path = job.lake.new_file(BANDS)
    with job.engine() as engine:
        engine.execute(
            f"COPY (SELECT subject_id, band FROM {job.lake.relation(SCORES, run_id=scores_run)} ORDER BY subject_id) "  # noqa: S608 - a file list of our own making
            f"TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return path


def revision(job: Job) -> str:
    """Name the committed facts and the plans applied so far: 12 hex digits that differ where any file of them does."""
    files = [(file.table, file.seq) for table in (*FACTS, BANDS) for file in job.lake.files(table)]
    return hashlib.sha256(repr(files).encode()).hexdigest()[:12]
