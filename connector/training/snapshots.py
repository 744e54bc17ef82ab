"""Snapshots: whose state is looked at when, and whether the conversion came within the horizon after it.

A subject's first snapshot is a day after it was created, the others are at the beginnings of months, as long as it was
neither converted nor closed. Where nothing that is known of anybody changes with time, the first says it all. A row
counts only once its whole horizon has passed (a day more, for what is late).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import duckdb

from connector.engine.relations import literal
from connector.training.facts import Facts

Target = Literal["opportunity_created", "closed_won", "accepted", "expansion"]

TARGETS: Final[tuple[Target, ...]] = ("opportunity_created", "closed_won", "accepted", "expansion")
HORIZONS_DAYS: Final = (30, 60, 90, 180)
COVERED: Final = 0.8
ROWS_EACH: Final = 6
MOST_ROWS: Final = 50_000
DAY_S: Final = 86_400
_ENOUGH: Final = 40
_FIRST_CHOICES: Final[tuple[Target, ...]] = ("opportunity_created", "closed_won", "accepted")
_KIND: Final[Mapping[Target, str]] = {"expansion": "closed_won"}
# What ends the time in which a target could still be reached for the first time.
_CLOSED_BY: Final[Mapping[Target, tuple[str, ...]]] = {
    "opportunity_created": ("rejected",),
    "closed_won": ("rejected", "closed_lost"),
    "accepted": ("rejected",),
    "expansion": (),
}


@dataclass(frozen=True)
class Taken:
    """What was looked at: how many snapshots matured, how many did not yet, and how many subjects they are of."""

    rows: int
    immature: int
    subjects: int
    left_out: int
    monthly: bool


def count_outcomes(engine: duckdb.DuckDBPyConnection, facts: Facts) -> dict[str, int]:
    """Count the people that have an outcome of each kind."""
    if "person_id" not in facts.columns["outcomes"]:
        return {}
    rows = engine.execute(
        "SELECT kind, count(DISTINCT person_id) FROM outcomes WHERE person_id IS NOT NULL GROUP BY kind ORDER BY kind"
    ).fetchall()
    return {str(kind): int(n) for kind, n in rows}


def choose_target(counts: Mapping[str, int]) -> Target:
    """Choose what to foretell: the first kind of outcome that enough people have, else the one that most have."""
    enough = [target for target in _FIRST_CHOICES if counts.get(target, 0) >= _ENOUGH]
    return enough[0] if enough else max(_FIRST_CHOICES, key=lambda target: counts.get(target, 0))


def begin(engine: duckdb.DuckDBPyConnection, facts: Facts, target: Target) -> None:
    """Make the tables `spans` (subject_id, start_s, end_s) and `conversions` (subject_id, at_s).

    A span begins as a subject is created, for expansion with the first deal won; it ends with the first conversion or
    as it is closed. Who converted before the first snapshot is not looked at.
    """
    engine.execute(f"""CREATE OR REPLACE TEMPORARY TABLE conversions AS
        {_outcomes_of(facts, (_KIND.get(target, target),))}""")
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE closings AS {_outcomes_of(facts, _CLOSED_BY[target])}")
    if target == "expansion":
        engine.execute("""CREATE OR REPLACE TEMPORARY TABLE spans AS
            SELECT subject_id, min(at_s) AS start_s, NULL::BIGINT AS end_s FROM conversions
            SEMI JOIN people ON person_id = subject_id GROUP BY subject_id""")
        return
    engine.execute("""CREATE OR REPLACE TEMPORARY TABLE spans AS
        SELECT person_id AS subject_id, floor(epoch(any_value(created_at)))::BIGINT AS start_s, min(at_s) AS end_s
        FROM people LEFT JOIN (FROM conversions UNION ALL FROM closings) AS ends ON subject_id = person_id
        WHERE created_at IS NOT NULL GROUP BY person_id""")


def _outcomes_of(facts: Facts, kinds: Sequence[str]) -> str:
    if "person_id" not in facts.columns["outcomes"] or not kinds:
        return "SELECT NULL::VARCHAR AS subject_id, NULL::BIGINT AS at_s WHERE false"
    named = ", ".join(map(literal, kinds))
    return f"""SELECT person_id AS subject_id, floor(epoch(occurred_at))::BIGINT AS at_s FROM outcomes
        WHERE person_id IS NOT NULL AND kind IN ({named})"""  # noqa: S608 - names are quoted


def choose_horizon(engine: duckdb.DuckDBPyConnection, facts: Facts) -> int:
    """Choose the shortest of 30, 60, 90 and 180 days within which 80 % of those who converted did so.

    Counted over subjects that had 180 days, where enough of them converted: the young ones' conversions are all early.
    """
    old = facts.now_s - HORIZONS_DAYS[-1] * DAY_S
    rows = engine.execute(
        """SELECT min(at_s) - start_s - $day AS delay_s, start_s <= $old FROM spans JOIN conversions USING (subject_id)
           WHERE at_s >= start_s + $day GROUP BY subject_id, start_s ORDER BY delay_s""",
        {"old": old, "day": DAY_S},
    ).fetchall()
    delays = [int(delay) for delay, is_old in rows if is_old]
    delays = delays if len(delays) >= _ENOUGH else [int(delay) for delay, _ in rows]
    within = [sum(delay < days * DAY_S for delay in delays) for days in HORIZONS_DAYS]
    enough = [days for days, n in zip(HORIZONS_DAYS, within, strict=True) if n >= COVERED * len(delays)]
    return enough[0] if enough else HORIZONS_DAYS[-1]


def take(engine: duckdb.DuckDBPyConnection, facts: Facts, horizon_days: int, most_rows: int = MOST_ROWS) -> Taken:
    """Make the table `snapshots` (subject_id, as_of_s, converted, ever) of matured rows.

    converted is within the horizon; ever is at any time since, by which fields that know the answer are told.

    Of each subject at most six rows: the first, and others by lot. The lot is drawn among all times until the horizon,
    also those after the subject's end, which give no row: else who converts early would be seen more often than who
    stays, and the rate of conversion be too high. Where that is more than `most_rows`, whole subjects are left out by
    lot; the lot is a hash of the id, so that the same data give the same rows.
    """
    monthly = anything_changes(engine, facts)
    mature = last_mature_s(facts, horizon_days)
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE looks AS
        WITH every AS ({times_of_looks(facts, monthly=monthly)}), drawn AS (
            SELECT subject_id, as_of_s, as_of_s <= {mature} AS is_mature, end_s FROM every
            QUALIFY NOT is_mature OR row_number() OVER (
                PARTITION BY subject_id, is_mature
                ORDER BY is_first DESC, md5(subject_id || ':' || as_of_s)) <= {ROWS_EACH}
        )
        SELECT subject_id, as_of_s, is_mature FROM drawn WHERE end_s IS NULL OR end_s >= as_of_s"""  # noqa: S608 - numbers of our own
    )
    rows, immature = engine.execute(
        "SELECT count(*) FILTER (is_mature), count(*) FILTER (NOT is_mature) FROM looks"
    ).fetchall()[0]
    share = min(1.0, most_rows / rows) if rows else 1.0
    lot = f"('0x' || left(md5(subject_id), 7))::BIGINT < {int(share * 0x10000000)}"
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS
        SELECT subject_id, as_of_s, EXISTS (FROM conversions AS c WHERE c.subject_id = looks.subject_id
            AND c.at_s >= looks.as_of_s AND c.at_s < looks.as_of_s + {horizon_days * DAY_S}) AS converted,
            EXISTS (FROM conversions AS c WHERE c.subject_id = looks.subject_id AND c.at_s >= looks.as_of_s) AS ever
        FROM looks WHERE is_mature AND {lot} ORDER BY as_of_s, subject_id"""  # noqa: S608 - as above
    )
    kept, subjects = engine.execute("SELECT count(*), count(DISTINCT subject_id) FROM snapshots").fetchall()[0]
    return Taken(int(kept), int(immature), int(subjects), int(rows) - int(kept), monthly)


def last_mature_s(facts: Facts, horizon_days: int) -> int:
    """Give the latest time of a look whose whole horizon has passed, and a day more for what is late."""
    return facts.now_s - DAY_S - horizon_days * DAY_S


def times_of_looks(facts: Facts, *, monthly: bool, after_s: int = 0) -> str:
    """Select subject_id, start_s, end_s, as_of_s, is_first of every look between a time and now, also after the end.

    Reads the table `spans`.
    """
    since = f"greatest((SELECT min(start_s) FROM spans), {after_s})"  # noqa: S608 - a number
    return f"""
        WITH months AS (
            SELECT floor(epoch(moment))::BIGINT AS as_of_s FROM (SELECT unnest(generate_series(
                date_trunc('month', make_timestamp({since} * 1000000)),
                make_timestamp({facts.now_s}000000), INTERVAL 1 MONTH)) AS moment)
        ), looks AS (
            SELECT *, start_s + {DAY_S} AS as_of_s, true AS is_first FROM spans
            UNION ALL
            SELECT spans.*, as_of_s, false FROM spans JOIN months ON {monthly} AND as_of_s > start_s + {DAY_S}
        )
        SELECT * FROM looks WHERE as_of_s > {after_s} AND as_of_s <= {facts.now_s}"""  # noqa: S608 - numbers of our own


def anything_changes(engine: duckdb.DuckDBPyConnection, facts: Facts) -> bool:
    """Tell whether a later look at somebody could see anything else: there are events of people, or noted values."""
    wanted = {"events": "person_id", "attributes": "subject_id", "history": "subject_id"}
    return any(
        bool(engine.execute(f"SELECT 1 FROM {name} WHERE {key} IS NOT NULL LIMIT 1").fetchall())  # noqa: S608 - our own names
        for name, key in wanted.items()
        if name in facts.there and key in facts.columns[name]
    )
