"""Measure what it takes to score the few who changed, against scoring everybody, from a store.

    python benchmarks/scoring_changes.py --people 1000000 --events-per-person 20 --changed 0.01 --pairs 3

Every figure is CPU time, user and system, of a whole `leadlight score`, start-up included, and its peak memory. Before
each pair the same share of people, others each time, get another title; with `--with-events` one more event, too, which
costs both sides the search for what new rows of events replace. Ends with 1 where scoring
them takes more than its share of scoring everybody, or where a row differs from that of a full run.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
from rich.console import Console

from benchmarks.processes import BenchmarkError, Ran, compile_sources, configured, run, serving
from benchmarks.scoring_data import AS_OF, World, make_world
from benchmarks.scoring_speed import Figure, Pair, figures_table, median_times, pairs_table, refuse
from connector.store import manifest
from connector.store.lake import Lake
from connector.store.parquet import row_count
from connector.store.state import open_state, transaction

MOST_TIMES = 0.15
KEYS = {"people": "person_id", "accounts": "account_id", "events": "event_id"}
TOUCHED = "touched_people"
_PEOPLE = "SELECT * REPLACE ('Chief Revenue Officer' AS title) FROM {people} WHERE {drawn}"
_EVENTS = """
SELECT 'n{turn}-' || person_id AS event_id, 'demo_request' AS type, {at} AS occurred_at, person_id,
  CAST(NULL AS VARCHAR) AS account_id
FROM {people} WHERE {drawn}
"""
_DIFFERENT = """
WITH ids AS (SELECT DISTINCT person_id AS subject_id FROM {touched})
SELECT COUNT(*) FROM (
  (SELECT subject_id, total, band, reasons FROM {quick} SEMI JOIN ids USING (subject_id))
  EXCEPT (SELECT subject_id, total, band, reasons FROM {full})
)
"""


def stored(world: World, folder: Path) -> None:
    """Put the files of a world into a store, as a first pull leaves them."""
    state = open_state(folder)
    try:
        lake = Lake(folder, state)
        with transaction(state):
            for table, key in KEYS.items():
                path = lake.new_file(table)
                path.unlink()
                path.hardlink_to(world.folder / f"{table}.parquet")
                manifest.add(state, table, path, "base", row_count(path), key=key)
    finally:
        state.close()


def change(folder: Path, share: float, turn: int, *, with_events: bool) -> str:
    """Change a share of the people and note them, as a pull does; gives the relation of the ids."""
    state = open_state(folder)
    try:
        lake = Lake(folder, state)
        drawn = f"hash(person_id, {turn}) / 1.8446744073709552E19 < {share}"
        at = f"TIMESTAMP '{AS_OF.replace(tzinfo=None)}' - INTERVAL 1 HOUR"
        known = {"people": lake.relation("people"), "drawn": drawn, "turn": turn, "at": at}
        ids = f"SELECT person_id FROM {known['people']} WHERE {drawn}"  # noqa: S608 - our own relation
        added = {"people": _PEOPLE.format(**known), TOUCHED: ids}
        added |= {"events": _EVENTS.format(**known)} if with_events else {}
        with duckdb.connect() as session:
            deltas = [
                lake.merge(table, KEYS.get(table, "person_id"), [session.sql(select).to_arrow_table()])
                for table, select in added.items()
            ]
        with transaction(state):
            for delta in deltas:
                lake.commit(delta)
        return lake.relation(TOUCHED) or ""
    finally:
        state.close()


def score(config: Path, turn: int, *words: str) -> Ran:
    """Score a store as of a turn's time."""
    at = AS_OF + timedelta(hours=turn)
    return run("score", "--config", str(config), "--as-of", at.isoformat(), *words)


def newest_scores(folder: Path) -> str:
    """Name the newest scores."""
    state = open_state(folder)
    try:
        return Lake(folder, state).relation("scores") or ""
    finally:
        state.close()


def pair(config: Path, store: Path, asked: argparse.Namespace, turn: int) -> tuple[Pair, int]:
    """Change people, score them, then everybody as of the same time; gives how many rows of theirs differ, too."""
    touched = change(store, asked.changed, turn, with_events=asked.with_events)
    some = score(config, turn, "--changed-only")
    if not some.result["carried_over"]["people"]:
        raise BenchmarkError("everybody was scored, where some were asked for")
    quick = newest_scores(store)
    everybody = score(config, turn)
    with duckdb.connect() as session:
        select = _DIFFERENT.format(touched=touched, quick=quick, full=newest_scores(store))
        different = session.execute(select).fetchall()[0][0]
    return Pair(some, everybody), int(different)


def chosen(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events-per-person", type=float, default=20.0)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--with-events", action="store_true", help="those who change get one more event, too")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every target is met."""
    asked = chosen(words)
    compile_sources()
    console = Console(highlight=False, width=160)
    with tempfile.TemporaryDirectory(prefix="leadlight-changes-") as made:
        folder = Path(made)
        refuse(argparse.Namespace(**vars(asked), pandas=False), folder)
        size = {"people": asked.people, "events_per_person": asked.events_per_person}
        world = make_world(folder / "world", **size, seed=asked.seed)
        console.print(f"{world.people:,} people, {world.events:,} events, {asked.changed:.1%} of the people change")
        with serving("salesforce", folder, people=1, seed=asked.seed):
            config = configured(folder, model=str(world.model))
            store = folder / "leadlight-store"
            stored(world, store)
            score(config, 0)
            found = [pair(config, store, asked, turn) for turn in range(1, asked.pairs + 1)]
    pairs = [one for one, _ in found]
    console.print(pairs_table("everybody", pairs))
    figures = [
        Figure("those who changed / everybody, CPU", median_times(pairs), MOST_TIMES, "x"),
        Figure("rows that differ from those of a full run", sum(rows for _, rows in found), 0, "rows"),
    ]
    console.print(figures_table(figures))
    return 0 if all(one.is_met for one in figures) else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except BenchmarkError as error:
        raise SystemExit(f"scoring: {error}") from None
