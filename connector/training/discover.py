"""What the last won deals share against the lost ones: who the people were, and what they did before the first call."""

from dataclasses import dataclass
from typing import Any, Final

import duckdb

from connector.engine.relations import quoted
from connector.training.candidates import candidates
from connector.training.facts import Facts
from connector.training.snapshots import DAY_S
from scoring.dialects import rendered
from scoring.predict.artefact import Feature
from scoring.predict.discover import NEWEST, Shared, shared
from scoring.predict.features import feature_statement

TOUCHES: Final = ("call", "meeting")
WON, LOST = "closed_won", "closed_lost"
_MOST_LEVELS: Final = 50


@dataclass(frozen=True)
class Compared:
    """What was compared: deals won and lost, and what they share; `why` says what is missing where it is empty."""

    won: int
    lost: int
    found: tuple[Shared, ...]
    why: str | None = None


def discover(engine: duckdb.DuckDBPyConnection, facts: Facts, newest: int = NEWEST) -> Compared:
    """Compare the newest won with the newest lost deals, each by its person as of the first call or meeting.

    Without any, or later, as of a day before the deal was decided. Nothing is fitted, and nothing is foretold.
    """
    if "person_id" not in facts.columns["outcomes"]:
        return Compared(0, 0, (), "outcomes name no people: give them a person_id")
    engine.execute(_moments(facts, newest))
    features = [feature for feature in candidates(engine, facts).features if feature.kind != "tenure_days"]
    rows = _rows(engine, facts, features)
    won, lost = ([row for row in rows if row["kind"] == kind] for kind in (WON, LOST))
    if not won or not lost:
        missing = WON if not won else LOST
        return Compared(len(won), len(lost), (), f"no person has an outcome {missing}: both kinds are compared")
    labels = {feature.id: feature.label for feature in features if _tells(rows, feature)}
    return Compared(len(won), len(lost), tuple(shared(won, lost, labels)))


def _moments(facts: Facts, newest: int) -> str:
    """Make `snapshots` (subject_id, as_of_s, kind): of each person the last decision, and when to look."""
    has_events = "events" in facts.there and "person_id" in facts.columns["events"]
    kinds = ", ".join(f"'{name}'" for name in TOUCHES)
    touches = (
        f"SELECT person_id, floor(epoch(min(occurred_at)))::BIGINT AS first_s FROM events WHERE type IN ({kinds})"  # noqa: S608 - our own words
        " GROUP BY person_id"
        if has_events
        else "SELECT NULL::VARCHAR AS person_id, NULL::BIGINT AS first_s WHERE false"
    )
    return f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS
        WITH touches AS ({touches}), decided AS (
            SELECT person_id, arg_max(kind, occurred_at) AS kind, floor(epoch(max(occurred_at)))::BIGINT AS at_s
            FROM outcomes SEMI JOIN people USING (person_id) WHERE kind IN ('{WON}', '{LOST}') GROUP BY person_id)
        SELECT person_id AS subject_id, kind, coalesce(least(first_s, at_s - {DAY_S}), at_s - {DAY_S}) AS as_of_s
        FROM decided LEFT JOIN touches USING (person_id)
        QUALIFY row_number() OVER (PARTITION BY kind ORDER BY at_s DESC, person_id) <= {int(newest)}"""  # noqa: S608 - as above


def _rows(engine: duckdb.DuckDBPyConnection, facts: Facts, features: list[Feature]) -> list[dict[str, Any]]:
    query = rendered(feature_statement(features, facts.columns), "duckdb")
    values = ", ".join(f"f.{quoted(feature.id)}" for feature in features)
    rows: list[dict[str, Any]] = (
        engine.sql(f"""WITH f AS ({query}) SELECT s.kind AS kind, {values} FROM snapshots AS s JOIN f
            ON f.subject_id = s.subject_id AND f.as_of_s = s.as_of_s""")  # noqa: S608 - names are quoted
        .to_arrow_table()
        .to_pylist()
    )
    return rows


def _tells(rows: list[dict[str, Any]], feature: Feature) -> bool:
    """Leave out what is one for all, and texts that nearly everybody has another of."""
    values = {row[feature.id] for row in rows}
    return len(values) > 1 and (feature.role == "numeric" or len(values) <= _MOST_LEVELS)
