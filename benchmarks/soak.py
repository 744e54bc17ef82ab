"""Kill syncs at random moments, with faults, human edits, late reads and clock steps around them, and judge the CRM.

    python -m benchmarks.soak --kills 1000 --seed 1
    python -m benchmarks.soak --steps 10000 --points all      (the state machine and every crash point, too)

Storm after storm, one seed each, over small worlds of both CRMs; prints what was lost and duplicated, and ends with 1
where anything was. A storm that ended well need not be run again: give `--seed` the next one to go on. The same seed
makes the same storm, up to the moments at which processes get the processor. `--without-key` takes the unique key of
tasks away, which nobody can do outside of here, and must end with duplicates.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.children import Child, Children, Ended
from benchmarks.small_world import write_small_world
from benchmarks.storm import OK, TEMPORARY, TITLES, Storm, storm_in
from connector.sandbox.server import Crm
from tests.loop.loops import make_template

CRMS: tuple[Crm, ...] = ("salesforce", "hubspot")
KILLS_OF_A_STORM = 40
KILLED = -9
PYTEST = (sys.executable, "-m", "pytest", "-q")
FAULTED_SHARE = 0.22  # of the requests of a round; the calm ones at the end count, too
LOOK_S = 0.004
FIRST_GUESS_S = 1.0
STEPS_S = (60.0, 3600.0, 86_400.0, 9 * 86_400.0)
LAGS_S = ((0.0, 0.0), (5.0, 0.0), (30.0, 5.0))


@dataclass(frozen=True)
class Verdict:
    """Say what storms did, and what did not hold."""

    operations: int = 0
    requests: int = 0
    faults: int = 0
    kills: int = 0
    edits: int = 0
    syncs: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.operations + other.operations,
            self.requests + other.requests,
            self.faults + other.faults,
            self.kills + other.kills,
            self.edits + other.edits,
            self.syncs + other.syncs,
            self.problems + other.problems,
        )

    def line(self) -> str:
        """Say it in one line."""
        lost, twice = (sum(problem.startswith(mark) for problem in self.problems) for mark in ("I2", "I1"))
        share = self.faults / max(self.requests, 1)
        return (
            f"{lost} lost, {twice} duplicated in {self.operations:,} ops, {self.faults:,} faults ({share:.0%} of "
            f"{self.requests:,} requests), {self.kills:,} kills, {self.edits:,} human edits, {self.syncs:,} syncs"
            + (f", {len(self.problems) - lost - twice} other problems" if len(self.problems) > lost + twice else "")
        )


@dataclass
class Weather:
    """Let chance decide about one storm; typical_s is how long a sync took that was not killed."""

    storm: Storm
    chance: random.Random
    typical_s: float = FIRST_GUESS_S
    syncs: int = 0

    def round(self, *, kill: bool) -> None:
        """Let people, time and the wire act, sync, and kill the sync at some moment."""
        self.storm.disturb(self.chance.randrange(1 << 30), FAULTED_SHARE)
        self.before()
        started_s = time.monotonic()
        child = self.storm.children.begin(self.storm.order({}))
        self.meanwhile()
        if kill:
            self.wait(child, self.chance.random(), self.chance.randint(1, 5))
            child.kill()
        ended = child.finish()
        if ended.code == OK:
            self.typical_s = (self.typical_s + time.monotonic() - started_s) / 2
        self.count(ended)

    def before(self) -> None:
        """Let people and time act."""
        chance, storm = self.chance, self.storm
        storm.loop.advance(chance.choice(STEPS_S) if chance.random() < 0.4 else 2.0)
        if chance.random() < 0.2:
            storm.lag(*chance.choice(LAGS_S))
        for _ in range(chance.randint(1, 3)):
            storm.retitle(chance.randrange(1000), chance.choice(TITLES))
        acts: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.3, lambda: storm.choose_owner(chance.randrange(1000), chance.randrange(1000))),
            (0.3, lambda: storm.end_task(chance.randrange(1000), chance.randrange(3))),
            (0.1, lambda: storm.overwrite_score(chance.randrange(1000))),
            (0.02, lambda: storm.delete_person(chance.randrange(1000))),
        )
        for share, act in acts:
            if chance.random() < share:
                act()

    def meanwhile(self) -> None:
        """Let somebody act while the sync is under way."""
        if self.chance.random() < 0.3:
            self.storm.retitle(self.chance.randrange(1000), self.chance.choice(TITLES))
        if self.chance.random() < 0.2:
            self.storm.end_task(self.chance.randrange(1000), self.chance.randrange(3))

    def wait(self, child: Child, moment: float, writes: int) -> None:
        """Wait for a moment of the sync, or until it has sent some writes; less where it ends before."""
        by_writes, moment = moment < 0.5, 2 * moment % 1.0
        limit_s = time.monotonic() + self.typical_s * (3.0 if by_writes else moment)
        sent = self.storm.loop.control("stats")["writes"] + writes
        while time.monotonic() < limit_s and not child.ended():
            if by_writes and self.storm.loop.control("stats")["writes"] >= sent:
                return
            time.sleep(LOOK_S)

    def count(self, ended: Ended) -> None:
        """Note how a sync ended; one that neither was killed nor gave up for a while is a problem by itself."""
        self.syncs += 1
        self.storm.kills += ended.code == KILLED
        if ended.code not in (OK, TEMPORARY, KILLED):
            raise SystemExit(f"soak: {self.storm.loop.crm}: a sync ended with {ended.code}\n{ended.said}")


def storm_of(
    crm: Crm, template: Path, folder: Path, children: Children, seed: int, kills: int, *, keyless: bool
) -> Verdict:
    """Run one storm over one world, let it come to rest, and judge."""
    with storm_in(crm, template, folder / f"storm-{seed}", children, keyless=keyless) as storm:
        before = storm.loop.control("stats")
        weather = Weather(storm, random.Random(f"{crm} {seed}"))  # noqa: S311 - a repeatable storm
        weather.round(kill=False)
        while storm.kills < kills:
            weather.round(kill=weather.chance.random() < 0.9)
        problems = tuple(storm.at_rest())
        after = storm.loop.control("stats")
        return Verdict(
            sum(1 for _ in storm.scene().ours()),
            after["requests"] - before["requests"],
            after["faults_fired"] - before["faults_fired"],
            storm.kills,
            storm.edits,
            weather.syncs + 2,
            problems,
        )


def soak(crm: Crm, kills: int, first: int, *, keyless: bool) -> Verdict:
    """Run storms until there were so many kills; says after each where it stands."""
    whole, seed = Verdict(), first
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadlight-soak-")))
        template = make_template(crm, folder / "template", write_small_world)
        children = stack.enter_context(Children())
        while whole.kills < kills:
            left = min(kills - whole.kills, KILLS_OF_A_STORM)
            verdict = storm_of(crm, template, folder, children, seed, left, keyless=keyless)
            for line in report(crm, seed, verdict):
                print(line, flush=True)
            whole, seed = whole + verdict, seed + 1
    return whole


def report(crm: Crm, seed: int, verdict: Verdict) -> Iterator[str]:
    """Say what one storm did, and every violation."""
    yield f"{crm} seed {seed}: {verdict.line()}"
    yield from (f"{crm} seed {seed}: {problem}" for problem in verdict.problems)


def main(words: Sequence[str]) -> int:
    """Do what is asked for, and say with the exit code whether all held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="of both CRMs together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0, help="of the state machine, see benchmarks/machine.py")
    parser.add_argument("--points", default="0", help="how many crash points of each run to die at, or all")
    parser.add_argument("--crm", choices=CRMS)
    parser.add_argument("--without-key", action="store_true", help="must end with duplicates")
    asked = parser.parse_args(words)
    crms = (asked.crm,) if asked.crm else CRMS
    ends = [storms(crms, asked.kills, asked.seed, keyless=asked.without_key)] if asked.kills else []
    if asked.steps:
        ends.append(machine.main(["--steps", str(asked.steps), "--seed", str(asked.seed)]))
    if asked.points != "0":
        environment = {**os.environ, "CRASH_POINTS": asked.points}
        ends.append(
            subprocess.run([*PYTEST, "tests/loop/test_crash_points.py"], env=environment, check=False).returncode
        )
    return max(ends, default=0)


def storms(crms: Sequence[Crm], kills: int, first: int, *, keyless: bool) -> int:
    """Soak the CRMs side by side, and say with the exit code whether all held."""
    each = -(-kills // len(crms))
    with ThreadPoolExecutor(len(crms)) as side_by_side:
        verdicts = list(side_by_side.map(lambda crm: soak(crm, each, first, keyless=keyless), crms))
    whole = sum(verdicts, Verdict())
    print(f"{' and '.join(crms)}: {whole.line()}")
    return 1 if whole.problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
