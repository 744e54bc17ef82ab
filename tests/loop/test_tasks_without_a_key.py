"""Tasks where an org cannot have a unique field: a mark in the body keeps them single, by a weaker promise."""

import contextlib
import shutil

import pytest

from connector.doctor import examine
from connector.errors import RetryableError
from mappings.loader import MappingError, load_mapping
from tests.loop.loops import HOT, Loop

BODY = {"salesforce": "Description", "hubspot": "hs_task_body"}
MAKE = {"salesforce": r"/composite/sobjects$", "hubspot": r"/tasks/batch/create$"}


def without_key(loop: Loop) -> None:
    """Let the mapping keep tasks single by a mark."""
    own = f'extends = "{loop.crm}"\n[write.task]\nkey_in_body = true\n'
    (loop.folder / "own.toml").write_text(own, encoding="utf-8")
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text.replace(f'mapping = "{loop.crm}"', 'mapping = "own.toml"'), encoding="utf-8")


def marks(loop: Loop) -> list[str]:
    """List the marks of the tasks that there are, in order."""
    bodies = [str(task["fields"][BODY[loop.crm]] or "") for task in loop.records(loop.words.task)]
    return sorted(body[body.index("[ll:") : body.index("]", body.index("[ll:"))] for body in bodies if "[ll:" in body)


def lose_the_answer(loop: Loop) -> None:
    """Sync while the CRM makes the tasks and its answer is lost; Salesforce makes records at the same address."""
    method = "POST"
    rule = {"match": {"method": method, "path_re": MAKE[loop.crm]}, "when": "after_commit", "act": {"drop": True}}
    loop.control("faults", [rule])
    with contextlib.suppress(RetryableError):
        loop.sync(backfill=True)
    loop.control("faults", method="DELETE")


def test_tasks_are_made_once_with_a_mark_and_no_key(fresh: Loop) -> None:
    without_key(fresh)
    made = fresh.sync(backfill=True)
    assert made.plan is not None
    assert any("mark in the body" in warning for warning in made.plan.warnings)
    assert fresh.tasks() == []
    assert len(set(marks(fresh))) == len(marks(fresh)) == len(HOT)
    [told] = [check for check in examine(fresh.config) if check.name == "tasks"]
    assert "at most one task, unless an answer is lost" in told.detail
    shutil.rmtree(fresh.folder / "leadlight-store")
    fresh.sync(backfill=True)
    assert len(marks(fresh)) == len(HOT)


def test_a_lost_answer_waits_until_the_task_can_be_found(fresh: Loop) -> None:
    without_key(fresh)
    lose_the_answer(fresh)
    assert len(marks(fresh)) == len(HOT)
    mark = fresh.mark()
    early = fresh.sync()
    assert early.plan is not None
    assert [row for row in fresh.writes(mark) if row["op"] == "create"] == []
    assert fresh.waiting() == ["retry"] * len(HOT)
    fresh.advance(61)
    fresh.sync()
    assert fresh.waiting() == []
    assert len(set(marks(fresh))) == len(marks(fresh)) == len(HOT)


@pytest.mark.parametrize(("lag_s", "twice"), [(30, False), (300, True)])
@pytest.mark.parametrize("crm", ["salesforce"])  # HubSpot's associations and reads by id know no lag
def test_what_is_promised_where_the_crm_shows_a_task_late(fresh: Loop, lag_s: int, twice: bool) -> None:
    without_key(fresh)
    lose_the_answer(fresh)
    fresh.control("settings", {"read_lag_s": lag_s})
    fresh.advance(61)
    fresh.sync()
    assert len(set(marks(fresh))) == len(HOT)
    assert len(marks(fresh)) == (2 if twice else 1) * len(HOT)


@pytest.mark.parametrize("crm", ["salesforce"])
def test_nobody_gets_there_by_leaving_the_key_out(fresh: Loop) -> None:
    assert load_mapping("salesforce").write.task is not None
    own = 'crm = "salesforce"\n[read.Lead]\ntable = "people"\nkind = "lead"\nfields = { email = "Email" }\n'
    path = fresh.folder / "own.toml"
    path.write_text(own + '[write.task]\nobject = "Task"\nfields = { subject = "Subject" }\n', encoding="utf-8")
    with pytest.raises(MappingError, match="key_in_body = true"):
        load_mapping(str(path))


@pytest.mark.fault("F24", "I1", "I8")
@pytest.mark.parametrize("how", ["retry", "lost store"])
def test_a_task_that_a_person_deleted_is_not_made_again(fresh: Loop, how: str) -> None:
    path = "/services/data/v62.0/sobjects/Task" if fresh.crm == "salesforce" else "/crm/v3/objects/tasks"
    made = r"/composite/sobjects$" if fresh.crm == "salesforce" else r"/tasks/batch/upsert$"
    lost: dict[str, object] = {"match": {"method": "POST", "path_re": made}, "when": "after_commit"}
    if how != "lost store":
        fresh.control("faults", [{**lost, "act": {"drop": True}}])
    with contextlib.suppress(RetryableError):
        fresh.sync(backfill=True)
    fresh.control("faults", method="DELETE")
    for task in fresh.tasks():
        fresh.ask("DELETE", f"{path}/{task['id']}")
    assert fresh.tasks() == []
    if how == "lost store":
        shutil.rmtree(fresh.folder / "leadlight-store")
    mark = fresh.mark()
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert fresh.tasks() == []
    assert [row for row in fresh.writes(mark) if row["op"] == "create"] == []
    assert fresh.waiting() == []
