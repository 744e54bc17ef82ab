"""The SLA clock on both CRMs: reminders, breaches and first touches, each once, by the CRM's own time."""

from datetime import timedelta

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import RetryableError
from connector.pipeline import Options
from connector.plan import Plan
from connector.store import clocks
from connector.store.clocks import Clock
from connector.store.state import open_state, utc_text
from tests.loop.loops import CHIEF, CLERK, Loop
from tests.loop.test_incremental_pull import add_call
from tests.loop.test_tasks_in_working_hours import HOURS

CHANNEL = '\n[[channel]]\nid = "sales"\nurl = "json://127.0.0.1:9/nobody?rto=0.2&cto=0.2"\n'
SLA = CHANNEL + '\n[[sla]]\nband = "hot"\nfirst_touch = "1h"\nremind_after = "45m"\nremind = { channel = "sales" }\n'
NOTIFY = 'notify = { channel = "sales" }\n'
PRIORITY = {"salesforce": "Priority", "hubspot": "hs_task_priority"}
DONE = {"salesforce": {"Status": "Completed"}, "hubspot": {"hs_task_status": "COMPLETED"}}
MINUTE_S = 60


def configured(loop: Loop, more: str, *, task_priority: str = "Low") -> Loop:
    """Add an SLA to the configuration; tasks are made with a priority that can be raised."""
    text = loop.config.read_text(encoding="utf-8").replace('priority = "High"', f'priority = "{task_priority}"', 1)
    loop.config.write_text(text + more, encoding="utf-8")
    return loop


def sync(loop: Loop, *, changed_only: bool = False) -> Plan:
    """Run a sync as the daemon does, and give its plan."""
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        plan = pipeline.sync(job, Options(changed_only=changed_only)).plan
    assert plan is not None
    return plan


def crossed(loop: Loop, more: str = SLA) -> str:
    """Let p20 become hot a minute past twelve, with a task, after a first run; gives the record's id."""
    configured(loop, more)
    loop.sync()
    loop.retitle("p20", CHIEF)
    assert [step.name for step in sync(loop).clocks] == ["start"]
    return str(loop.people()["p20"]["id"])


def clock(loop: Loop) -> Clock:
    """Read the only clock there is."""
    state = open_state(loop.folder / "leadlight-store")
    try:
        [only] = clocks.every(state)
    finally:
        state.close()
    return only


def minutes(stopped: Clock) -> int:
    """Give a clock's working time; the sandbox's clock goes on during a test, by some seconds."""
    assert stopped.worked_s is not None
    return round((stopped.worked_s - 10) / 60)


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(step.name, step.at) for step in plan.clocks]


def owner_of(loop: Loop, who: str = "p20") -> str:
    return str(loop.people()[who]["fields"][loop.words.owner])


def task_fields(loop: Loop, record_id: str) -> dict[str, str]:
    [task] = loop.tasks_of(record_id)
    fields: dict[str, str] = task["fields"]
    return fields


@pytest.mark.parametrize("crm", ["hubspot"])
def test_the_first_run_starts_no_clock(fresh: Loop) -> None:
    configured(fresh, SLA)
    first = fresh.sync()
    assert first.plan is not None
    assert len(first.plan.opened) == 5
    fresh.advance(2 * 3600)
    assert steps(sync(fresh)) == []


def test_reminder_and_breach_fall_due_by_time_alone_and_once(fresh: Loop) -> None:
    record_id = crossed(fresh, SLA + 'on_breach = ["notify"]\n' + NOTIFY)
    remind_at, deadline = (utc_text(clock(fresh).started_at + timedelta(minutes=n)) for n in (45, 60))
    fresh.advance(40 * MINUTE_S)
    assert steps(sync(fresh, changed_only=True)) == []
    fresh.advance(6 * MINUTE_S)
    reminded = sync(fresh, changed_only=True)
    assert steps(reminded) == [("remind", remind_at)]
    [notice] = reminded.notices
    assert (notice.record_id, notice.owner_id, notice.channel) == (record_id, owner_of(fresh), "sales")
    fresh.advance(5 * MINUTE_S)
    assert steps(sync(fresh, changed_only=True)) == []
    fresh.advance(20 * MINUTE_S)
    breached = sync(fresh, changed_only=True)
    assert steps(breached) == [("breach", deadline)]
    assert [n.key == notice.key for n in breached.notices] == [False]
    fresh.advance(3600)
    later = sync(fresh, changed_only=True)
    assert (later.clocks, later.notices) == ((), ())


