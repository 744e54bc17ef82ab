"""Runs the engine on rows of Python dicts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connector.engine.scoring import score_subjects
from scoring.explain import Contribution
from scoring.model import Model

Row = dict[str, Any]
TIME = pa.timestamp("us", tz="UTC")
SCHEMAS: Mapping[str, Mapping[str, pa.DataType]] = {
    "people": {
        **dict.fromkeys(("person_id", "account_id", "kind", "email", "seniority", "title", "country"), pa.string()),
        **dict.fromkeys(("industry", "department", "source", "previous_band", "tier", "buying_role"), pa.string()),
        **dict.fromkeys(("employees", "revenue", "nps"), pa.float64()),
        **dict.fromkeys(("opted_out", "vip"), pa.bool_()),
        **dict.fromkeys(("created_at", "converted_at", "seen_at"), TIME),
        **dict.fromkeys(("technologies", "tags"), pa.list_(pa.string())),
    },
    "accounts": {
        **dict.fromkeys(("account_id", "industry", "type", "tier", "previous_band"), pa.string()),
        **dict.fromkeys(("employees", "revenue"), pa.float64()),
        "technologies": pa.list_(pa.string()),
    },
    "events": {
        **dict.fromkeys(("event_id", "type", "person_id", "account_id", "url", "asset", "source"), pa.string()),
        "occurred_at": TIME,
        "value": pa.float64(),
        "is_bot": pa.bool_(),
        "props": pa.map_(pa.string(), pa.string()),
    },
    "adjustments": {
        **dict.fromkeys(("adjustment_id", "subject_id", "model_id", "op"), pa.string()),
        **dict.fromkeys(("points", "half_life_days"), pa.float64()),
        "effective_at": TIME,
    },
}


def run(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    folder: Path,
    *,
    as_of: datetime,
    people: list[Row],
    accounts: list[Row] | None = None,
    events: list[Row] | None = None,
    adjustments: list[Row] | None = None,
    people_model: Model | None = None,
) -> dict[str, Row]:
    """Score rows; gives each subject's score row with its contributions as `rows`."""
    sources: dict[str, str] = {}
    tables = {"people": people, "accounts": accounts or [], "events": events or []}
    for name, rows in (tables | ({} if adjustments is None else {"adjustments": adjustments})).items():
        connection.register(f"given_{name}", as_table(name, rows))
        sources[name] = f"given_{name}"
    return scored(connection, model, folder, as_of=as_of, sources=sources, people_model=people_model)


def scored(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    folder: Path,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    people_model: Model | None = None,
) -> dict[str, Row]:
    """Score relations; gives each subject's score row with its contributions as `rows`."""
    scores, contributions = folder / "scores.parquet", folder / "contributions.parquet"
    files: Row = {"as_of": as_of, "sources": sources, "scores_path": scores, "contributions_path": contributions}
    score_subjects(connection, model, people_model, **files)
    results: dict[str, Row] = {row["subject_id"]: {**row, "rows": []} for row in read(scores)}
    for row in read(contributions):
        results[row.pop("subject_id")]["rows"].append(Contribution(**row))
    return results


def as_table(name: str, rows: list[Row], lacking: Sequence[str] = ()) -> pa.Table:
    """Make an Arrow table of the canonical types, without the columns that it lacks."""
    kinds = {column: kind for column, kind in SCHEMAS[name].items() if column not in lacking}
    columns = {column: pa.array([cell(row.get(column)) for row in rows], kind) for column, kind in kinds.items()}
    return pa.table(columns)


def cell(value: object) -> object:
    """Give a map as pairs, as Arrow takes it."""
    return list(value.items()) if isinstance(value, dict) else value


def read(path: Path) -> list[Row]:
    """Read a Parquet file as dicts."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows
