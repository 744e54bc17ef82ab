"""The score stage: committed facts in, committed scores and contributions out."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from connector.engine.duckdb import score_subjects
from connector.job import Job
from connector.models import Line
from connector.store import runs
from connector.store.lake import Lake
from connector.store.state import transaction

SCORES = "scores"
CONTRIBUTIONS = "contributions"
ACCOUNT_SCORES = "account_scores"
ACCOUNT_CONTRIBUTIONS = "account_contributions"
PERSON: Final = "person"
ACCOUNT: Final = "account"
TABLES_OF = {PERSON: (SCORES, CONTRIBUTIONS), ACCOUNT: (ACCOUNT_SCORES, ACCOUNT_CONTRIBUTIONS)}
SUBJECTS = {"people": (PERSON, "person_id"), "accounts": (ACCOUNT, "account_id")}
FACTS = ("people", "accounts", "events", "adjustments", "mirror")
_READ = ("people", "accounts", "events", "adjustments")
BANDS = "bands"  # what people saw: kept per applied plan, since hysteresis depends on it


@dataclass(frozen=True)
class Scored:
    """Count what got a score from any model; by_model counts for each, by its id."""

    people: int
    accounts: int
    by_model: Mapping[str, int]


def tables_of(line: Line) -> tuple[str, str]:
    """Name the tables that a model's scores and contributions are kept in."""
    scores, contributions = TABLES_OF[line.role]
    return (
        (scores, contributions) if line.primary else (f"{scores}@{line.model.id}", f"{contributions}@{line.model.id}")
    )


def score_stage(job: Job, run_id: str, as_of: datetime) -> Scored:
    """Score people and accounts with every model as of one instant; register all of it together under the run."""
    job.progress.begin("score")
    counts: dict[str, int] = {}
    made: dict[str, Path] = {}
    with job.engine() as engine:
        for line in job.models.lines:
            files = {table: job.lake.new_file(table) for table in tables_of(line)}
            counts[line.model.id] = _score_line(engine, job, line, as_of, list(files.values()))
            job.progress.advance(counts[line.model.id])
            made |= files
        people = _subjects(engine, job.models.of(PERSON), made, counts)
        accounts = _subjects(engine, job.models.of(ACCOUNT), made, counts)
    with transaction(job.state):
        for table, path in made.items():
            job.lake.replace(table, path, run_id=run_id)
    return Scored(people, accounts, counts)


def _score_line(engine: duckdb.DuckDBPyConnection, job: Job, line: Line, as_of: datetime, files: Sequence[Path]) -> int:
    """Score everybody in a model's audience into two files; returns how many that are."""
    counts = score_subjects(
        engine,
        line.model,
        line.rolled,
        as_of=as_of,
        sources=sources(job.lake, job.state, as_of, line),
        scores_path=files[0],
        contributions_path=files[1],
    )
    return counts.people if line.role == PERSON else counts.accounts


def _subjects(
    engine: duckdb.DuckDBPyConnection, lines: Sequence[Line], made: Mapping[str, Path], counts: Mapping[str, int]
) -> int:
    """Count the people or accounts that got a score, each once however many models score it."""
    if len(lines) < 2:
        return sum(counts[line.model.id] for line in lines)
    files = [str(made[tables_of(line)[0]]) for line in lines]
    row = engine.execute("SELECT count(DISTINCT subject_id) FROM read_parquet(?)", [files]).fetchone()
    return int(row[0]) if row else 0


def sources(lake: Lake, state: sqlite3.Connection, as_of: datetime, line: Line) -> dict[str, str]:
    """Name the relations the engine reads for one model; tables that were never pulled are absent.

    A converted lead is left out: the person is then the contact. previous_band is what people saw last before as_of
    of this model.
    """
    found = {name: relation for name in _READ if (relation := lake.relation(name))}
    if "people" in found and "converted_at" in lake.columns("people"):
        found["people"] = f"(SELECT * FROM {found['people']} WHERE converted_at IS NULL)"  # noqa: S608 - a file list of our own making
    for table, (role, key) in SUBJECTS.items():
        seen = previous_bands(lake, state, as_of, line.seat if role == line.role else role)
        if table in found and seen is not None:
            found[table] = (
                f"(SELECT t.*, b.band AS previous_band FROM {found[table]} t"  # noqa: S608 - as above
                f" LEFT JOIN {seen} b ON b.subject_id = t.{key})"
            )
    return found


def previous_bands(lake: Lake, state: sqlite3.Connection, as_of: datetime, seat: str) -> str | None:
    """Give the relation (subject_id, band) of one model as it was seen before as_of; null without any."""
    for file in reversed(lake.files(BANDS)):
        run = runs.get(state, file.run_id or "")
        if run is not None and run.as_of < as_of:
            relation = lake.relation(BANDS, run_id=run.run_id)
            return f"(SELECT subject_id, band FROM {relation} WHERE role = '{seat}')"  # noqa: S608 - as above
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
