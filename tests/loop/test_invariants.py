"""What holds whatever happens: people win, nothing unmapped is written, a plan writes nothing and is the same twice."""

from dataclasses import replace
from pathlib import Path

import pytest

from connector import pipeline
from connector.compose import load_parts, open_job
from connector.errors import ConfigError, StalePlan
from connector.job import Job
from connector.pipeline import Options
from connector.plan import Plan, load_plan, save_plan
from mappings.write import written_fields
from tests.loop.loops import CHIEF, CLERK, Loop


def planned(loop: Loop, *, backfill: bool = False) -> Plan:
    """Make a plan."""
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        made = pipeline.plan(job, Options(backfill_tasks=backfill)).plan
    assert made is not None
    return made


def applied(loop: Loop, plan: Plan) -> pipeline.Outcome:
    """Apply a plan."""
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        return pipeline.apply(job, plan, Options())


def owner_of(loop: Loop, who: str) -> str:
    """Tell who owns somebody in the CRM."""
    owner: str = loop.people()[who]["fields"][loop.words.owner]
    return owner


def give(loop: Loop, who: str, to: str) -> None:
    """Let a person give a record to somebody."""
    loop.edit(loop.people()[who], **{loop.words.owner: to})


@pytest.mark.fault("F23", "I7")
def test_an_owner_that_a_person_chose_before_the_plan_stays(fresh: Loop) -> None:
    chosen = owner_of(fresh, "p02")
    give(fresh, "p00", chosen)
    fresh.sync(backfill=True)
    assert (owner_of(fresh, "p00"), owner_of(fresh, "p02")) == (chosen, chosen)


@pytest.mark.fault("F23", "I7")
def test_an_owner_that_a_person_chose_between_plan_and_apply_stays(fresh: Loop) -> None:
    chosen, words = owner_of(fresh, "p02"), fresh.words
    plan = planned(fresh, backfill=True)
    person = fresh.people()["p00"]
    assert next(change for change in plan.changes if change.record_id == person["id"]).owner is not None
    fresh.advance(60)
    give(fresh, "p00", chosen)
    mark = fresh.mark()
    outcome = applied(fresh, plan)
    assert owner_of(fresh, "p00") == chosen
    assert outcome.applied is not None
    assert (outcome.applied.superseded, outcome.applied.rejected) == (1, 0)
    assert not [row for row in fresh.writes(mark) if row["id"] == person["id"] and words.owner in row["after"]]
    assert fresh.people()["p00"]["fields"][words.band] == "hot"  # the rest of the change was made
    assert [task["fields"][words.owner] for task in fresh.tasks_of(person["id"])] == [chosen]


