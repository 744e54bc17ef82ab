"""Explains one score, reading the rows of its record alone. https://duckdb.org/docs/stable/"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.engine.duckdb import LEDGER, compiled, prepared, relations_of
from connector.engine.relations import Relation, literal, quoted
from connector.errors import ConfigError
from scoring.columns import FIRST_PARTY, SEGMENT, when_column
from scoring.explain import Contribution, Explanation, iso
from scoring.model import Model
from scoring.next_band import Standing, next_band
from scoring.specification import every_band, has_third_party
from scoring.statement import Statement

# Times leave as seconds: DuckDB needs one more package to hand times with a zone to Python.
_SCORE = "SELECT * REPLACE (CAST(EPOCH(as_of) AS BIGINT) AS as_of) FROM ({scores})"
_ROWS = """
SELECT rule_id, label, kind, events, CAST(EPOCH(first_at) AS BIGINT), CAST(EPOCH(last_at) AS BIGINT), points
FROM ({contributions}) ORDER BY points DESC, rule_id, kind
"""


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
    relations = relations_of(connection, sources)
    account_id, previous_band = _facts_of(connection, relations["people"], "person_id", subject_id)
    views = {
        "people": relations["people"].view({"person_id": subject_id}),
        "accounts": relations["accounts"].view({"account_id": account_id}),
        "events": _events_of(relations["events"], subject_id),
    }
    if LEDGER in relations:
        views[LEDGER] = relations[LEDGER].view({"subject_id": subject_id})
    statement = compiled(model, None, as_of, relations, kept_in)
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
    relations = relations_of(connection, sources)
    _, previous_band = _facts_of(connection, relations["accounts"], "account_id", subject_id)
    views = {
        "people": relations["people"].view({"account_id": subject_id} if _has_accounts(relations["people"]) else {}),
        "accounts": relations["accounts"].view({"account_id": subject_id}),
        "events": _events_of_account(relations["events"], subject_id),
    }
    if LEDGER in relations:
        views[LEDGER] = relations[LEDGER].view()
    statement = compiled(model, people, as_of, relations, kept_in)
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
    with prepared(connection, views, statement):
        cursor = connection.execute(_SCORE.format(scores=statement.scores))
        names = [str(column[0]) for column in cursor.description or ()]
        score_rows = cursor.fetchall()
        if not score_rows:
            where = f"'{subject_id}' has no score in the model '{model.id}' at {iso(as_of)}"
            raise ConfigError(f"{where}: no such subject, created later, or outside the model's audience")
        rows = connection.execute(_ROWS.format(contributions=statement.contributions)).fetchall()
        terms = connection.execute(_ROWS.format(contributions=statement.terms)).fetchall() if statement.terms else []
        standing = _standing(connection, model)
    values = {name: value for name, value in zip(names, score_rows[0], strict=True) if not name.startswith("pillar_")}
    told = Explanation(
        **{**values, "as_of": datetime.fromtimestamp(values["as_of"], UTC)},
        previous_band=previous_band,
        contributions=tuple(_contribution(row) for row in rows),
        terms=tuple(_contribution(row) for row in terms),
    )
    return replace(told, next_band=next_band(model, told, standing))


def _standing(connection: duckdb.DuckDBPyConnection, model: Model) -> Standing:
    spec = model.spec
    asked = [(segment, band.id) for segment, band in every_band(spec) if band.own_condition is not None]
    return Standing(
        segment=_stored(connection, SEGMENT) if spec.segment else None,
        first_party=_stored(connection, FIRST_PARTY) if has_third_party(spec) else None,
        barred=frozenset(band for band in asked if _stored(connection, when_column(*band)) is not True),
    )


def _stored(connection: duckdb.DuckDBPyConnection, column: str) -> Any:  # noqa: ANN401 - a value of any column
    return connection.execute(f"SELECT {quoted(column)} FROM scored").fetchall()[0][0]  # noqa: S608 - quoted


def _contribution(row: Sequence[Any]) -> Contribution:
    rule_id, label, kind, events, first_s, last_s, points = row
    first_at, last_at = (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC) for seconds in (first_s, last_s)
    )
    return Contribution(rule_id, label, kind, events, first_at, last_at, points)


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
