"""Runs a compiled model on DuckDB, over any relations that DuckDB can read. https://duckdb.org/docs/stable/"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from connector.engine.changed import Changed
from connector.engine.outputs import OutputFile, appending
from connector.engine.parts import PEOPLE_PER_PART, parts_of
from connector.engine.relations import Relation, literal, quoted, relation
from connector.engine.statements import statement_for, statement_key
from connector.errors import ConfigError
from scoring.explain import Contribution, Explanation, iso
from scoring.model import Model
from scoring.next_band import next_band
from scoring.statement import Statement

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
    """How many people or accounts were scored, and how many accounts and events the data hold.

    What the data hold besides is not counted where only those who changed are scored.
    """

    people: int
    accounts: int
    events: int


def open_engine(
    memory_limit_mb: int | None = None, temp_dir: Path | None = None, threads: int = 1
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that takes and gives times as UTC; `temp_dir` is where it spills.

    One thread by default: a second one saves little time and takes a third more CPU and memory, which are not ours
    alone; see docs/adr/0007.
    """
    config: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": False, "threads": threads}
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
    people_per_part: int = PEOPLE_PER_PART,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score everybody in the model's audience into zstd Parquet files, each of which appears whole or not at all.

    `sources` gives a SQL relation for people, accounts, events and adjustments; an absent one is an empty table.
    People are scored in parts of about `people_per_part`, ordered by id, which bounds the memory that it takes. With
    `changed`, only those people are; the scores then hold the earlier rows of all others, the contributions do not.
    `kept_in` is the folder of statements that were compiled before.
    Raises ConfigError when the data lack a field of the model or a key column.
    """
    if model.spec.model.subject != "person":
        where = f"{model.file}: model.subject: '{model.id}' scores accounts, people are scored here"
        raise ConfigError(f"{where}; run `leadlight score --model {model.file} --data DIR`")
    relations = _relations(connection, sources)
    statement = _compiled(model, None, as_of, relations, kept_in)
    read = relations if changed is None else changed.people(relations)
    outputs = _outputs(statement, scores_path, contributions_path)
    people = 0
    with appending(*outputs) as append:
        count = _keep(connection, changed, outputs)
        for part in parts_of(connection, read["people"], people_per_part, count):
            with _prepared(connection, part.views(read), statement):
                append(connection)
                people += _count(connection, "scored")
    if changed is not None:
        return ScoreCounts(people, 0, 0)
    return ScoreCounts(people, *(_rows(connection, relations[name]) for name in ("accounts", "events")))


def score_accounts(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    people: Model | None,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score every account in an account model's audience into the same two Parquet files as `score`.

    `people` is the person model that the roll-up names, null without one. The counts are the people that were scored
    for the roll-up, the accounts that got a score, and the events. With `changed`, only those accounts are scored; the
    scores then hold the earlier rows of all others. Raises ConfigError as `score` does.
    """
    relations = _relations(connection, sources)
    statement = _compiled(model, people, as_of, relations, kept_in)
    read = relations if changed is None else changed.accounts(relations)
    views = {name: found.view() for name, found in read.items()}
    outputs = _outputs(statement, scores_path, contributions_path)
    with appending(*outputs) as append, _prepared(connection, views, statement):
        _keep(connection, changed, outputs)
        append(connection)
        scored_people = _count(connection, "people_scores") if people is not None else 0
        return ScoreCounts(scored_people, _count(connection, "scored"), _count(connection, "events"))


