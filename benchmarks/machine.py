"""A state machine over a small CRM: chance, led by Hypothesis, chooses what people, time, the wire and kills do next.

    python -m benchmarks.machine --steps 10000 --seed 1

Works in blocks of one seed each, and says after every block where it stands: give `--seed` the next one to go on.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from benchmarks.children import Children
from benchmarks.small_world import write_small_world
from benchmarks.storm import CONFIGURATION, OK, TEMPORARY, TITLES, Storm, mapped, progress_of, storm_in
from connector.crash import ARMED, KILLED
from connector.sandbox.server import Crm
from tests.loop.loops import make_template

CRMS: tuple[Crm, ...] = ("salesforce", "hubspot")
STEPS = 50  # of one world
WORLDS = 10  # of one seed
LAST_POINT = 70  # about as many as a sync passes
SHARES = st.sampled_from((0.0, 0.15, 0.3))  # of the requests go wrong
REST_AFTER = 10  # steps that leave something to judge
PLANS_AFTER = 5
NUMBERS = st.integers(0, 1000)
DAY_S = 86_400


@dataclass
class Done:
    """Count what all worlds of a run did."""

    steps: int = 0
    syncs: int = 0
    kills: int = 0
    requests: int = 0
    faults: int = 0
    worlds: int = 0

    def words(self) -> str:
        """Say it."""
        share = self.faults / max(self.requests, 1)
        return (
            f"{self.steps:,} steps in {self.worlds} worlds: {self.syncs:,} syncs, {self.kills:,} kills, "
            f"{self.requests:,} requests, {self.faults:,} of them faulted ({share:.0%})"
        )


@dataclass(frozen=True)
class Place:
    """Say what a machine works on: a vendor, its template, a folder for its worlds, and where it counts."""

    crm: Crm
    template: Path
    folder: Path
    children: Children
    done: Done
    numbers: "count[int]"


class BrokenError(AssertionError):
    """Something that must hold does not."""


def refuse(problems: Sequence[str]) -> None:
    """Raise where there are problems."""
    if problems:
        raise BrokenError("\n".join(problems))


def machine_for(place: Place) -> type[RuleBasedStateMachine]:
    """Bind the machine to a place, as Hypothesis makes machines without arguments."""

    class Machine(CrmMachine):
        def __init__(self) -> None:
            super().__init__(place)

    return Machine


class CrmMachine(RuleBasedStateMachine):
    """Shake one world; what does not hold raises AssertionError, with the steps that led there."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.closing, self.since_rest, self.cursors = place, ExitStack(), 0, dict[str, str]()
        folder = place.folder / f"{place.crm}-{next(place.numbers)}"
        self.storm: Storm = self.closing.enter_context(storm_in(place.crm, place.template, folder, place.children))
        place.done.worlds += 1

    @rule(who=NUMBERS, title=st.sampled_from(TITLES))
    def somebody_gets_another_job(self, who: int, title: str) -> None:
        self.storm.retitle(who, title)
        self.noted()

    @rule(who=NUMBERS, owner=NUMBERS)
    def somebody_chooses_an_owner(self, who: int, owner: int) -> None:
        self.storm.choose_owner(who, owner)
        self.noted()

    @rule(task=NUMBERS, how=NUMBERS)
    def somebody_ends_a_task(self, task: int, how: int) -> None:
        self.storm.end_task(task, how)
        self.noted()

    @rule(who=NUMBERS)
    def somebody_deletes_a_person(self, who: int) -> None:
        self.storm.delete_person(who)
        self.noted()

    @rule(who=NUMBERS)
    def an_automation_overwrites_a_score(self, who: int) -> None:
        self.storm.overwrite_score(who)
        self.noted()

    @rule(which=st.lists(NUMBERS, max_size=2))
    def a_right_comes_or_goes(self, which: list[int]) -> None:
        fields = mapped(self.place.crm)
        self.storm.hide([fields[at % len(fields)] for at in which])
        self.noted()

    @rule(seconds=st.sampled_from((1, 60, 3600, DAY_S, 9 * DAY_S)))
    def time_passes(self, seconds: int) -> None:
        self.storm.loop.advance(seconds)
        self.noted()

    @rule(search_s=st.sampled_from((0, 5, 30)), read_s=st.sampled_from((0, 0, 5)))
    def reads_begin_to_lag(self, search_s: int, read_s: int) -> None:
        self.storm.lag(search_s, read_s)
        self.noted()

    @precondition(lambda self: self.storm.store.exists())
    @rule()
    def the_store_is_put_aside(self) -> None:
        self.storm.put_store_aside()
        self.noted()

    @precondition(lambda self: self.storm.aside.exists())
    @rule()
    def the_old_store_comes_back(self) -> None:
        self.storm.restore_store()
        self.cursors = {}
        self.noted()

    @rule(number=NUMBERS, share=SHARES)
    def a_sync_runs(self, number: int, share: float) -> None:
        self.storm.disturb(number, share)
        self.synced({})

    @rule(number=NUMBERS, share=SHARES, point=st.sampled_from(range(1, LAST_POINT + 1)))
    def a_sync_is_killed(self, number: int, share: float, point: int) -> None:
        self.storm.disturb(number, share)
        self.synced({ARMED: f":{point}"})

    @precondition(lambda self: self.storm.store.exists() and self.since_rest > PLANS_AFTER)
    @rule()
    def two_plans_are_made(self) -> None:
        as_of = self.as_of()
        one, other = (self.storm.planned(as_of) for _ in range(2))
        if one.code == other.code == OK and one.result["checksum"] != other.result["checksum"]:
            refuse(["I12 two plans of one state differ"])
        self.noted(syncs=2)
        self.since_rest = max(self.since_rest - PLANS_AFTER, 1)  # plans are dear

    @precondition(lambda self: self.since_rest >= REST_AFTER)
    @rule()
    def all_comes_to_rest(self) -> None:
        self.rest()

    def look_at_cursors(self) -> None:
        """I9: what was read stays read; what is read with other fields, since rights changed, has another cursor."""
        now = {name: progress_of(cursor) for name, cursor in self.storm.cursors().items()}
        back = {name: (was, now[name]) for name, was in self.cursors.items() if name in now and now[name] < was}
        refuse([f"I9 the cursor of {name} went back from {was} to {then}" for name, (was, then) in back.items()])
        self.cursors = now

    def as_of(self) -> str:
        """Give the CRM's time in whole seconds."""
        now = datetime.fromisoformat(self.storm.loop.control("clock")["now"])
        return (now + timedelta(seconds=1)).replace(microsecond=0).isoformat()

    def synced(self, environment: dict[str, str]) -> None:
        """Sync, and judge what holds at any moment."""
        ended = self.storm.sync(environment)
        allowed = {OK, TEMPORARY, *((CONFIGURATION,) if self.storm.hidden else ()), *((KILLED,) if environment else ())}
        refuse([f"a sync ended with {ended.code}: {ended.said}"] if ended.code not in allowed else [])
        self.place.done.kills += ended.code == KILLED
        self.noted(syncs=1)
        refuse(self.storm.judged_any_time())

    def rest(self) -> None:
        """Let everything calm down, and judge."""
        problems = self.storm.at_rest()
        self.noted(syncs=2)
        self.since_rest = 0
        refuse(problems)

    def noted(self, syncs: int = 0) -> None:
        """Count a step."""
        self.place.done.steps += 1
        self.place.done.syncs += syncs
        self.since_rest += 1
        if syncs:
            self.look_at_cursors()

    def teardown(self) -> None:
        """Judge once more, and close the world."""
        with self.closing:
            stats = self.storm.loop.control("stats")
            self.place.done.requests += stats["requests"]
            self.place.done.faults += stats["faults_fired"]
            if sys.exc_info()[0] is None and self.since_rest:
                self.rest()


