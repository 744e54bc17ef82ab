"""Run the loop through a storm of faults, human edits, clock steps and kills, then judge what the CRM holds.

    python benchmarks/soak.py --rounds 50 --seed 1

Prints what was lost and duplicated, and ends with 1 where anything was. The same seed makes the same storm, up to the
moments at which processes get the processor.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.judgement import Scene, changed_owners, duplicates, lost, stray_writes
from benchmarks.processes import CRMS, BenchmarkError, Sandbox, Started, begin, configured, run, serving

PEOPLE = 260  # more than one batch, fewer than a long round
POOL = ("ana.keller@leadlight.example", "ben.osei@leadlight.example")
KILLED, OK, TEMPORARY = -9, 0, 75
LOOK_S = 0.02
ROUND_LIMIT_S = 240
TITLES = ("Chief Executive Officer", "Sales Director", "Clerk")
STEPS_S = (60, 3600, 86_400, 9 * 86_400)
ENVIRONMENT = {"LEADLIGHT_LIMITS__MAX_CHANGED_SHARE": "1", "LEADLIGHT_LIMITS__DAILY_API_SHARE": "1"}
HTML = "<html><body><h1>503 Service Unavailable</h1></body></html>"
ACTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("before_commit", {"status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "slow down"}}),
    ("before_commit", {"status": 429, "body": {"message": "slow down"}}),
    ("before_commit", {"status": 503, "headers": {"Content-Type": "text/html"}, "body": HTML}),
    ("before_commit", {"drop": True}),
    ("before_commit", {"reset": True}),
    ("after_commit", {"status": 503, "headers": {"Content-Type": "text/html"}, "body": HTML}),
    ("after_commit", {"drop": True}),
    ("after_commit", {"reset": True}),
    ("after_commit", {"truncate_at": 25}),
)
# which requests a fault strikes: all, or those that write
TARGETS = {
    "salesforce": ("/services/data/", "/composite/sobjects", "/queryAll|/query/"),
    "hubspot": ("/crm/", "/batch/(update|upsert|create)", "/search|/objects/"),
}
MODEL = """
[model]
id = "titles"

[decay]
default = { half_life = "20d" }

[group.activity]
cap = 40

[[fit]]
id = "chief"
when = { field = "seniority", is = "c_level" }
points = 50

[[fit]]
id = "director"
when = { field = "seniority", is = "director" }
points = 25

[[engagement]]
id = "activity"
event = ["page_view", "form_submission", "meeting", "call", "email_click"]
group = "activity"
points = 4

[[band]]
id = "hot"
at_least = 50
release_below = 45

[[band]]
id = "warm"
at_least = 25

[[band]]
id = "cold"
"""


@dataclass
class Storm:
    """Hold one CRM under way: where it is, what chance decides, and what was done to it."""

    crm: str
    sandbox: Sandbox
    config: Path
    chance: random.Random
    people: Sequence[tuple[str, str]]
    outsiders: Sequence[str]
    kills: int = 0
    edits: int = 0
    faults: int = 0
    ends: list[int] = field(default_factory=list)

    @property
    def words(self) -> "Words":
        """Give the vendor's names."""
        return WORDS[self.crm]


@dataclass(frozen=True)
class Words:
    """Name things as one vendor does."""

    people: tuple[str, ...]
    title: str
    owner: str
    users: str
    mail: str


WORDS = {
    "salesforce": Words(("Lead", "Contact"), "Title", "OwnerId", "User", "Email"),
    "hubspot": Words(("contacts",), "jobtitle", "hubspot_owner_id", "owners", "email"),
}


@dataclass(frozen=True)
class Verdict:
    """Say what a storm did and what did not hold."""

    operations: int
    faults: int
    kills: int
    edits: int
    ends: tuple[int, ...]
    lost: tuple[str, ...]
    duplicates: tuple[str, ...]
    others: tuple[str, ...]


