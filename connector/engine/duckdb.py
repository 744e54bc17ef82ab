"""Runs a compiled model on DuckDB, over any relations that DuckDB can read. https://duckdb.org/docs/stable/"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.engine.relations import Relation, literal, quoted, relation
from connector.errors import ConfigError
from scoring.compile import Statement, compile_model
from scoring.explain import Contribution, Explanation, iso
from scoring.model import Model, ModelError

_TABLES = ("people", "accounts", "events")
_LEDGER = "adjustments"
# Times leave as seconds: DuckDB needs one more package to hand times with a zone to Python.
_SCORE = "SELECT * REPLACE (CAST(EPOCH(as_of) AS BIGINT) AS as_of) FROM ({scores})"
_ROWS = """
SELECT rule_id, label, kind, events, CAST(EPOCH(first_at) AS BIGINT), CAST(EPOCH(last_at) AS BIGINT), points
FROM ({contributions}) ORDER BY points DESC, rule_id, kind
"""


@dataclass(frozen=True)
class ScoreCounts:
    """How many people got a score, and how many accounts and events the data hold."""

    people: int
    accounts: int
    events: int


def open_engine(memory_limit_mb: int | None = None, temp_dir: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that takes and gives times as UTC; `temp_dir` is where it spills."""
    config: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": False}
    if memory_limit_mb is not None:
        config["memory_limit"] = f"{memory_limit_mb}MiB"
    if temp_dir is not None:
        config["temp_directory"] = str(temp_dir)
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def score(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
) -> ScoreCounts:
    """Score everybody in the model's audience into zstd Parquet files, each of which appears whole or not at all.

    `sources` gives a SQL relation for people, accounts, events and adjustments; an absent one is an empty table.
    Raises ConfigError when the data lack a field of the model or a key column.
    """
    relations = _relations(connection, sources)
    views = {name: found.view() for name, found in relations.items()}
    statement = _compiled(model, as_of, relations)
    with _prepared(connection, views, statement):
        if contributions_path is not None:
            _write(connection, statement.contributions, contributions_path)
        _write(connection, statement.scores, scores_path)
        people, accounts, events = (_count(connection, table) for table in ("scored", "accounts", "events"))
        return ScoreCounts(people, accounts, events)


def explain(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    subject_id: str,
) -> Explanation:
    """Explain one person's score, reading that person's rows alone; raises ConfigError when there is no score."""
    relations = _relations(connection, sources)
    account_id, previous_band = _facts_of(connection, relations["people"], subject_id)
    views = {
        "people": relations["people"].view({"person_id": subject_id}),
        "accounts": relations["accounts"].view({"account_id": account_id}),
        "events": _events_of(relations["events"], subject_id),
    }
    if _LEDGER in relations:
        views[_LEDGER] = relations[_LEDGER].view({"subject_id": subject_id})
    statement = _compiled(model, as_of, relations)
    with _prepared(connection, views, statement):
        cursor = connection.execute(_SCORE.format(scores=statement.scores))
        names = [str(column[0]) for column in cursor.description or ()]
        score_rows = cursor.fetchall()
        if not score_rows:
            where = f"'{subject_id}' has no score in the model '{model.id}' at {iso(as_of)}"
            raise ConfigError(f"{where}: no such person, created later, or outside the model's audience")
        rows = connection.execute(_ROWS.format(contributions=statement.contributions)).fetchall()
    values = dict(zip(names, score_rows[0], strict=True))
    return Explanation(
        **{**values, "as_of": datetime.fromtimestamp(values["as_of"], UTC)},
        previous_band=previous_band,
        contributions=tuple(_contribution(row) for row in rows),
    )


def _contribution(row: Sequence[Any]) -> Contribution:
    rule_id, label, kind, events, first_s, last_s, points = row
    first_at, last_at = (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC) for seconds in (first_s, last_s)
    )
    return Contribution(rule_id, label, kind, events, first_at, last_at, points)


def _relations(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, str]) -> dict[str, Relation]:
    """Describe the tables that are always there, and the ledger where it is."""
    wanted = (*_TABLES, _LEDGER) if _LEDGER in sources else _TABLES
    return {name: relation(connection, name, sources.get(name)) for name in wanted}


def _compiled(model: Model, as_of: datetime, relations: Mapping[str, Relation]) -> Statement:
    columns = {name: found.types for name, found in relations.items()}
    try:
        return compile_model(model, as_of=as_of, columns=columns)
    except ModelError as error:
        raise ConfigError(error.problems) from None


def _facts_of(
    connection: duckdb.DuckDBPyConnection, people: Relation, subject_id: str
) -> tuple[str | None, str | None]:
    wanted = [people.expressions.get(name, "NULL") for name in ("account_id", "previous_band")]
    only = f"{people.expressions['person_id']} = {literal(subject_id)}"
    select = f"SELECT {', '.join(wanted)} FROM {people.source} WHERE {only}"  # noqa: S608 - quoted
    found = connection.execute(select).fetchall()
    return (found[0][0], found[0][1]) if found else (None, None)


def _events_of(events: Relation, subject_id: str) -> str:
    return events.view({"person_id": subject_id} if "person_id" in events.expressions else {})


@contextmanager
def _prepared(connection: duckdb.DuckDBPyConnection, views: Mapping[str, str], statement: Statement) -> Iterator[None]:
    """Make the views and temporary tables of a statement, and drop them again."""
    try:
        for name, select in views.items():
            connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {select}")
        for text in statement.prepare:
            connection.execute(text)
        yield
    finally:
        for table in ("scored", "clock"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for name in views:
            connection.execute(f"DROP VIEW IF EXISTS {name}")


def _write(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        connection.execute(f"COPY ({select}) TO {literal(str(unfinished))} (FORMAT parquet, COMPRESSION zstd)")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchall()  # noqa: S608 - our own names
    return int(found[0][0])