def test_a_call_in_time_ends_the_clock(fresh: Loop) -> None:
    record_id = crossed(fresh)
    fresh.advance(30 * MINUTE_S)
    add_call(fresh, record_id)
    fresh.advance(90 * MINUTE_S)
    assert [step.name for step in sync(fresh).clocks] == ["touch"]
    touched = clock(fresh)
    assert (touched.breached_at, touched.touched_by, minutes(touched)) == (None, "call", 30)
    assert touched.owner_id == owner_of(fresh)
    fresh.advance(3600)
    assert steps(sync(fresh)) == []


@pytest.mark.parametrize("crm", ["hubspot"])
def test_the_clock_goes_on_after_a_breach(fresh: Loop) -> None:
    record_id = crossed(fresh)
    fresh.advance(70 * MINUTE_S)
    assert [step.name for step in sync(fresh).clocks] == ["breach"]
    add_call(fresh, record_id)
    fresh.advance(60)
    assert [step.name for step in sync(fresh).clocks] == ["touch"]
    assert minutes(clock(fresh)) == 70
    assert clock(fresh).breached_at is not None


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_touch_after_a_breach_that_no_run_saw_is_a_breach_without_a_notice(fresh: Loop) -> None:
    record_id = crossed(fresh)
    fresh.advance(70 * MINUTE_S)
    add_call(fresh, record_id)
    fresh.advance(60)
    plan = sync(fresh)
    assert [step.name for step in plan.clocks] == ["breach", "touch"]
    assert plan.notices == ()


def test_completing_our_task_is_a_touch(fresh: Loop) -> None:
    record_id = crossed(fresh)
    [task] = fresh.tasks_of(record_id)
    fresh.advance(20 * MINUTE_S)
    fresh.control("edit", {"actor": "human", "object": fresh.words.task, "id": task["id"], "fields": DONE[fresh.crm]})
    fresh.advance(MINUTE_S)
    assert [step.name for step in sync(fresh).clocks] == ["touch"]
    touched = clock(fresh)
    assert touched.touched_by == "task"
    assert minutes(touched) in (20, 21)  # the sandbox's HubSpot does not say when: it is seen at the next run


@pytest.mark.parametrize("crm", ["salesforce"])
def test_who_leaves_the_band_is_no_breach_and_comes_back_to_the_same_clock(fresh: Loop) -> None:
    crossed(fresh)
    text = fresh.config.read_text(encoding="utf-8")
    fresh.config.write_text(text.replace('band = "hot"', 'band = "hot"\ncool_down = "1d"', 1), encoding="utf-8")
    fresh.retitle("p20", CLERK)
    sync(fresh)
    fresh.advance(3600)
    assert steps(sync(fresh)) == []
    fresh.retitle("p20", CHIEF)
    back = sync(fresh)
    assert (len(back.resumed), steps(back)) == (1, [])
    assert [step.name for step in sync(fresh).clocks] == ["breach"]


def test_a_breach_gives_record_and_task_to_the_next_of_the_pool_once(fresh: Loop) -> None:
    record_id = crossed(fresh, SLA + 'on_breach = ["notify", "reassign"]\n' + NOTIFY)
    before, mark = owner_of(fresh), fresh.mark()
    assert task_fields(fresh, record_id)[fresh.words.owner] == before
    fresh.advance(70 * MINUTE_S)
    plan = sync(fresh)
    [notice] = plan.notices
    after = owner_of(fresh)
    assert after != before
    assert notice.owner_id == after
    assert task_fields(fresh, record_id)[fresh.words.owner] == after
    assert clock(fresh).owner_id == before  # whose breach it is
    fresh.advance(7200)
    assert [change for change in sync(fresh).changes if change.owner] == []
    given = [row for row in fresh.writes(mark) if row["id"] == record_id and fresh.words.owner in row["after"]]
    assert len({row["after"][fresh.words.owner] for row in given}) == 1


