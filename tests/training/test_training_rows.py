"""The rows of a training against a plain reading: who was looked at when, what was known then, what came after."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="needs the train extra")

from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.training.candidates import Candidates, candidates
from connector.training.facts import open_facts
from connector.training.histories import Noted, note_values
from connector.training.rows import read_rows
from connector.training.snapshots import Taken, begin, choose_horizon, choose_target, take
from scoring.predict.train_matrix import Rows
from tests.training.crm_world import World, iso, made, write

DAY_S = 86_400
HORIZON_DAYS = 60


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def looked_at(
    folder: Path, horizon_days: int = HORIZON_DAYS, as_of: datetime | None = None
) -> tuple[Rows, Taken, Candidates, Noted]:
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, folder), as_of)
        begin(engine, facts, "opportunity_created")
        taken = take(engine, facts, horizon_days)
        noted = note_values(engine, facts)
        tried = candidates(engine, facts, noted.known)
        return read_rows(engine, facts, tried.features, noted.fields), taken, tried, noted


def month_starts(first_s: int, last_s: int) -> list[int]:
    found, at = [], datetime.fromtimestamp(first_s, UTC).replace(day=1, hour=0, minute=0, second=0)
    while at.timestamp() <= last_s:
        found.append(int(at.timestamp()))
        at = (at + timedelta(days=32)).replace(day=1)
    return found


def plain_rows(world: World, now_s: int, horizon_days: int, most: int | None = 6) -> dict[tuple[str, int], bool]:
    """Say in plain Python which snapshots there are, and how each ended: the first and five times by lot, if open."""
    won = {row["person_id"]: seconds(row["occurred_at"]) for row in world.outcomes}
    found = {}
    for person in world.people:
        name, created_s = person["person_id"], seconds(person["created_at"])
        times = [created_s + DAY_S]
        times += [m for m in month_starts(created_s, now_s) if m > times[0]]
        times = [at_s for at_s in times if at_s + horizon_days * DAY_S <= now_s - DAY_S]
        times[1:] = sorted(times[1:], key=lambda at_s: hashlib.md5(f"{name}:{at_s}".encode()).hexdigest())  # noqa: S324 - a lot
        for at_s in times[:most]:
            if won.get(name, at_s) >= at_s:
                found[name, at_s] = at_s <= won.get(name, -1) < at_s + horizon_days * DAY_S
    return found


def rate_of_month(rows: dict[tuple[str, int], bool], world: World) -> float:
    """Give the rate of conversion of the rows whose person has been known for one to thirty days more."""
    born = {row["person_id"]: seconds(row["created_at"]) + DAY_S for row in world.people}
    ends = [won for (name, at_s), won in rows.items() if DAY_S <= at_s - born[name] < 31 * DAY_S]
    return sum(ends) / len(ends)


def test_every_row_is_one_that_a_plain_reading_takes_and_ends_as_it_says(tmp_path: Path) -> None:
    world = made(400, seed=1)
    now = datetime(2025, 6, 1, tzinfo=UTC)
    rows, taken, _, _ = looked_at(world.write(tmp_path), as_of=now)
    got = {
        (str(who), int(at_s)): bool(won)
        for who, at_s, won in zip(rows.subject, rows.as_of_s, rows.converted, strict=True)
    }
    assert len(got) == len(rows) == taken.rows
    assert got == plain_rows(world, int(now.timestamp()), HORIZON_DAYS)
    assert taken.immature > 0
    won = {row["person_id"]: seconds(row["occurred_at"]) for row in world.outcomes}
    assert rows.ever is not None
    ever = dict(zip(zip(rows.subject, rows.as_of_s, strict=True), rows.ever, strict=True))
    assert {key: bool(y) for key, y in ever.items()} == {key: won.get(key[0], -1) >= key[1] for key in ever}
    assert rows.ever.sum() > rows.converted.sum()


def test_who_converts_early_is_not_seen_more_often_than_who_stays(tmp_path: Path) -> None:
    world = made(1500, seed=4)
    now = datetime(2025, 8, 1, tzinfo=UTC)
    rows, _, _, _ = looked_at(world.write(tmp_path), as_of=now)
    got = {
        (str(who), int(at_s)): bool(y) for who, at_s, y in zip(rows.subject, rows.as_of_s, rows.converted, strict=True)
    }
    every = plain_rows(world, int(now.timestamp()), HORIZON_DAYS, most=None)
    assert len(every) > 1.5 * len(got)
    assert rate_of_month(got, world) == pytest.approx(rate_of_month(every, world), rel=0.15)


def test_features_know_nothing_of_their_own_second_or_later(tmp_path: Path) -> None:
    world = made(300, seed=2)
    rows, _, _, _ = looked_at(world.write(tmp_path))
    events: dict[str, list[tuple[str, int]]] = {}
    for event in world.events:
        events.setdefault(event["person_id"], []).append((event["type"], seconds(event["occurred_at"])))
    for place in range(0, len(rows), 7):
        before = [e for e in events.get(rows.subject[place], []) if e[1] < rows.as_of_s[place]]
        views = [at_s for kind, at_s in before if kind == "page_view"]
        lately = [at_s for at_s in views if rows.as_of_s[place] - at_s < 30 * DAY_S]
        assert rows.numbers["page_view_30d"][place] == len(lately)
        assert rows.numbers["events_ever"][place] == len(before)
        if views:
            assert rows.numbers["page_view_recency_days"][place] == (rows.as_of_s[place] - max(views)) / DAY_S


def test_an_event_of_the_very_second_of_the_snapshot_is_not_known(tmp_path: Path) -> None:
    created = datetime(2025, 1, 10, 12, tzinfo=UTC)
    snapshot = created + timedelta(days=1)
    world = World(people=[{"person_id": "p1", "created_at": iso(created), "seniority": "vp"}])
    times = [snapshot, snapshot - timedelta(seconds=1)] + [snapshot + timedelta(days=400 + n) for n in range(30)]
    world.events = [
        {"event_id": f"e{n}", "type": "page_view", "occurred_at": iso(at), "person_id": "p1"}
        for n, at in enumerate(times)
    ]
    rows, _, _, _ = looked_at(world.write(tmp_path), as_of=snapshot + timedelta(days=500))
    first = rows.as_of_s == snapshot.timestamp()
    assert list(rows.numbers["events_ever"][first]) == [1.0]


def test_a_value_is_what_was_known_then_and_a_change_after_conversion_is_seen(tmp_path: Path) -> None:
    world = made(500, seed=3, notes=True)
    rows, _, tried, noted = looked_at(world.write(tmp_path))
    assert noted.fields == {"segment"}
    assert "segment" not in tried.no_history
    assert "seniority" in tried.no_history
    assert set(rows.texts["segment"]) == {"a", "b"}
    assert noted.changed_after["segment"] == 1.0


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([("old", "new", 5)], "old"),
        ([("a", "b", -5)], "b"),
        ([("a", "b", -5), ("b", "c", 5)], "b"),
        ([("x", "y", 5), ("y", "now", 9)], "x"),
        ([("", "won", 5), ("won", "now", 9)], None),
        ([("a", "", -5), ("", "now", 9)], None),
        ([("a", "b", -9), ("b", "", -5)], None),
        ([], "now"),
    ],
)
def test_a_change_tells_what_stood_before(
    tmp_path: Path, notes: list[tuple[str, str, int]], expected: str | None
) -> None:
    created = datetime(2025, 1, 10, tzinfo=UTC)
    snapshot = created + timedelta(days=1)
    people = [{"person_id": name, "created_at": iso(created), "rating": "now"} for name in ("p1", "p2")]
    write(tmp_path / "people.csv", people)
    changes: list[dict[str, Any]] = [
        {
            "history_id": f"h{n}",
            "object": "Lead",
            "subject_id": "p1",
            "field": "rating",
            "old": old,
            "new": new,
            "changed_at": iso(snapshot + timedelta(days=days)),
        }
        for n, (old, new, days) in enumerate(notes)
    ] or [{"history_id": "h", "object": "Lead", "subject_id": "p9", "field": "rating", "old": "", "new": "",
           "changed_at": iso(created)}]  # fmt: skip
    write(tmp_path / "history.csv", changes)
    rows, _, _, _ = looked_at(tmp_path, as_of=snapshot + timedelta(days=200))
    first = rows.as_of_s == snapshot.timestamp()
    found = dict(zip(rows.subject[first], rows.texts["rating"][first], strict=True))
    assert found == {"p1": expected, "p2": "now"}


def test_the_horizon_is_the_shortest_that_covers_most_conversions(tmp_path: Path) -> None:
    world = World()
    for n in range(200):
        created = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=n)
        world.people.append({"person_id": f"p{n}", "created_at": iso(created)})
        delay = 10 if n % 2 else 50  # half within 30 days, all within 60
        won_at = iso(created + timedelta(days=delay))
        world.outcomes.append({"kind": "opportunity_created", "occurred_at": won_at, "person_id": f"p{n}"})
    world.write(tmp_path)
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, tmp_path), datetime(2025, 6, 1, tzinfo=UTC))
        begin(engine, facts, "opportunity_created")
        assert choose_horizon(engine, facts) == 60


def test_the_target_is_the_first_outcome_that_enough_people_have() -> None:
    assert choose_target({"opportunity_created": 39, "closed_won": 40}) == "closed_won"
    assert choose_target({"opportunity_created": 400, "closed_won": 40}) == "opportunity_created"
    assert choose_target({"accepted": 12, "closed_won": 3}) == "accepted"


def test_an_expansion_begins_with_the_first_deal_and_may_come_again(tmp_path: Path) -> None:
    first = datetime(2024, 1, 15, tzinfo=UTC)
    world = World(people=[{"person_id": p, "created_at": iso(first)} for p in ("once", "twice", "never")])
    won = [("once", 0), ("twice", 0), ("twice", 100)]
    world.outcomes = [
        {"kind": "closed_won", "occurred_at": iso(first + timedelta(days=days)), "person_id": who} for who, days in won
    ]
    world.events = [{"event_id": "e", "type": "page_view", "occurred_at": iso(first), "person_id": "once"}]
    world.write(tmp_path)
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, tmp_path), first + timedelta(days=300))
        begin(engine, facts, "expansion")
        take(engine, facts, 30)
        rows = engine.execute("SELECT subject_id, as_of_s, converted FROM snapshots").fetchall()
    again_s = int((first + timedelta(days=100)).timestamp())
    assert {row[0] for row in rows} == {"once", "twice"}
    assert {at_s for who, at_s, won in rows if won} == {
        at_s for who, at_s, _ in rows if who == "twice" and at_s <= again_s < at_s + 30 * DAY_S
    }
    assert any(at_s > again_s for who, at_s, _ in rows if who == "twice")
