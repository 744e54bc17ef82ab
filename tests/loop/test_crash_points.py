"""Killed at every point between two steps, and run again: the CRM holds what an undisturbed run leaves in it."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.children import Children, Order
from benchmarks.small_world import crm_state, waiting, write_small_world
from connector.crash import ARMED, KILLED, TRACE
from connector.sandbox.server import Crm
from tests.loop.loops import CHIEF, CLERK, Loop, copy_of, make_template

AS_OF = "2026-07-02T12:00:00+00:00"
EVERY = "CRASH_POINTS"  # how many points to try; `all` tries each of them
SAMPLE = 2
TASKS_SENT = ("send: made, not linked", "send: answered")  # the last of each is tried in any case


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """Give a process that forks."""
    with Children() as forking:
        yield forking


@pytest.fixture(scope="module")
def small_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a small provisioned sandbox that was never synced."""
    return lambda crm: make_template(crm, tmp_path_factory.mktemp(f"{crm}-small"), write_small_world)


def begun(loop: Loop) -> None:
    """Let the store and the first tasks be made; where leads and contacts are apart, both need owners of one pool."""
    if loop.crm == "salesforce":
        users = {one["fields"].get("Username"): one["id"] for one in loop.records("User")}
        for who in ("p03", "p06"):
            loop.edit(loop.people()[who], OwnerId=users[loop.ready["username"]])


def changed(loop: Loop) -> None:
    """Sync once, then let people come and go: bands rise and fall, an owner is chosen, a task is closed."""
    loop.sync(backfill=True)
    loop.advance(60)
    for who, title in {"p00": CLERK, "p07": CHIEF, "p05": CHIEF, "p11": CHIEF}.items():
        loop.edit(loop.people()[who], **{loop.words.title: title})
    foreign = loop.people()["p02"]["fields"][loop.words.owner]
    loop.edit(loop.people()["p01"], **{loop.words.owner: foreign})
    status, done = ("Status", "Completed") if loop.crm == "salesforce" else ("hs_task_status", "COMPLETED")
    loop.edit(loop.tasks()[0] | {"object": loop.words.task}, **{status: done})
    loop.advance(60)


def sampled(points: list[str]) -> list[int]:
    """Choose at which of the points that a run passes to die, counted from 1."""
    asked, count = os.environ.get(EVERY, str(SAMPLE)), len(points)
    tries = count if asked == "all" else min(int(asked), count)
    spread = {1 + (count - 1) * at // max(tries - 1, 1) for at in range(tries)}
    return sorted(spread | {count - points[::-1].index(name) for name in TASKS_SENT if name in points})


@pytest.mark.fault("F12", "F13", "I4")
@pytest.mark.parametrize("before", [begun, changed])
def test_a_run_that_died_anywhere_ends_as_if_it_had_not(
    crm: Crm, before: Callable[[Loop], None], small_of: Callable[[Crm], Path], children: Children, tmp_path: Path
) -> None:
    with copy_of(crm, small_of(crm), tmp_path / "start") as loop:
        before(loop)
    trace = tmp_path / "trace.txt"
    with copy_of(crm, tmp_path / "start", tmp_path / "whole") as loop:
        ended = children.run(Order(str(loop.config), as_of=AS_OF, environment={TRACE: str(trace)}))
        assert ended.code == 0, ended.said
        whole, points = crm_state(loop), trace.read_text("utf-8").splitlines()
    assert {"pull: a page", "score: files written", "plan: made", "send: answered", "after commit"} <= set(points)
    assert crm == "salesforce" or "send: made, not linked" in points
    for number in sampled(points):
        with copy_of(crm, tmp_path / "start", tmp_path / f"at-{number}") as loop:
            died_and_resumed(loop, children, number, where := f"point {number}, {points[number - 1]}")
            assert crm_state(loop) == whole, where
            assert waiting(loop) == [], where
            assert [key for key, n in made(loop).items() if n > 1] == [], where


@pytest.mark.fault("F24", "I1")
def test_a_task_that_a_person_deleted_before_we_heard_of_it_is_not_made_again(
    crm: Crm, small_of: Callable[[Crm], Path], children: Children, tmp_path: Path
) -> None:
    tasks_sent = {"salesforce": 3, "hubspot": 2}[crm]  # after leads and contacts, who are one object in HubSpot
    with copy_of(crm, small_of(crm), tmp_path / "loop") as loop:
        killed = children.run(Order(str(loop.config), environment={ARMED: f"send: answered:{tasks_sent}"}))
        tasks = loop.tasks()
        assert (killed.code, len(tasks)) == (KILLED, 6)
        deleted: dict[str, object] = {"IsDeleted": True} if crm == "salesforce" else {"archived": True}
        loop.control("edit", {"object": loop.words.task, "id": tasks[0]["id"], "fields": deleted})
        loop.advance(60)
        ended = children.run(Order(str(loop.config)))
        assert ended.code == 0, ended.said
        assert {one["id"] for one in loop.tasks()} == {one["id"] for one in tasks[1:]}
        assert waiting(loop) == []


def died_and_resumed(loop: Loop, children: Children, number: int, where: str) -> None:
    """Kill a sync at a point, and run it again with the same instant."""
    killed = children.run(Order(str(loop.config), as_of=AS_OF, environment={ARMED: f":{number}"}))
    assert killed.code == KILLED, f"{where}: {killed.said}"
    ended = children.run(Order(str(loop.config), as_of=AS_OF))
    assert ended.code == 0, f"{where}: {ended.said}"


def made(loop: Loop) -> Counter[str]:
    """Count how often each task was made."""
    rows = (row for row in loop.writes() if row["object"] == loop.words.task and row["op"] == "create")
    return Counter(row["after"][loop.words.key] for row in rows)
