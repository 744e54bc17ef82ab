"""The score stage: committed facts in, committed scores and contributions out."""

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.engine.duckdb import score, score_accounts
from connector.job import Job
from connector.store import runs
from connector.store.lake import Lake
from connector.store.state import transaction

SCORES = "scores"
CONTRIBUTIONS = "contributions"
ACCOUNT_SCORES = "account_scores"
ACCOUNT_CONTRIBUTIONS = "account_contributions"
PERSON, ACCOUNT = "person", "account"
TABLES_OF = {PERSON: (SCORES, CONTRIBUTIONS), ACCOUNT: (ACCOUNT_SCORES, ACCOUNT_CONTRIBUTIONS)}
FACTS = ("people", "accounts", "events", "adjustments", "mirror")
_READ = ("people", "accounts", "events", "adjustments")
BANDS = "bands"  # what people saw: kept per applied plan, since hysteresis depends on it


@dataclass(frozen=True)
class Scored:
    """Count what got a score."""

    people: int
    accounts: int


def score_stage(job: Job, run_id: str, as_of: datetime) -> Scored:
    """Score people, and accounts where there is a model of them, as of one instant; register both under the run."""
    job.progress.begin("score")
    found = sources(job.lake, job.state, as_of)
    people, accounts = job.models.people, job.models.accounts
    with job.engine() as engine:
        made = _files(job, PERSON)
        scored = score(
            engine, people, as_of=as_of, sources=found, scores_path=made[0], contributions_path=made[1]
        ).people
        companies = 0
        made_accounts = _files(job, ACCOUNT) if accounts else ()
        if accounts and made_accounts:
            companies = score_accounts(
                engine,
                accounts,
                people=job.models.rolled,
                as_of=as_of,
                sources=found,
                scores_path=made_accounts[0],
                contributions_path=made_accounts[1],
            ).accounts
    with transaction(job.state):
        for table, path in zip((*TABLES_OF[PERSON], *TABLES_OF[ACCOUNT]), (*made, *made_accounts), strict=False):
            job.lake.replace(table, path, run_id=run_id)
    job.progress.advance(scored + companies)
    return Scored(scored, companies)


def _files(job: Job, role: str) -> tuple[Path, Path]:
    scores, contributions = TABLES_OF[role]
    return job.lake.new_file(scores), job.lake.new_file(contributions)


def sources(lake: Lake, state: sqlite3.Connection, as_of: datetime) -> dict[str, str]:
    """Name the relations the engine reads; tables that were never pulled are absent.

    A converted lead is left out: the person is then the contact. previous_band is what people saw last before as_of.
    """
    found = {name: relation for name in _READ if (relation := lake.relation(name))}
    if "people" in found and "converted_at" in lake.columns("people"):
        found["people"] = f"(SELECT * FROM {found['people']} WHERE converted_at IS NULL)"  # noqa: S608 - a file list of our own making
    for table, role, key in (("people", PERSON, "person_id"), ("accounts", ACCOUNT, "account_id")):
        seen = previous_bands(lake, state, as_of, role)
        if table in found and seen is not None:
            found[table] = (
                f"(SELECT t.*, b.band AS previous_band FROM {found[table]} t"  # noqa: S608 - as above
                f" LEFT JOIN {seen} b ON b.subject_id = t.{key})"
            )
    return found


def previous_bands(lake: Lake, state: sqlite3.Connection, as_of: datetime, role: str) -> str | None:
    """Give the relation (subject_id, band) of people or accounts as it was seen before as_of; null without one."""
    for file in reversed(lake.files(BANDS)):
        run = runs.get(state, file.run_id or "")
        if run is not None and run.as_of < as_of:
            relation = lake.relation(BANDS, run_id=run.run_id)
            return f"(SELECT subject_id, band FROM {relation} WHERE role = '{role}')"  # noqa: S608 - as above
    return None


def scores_of(job: Job, as_of: datetime, model: str) -> str | None:
    """Find the run that scored as of this instant with these models (id@hash), the newest if several did."""
    for file in reversed(job.lake.files(SCORES)):
        run = runs.get(job.state, file.run_id or "")
        if run is not None and run.as_of == as_of and run.model_hash == model:
            return run.run_id
    return None


def bands_file(job: Job, scores_run: str) -> Path:
    """Write what is about to be seen (role, subject_id, band) as a file to be registered with the plan."""
    path = job.lake.new_file(BANDS)
    relations = {role: job.lake.relation(tables[0], run_id=scores_run) for role, tables in TABLES_OF.items()}
    rows = " UNION ALL ".join(
        f"SELECT '{role}' AS role, subject_id, band FROM {relation}"  # noqa: S608 - file lists of our own making
        for role, relation in relations.items()
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