def shake(place: Place, number: int, *, worlds: int, steps: int = STEPS, shrink: bool = False) -> None:
    """Run one block: so many worlds, of so many steps each, chosen by the seed."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    chosen = settings(
        max_examples=worlds, stateful_step_count=steps, deadline=None, database=None, phases=phases,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(seed(number)(machine_for(place)), settings=chosen)


def run(crm: Crm, steps: int, first: int, *, shrink: bool = False, tell: Callable[[str], None] = print) -> Done:
    """Run blocks until so many steps are done; the block's seed stands in every line that is told."""
    done = Done()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadlight-machine-")))
        template = make_template(crm, folder / "template", write_small_world)
        place = Place(crm, template, folder, stack.enter_context(Children()), done, count())
        for number in count(first):
            tell(f"{crm}: seed {number}")
            shake(place, number, worlds=WORLDS, shrink=shrink)
            tell(f"{crm}: {done.words()}; go on with --seed {number + 1}")
            if done.steps >= steps:
                return done
    raise AssertionError("seeds do not end")


def side_by_side(words: Sequence[str]) -> int:
    """Run a process for each CRM."""
    started = [subprocess.Popen([sys.executable, "-m", "benchmarks.machine", "--crm", crm, *words]) for crm in CRMS]
    return max(abs(process.wait()) for process in started)


def main(words: Sequence[str]) -> int:
    """Run the machine; a failure ends it with the steps that led there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000, help="of both CRMs together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crm", choices=CRMS)
    parser.add_argument("--shrink", action="store_true", help="look for the shortest way to a failure")
    asked = parser.parse_args(words)
    if asked.crm is None:
        half = ("--steps", str(-(-asked.steps // len(CRMS))), "--seed", str(asked.seed))
        return side_by_side([*half, *(("--shrink",) if asked.shrink else ())])
    run(asked.crm, asked.steps, asked.seed, shrink=asked.shrink, tell=lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
