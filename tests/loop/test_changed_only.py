"""Scoring only what changed: the same rows as scoring everybody, and everybody where anything else differs."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.pipeline import Options, Outcome
from connector.reading import open_reading
from connector.tables import tables_of
from tests.loop.loops import CHIEF, DIRECTOR, MODEL, Loop, add_model
from tests.loop.test_account_models import ACCOUNTS, company_record
from tests.loop.test_incremental_pull import add_call

TABLES = ("scores", "account_scores", "scores@second")
SECOND = MODEL.replace('id = "titles"', 'id = "second"')
Rows = dict[str, dict[str, dict[str, Any]]]


def now(loop: Loop) -> datetime:
    """Give the CRM's time."""
    return datetime.fromisoformat(loop.control("clock")["now"]).astimezone(UTC)


def score(loop: Loop, as_of: datetime, *, changed_only: bool = False) -> Outcome:
    """Pull what changed and score it, without writing to the CRM."""
    with open_job(loop.config, writer=True) as job:
        pipeline.pull(job)
        return pipeline.score(job, Options(as_of, changed_only=changed_only))


def rows(loop: Loop) -> Rows:
    """Give the newest scores of every model by subject."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        found: Rows = {}
        for table in TABLES:
            relation = reading.lake.relation(table)
            assert relation is not None
            cursor = engine.execute(f"SELECT * REPLACE (epoch(as_of) AS as_of) FROM {relation}")  # noqa: S608 - a file list
            names = [column[0] for column in cursor.description or ()]
            listed = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            found[table] = {row["subject_id"]: row for row in listed}
            assert len(found[table]) == len(listed)
        return found


def points(loop: Loop) -> dict[str, list[tuple[Any, ...]]]:
    """Give the newest contributions of every model by table of scores, in an order of their own."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        columns = "subject_id, rule_id, kind, events, epoch(first_at), epoch(last_at), points, label"
        select = f"SELECT {columns} FROM {{}} ORDER BY ALL"  # noqa: S608 - constant
        return {
            tables_of(line)[0]: engine.execute(select.format(reading.contributions(line))).fetchall()
            for line in reading.models.lines
        }


def beside(loop: Loop, folder: Path) -> Loop:
    """Copy configuration, models and store, to go another way from here against the same CRM."""
    shutil.copytree(loop.folder, folder, ignore=shutil.ignore_patterns("sandbox.db*", "world"))
    return replace(loop, folder=folder)


@pytest.fixture
def scored(fresh: Loop) -> tuple[Loop, datetime]:
    """Give a loop with models of people and accounts, everybody scored as of the next hour."""
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    add_model(fresh.config, "second.toml", SECOND)
    at = (now(fresh) + timedelta(hours=1)).replace(microsecond=0)
    assert score(fresh, at).kept == {"people": 0, "accounts": 0}
    fresh.advance(60)
    return fresh, at


def change_people(loop: Loop) -> set[str]:
    """Edit, delete and add people and what they did; gives the record ids of all whose scores may change."""
    people = loop.people()
    sent = {who: people[who]["id"] for who in ("p00", "p08", "p09", "p15")}
    loop.retitle("p09", CHIEF)
    add_call(loop, sent["p15"])
    calls = "Task" if loop.crm == "salesforce" else "calls"
    gone = loop.records(calls)[0]
    if loop.crm == "salesforce":
        sent["call"] = gone["fields"]["WhoId"]
        loop.ask("DELETE", f"/services/data/v62.0/sobjects/Lead/{sent['p00']}")
        loop.ask("DELETE", f"/services/data/v62.0/sobjects/Task/{gone['id']}")
    else:
        link = loop.ask("GET", f"/crm/v4/objects/calls/{gone['id']}/associations/contacts")["results"]
        sent["call"] = str(link[0]["toObjectId"])
        loop.ask("DELETE", f"/crm/v3/objects/contacts/{sent['p00']}")
        loop.ask("DELETE", f"/crm/v3/objects/calls/{gone['id']}")
    loop.advance(60)
    return set(sent.values())


def test_at_the_same_time_the_rows_are_those_of_a_full_run(scored: tuple[Loop, datetime], tmp_path: Path) -> None:
    loop, at = scored
    other = beside(loop, tmp_path / "other")
    change_people(loop)
    with open_job(loop.config, writer=True) as job:
        pipeline.pull(job)  # as a run that was cut off after it
    quick, full = score(loop, at, changed_only=True), score(other, at)
    assert quick.kept["people"] >= 18
    assert full.kept == {"people": 0, "accounts": 0}
    assert (quick.scored, quick.by_model) == (full.scored, full.by_model)
    assert rows(loop) == rows(other)
    assert points(loop) == points(other)


def test_later_those_who_changed_are_as_in_a_full_run_and_all_others_as_before(
    scored: tuple[Loop, datetime], tmp_path: Path
) -> None:
    loop, at = scored
    before = rows(loop)
    other = beside(loop, tmp_path / "other")
    touched = change_people(loop)
    later = at + timedelta(days=5)
    score(loop, later, changed_only=True)
    score(other, later)
    quick, full = rows(loop), rows(other)
    for table in ("scores", "scores@second"):
        assert quick[table].keys() == full[table].keys()
        assert {who for who, row in quick[table].items() if row == full[table][who]} == touched & full[table].keys()
        kept = quick[table].keys() - touched
        assert {who: quick[table][who] for who in kept} == {who: before[table][who] for who in kept}
    with open_reading(loop.config) as reading, reading.engine() as engine:
        times = {who: reading.score_at(engine, who, reading.models.lines[0]) for who in quick["scores"]}
    assert {who for who, time in times.items() if time == later} == touched & times.keys()
    assert set(times.values()) == {at, later}


