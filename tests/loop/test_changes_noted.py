"""Fields as they were: a CRM that keeps no history, what we note of it ourselves, and a training that reads it."""

import json
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("interpret", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

from connector.cli import app
from connector.noting import CHANGES
from connector.reading import open_reading
from connector.store import versions
from connector.training.candidates import candidates
from connector.training.facts import open_facts
from connector.training.histories import note_values
from connector.training.process import train_due
from connector.training.rows import read_rows
from connector.training.snapshots import begin, take
from connector.training.store import newest_pull, past_of, stored_facts
from scoring.predict.artefact import TableModel, read_table, versioned
from tests.loop.loops import CHIEF, CLERK, MODEL, Loop, copy_of, make_template
from tests.training.crm_world import iso, write
from tests.training.test_training_drift import table

DAY_S = 86_400
BEGUN = datetime(2026, 7, 1, tzinfo=UTC)
SYNCED_AFTER_DAYS = (0, 19, 31, 100)
HORIZON_DAYS = 60
Row = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What the test itself did: the loop, the world's people, and each edit as (record, old, new, seen at)."""

    loop: Loop
    people: list[Row]
    edits: list[tuple[str, str, str, datetime]]


def write_world(folder: Path) -> None:
    """Write contacts of nine months: chiefs and those on the plan pro convert more."""
    folder.mkdir(parents=True)
    draw = random.Random(5)  # noqa: S311 - made-up data
    people: list[Row] = []
    outcomes: list[Row] = []
    for place in range(330):
        created = BEGUN - timedelta(days=draw.uniform(12, 270))
        title, plan = (CHIEF if draw.random() < 0.4 else CLERK), draw.choice(["basic", "pro"])
        row = {"person_id": f"p{place:03d}", "kind": "contact", "email": f"p{place}@x{place}.example", "title": title,
               "created_at": iso(created), "segment": draw.choice("ab"), "plan": plan}  # fmt: skip
        people.append(row)
        if draw.random() < 0.1 + 0.3 * (title == CHIEF) + 0.4 * (plan == "pro"):
            won_at = created + timedelta(days=draw.uniform(2, 90))
            outcomes.append({"kind": "opportunity_created", "occurred_at": iso(won_at), "person_id": row["person_id"]})
    write(folder / "people.csv", people)
    write(folder / "outcomes.csv", outcomes)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("noted")
    template = make_template("hubspot", folder / "template", write_world)
    with copy_of("hubspot", template, folder / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL, encoding="utf-8")
        mapping = 'extends = "hubspot"\n[read.contacts.fields]\nsegment = "segment"\nplan = "plan"\n'
        (loop.folder / "mapping.toml").write_text(mapping, encoding="utf-8")
        text = loop.config.read_text(encoding="utf-8").replace('mapping = "hubspot"', 'mapping = "mapping.toml"')
        loop.config.write_text(text, encoding="utf-8")
        people = loop.people()
        yield Story(loop, list(people.values()), live(loop, people))


def live(loop: Loop, people: dict[str, Row]) -> list[tuple[str, str, str, datetime]]:
    """Sync on four days; in between some segments change, and everybody who converted becomes a customer."""
    edits: list[tuple[str, str, str, datetime]] = []
    now = {who: person["fields"]["segment"] for who, person in people.items()}
    won = {row["person_id"] for row in converted(loop)}
    draw = random.Random(6)  # noqa: S311 - made-up data
    for day, before in zip(SYNCED_AFTER_DAYS[1:], SYNCED_AFTER_DAYS, strict=False):
        if not before:
            loop.sync()
        changed = {who: "ba"[now[who] == "b"] for who in sorted(people) if draw.random() < 0.2 and now[who] in "ab"}
        changed |= {who: "customer" for who in sorted(won) if day == SYNCED_AFTER_DAYS[-2]}
        for who, value in changed.items():
            loop.edit(people[who], segment=value)
        loop.advance((day - before) * DAY_S)
        outcome = loop.sync()
        edits += [(people[who]["id"], now[who], value, outcome.as_of) for who, value in changed.items()]
        now |= changed
    return edits


def converted(loop: Loop) -> list[Row]:
    lines = (loop.folder / "world" / "outcomes.csv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]


def test_every_change_is_noted_once_and_nothing_else_is(story: Story) -> None:
    with open_reading(story.loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation(CHANGES)
        columns = "role, subject_id, field, old, new, epoch(changed_at)::BIGINT"
        rows = engine.execute(f"SELECT {columns} FROM {relation}").fetchall()  # noqa: S608 - a file list
        began = past_of(reading, story.loop.config).noted_since
    expected = [
        ("person", record, "people.segment", old, new, int(at.timestamp())) for record, old, new, at in story.edits
    ]
    assert sorted(rows) == sorted(expected)
    assert {"people.segment", "people.seniority", "account.industry"} <= began.keys()
    assert not began.keys() & {"people.email", "people.name", "people.person_id"}
    assert min(began.values()) == max(began.values()) < story.edits[0][3]


def segment_at(story: Story, record: str, first: str, at_s: float) -> str:
    """Say what was known of a segment before a time."""
    seen = [(at, new) for who, _, new, at in story.edits if who == record and at.timestamp() < at_s]
    return max(seen)[1] if seen else first


def test_rows_hold_what_was_known_then(story: Story) -> None:
    with open_reading(story.loop.config) as reading, reading.engine() as engine:
        at = newest_pull(reading)
        facts = open_facts(engine, stored_facts(reading, at), at, past_of(reading, story.loop.config))
        begin(engine, facts, "opportunity_created")
        take(engine, facts, HORIZON_DAYS)
        noted = note_values(engine, facts)
        rows = read_rows(engine, facts, candidates(engine, facts, noted.known).features, noted.fields)
    first = {person["id"]: person["fields"]["segment"] for person in story.people}
    found = list(zip(rows.subject, rows.as_of_s, rows.texts["segment"], strict=True))
    assert {segment for _, _, segment in found} == {"a", "b"}
    assert [row[2] for row in found] == [segment_at(story, str(row[0]), first[row[0]], row[1]) for row in found]
    assert sum(at_s > BEGUN.timestamp() for _, at_s, _ in found) > 100
    assert "segment" in noted.fields
    assert "segment" not in noted.known


def run(*args: str) -> tuple[int, Row]:
    result = CliRunner().invoke(app, [*args, "--json"])
    return result.exit_code, json.loads(result.stdout)


def noted_of(config: Path) -> list[tuple[str, str]]:
    """List what is noted in the store of a configuration: whose, and which field."""
    with open_reading(config) as reading, reading.engine() as engine:
        relation = reading.lake.relation(CHANGES)
        return engine.execute(f"SELECT subject_id, field FROM {relation}").fetchall()  # noqa: S608 - a file list


@pytest.fixture
def aside(story: Story, tmp_path: Path) -> Path:
    """Give a copy of the store beside a configuration for the same CRM."""
    wanted = shutil.ignore_patterns("sandbox.db*", "world")
    return shutil.copytree(story.loop.folder, tmp_path / "aside", ignore=wanted) / "config.toml"


def test_who_is_forgotten_leaves_no_note(story: Story, aside: Path) -> None:
    who = story.edits[0][0]
    before = noted_of(aside)
    result = CliRunner().invoke(app, ["erase", who, "--config", str(aside), "--yes"])
    assert result.exit_code == 0, result.output
    assert sorted(noted_of(aside)) == sorted(row for row in before if row[0] != who)
    assert len(noted_of(aside)) < len(before)


def test_a_field_that_is_read_no_more_leaves_no_note_and_begins_anew(story: Story, aside: Path) -> None:
    mapping = aside.parent / "mapping.toml"
    with_segment = mapping.read_text(encoding="utf-8")
    mapping.write_text(with_segment.replace('segment = "segment"\n', ""), encoding="utf-8")
    replace(story.loop, folder=aside.parent).sync()
    assert noted_of(aside) == []
    mapping.write_text(with_segment, encoding="utf-8")
    again = replace(story.loop, folder=aside.parent).sync()
    assert noted_of(aside) == []
    with open_reading(aside) as reading:
        began = past_of(reading, aside).noted_since
    assert began["people.segment"] == again.as_of > began["people.plan"]


def test_where_notes_are_not_wanted_none_stay_and_none_come(story: Story, aside: Path) -> None:
    text = aside.read_text(encoding="utf-8")
    aside.write_text(f"{text}\n[train]\nnote_changes = false\n", encoding="utf-8")
    loop = replace(story.loop, folder=aside.parent)
    loop.sync()
    assert noted_of(aside) == []
    with open_reading(aside) as reading:
        assert past_of(reading, aside).noted_since == {}


RANK = 'scale = { min = 0, max = 100 }\n[combine]\nkind = "rank"\nmodel = "table.json"\n'


@pytest.fixture
def in_use(aside: Path) -> Path:
    """Give a copy of the store whose model has a trained one, made half a year ago."""
    trained_at = (BEGUN - timedelta(days=90)).isoformat()
    old = versioned(table().model_copy(update={"as_of": trained_at, "horizon_days": HORIZON_DAYS}))
    (aside.parent / "table.json").write_text(old.as_json(), encoding="utf-8")
    (aside.parent / "model.toml").write_text(MODEL.replace('id = "titles"\n', f'id = "titles"\n{RANK}'), "utf-8")
    return aside


def plain_files(story: Story, folder: Path) -> str:
    """Write the world as it is in the store, and what the test itself changed as its history; gives as of when."""
    with open_reading(story.loop.config) as reading, reading.engine() as engine:
        for name, relation in stored_facts(reading, newest_pull(reading)).items():
            if name not in ("history", "adjustments"):
                engine.execute(f"COPY (SELECT * FROM {relation}) TO '{folder / name}.parquet'")  # noqa: S608 - file lists
        as_of = newest_pull(reading).isoformat()
    history = [
        {"history_id": f"h{place}", "object": "contacts", "subject_id": record, "field": "segment", "old": old,
         "new": new, "changed_at": at.isoformat()}
        for place, (record, old, new, at) in enumerate(story.edits)
    ]  # fmt: skip
    write(folder / "history.csv", history)
    return as_of


def test_a_training_that_is_due_learns_what_plain_files_teach_and_changes_nothing(
    story: Story, in_use: Path, tmp_path: Path
) -> None:
    file = (in_use.parent / "table.json").read_bytes()
    text = in_use.read_text(encoding="utf-8")
    in_use.write_text(f"{text}\n[train]\nhorizon_days = {HORIZON_DAYS}\nholdout = 0.4\n", encoding="utf-8")
    train_due(in_use, threading.Event())
    told = run("status", "--config", str(in_use))[1]
    (looked,) = told["training"]
    assert looked["attempt"]["ended"] == "candidate", looked
    assert "train.max_age_days is 30" in looked["attempt"]["because"][0]
    assert told["trained"][0]["candidate"]["version"] == looked["attempt"]["version"]
    assert (in_use.parent / "table.json").read_bytes() == file
    assert told["drift"][0]["version"] == read_table(file).version
    code, again = run("train", "--config", str(in_use), "--if-due")
    assert (code, again["trained"], again["due"]) == (0, None, [])
    assert again["waits"]

    asked = ["--horizon", f"{HORIZON_DAYS}d", "--holdout", "0.4", "--rules", str(in_use.parent / "model.toml")]
    as_of = plain_files(story, tmp_path)
    code, plain = run("train", "--data", str(tmp_path), "-o", str(tmp_path / "plain.json"), *asked, "--as-of", as_of)
    assert code == 0, plain["refused_because"]
    with open_reading(in_use) as reading:
        ours = versions.artefact(reading.state, "titles", looked["attempt"]["version"])
    theirs = read_table((tmp_path / "plain.json").read_bytes())
    assert (ours.terms, ours.intercept) == (theirs.terms, theirs.intercept)
    for name in ("holdout", "reference", "refused_features", "reliability"):
        assert ours.card[name] == theirs.card[name]
    assert "segment" in {one["name"] for one in plain["blocked_features"]}
    assert plain["holdout"]["auc_same_age"] < 0.95


def test_a_refusal_is_told_with_what_is_missing(in_use: Path) -> None:
    code, told = run("train", "--config", str(in_use), "--if-due", "--target", "closed_won")
    assert code == 4
    assert told["attempt"]["ended"] == "refused"
    said = CliRunner().invoke(app, ["status", "--config", str(in_use)]).stdout
    assert "no person has an outcome closed_won" in said


def test_a_model_that_cannot_be_measured_is_told_by_status(in_use: Path) -> None:
    file = in_use.parent / "table.json"
    text = file.read_text(encoding="utf-8").replace('"field": "seniority"', '"field": "gone_field"')
    model = TableModel.model_validate_json(text)
    file.write_text(versioned(model).as_json(), encoding="utf-8")
    refused = CliRunner().invoke(app, ["train", "--config", str(in_use), "--if-due"])
    assert "gone_field" in str(refused.exception)
    (looked,) = run("status", "--config", str(in_use))[1]["training"]
    assert "gone_field" in looked["waits"][0]
    assert looked["attempt"] is None


def test_a_training_that_crashes_or_is_ended_harms_nobody(in_use: Path) -> None:
    crash, sleeper = ("import sys; sys.exit(70)", "import time; time.sleep(600)")
    train_due(in_use, threading.Event(), (sys.executable, "-c", crash))
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    train_due(in_use, stop, (sys.executable, "-c", sleeper))
    assert run("status", "--config", str(in_use))[1]["training"] == []


def test_without_the_extra_one_line_says_what_to_install(in_use: Path) -> None:
    bare = "import sys; sys.modules['interpret'] = None; from connector.cli import main; main()"
    train_due(in_use, threading.Event(), (sys.executable, "-c", bare))
    (looked,) = run("status", "--config", str(in_use))[1]["training"]
    assert looked["attempt"]["ended"] == "failed"
    assert "pip install 'leadlight[train]'" in looked["attempt"]["why_not"][0]
