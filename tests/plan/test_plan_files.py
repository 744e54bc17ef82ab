"""Plans as files: saved, checked, refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConfigError, UnsafePlan
from connector.plan import (
    Change,
    CreateChange,
    EpisodeChange,
    Guard,
    Plan,
    TaskChange,
    checksum,
    load_plan,
    refuse_unsafe,
    save_plan,
)

PLAN = Plan(
    crm="salesforce",
    as_of="2026-07-01T12:00:00Z",
    model="m@1",
    config_hash="c",
    revision="r",
    baseline=False,
    changes=(
        Change("Lead", "00Q1", {"Score__c": (None, 60), "Why__c": ("Größe", None)}, ("00G1", "005A"), "hot", 60.0),
        Change("Lead", "00Q2", {"Score__c": (1.5, 2)}, None, None, 2.0),
        Change("Lead", "00Q3", {}, (None, "005A"), "hot", 55.0),
    ),
    tasks=(
        TaskChange(
            "Lead", "00Q1", "band:hot", 1, "ll1-1", "hot", "005A", None, "2026-07-01T13:00:00Z", "hot", 60.0, "+60"
        ),
    ),
    opened=(EpisodeChange("Lead", "00Q1", "band:hot", 1),),
    closed=(EpisodeChange("Lead", "00Q2", "band:hot", 3),),
    guards=(Guard("changed_bands", 0.1, 0.5, 100),),
    creates=(CreateChange("Lead", "llp-1", "apollo", ("Email", "LastName")),),
)


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert save_plan(PLAN, path) == checksum(PLAN)
    assert load_plan(path) == PLAN
    assert path.stat().st_mode & 0o077 == 0


def test_a_plan_is_written_over_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("open to all", encoding="utf-8")
    path.chmod(0o644)
    save_plan(replace(PLAN, tasks=()), path)
    assert load_plan(path).tasks == ()
    assert path.stat().st_mode & 0o077 == 0


def test_counts_are_whole_numbers_of_records_owners_and_tasks() -> None:
    assert PLAN.counts() == {"fields": 2, "owners": 2, "tasks": 1, "notices": 0, "joins": 0, "creates": 1}
    assert PLAN.size == 5


@pytest.mark.parametrize("word", ['"00Q2"', '"005A"', '"m@1"', "0.1"])
def test_any_change_of_a_saved_plan_is_noticed(tmp_path: Path, word: str) -> None:
    path = tmp_path / "plan.json"
    save_plan(PLAN, path)
    text = path.read_text(encoding="utf-8")
    assert word in text
    path.write_text(text.replace(word, word.replace("0", "9").replace("m", "n"), 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="changed after it was made"):
        load_plan(path)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "1", "null", '"plan"', "{}", '{"plan": {}}', '{"plan": []}', '{"plan": {"changes": [1]}}'],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="not a plan file"):
        load_plan(path)


def test_a_plan_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such plan file"):
        load_plan(tmp_path / "plan.json")


def test_guards_that_trip_are_all_named_and_each_is_allowed_by_name() -> None:
    guards = (Guard("changed_bands", 0.6, 0.5, 100), Guard("missing_people", 0.9, 0.5, 100), Guard("fine", 0.5, 0.5, 9))
    unsafe = replace(PLAN, guards=guards)
    with pytest.raises(UnsafePlan) as error:
        refuse_unsafe(unsafe)
    assert "changed_bands" in error.value.message
    assert "missing_people" in error.value.message
    assert "fine" not in error.value.message
    with pytest.raises(UnsafePlan, match="missing_people"):
        refuse_unsafe(unsafe, ["changed_bands"])
    refuse_unsafe(unsafe, ["changed_bands", "missing_people"])
    refuse_unsafe(PLAN)
