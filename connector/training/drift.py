"""What has become of a trained model, from the facts: its scores of today, and of the newest month that has matured.

Rows are taken as training takes them and scored by the statement that scores, each as of its time. Of everybody known
for under a year the last month's rows are held against those that the model learned from. The newest month whose
horizon has ended is held against its outcomes; no row of it is one that the model was trained on.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
from sqlglot import exp

from connector.engine.relations import quoted
from connector.errors import ConfigError
from connector.training.facts import Facts
from connector.training.histories import note_values
from connector.training.snapshots import (
    DAY_S,
    TARGETS,
    Target,
    anything_changes,
    begin,
    last_mature_s,
    times_of_looks,
)
from scoring.dialects import rendered
from scoring.expressions import column, named
from scoring.predict.artefact import TableError, TableModel
from scoring.predict.drift import (
    Drift,
    Realised,
    Reference,
    judge_drift,
    moved_feature,
    moved_scores,
    promise_of,
    realised,
    reference_of,
    rows_needed,
)
from scoring.predict.evaluate_intervals import sigmoid
from scoring.predict.features import feature_statement
from scoring.predict.tables import LOG_ODDS, table_statement, term_bin

WINDOW_S: Final = 31 * DAY_S  # the beginning of a month is in it
MOST_PEOPLE: Final = 20_000
_KEYS: Final = ("subject_id", "as_of_s")


@dataclass(frozen=True)
class Matured:
    """How much has matured that the model did not learn from: people, how many are needed, and when they are there.

    since_s and until_s bound the month; ready_at is null where nobody can say. conversions_since counts the people who
    converted after any row that matured in days_since, the days since the model learned.
    """

    people: int
    needed: int
    since_s: int
    until_s: int
    ready_at: datetime | None
    conversions_since: int = 0
    days_since: float = 0.0

    @property
    def is_enough(self) -> bool:
        """Tell whether anything can be said of them."""
        return self.people >= self.needed


@dataclass(frozen=True)
class Measured:
    """The verdict on one model, with what it was made from; read_as_now are fields without a history."""

    table: TableModel
    drift: Drift
    matured: Matured
    people_now: int
    read_as_now: tuple[str, ...]


def measure(engine: duckdb.DuckDBPyConnection, facts: Facts, table: TableModel) -> Measured:
    """Measure a model of people; raises ConfigError for another one, or where the facts lack what it reads."""
    reference = reference_of(table.card) or _nothing_known(table)
    begin(engine, facts, _target(table))
    monthly = anything_changes(engine, facts)
    matured = _look(engine, facts, table, reference, monthly=monthly)
    noted = note_values(engine, facts)
    _score(engine, facts, table, noted.fields)
    now = _scores_now(engine, reference)
    scores = moved_scores(reference, now) if reference.cuts else None
    features = [moved_feature(one, reference, rows) for one, rows in _features_now(engine, table, reference).items()]
    came = _came_true(engine, reference) if matured.is_enough else None
    fields = [one for one in features if one is not None]
    drift = judge_drift(scores, came, promise_of(table.card), reference, fields)
    read = [feature.field for feature in table.features if feature.kind == "attribute" and feature.field]
    people = engine.execute("SELECT count(DISTINCT subject_id) FROM snapshots WHERE is_now").fetchall()[0][0]
    return Measured(table, drift, matured, int(people), tuple(name for name in read if name not in noted.known))


def _target(table: TableModel) -> Target:
    for target in TARGETS:
        if table.subject == "person" and table.target == target:
            return target
    raise ConfigError(
        f"the model {table.version} foretells {table.target} of {table.subject}s: drift is measured for people and "
        f"{', '.join(TARGETS)}"
    )


def _nothing_known(table: TableModel) -> Reference:
    """Stand in for a card without a reference: what is left is how often the training's rows converted."""
    bins = table.terms[0].bins if table.terms else ()
    n = sum(one.n for one in bins) or table.n_rows
    won = sum(one.n_converted for one in bins) or table.n_conversions
    return Reference(max(1, n), (), (), ((n,),), (won,), {})