def test_a_changed_company_takes_its_people_with_it(scored: tuple[Loop, datetime], tmp_path: Path) -> None:
    loop, at = scored
    other = beside(loop, tmp_path / "other")
    company = company_record(loop)
    loop.edit(company, **({"Name": "Apex"} if loop.crm == "salesforce" else {"name": "Apex"}))
    loop.retitle("p23", DIRECTOR)
    loop.advance(60)
    later = at + timedelta(days=5)
    outcome = score(loop, later, changed_only=True)
    score(other, later)
    quick, full = rows(loop), rows(other)
    assert outcome.scored["people"] - outcome.kept["people"] == 2
    assert outcome.kept["accounts"] == outcome.scored["accounts"] - 1
    same = {who for who, row in quick["scores"].items() if row == full["scores"][who]}
    assert same == {loop.people()[who]["id"] for who in ("p03", "p23")}
    assert quick["account_scores"][company["id"]] == full["account_scores"][company["id"]]


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_a_person_who_moves_touches_both_companies(scored: tuple[Loop, datetime], tmp_path: Path) -> None:
    loop, at = scored
    old = company_record(loop)
    made = loop.ask("POST", "/services/data/v62.0/sobjects/Account", json={"Name": "Other"})["id"]
    score(loop, at)
    other = beside(loop, tmp_path / "other")
    loop.edit(loop.people()["p03"], AccountId=made)
    task = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "WhatId": old["id"]}
    loop.ask("POST", "/services/data/v62.0/sobjects/Task", json=task)
    loop.advance(60)
    outcome = score(loop, at, changed_only=True)
    score(other, at)
    assert outcome.scored["people"] - outcome.kept["people"] == 1
    assert outcome.scored["accounts"] - outcome.kept["accounts"] == 2
    assert rows(loop) == rows(other)
    assert points(loop) == points(other)


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_a_converted_lead_leaves(scored: tuple[Loop, datetime], tmp_path: Path) -> None:
    loop, at = scored
    other = beside(loop, tmp_path / "other")
    lead = loop.people()["p12"]
    loop.edit(lead, IsConverted=True, ConvertedDate="2026-07-01")
    loop.advance(60)
    outcome = score(loop, at, changed_only=True)
    score(other, at)
    assert outcome.kept["people"] == outcome.scored["people"] == 23
    assert lead["id"] not in rows(loop)["scores"]
    assert rows(loop) == rows(other)
    assert points(loop) == points(other)


def test_what_came_after_the_time_of_a_run_counts_in_the_next(fresh: Loop, tmp_path: Path) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    add_model(fresh.config, "second.toml", SECOND)
    before = now(fresh) - timedelta(days=2)
    add_call(fresh, fresh.people()["p15"]["id"])
    fresh.advance(60)
    score(fresh, before)
    other = beside(fresh, tmp_path / "other")
    later = now(fresh) + timedelta(seconds=1)
    score(fresh, before, changed_only=True)
    score(fresh, later, changed_only=True)
    score(other, later)
    who = fresh.people()["p15"]["id"]
    assert rows(fresh)["scores"][who]["total"] > 9
    assert rows(fresh)["scores"][who] == rows(other)["scores"][who]


@pytest.mark.parametrize("differs", ["model", "time", "mapping", "band", "many"])
def test_everybody_is_scored_where_anything_else_differs(synced: Loop, differs: str) -> None:
    at = now(synced) + timedelta(hours=1)
    score(synced, at)
    assert score(synced, at, changed_only=True).kept["people"] == 24
    config = synced.config.read_text(encoding="utf-8")
    if differs == "model":
        model = synced.folder / "model.toml"
        model.write_text(model.read_text(encoding="utf-8").replace("points = 10", "points = 11"), encoding="utf-8")
    elif differs == "time":
        at -= timedelta(seconds=2)
    elif differs == "mapping":
        fields = f'fields = {{ nickname = "{synced.words.title}" }}'
        own = f'extends = "{synced.crm}"\n[read.{synced.words.people[0]}]\n{fields}\n'
        (synced.folder / "own.toml").write_text(own, encoding="utf-8")
        synced.config.write_text(config.replace(f'mapping = "{synced.crm}"', 'mapping = "own.toml"'), encoding="utf-8")
    elif differs == "band":
        with open_job(synced.config, writer=True, writes_crm=True) as job:
            made = pipeline.plan(job, Options(now(synced))).plan
            assert made is not None
            pipeline.score(job, Options(at))
            pipeline.apply(job, made, Options())
    else:
        for number in range(10, 20):
            synced.edit(synced.people()[f"p{number}"], **{synced.words.title: DIRECTOR})
        synced.advance(60)
    assert score(synced, at, changed_only=True).kept == {"people": 0, "accounts": 0}


def test_a_sync_of_what_changed_writes_what_a_whole_one_writes(synced: Loop) -> None:
    synced.sync()  # sees what the first one wrote
    synced.advance(60)
    synced.retitle("p09", CHIEF)
    with open_job(synced.config, writer=True, writes_crm=True) as job:
        outcome = pipeline.sync(job, Options(changed_only=True))
    assert outcome.as_dict()["scored"]["people"] == 24
    assert outcome.as_dict()["carried_over"]["people"] == 23
    assert synced.people()["p09"]["fields"][synced.words.band] == "hot"
    assert len(synced.tasks_of(synced.people()["p09"]["id"])) == 1