@pytest.mark.fault("F23", "I7")
def test_an_owner_that_a_person_chose_while_a_sync_runs_stays(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, words = owner_of(fresh, "p02"), fresh.words

    def person(_job: Job, _outcome: pipeline.Outcome, _options: Options) -> None:
        give(fresh, "p00", chosen)

    *before, apply = pipeline.STAGES
    monkeypatch.setattr(pipeline, "STAGES", (*before, person, apply))
    mark = fresh.mark()
    outcome = fresh.sync(backfill=True)
    assert owner_of(fresh, "p00") == chosen
    who = fresh.people()["p00"]
    assert who["fields"][words.band] == "hot"  # the rest of the change was made
    ours_of = [row for row in fresh.writes(mark) if row["id"] == who["id"]]
    assert [row for row in ours_of if words.owner in ours(row["before"], row["after"])] == []
    assert outcome.status == "ok"
    monkeypatch.undo()
    fresh.advance(60)
    mark = fresh.mark()
    fresh.sync()
    assert fresh.writes(mark) == []


@pytest.mark.fault("F23", "I7")
def test_an_owner_that_a_person_chose_after_us_stays(synced: Loop) -> None:
    chosen = owner_of(synced, "p02")
    give(synced, "p00", chosen)
    synced.advance(60)
    synced.sync()
    synced.retitle("p00", CLERK)
    synced.sync()
    synced.retitle("p00", CHIEF)  # hot again: the rota may not take it from whom a person gave it to
    synced.sync()
    assert owner_of(synced, "p00") == chosen


@pytest.mark.fault("I8")
def test_nothing_but_mapped_fields_is_written(synced: Loop) -> None:
    settings, _, mapping = load_parts(synced.config)
    assert settings.crm.kind == synced.crm
    allowed = {(name, spec.field) for name, _, spec in written_fields(mapping)}
    allowed |= {(name, synced.words.owner) for name in synced.words.people}
    task = mapping.write.task
    assert task is not None
    allowed |= {(task.object, spec.field) for spec in task.fields.values()}
    allowed |= {(task.object, name) for name in (str(task.key_field), *task.constants)}
    touched = {(row["object"], row["op"]) for row in synced.writes() if row["op"] in ("create", "update", "delete")}
    data = {(name, op) for name, op in touched if name in (*synced.words.people, task.object)}
    assert data == {*((name, "update") for name in synced.words.people), (task.object, "create")}
    for row in synced.writes():
        if row["op"] == "update" and row["object"] in synced.words.people:
            assert {(row["object"], name) for name in ours(row["before"], row["after"])} <= allowed


def ours(before: dict[str, object], after: dict[str, object]) -> set[str]:
    """Name the fields that changed, but for the stamps that a CRM moves itself."""
    moved = {name for name, value in after.items() if before.get(name) != value}
    stamps = ("hs_", "lastmodified", "SystemMod", "LastMod", "hubspot_owner_assigneddate")
    return {name for name in moved if not name.startswith(stamps)}


@pytest.mark.fault("I11")
def test_a_plan_sends_no_write(fresh: Loop) -> None:
    mark, before = fresh.mark(), fresh.control("stats")
    assert planned(fresh, backfill=True).size > 0
    after = fresh.control("stats")
    assert fresh.writes(mark) == []
    assert after["writes"] == before["writes"]


@pytest.mark.fault("I12")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_two_plans_of_one_state_have_the_same_bytes(fresh: Loop, tmp_path: Path) -> None:
    with open_job(fresh.config, writer=True, writes_crm=True) as job:
        pipeline.pull(job)
        as_of = job.connection.server_time_at
    digests = []
    for name in ("one.json", "two.json"):
        with open_job(fresh.config, writer=True, writes_crm=True) as job:
            made = pipeline.plan(job, Options(as_of=as_of, backfill_tasks=True)).plan
        assert made is not None
        digests.append(save_plan(made, tmp_path / name))
    assert digests[0] == digests[1]
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert load_plan(tmp_path / "one.json") == made


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_plan_of_an_older_store_is_refused_and_writes_nothing(fresh: Loop) -> None:
    plan = planned(fresh, backfill=True)
    fresh.retitle("p20", CHIEF)
    with open_job(fresh.config, writer=True) as job:
        pipeline.pull(job)
    mark = fresh.mark()
    with pytest.raises(StalePlan, match="pulled again since"):
        applied(fresh, plan)
    assert fresh.writes(mark) == []
    assert StalePlan.exit_code == 4


@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_plan_of_another_configuration_or_model_is_refused(fresh: Loop) -> None:
    plan = planned(fresh)
    with pytest.raises(StalePlan, match="the configuration changed; the model changed"):
        applied(fresh, replace(plan, config_hash="0", model="other@0"))


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_plan_that_somebody_edited_is_refused(fresh: Loop, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save_plan(planned(fresh, backfill=True), path)
    path.write_text(path.read_text(encoding="utf-8").replace('"hot"', '"warm"', 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="was changed after it was made"):
        load_plan(path)


@pytest.mark.fault("F25", "I6")
def test_an_automation_that_touches_what_we_wrote_makes_no_storm(synced: Loop) -> None:
    person = synced.people()["p00"]
    synced.edit(person, actor="automation", **{synced.words.score: 1 if synced.crm == "salesforce" else "1"})
    synced.advance(60)
    mark = synced.mark()
    synced.sync()
    synced.advance(60)
    synced.sync()
    assert float(synced.people()["p00"]["fields"][synced.words.score]) == 60
    assert len([row for row in synced.writes(mark) if row["op"] == "update"]) == 1