@pytest.mark.parametrize("crm", ["salesforce"])
def test_an_owner_whom_a_person_chose_is_told_and_stays(fresh: Loop) -> None:
    record_id = crossed(fresh, SLA + 'on_breach = ["notify", "reassign"]\n' + NOTIFY)
    chosen = fresh.people()["p02"]["fields"][fresh.words.owner]
    fresh.edit(fresh.people()["p20"], **{fresh.words.owner: chosen})
    fresh.advance(70 * MINUTE_S)
    [notice] = sync(fresh).notices
    assert notice.owner_id == chosen
    assert owner_of(fresh) == chosen
    assert len(fresh.tasks_of(record_id)) == 1


def test_a_breach_raises_the_task_and_gives_the_record_to_another_pool_for_good(fresh: Loop) -> None:
    raised = 'on_breach = ["raise"]\npriority = "High"\npool = "senior"\n'
    pool = '\n[[pool]]\nid = "senior"\nowners = ["zoe@sales.example"]\n'
    seniors = fresh.people()["p02"]["fields"][fresh.words.owner]
    record_id = crossed(fresh, SLA + raised + pool)
    assert task_fields(fresh, record_id)[PRIORITY[fresh.crm]].lower() == "low"
    fresh.advance(70 * MINUTE_S)
    sync(fresh)
    task = task_fields(fresh, record_id)
    assert (task[PRIORITY[fresh.crm]].lower(), task[fresh.words.owner]) == ("high", seniors)
    assert owner_of(fresh) == seniors
    fresh.advance(MINUTE_S)
    assert [
        change for change in sync(fresh).changes if change.owner
    ] == []  # the pool of the band's action does not take it back


@pytest.mark.parametrize("change", ["closed", "edited", "deleted"])
def test_a_task_that_a_person_has_taken_up_is_left_alone_at_a_breach(fresh: Loop, change: str) -> None:
    record_id = crossed(fresh, SLA + 'touched_by = ["call"]\non_breach = ["raise"]\npriority = "High"\n')
    [task] = fresh.tasks_of(record_id)
    words = {"object": fresh.words.task, "id": task["id"], "actor": "human"}
    edited = "Normal" if fresh.crm == "salesforce" else "MEDIUM"
    if change == "deleted":
        path = "/services/data/v62.0/sobjects/Task" if fresh.crm == "salesforce" else "/crm/v3/objects/tasks"
        fresh.ask("DELETE", f"{path}/{task['id']}")
    else:
        fields = DONE[fresh.crm] if change == "closed" else {PRIORITY[fresh.crm]: edited}
        fresh.control("edit", {**words, "fields": fields})
    fresh.advance(70 * MINUTE_S)
    mark = fresh.mark()
    assert [step.name for step in sync(fresh).clocks] == ["breach"]
    assert [row for row in fresh.writes(mark) if row["object"] == fresh.words.task] == []
    assert fresh.waiting() == []


@pytest.mark.parametrize("crm", ["hubspot"])
def test_hours_at_night_do_not_count(fresh: Loop) -> None:
    configured(fresh, HOURS + "owner_timezone = false\n")
    record_id = crossed(fresh, SLA)
    fresh.advance(2.5 * 3600)  # 16:31 in Berlin: breached long since
    assert [step.name for step in sync(fresh).clocks] == ["breach"]
    fresh.advance(17 * 3600)  # the next morning, 09:31
    add_call(fresh, record_id)
    fresh.advance(MINUTE_S)
    sync(fresh)
    assert minutes(clock(fresh)) == 2 * 60 + 59 + 31  # from 14:01 to 17:00, and from 09:00 to 09:31


@pytest.mark.fault("F5", "F12")
def test_a_breach_whose_run_was_cut_off_is_carried_out_once_by_the_next(fresh: Loop) -> None:
    record_id = crossed(fresh, SLA + 'on_breach = ["notify", "reassign"]\n' + NOTIFY)
    before = owner_of(fresh)
    fresh.advance(70 * MINUTE_S)
    path = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}[fresh.crm]
    fresh.control("faults", [{"match": {"method": "PATCH|POST", "path_re": path}, "act": {"status": 503}}])
    with pytest.raises(RetryableError):
        sync(fresh)
    fresh.control("faults", method="DELETE")
    assert owner_of(fresh) == before
    given_to = clock(fresh).given_to
    fresh.advance(MINUTE_S)
    again = sync(fresh)
    assert (steps(again), again.notices) == ([], ())  # told and counted once
    assert given_to is not None
    assert owner_of(fresh) == given_to
    fresh.advance(MINUTE_S)
    sync(fresh)
    assert task_fields(fresh, record_id)[fresh.words.owner] == given_to