def score_subjects(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    people: Model | None,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score people or accounts, whichever the model is about; raises ConfigError as `score` does."""
    run = partial(score_accounts, people=people) if model.spec.model.subject == "account" else score
    return run(
        connection,
        model,
        as_of=as_of,
        sources=sources,
        scores_path=scores_path,
        contributions_path=contributions_path,
        changed=changed,
        kept_in=kept_in,
    )


def made_by(
    connection: duckdb.DuckDBPyConnection, model: Model, people: Model | None, sources: Mapping[str, str]
) -> str:
    """Name what scores depend on besides the facts: models, lists, compiler, and the columns of the facts.

    Bands seen before are no fact. Raises ConfigError as `score` does.
    """
    relations = _relations(connection, sources)
    columns = {
        name: {column: kind for column, kind in found.types.items() if column not in found.table.reserved}
        for name, found in relations.items()
    }
    return statement_key(model, people, columns)


def explain(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    subject_id: str,
    kept_in: Path | None = None,
) -> Explanation:
    """Explain one person's score, reading that person's rows alone; raises ConfigError when there is no score.

    `kept_in` is the folder of statements that were compiled before.
    """
    relations = _relations(connection, sources)
    account_id, previous_band = _facts_of(connection, relations["people"], "person_id", subject_id)
    views = {
        "people": relations["people"].view({"person_id": subject_id}),
        "accounts": relations["accounts"].view({"account_id": account_id}),
        "events": _events_of(relations["events"], subject_id),
    }
    if _LEDGER in relations:
        views[_LEDGER] = relations[_LEDGER].view({"subject_id": subject_id})
    statement = _compiled(model, None, as_of, relations, kept_in)
    return _explained(connection, model, as_of, views, statement, subject_id, previous_band)


def explain_account(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    people: Model | None,
    as_of: datetime,
    sources: Mapping[str, str],
    subject_id: str,
    kept_in: Path | None = None,
) -> Explanation:
    """Explain one account's score, reading its own rows and its people's; raises ConfigError when there is no score.

    `kept_in` is the folder of statements that were compiled before.
    """
    relations = _relations(connection, sources)
    _, previous_band = _facts_of(connection, relations["accounts"], "account_id", subject_id)
    views = {
        "people": relations["people"].view({"account_id": subject_id} if _has_accounts(relations["people"]) else {}),
        "accounts": relations["accounts"].view({"account_id": subject_id}),
        "events": _events_of_account(relations["events"], subject_id),
    }
    if _LEDGER in relations:
        views[_LEDGER] = relations[_LEDGER].view()
    statement = _compiled(model, people, as_of, relations, kept_in)
    return _explained(connection, model, as_of, views, statement, subject_id, previous_band)


def _events_of_account(events: Relation, account_id: str) -> str:
    """Write the view of an account's own events and those of the people in the view `people`."""
    wanted = {"account_id": f"= {literal(account_id)}", "person_id": "IN (SELECT person_id FROM people)"}
    kept = [f"{events.expressions[name]} {test}" for name, test in wanted.items() if name in events.expressions]
    return f"{events.view()} WHERE {' OR '.join(kept) or 'FALSE'}"


def _has_accounts(people: Relation) -> bool:
    return "account_id" in people.expressions


def _explained(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    as_of: datetime,
    views: Mapping[str, str],
    statement: Statement,
    subject_id: str,
    previous_band: str | None,
) -> Explanation:
    with _prepared(connection, views, statement):
        cursor = connection.execute(_SCORE.format(scores=statement.scores))
        names = [str(column[0]) for column in cursor.description or ()]
        score_rows = cursor.fetchall()
        if not score_rows:
            where = f"'{subject_id}' has no score in the model '{model.id}' at {iso(as_of)}"
            raise ConfigError(f"{where}: no such subject, created later, or outside the model's audience")
        rows = connection.execute(_ROWS.format(contributions=statement.contributions)).fetchall()
        terms = connection.execute(_ROWS.format(contributions=statement.terms)).fetchall() if statement.terms else []
        segment = connection.execute("SELECT segment FROM scored").fetchall()[0][0] if model.spec.segment else None
    values = {name: value for name, value in zip(names, score_rows[0], strict=True) if not name.startswith("pillar_")}
    told = Explanation(
        **{**values, "as_of": datetime.fromtimestamp(values["as_of"], UTC)},
        previous_band=previous_band,
        contributions=tuple(_contribution(row) for row in rows),
        terms=tuple(_contribution(row) for row in terms),
    )
    return replace(told, next_band=next_band(model, told, segment))


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


def _outputs(statement: Statement, scores: Path, contributions: Path | None) -> list[tuple[OutputFile, str]]:
    """Pair the files with what is selected into them."""
    rows = [] if contributions is None else [(OutputFile(contributions, statement.words), statement.contributions)]
    return [*rows, (OutputFile(scores, {}), statement.scores)]


def _keep(
    connection: duckdb.DuckDBPyConnection, changed: Changed | None, outputs: Sequence[tuple[OutputFile, str]]
) -> int | None:
    """Begin the scores with the rows of those who did not change; gives how many others there are at most."""
    if changed is None:
        return None
    ids = changed.ids(connection)
    outputs[-1][0].keep(changed.earlier, ids)
    return len(ids)


def _compiled(
    model: Model, people: Model | None, as_of: datetime, relations: Mapping[str, Relation], kept_in: Path | None = None
) -> Statement:
    columns = {name: found.types for name, found in relations.items()}
    return statement_for(model, people, as_of=as_of, columns=columns, kept_in=kept_in)


def _facts_of(
    connection: duckdb.DuckDBPyConnection, subjects: Relation, key: str, subject_id: str
) -> tuple[str | None, str | None]:
    wanted = [subjects.expressions.get(name, "NULL") for name in ("account_id", "previous_band")]
    only = f"{subjects.expressions[key]} = {literal(subject_id)}"
    select = f"SELECT {', '.join(wanted)} FROM {subjects.source} WHERE {only}"  # noqa: S608 - quoted
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
        for table in ("scored", "people_scores", "clock"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for name in views:
            connection.execute(f"DROP VIEW IF EXISTS {name}")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchall()  # noqa: S608 - our own names
    return int(found[0][0])


def _rows(connection: duckdb.DuckDBPyConnection, of: Relation) -> int:
    found = connection.execute(f"SELECT COUNT(*) FROM {of.source}").fetchall()  # noqa: S608 - our own relation
    return int(found[0][0])