def _look(
    engine: duckdb.DuckDBPyConnection, facts: Facts, table: TableModel, reference: Reference, *, monthly: bool
) -> Matured:
    """Make the table `snapshots` of the rows of the last month and of the newest matured one.

    Columns: subject_id, as_of_s, age, is_now, is_matured, converted.
    """
    trained_s = _as_of_s(table) - table.horizon_days * DAY_S
    mature_s, newest_s = last_mature_s(facts, table.horizon_days), facts.now_s - WINDOW_S
    age = " + ".join(["0", *(f"(as_of_s - start_s >= {(days + 1) * DAY_S})::INTEGER" for days in reference.age_days)])
    looks = times_of_looks(facts, monthly=monthly, after_s=min(trained_s, newest_s))
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE seen AS
        SELECT subject_id, as_of_s, {age} AS age FROM ({looks})
        WHERE end_s IS NULL OR end_s >= as_of_s"""  # noqa: S608 - numbers of our own
    )
    matured = replace(
        _matured(engine, facts, table, reference, trained_s),
        conversions_since=_converted_since(engine, table, trained_s, mature_s),
        days_since=max(0.0, (mature_s - trained_s) / DAY_S),
    )
    within = f"as_of_s > {matured.since_s} AND as_of_s <= {mature_s}"
    lots = [
        f"""{which} AND subject_id IN (
            SELECT DISTINCT subject_id FROM seen WHERE {which} ORDER BY md5(subject_id) LIMIT {MOST_PEOPLE})"""  # noqa: S608 - as above
        for which in (f"as_of_s > {newest_s}", within)
    ]
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS
        SELECT *, EXISTS (FROM conversions AS c WHERE c.subject_id = s.subject_id
            AND c.at_s >= s.as_of_s AND c.at_s < s.as_of_s + {table.horizon_days * DAY_S}) AS converted
        FROM (SELECT *, {lots[0]} AS is_now, {lots[1]} AS is_matured FROM seen) AS s
        WHERE is_now OR is_matured ORDER BY as_of_s, subject_id"""  # noqa: S608 - as above
    )
    return matured


def _as_of_s(table: TableModel) -> int:
    try:
        found = datetime.fromisoformat(table.as_of)
    except ValueError:
        raise ConfigError(f"the model {table.version} was trained as of {table.as_of!r}, which is no time") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _matured(
    engine: duckdb.DuckDBPyConnection, facts: Facts, table: TableModel, reference: Reference, trained_s: int
) -> Matured:
    """Choose the newest month that the model did not learn from and whose horizon ended; more months where few came."""
    last_s, needed = last_mature_s(facts, table.horizon_days), rows_needed(reference.rate)
    since_s = last_s
    people = 0
    while people < needed and since_s > trained_s:
        since_s = max(trained_s, since_s - WINDOW_S)
        people = _count(engine, f"as_of_s > {since_s} AND as_of_s <= {last_s}")
    if people >= needed:
        return Matured(people, needed, since_s, last_s, None)
    rows = engine.execute(
        """SELECT as_of_s FROM (SELECT min(as_of_s) AS as_of_s FROM seen WHERE as_of_s > ? GROUP BY subject_id)
           ORDER BY as_of_s LIMIT 1 OFFSET ?""",
        [trained_s, needed - 1],
    ).fetchall()
    at_s = rows[0][0] if rows else _at_pace(engine, facts, trained_s, needed)
    ready = None if at_s is None else datetime.fromtimestamp(at_s + (table.horizon_days + 1) * DAY_S, UTC)
    return Matured(
        people, needed, since_s, last_s, None if ready is None else max(ready, facts.now + timedelta(days=1))
    )


def _converted_since(engine: duckdb.DuckDBPyConnection, table: TableModel, trained_s: int, mature_s: int) -> int:
    return int(
        engine.execute(
            """SELECT count(DISTINCT subject_id) FROM seen AS s JOIN conversions AS c USING (subject_id)
               WHERE as_of_s > ? AND as_of_s <= ? AND at_s >= as_of_s AND at_s < as_of_s + ?""",
            [trained_s, mature_s, table.horizon_days * DAY_S],
        ).fetchall()[0][0]
    )