def soak(crm: str, rounds: int, seed: int, folder: Path) -> Verdict:
    """Run the rounds, then two clean syncs, and judge."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "titles.toml").write_text(MODEL, encoding="utf-8")
    with serving(crm, folder, people=PEOPLE, seed=seed) as sandbox:
        config = configured(folder, model=str(folder / "titles.toml"))
        small_pool(config)
        storm = storm_over(crm, sandbox, config, seed)
        start = last_entry(sandbox)
        for _ in range(rounds):
            one_round(storm)
        sandbox.control("DELETE", "faults")
        run(*sync_words(storm), env=ENVIRONMENT)
        before = sandbox.stats()
        again = run(*sync_words(storm), env=ENVIRONMENT)
        after = sandbox.stats()
        scene = scene_of(storm, start)
        return judge(storm, scene, again.result["plan"], after["writes"] - before["writes"], after["faults_fired"])


def small_pool(config: Path) -> None:
    """Leave two people in the pool, so that a person may choose an owner outside it."""
    head, _, rest = config.read_text(encoding="utf-8").partition("owners = [")
    owners = ", ".join(f'"{mail}"' for mail in POOL)
    config.write_text(f"{head}owners = [{owners}]{rest.partition(']')[2]}", encoding="utf-8")


def storm_over(crm: str, sandbox: Sandbox, config: Path, seed: int) -> Storm:
    """Look at who is there: living people, and active users outside the pool."""
    words = WORDS[crm]
    people = [(name, one["id"]) for name in words.people for one in living(sandbox, name)]
    outside = [one["id"] for one in living(sandbox, words.users) if is_outsider(one["fields"], words, sandbox.ready)]
    return Storm(crm, sandbox, config, random.Random(f"{crm} {seed}"), people, outside)  # noqa: S311 - a repeatable storm


def is_outsider(user: Mapping[str, Any], words: Words, ready: Mapping[str, Any]) -> bool:
    """Tell whether a user is a made-up person who works and is not in the pool; we ourselves stand for nobody."""
    if user.get("Username") == ready["username"]:
        return False
    mail = str(user.get(words.mail) or "")
    return mail.endswith("@leadlight.example") and mail not in POOL and user.get("IsActive") not in (0, False)


def living(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """List the living records of an object."""
    return [one for one in sandbox.control("GET", f"records?object={name}") if not one["deleted"]]


def last_entry(sandbox: Sandbox) -> int:
    """Tell where the journal stands."""
    entries = sandbox.control("GET", "journal")
    return int(entries[-1]["n"]) if entries else 0


def sync_words(storm: Storm) -> tuple[str, ...]:
    """Give the words of the sync that the storm interrupts."""
    return ("sync", "--backfill-tasks", "--config", str(storm.config))


def one_round(storm: Storm) -> None:
    """Make faults, let people and time act, sync, and kill it now and then."""
    rules = [fault(storm) for _ in range(storm.chance.randint(0, 3))]
    storm.sandbox.control("POST", "faults", rules)
    if storm.chance.random() < 0.5:
        storm.sandbox.control("POST", "clock", {"advance_s": storm.chance.choice(STEPS_S)})
    retitle(storm, storm.chance.randint(2, 8))
    choose_owners(storm, storm.chance.randint(0, 4))
    threshold = storm.chance.randint(3, 45) if storm.chance.random() < 0.45 else None
    started = begin(*sync_words(storm), env=ENVIRONMENT)
    retitle(storm, 1)
    killed = threshold is not None and killed_at(storm, started, threshold)
    ran = started.finish()
    storm.kills += killed
    storm.ends.append(ran.code)
    if ran.code not in ((KILLED,) if killed else (OK, TEMPORARY)):
        raise BenchmarkError(f"{storm.crm}: a sync ended with {ran.code}\n{ran.said[-3000:]}")


def fault(storm: Storm) -> dict[str, object]:
    """Choose a fault that strikes one to three of the requests that come."""
    when, act = storm.chance.choice(ACTS)
    numbers = sorted(storm.chance.sample(range(1, 13), storm.chance.randint(1, 3)))
    path = storm.chance.choice(TARGETS[storm.crm])
    return {"match": {"method": "GET|POST|PATCH", "path_re": path, "nth": numbers}, "when": when, "act": act}


def retitle(storm: Storm, n: int) -> None:
    """Give people other jobs."""
    for name, record_id in storm.chance.sample(storm.people, n):
        edit(storm, name, record_id, {storm.words.title: storm.chance.choice(TITLES)})


def choose_owners(storm: Storm, n: int) -> None:
    """Let people choose owners, above all for records that we wrote to last."""
    recent = [
        (one["object"], one["id"])
        for one in storm.sandbox.control("GET", "journal")[-400:]
        if one["actor"] == "connector" and storm.words.owner in one["after"] and one["object"] in storm.words.people
    ]
    for _ in range(n):
        name, record_id = storm.chance.choice(recent or storm.people)
        edit(storm, name, record_id, {storm.words.owner: storm.chance.choice(storm.outsiders)})


def edit(storm: Storm, name: str, record_id: str, fields: Mapping[str, str]) -> None:
    """Change a record as a person does."""
    storm.sandbox.control("POST", "edit", {"actor": "human", "object": name, "id": record_id, "fields": fields})
    storm.edits += 1


def killed_at(storm: Storm, started: Started, threshold: int) -> bool:
    """Kill a sync once it has sent so many requests; false where it ended before that."""
    sent = storm.sandbox.stats()["requests"]
    deadline_s = time.monotonic() + ROUND_LIMIT_S
    while not started.ended():
        if storm.sandbox.stats()["requests"] - sent >= threshold or time.monotonic() > deadline_s:
            started.kill()
            return True
        time.sleep(LOOK_S)
    return False


def scene_of(storm: Storm, start: int) -> Scene:
    """Gather what the judgement looks at."""
    names = {*storm.words.people, "Task" if storm.crm == "salesforce" else "tasks"}
    journal = storm.sandbox.control("GET", f"journal?after={start}")
    store = storm.config.parent / "leadlight-store"
    return Scene(storm.crm, journal, {name: living(storm.sandbox, name) for name in names}, store)


def judge(storm: Storm, scene: Scene, plan: Mapping[str, int], writes: int, faults: int) -> Verdict:
    """Say what did not hold."""
    others = [*changed_owners(scene), *stray_writes(scene)]
    if writes or any(plan.values()):
        others.append(f"I6 a second clean sync sent {writes} writes, its plan was {dict(plan)}")
    done = sum(1 for _ in scene.ours())
    found = (tuple(lost(scene)), tuple(duplicates(scene)), tuple(others))
    return Verdict(done, faults, storm.kills, storm.edits, tuple(storm.ends), *found)


def report(crm: str, verdict: Verdict) -> Iterator[str]:
    """Say what happened, and every violation."""
    stopped = sum(end == TEMPORARY for end in verdict.ends)
    yield (
        f"{crm}: {len(verdict.lost)} lost, {len(verdict.duplicates)} duplicates in {verdict.operations:,} ops, "
        f"{verdict.faults} faults, {verdict.kills} kills, {verdict.edits} human edits; "
        f"{len(verdict.ends)} syncs, {stopped} of them gave up for a while"
    )
    yield from (f"{crm}: {problem}" for problem in (*verdict.lost, *verdict.duplicates, *verdict.others))


def chosen(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="for each CRM")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crm", choices=(*CRMS, "both"), default="both")
    parser.add_argument("--keep", type=Path, help="keep sandboxes and stores in this folder")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Soak the CRMs side by side, print the verdicts, and say with the exit code whether all held."""
    asked = chosen(words)
    crms = CRMS if asked.crm == "both" else (asked.crm,)
    with tempfile.TemporaryDirectory(prefix="leadlight-soak-") as made, ThreadPoolExecutor(len(crms)) as side_by_side:
        folder = asked.keep or Path(made)
        verdicts = list(side_by_side.map(lambda crm: soak(crm, asked.rounds, asked.seed, folder / crm), crms))
    for crm, verdict in zip(crms, verdicts, strict=True):
        for line in report(crm, verdict):
            print(line)
    return 1 if any(verdict.lost or verdict.duplicates or verdict.others for verdict in verdicts) else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except BenchmarkError as error:
        raise SystemExit(f"soak: {error}") from None
