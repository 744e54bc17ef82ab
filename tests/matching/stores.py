"""Stores with people and accounts but no CRM, to match in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from connector.engine.duckdb import open_engine
from connector.job import Job
from connector.settings.file import Settings
from connector.settings.lists import ListSettings
from connector.settings.matching import MatchingSettings
from connector.store.lake import Lake
from connector.store.state import open_state

COLUMNS = {
    "people": (
        "person_id", "account_id", "email", "domain", "company", "phone", "postal_code", "country", "owner_id",
        "converted_at",
    ),
    "accounts": ("account_id", "name", "domain", "phone", "postal_code", "country", "type", "owner_id"),
    "outcomes": ("outcome_id", "kind", "account_id"),
}  # fmt: skip
Row = Mapping[str, str | None]


@contextmanager
def store_in(folder: Path, **matching: Any) -> Iterator[Job]:  # noqa: ANN401 - settings of any kind
    """Open a store; what a job has of models and CRM is not there, and nothing here asks for it."""
    settings = Settings.model_construct(matching=MatchingSettings(**matching), lists=ListSettings())
    absent = cast("Any", None)
    with closing(open_state(folder)) as state, open_engine(768, folder / "spill") as duck:
        yield Job(
            settings, absent, absent, folder, state, Lake(folder, state), absent, absent, (), {}, duck,
        )  # fmt: skip


def put(job: Job, table: str, rows: Sequence[Row], gone: Sequence[str] = ()) -> None:
    """Put rows into a table of the store as a pull does."""
    columns = COLUMNS[table]
    page = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})
    job.lake.commit(job.lake.merge(table, columns[0], [page], gone))


def matches(job: Job) -> dict[str, dict[str, Any]]:
    """Give the table of matches by person."""
    relation = job.lake.relation("matches")
    if relation is None:
        return {}
    with closing(job.engine()) as engine:
        cursor = engine.execute(f"SELECT * FROM {relation}")  # noqa: S608 - a file list
        names = [column[0] for column in cursor.description or ()]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def accounts_of(job: Job) -> dict[str, str | None]:
    """Give the account that each person was matched to, null where several were in question."""
    return {person: row["account_id"] for person, row in matches(job).items()}