def _count(engine: duckdb.DuckDBPyConnection, which: str) -> int:
    return int(engine.execute(f"SELECT count(DISTINCT subject_id) FROM seen WHERE {which}").fetchall()[0][0])  # noqa: S608 - numbers of our own


def _at_pace(engine: duckdb.DuckDBPyConnection, facts: Facts, trained_s: int, needed: int) -> int | None:
    """Tell when enough people will have been looked at, if as many come as since the training; null where none came."""
    there, days = _count(engine, f"as_of_s > {trained_s}"), max(1.0, (facts.now_s - trained_s) / DAY_S)
    if not there:
        return None
    return facts.now_s + round((needed - there) / (there / days) * DAY_S)


def _score(engine: duckdb.DuckDBPyConnection, facts: Facts, table: TableModel, known: frozenset[str]) -> None:
    """Make the tables `given` (the features), `scored` (log_odds) and `binned` (a place per feature)."""
    try:
        query = rendered(feature_statement(table.features, facts.columns, known=known), "duckdb")
    except TableError as error:
        raise ConfigError([f"the model {table.version}: {problem}" for problem in error.problems]) from None
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE given AS {query}")
    scored = rendered(table_statement(table, "given", _KEYS, has_nan=False), "duckdb")
    kept = f"SELECT subject_id, as_of_s, {LOG_ODDS} FROM ({scored})"  # noqa: S608 - our own names
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE scored AS {kept}")
    places = [named(term_bin(term, column(term.feature.id)), term.feature.id) for term in table.terms]
    binned = exp.select(*map(column, _KEYS), *places).from_(exp.to_table("given"))
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE binned AS {rendered(binned, 'duckdb')}")


def _scores_now(engine: duckdb.DuckDBPyConnection, reference: Reference) -> list[list[int]]:
    """Count the rows of the last month by age and by tenth of the log-odds."""
    place = " + ".join(["0", *(f"({LOG_ODDS} >= {cut!r}::DOUBLE)::INTEGER" for cut in reference.cuts)])
    return _counted(engine, place, "scored", (len(reference.age_days) + 1, len(reference.cuts) + 1))


def _features_now(
    engine: duckdb.DuckDBPyConnection, table: TableModel, reference: Reference
) -> dict[str, list[list[int]]]:
    """Count the rows of the last month by age and by bin, for every feature of the reference."""
    ages = len(reference.age_days) + 1
    return {
        term.feature.id: _counted(engine, quoted(term.feature.id), "binned", (ages, len(term.bins)))
        for term in table.terms
        if len(reference.features.get(term.feature.id, ())) == len(term.bins)
    }


def _counted(engine: duckdb.DuckDBPyConnection, place: str, of: str, size: tuple[int, int]) -> list[list[int]]:
    found = [[0] * size[1] for _ in range(size[0])]
    rows = engine.execute(
        f"""SELECT age, {place}, count(*) FROM snapshots JOIN {of} USING (subject_id, as_of_s)
            WHERE is_now GROUP BY ALL"""  # noqa: S608 - numbers of our own, ids are quoted
    ).fetchall()
    for age, bin_, n in rows:
        found[age][bin_] = n
    return found


def _came_true(engine: duckdb.DuckDBPyConnection, reference: Reference) -> Realised:
    """Judge the rows of the matured month."""
    rows = engine.execute(
        f"SELECT {LOG_ODDS}, converted::INTEGER, age FROM snapshots JOIN scored USING (subject_id, as_of_s)"  # noqa: S608 - our own names
        " WHERE is_matured ORDER BY as_of_s, subject_id"
    ).fetchall()
    people = engine.execute("SELECT count(DISTINCT subject_id) FROM snapshots WHERE is_matured").fetchall()[0][0]
    log_odds, converted, ages = ([row[place] for row in rows] for place in range(3))
    return realised([sigmoid(one) for one in log_odds], converted, ages, int(people), reference)
