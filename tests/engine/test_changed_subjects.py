"""Scoring those alone whom a change touches gives the rows that scoring everybody gives: random models and worlds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from connector.engine.changed import Changed
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.engine.scoring import score_subjects
from scoring.model import load_model, load_people_model
from tests.scoring.pairs import TOLERANCE, Pair, pairs
from tests.scoring.running import as_table
from tests.scoring.worlds import LISTS, Row

KEYS = {"people": "person_id", "accounts": "account_id", "events": "event_id"}
Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(pair=pairs(), seed=st.integers(0, 2**32))
def test_the_rows_are_those_of_a_full_run(engine: duckdb.DuckDBPyConnection, pair: Pair, seed: int) -> None:
    note(pair.model)
    before = {name: [dict(row) for row in rows] for name, rows in pair.tables.items()}
    after = changed_world(Random(seed), before)  # noqa: S311 - a repeatable draw is wanted
    people, accounts = touched(before, after)
    ids = sorted(accounts if 'subject = "account"' in pair.model else people)
    with TemporaryDirectory() as made:
        folder = Path(made)
        earlier = score(engine, pair, before, folder / "before", None)
        full = score(engine, pair, after, folder / "full", None)
        subjects = f"(SELECT unnest({ids}::VARCHAR[]) AS subject_id)"
        quick = score(engine, pair, after, folder / "quick", Changed(subjects))
        assert_same_rows(patched(by_subject(earlier), by_subject(quick)), by_subject(full))
        assert by_subject(quick).keys() == set(ids)
        some = {key: rows for key, rows in contributions(full).items() if key in ids}
        assert contributions(quick).keys() == some.keys()


def changed_world(random: Random, tables: Tables) -> Tables:
    """Change a few rows of every table: some go, some take another row's values, some come."""
    return {name: list(_changed(random, name, rows)) if name in KEYS else rows for name, rows in tables.items()}


def _changed(random: Random, name: str, rows: Sequence[Row]) -> Iterator[Row]:
    key = KEYS[name]
    for row in rows:
        drawn = random.random()
        if drawn >= 0.1:
            yield row
        elif drawn >= 0.03:
            yield {**random.choice(rows), key: row[key]}
    if rows and random.random() < 0.5:
        yield {**random.choice(rows), key: f"{name}-new"}


def touched(before: Tables, after: Tables) -> tuple[set[str], set[str]]:
    """Name the people and the accounts that have to be scored anew."""
    differing = {name: set(_differing(before.get(name, []), after.get(name, []), key)) for name, key in KEYS.items()}
    people: set[str | None] = set(differing["people"])
    accounts: set[str | None] = set(differing["accounts"])
    worlds = (before, after)
    for event in (row for world in worlds for row in world.get("events", []) if row["event_id"] in differing["events"]):
        people.add(event.get("person_id"))
        accounts.add(event.get("account_id"))
    rows = [row for world in worlds for row in world.get("people", [])]
    people |= {row["person_id"] for row in rows if row.get("account_id") in differing["accounts"]}
    accounts |= {row.get("account_id") for row in rows if row["person_id"] in people}
    return {who for who in people if who is not None}, {who for who in accounts if who is not None}


def _differing(before: Sequence[Row], after: Sequence[Row], key: str) -> Iterator[str]:
    held: list[dict[str, list[str]]] = [{}, {}]
    for side, rows in zip(held, (before, after), strict=True):
        for row in rows:
            side.setdefault(row[key], []).append(repr(row))
    yield from (name for name in held[0].keys() | held[1].keys() if held[0].get(name) != held[1].get(name))


def score(engine: duckdb.DuckDBPyConnection, pair: Pair, tables: Tables, folder: Path, changed: Changed | None) -> Path:
    """Score a world; gives the file of the scores, which has the contributions beside it."""
    data = folder / "data"
    data.mkdir(parents=True)
    for name, text in (("model", pair.model), ("random", pair.people_model)):
        if text is not None:
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    for name, rows in tables.items():
        if pair.lacking[name] != ("*",):
            pq.write_table(as_table(name, rows, pair.lacking[name]), data / f"{name}.parquet")
    lists = {name: frozenset(entries) for name, entries in LISTS.items()}
    model = load_model(folder / "model.toml", lists)
    score_subjects(
        engine,
        model,
        load_people_model(model, lists),
        as_of=pair.as_of,
        sources=open_tables(engine, data),
        scores_path=folder / "scores.parquet",
        contributions_path=folder / "contributions.parquet",
        changed=changed,
    )
    return folder / "scores.parquet"


def by_subject(scores: Path) -> dict[str, Row]:
    """Read scores by subject, each of whom is there once."""
    rows: list[Row] = pq.read_table(scores).to_pylist()
    found = {row["subject_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def patched(earlier: dict[str, Row], quick: dict[str, Row]) -> dict[str, Row]:
    """Put the rows of those who changed in the place of theirs; who has none any more leaves."""
    gone = {who for who, row in quick.items() if row.pop("_deleted")}
    return {who: row for who, row in (earlier | quick).items() if who not in gone}


def contributions(scores: Path) -> dict[str, list[Row]]:
    """Read the contributions beside a file of scores, by subject."""
    found: dict[str, list[Row]] = {}
    for row in pq.read_table(scores.with_name("contributions.parquet")).to_pylist():
        found.setdefault(row["subject_id"], []).append(row)
    return found


def assert_same_rows(actual: dict[str, Row], expected: dict[str, Row]) -> None:
    assert actual.keys() == expected.keys()
    for subject_id, row in actual.items():
        for name, value in row.items():
            wanted: Any = expected[subject_id][name]
            if isinstance(value, float):
                wanted = pytest.approx(wanted, rel=0, abs=TOLERANCE)
            assert value == wanted, (subject_id, name)
