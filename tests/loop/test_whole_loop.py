"""From the CRM and back: what stands in the CRM after a run, and what a second run leaves alone."""

import math
import re
from typing import Any

import pytest

from connector.crm.registry import connect
from connector.provisioning import provision
from connector.reading import open_reading
from connector.settings.file import load_settings
from connector.tables import SCORES
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, HOT, Loop, score_fields


def engine_scores(loop: Loop) -> dict[str, dict[str, Any]]:
    """Read what the engine gave, by record id."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        cursor = engine.execute(
            f"SELECT subject_id, total, band, reasons, model_id, model_hash FROM {reading.lake.relation(SCORES)}"  # noqa: S608 - our own files
        )
        names = [column[0] for column in cursor.description or ()]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def hot_tasks(loop: Loop) -> dict[str, list[dict[str, Any]]]:
    """Give the tasks of everybody who has any, by canonical id."""
    found = {who: loop.tasks_of(person["id"]) for who, person in loop.people().items()}
    return {who: tasks for who, tasks in found.items() if tasks}


def test_provision_a_second_time_creates_nothing(fresh: Loop) -> None:
    mark = fresh.mark()
    created, existing = provision(fresh.config)
    assert created == []
    assert len(existing) >= 8
    assert fresh.writes(mark) == []


def test_every_scored_record_carries_what_the_engine_gave(synced: Loop) -> None:
    words, scores = synced.words, engine_scores(synced)
    people = {person["id"]: person["fields"] for person in synced.people().values()}
    assert set(scores) == set(people)
    for record_id, score in scores.items():
        fields = people[record_id]
        assert float(fields[words.score]) == math.floor(score["total"] + 0.5)
        assert fields[words.band] == score["band"]
        assert (fields[words.why] or "") == (score["reasons"] or "")
        assert fields[words.model] == f"{score['model_id']}@{score['model_hash']}"
        assert str(fields[words.scored_at]).startswith("2026-07-01T12:")


def test_bands_are_those_of_the_titles(synced: Loop) -> None:
    bands = {who: person["fields"][synced.words.band] for who, person in synced.people().items()}
    assert {who for who, band in bands.items() if band == "hot"} == set(HOT)
    assert {who for who, band in bands.items() if band == "warm"} == {"p05", "p06", "p07"}


@pytest.mark.fault("I6")
def test_a_second_sync_of_the_same_instant_writes_nothing(synced: Loop) -> None:
    mark = synced.mark()
    with open_reading(synced.config) as reading:
        as_of = reading.scored_at()
    outcome = synced.sync(as_of=as_of)
    assert outcome.plan is not None
    assert outcome.plan.size == 0
    assert synced.writes(mark) == []


@pytest.mark.fault("I6")
def test_time_alone_writes_nothing(synced: Loop) -> None:
    synced.sync()
    synced.advance(1)
    mark = synced.mark()
    assert synced.sync().plan is not None
    assert synced.writes(mark) == []


def test_the_baseline_opens_episodes_without_tasks(fresh: Loop) -> None:
    first = fresh.sync()
    assert first.plan is not None
    assert len(first.plan.opened) == len(HOT)
    assert fresh.tasks() == []
    fresh.advance(60)
    fresh.sync(backfill=True)  # their episodes are open, so nobody enters the band now
    assert fresh.tasks() == []


@pytest.mark.fault("I1")
def test_backfill_makes_one_task_for_each_hot_record(synced: Loop) -> None:
    tasks = hot_tasks(synced)
    assert set(tasks) == set(HOT)
    assert all(len(found) == 1 for found in tasks.values())
    keys = [task["fields"][synced.words.key] for task in synced.tasks()]
    assert len(set(keys)) == len(keys) == len(HOT)
    assert all(key.startswith("ll1-") for key in keys)


def test_tasks_belong_to_somebody_who_works_here_and_are_due_in_an_hour(synced: Loop) -> None:
    words, people = synced.words, synced.people()
    taken = {who: tasks[0]["fields"] for who, tasks in hot_tasks(synced).items()}
    for who, task in taken.items():
        assert str(task[words.due]).startswith("2026-07-01")
        assert re.fullmatch(r"Call .+: hot \(60\)", task[words.subject])
        if who != "p04":  # an owner who left keeps the record and gets no task
            assert task[words.owner] == people[who]["fields"][words.owner]
    assert taken["p04"][words.owner] != people["p04"]["fields"][words.owner]
    assert {taken["p00"][words.owner], taken["p01"][words.owner]} <= pool_ids(synced)
    assert taken["p04"][words.owner] in pool_ids(synced)


def pool_ids(loop: Loop) -> set[str]:
    """Give the ids of the pool's active owners."""
    wanted = {"ana.keller@leadlight.example", "ben.osei@leadlight.example"}
    return {owner.id for owner in connect(load_settings(loop.config)).owners() if owner.email in wanted}


def test_owners_are_set_only_where_nobody_chose_one(synced: Loop) -> None:
    people, owner = synced.people(), synced.words.owner
    chosen = {row["id"] for row in synced.writes() if owner in row["after"] and row["object"] in synced.words.people}
    assert chosen == {people["p00"]["id"], people["p01"]["id"]}
    assert people["p00"]["fields"][owner] != people["p01"]["fields"][owner]  # the work is shared


def test_leaving_the_band_ends_the_episode_and_a_second_crossing_makes_a_second_task(synced: Loop) -> None:
    synced.retitle("p00", DIRECTOR)  # 45 points: below 50, above 40, so still hot
    synced.sync()
    person = synced.people()["p00"]
    assert person["fields"][synced.words.band] == "hot"
    assert len(synced.tasks_of(person["id"])) == 1
    synced.retitle("p00", CLERK)
    left = synced.sync()
    assert left.plan is not None
    assert [(closed.record_id, closed.number) for closed in left.plan.closed] == [(person["id"], 1)]
    assert synced.people()["p00"]["fields"][synced.words.band] == "cold"
    synced.retitle("p00", CHIEF)
    synced.sync()
    keys = {task["fields"][synced.words.key] for task in synced.tasks_of(person["id"])}
    assert len(keys) == 2


def test_somebody_who_becomes_hot_gets_score_owner_and_task_in_one_sync(synced: Loop) -> None:
    synced.retitle("p20", CHIEF)
    synced.sync()
    person = synced.people()["p20"]
    fields = score_fields(synced, person)
    assert (float(fields[synced.words.score]), fields[synced.words.band]) == (60, "hot")
    assert fields[synced.words.owner] in pool_ids(synced)
    assert len(synced.tasks_of(person["id"])) == 1
