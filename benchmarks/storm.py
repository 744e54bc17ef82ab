"""A small CRM under way: what people, time, the wire and kills do to it, and the judgement once all is at rest."""

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.children import Children, Ended, Order
from benchmarks.judgement import Scene, changed_owners, duplicates, effect, groundless, lost, stray_writes
from benchmarks.small_world import read_less
from connector.sandbox.server import Crm
from mappings.loader import load_mapping
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop, copy_of

TITLES = (CHIEF, DIRECTOR, CLERK)
OK, CONFIGURATION, TEMPORARY = 0, 2, 75
LAG_PASSES_S = 600.0
WAITS_PASS_S = 90_000.0  # a refused row waits a day at most
HTML = "<html><body><h1>503 Service Unavailable</h1></body></html>"
PAGE = {"status": 503, "headers": {"Content-Type": "text/html"}, "body": HTML}
ACTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("before_commit", {"status": 429, "body": {"message": "slow down"}}),
    ("before_commit", PAGE),
    ("before_commit", {"drop": True}),
    ("before_commit", {"reset": True}),
    ("after_commit", PAGE),
    ("after_commit", {"drop": True}),
    ("after_commit", {"reset": True}),
    ("after_commit", {"truncate_at": 25}),
)
TASK_ENDS = {
    "salesforce": ({"Status": "Completed"}, {"Description": "called, will call back"}, {"IsDeleted": True}),
    "hubspot": ({"hs_task_status": "COMPLETED"}, {"hs_task_body": "called, will call back"}, {"archived": True}),
}
ACTIVE = ("p02", "p03")  # whose owners work here: one outside the pool, one in it
GONE = {"salesforce": {"IsDeleted": True}, "hubspot": {"archived": True}}


@dataclass
class Storm:
    """Hold one CRM and its store; chance decides nothing here, so that every act can be repeated."""

    loop: Loop
    children: Children
    start: int
    people: list[tuple[str, str]]
    owners: tuple[str, ...]
    gone: set[tuple[str, str]] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    kills: int = 0
    edits: int = 0
    requests: int = 0
    faults: int = 0
    keyless: bool = False

    @property
    def store(self) -> Path:
        """Name the store's folder."""
        return self.loop.folder / "leadlight-store"

    def edit(self, name: str, record_id: str, fields: Mapping[str, object], actor: str = "human") -> None:
        """Change a record as a person or an automation does."""
        body = {"actor": actor, "object": name, "id": record_id, "fields": fields}
        self.loop.control("edit", body)
        self.edits += actor == "human"

    def retitle(self, at: int, title: str) -> None:
        """Give somebody another job."""
        self.edit(*self.people[at % len(self.people)], {self.loop.words.title: title})

    def choose_owner(self, at: int, owner: int) -> None:
        """Let a person choose an owner; what we read may lag, so that time passes before anybody syncs."""
        name, record_id = self.people[at % len(self.people)]
        self.edit(name, record_id, {self.loop.words.owner: self.owners[owner % len(self.owners)]})
        self.loop.advance(LAG_PASSES_S)

    def overwrite_score(self, at: int) -> None:
        """Let an automation of the CRM write over a score of ours, where it may see it."""
        if self.hidden:
            return
        self.edit(
            *self.people[at % len(self.people)],
            {self.loop.words.score: "1" if self.loop.crm == "hubspot" else 1},
            actor="automation",
        )

    def end_task(self, at: int, how: int) -> None:
        """Let a person close, rewrite or delete one of our tasks."""
        if tasks := sorted(self.loop.tasks(), key=lambda one: str(one["fields"][self.loop.words.key])):
            self.edit(self.loop.words.task, tasks[at % len(tasks)]["id"], TASK_ENDS[self.loop.crm][how % 3])

    def delete_person(self, at: int) -> None:
        """Let a person delete a record, while there are others left."""
        if len(self.people) > 6:
            name, record_id = self.people.pop(at % len(self.people))
            self.gone.add((name, record_id))
            self.edit(name, record_id, GONE[self.loop.crm])

    def hide(self, fields: Sequence[str]) -> None:
        """Take the right to see fields of ours away, on every object of people; none gives all of them back."""
        self.hidden = {f"{name}.{one}" for name in self.loop.words.people for one in fields}
        self.loop.control("settings", {"hidden_fields": sorted(self.hidden)})

    def lag(self, search_s: float, read_s: float) -> None:
        """Let searches and reads show what was there some seconds ago."""
        self.loop.control("settings", {"search_lag_s": search_s, "read_lag_s": read_s})

    def disturb(self, seed: int, share: float) -> None:
        """Make this share of all requests go wrong, in half of the ways there are."""
        chance = random.Random(seed)  # noqa: S311 - a repeatable storm
        each = 1 - (1 - share) ** (1 / 4)
        rules = [
            {"match": {"probability": each, "seed": chance.randrange(1 << 30)}, "when": when, "act": act}
            for when, act in chance.sample(ACTS, 4)
        ]
        self.loop.control("faults", rules if share else [])

    def sync(self, environment: Mapping[str, str] | None = None, *, as_of: str | None = None) -> Ended:
        """Sync in a child, which may be told at which point to die."""
        self.loop.advance(2)
        return self.children.run(self.order(environment or {}, as_of))

    def order(self, environment: Mapping[str, str], as_of: str | None = None) -> Order:
        """Give the order of a sync."""
        config = str(self.loop.config)
        return Order(config, as_of=as_of, keyless=self.keyless, environment=dict(environment))

    def planned(self, as_of: str) -> Ended:
        """Plan from what the store holds."""
        return self.children.run(Order(str(self.loop.config), do="plan", as_of=as_of))

    @property
    def aside(self) -> Path:
        """Name the folder of the old copy of the store."""
        return self.loop.folder / "old-store"

    def put_store_aside(self) -> None:
        """Copy the store as it is now."""
        shutil.rmtree(self.aside, ignore_errors=True)
        shutil.copytree(self.store, self.aside)

    def restore_store(self) -> None:
        """Put the old copy of the store in its place."""
        words = self.loop.words
        deleted = (one for one in self.loop.control(f"records?object={words.task}") if one["deleted"])
        self.forgotten |= {key for one in deleted if (key := effect(one["fields"].get(words.key)))}
        shutil.rmtree(self.store)
        shutil.copytree(self.aside, self.store)

    def cursors(self) -> dict[str, str]:
        """Read how far each object was read."""
        if not (self.store / "state.db").exists():
            return {}
        with closing(sqlite3.connect(self.store / "state.db")) as state:
            made = state.execute("SELECT 1 FROM sqlite_master WHERE name = 'cursors'").fetchone()
            return dict(state.execute("SELECT object, cursor FROM cursors").fetchall()) if made else {}

    def at_rest(self) -> list[str]:
        """Let all disturbances end and all waits pass, sync twice, and say what does not hold."""
        self.disturb(0, 0)
        self.hide(())
        self.lag(0, 0)
        self.loop.advance(WAITS_PASS_S)
        first = self.sync()
        before = self.loop.control("stats")["writes"]
        second = self.sync()
        sent = self.loop.control("stats")["writes"] - before
        for ended in (first, second):
            if ended.code != OK:
                return [f"an undisturbed sync ended with {ended.code}: {ended.said[-1500:]}"]
        plan = second.result["plan"]
        idle = [f"I6 a second sync sent {sent} writes, its plan was {plan}"] if sent or any(plan.values()) else []
        return [*self.judged(), *idle]

    def judged(self) -> list[str]:
        """Judge what must hold at rest."""
        return [*lost(self.scene()), *self.judged_any_time()]

    def judged_any_time(self) -> list[str]:
        """Judge what must hold at every moment."""
        scene = self.scene()
        return [*duplicates(scene), *groundless(scene), *changed_owners(scene), *stray_writes(scene)]

    def scene(self) -> Scene:
        """Gather what the judgement looks at."""
        records = {name: self.loop.records(name) for name in (*self.loop.words.people, self.loop.words.task)}
        return Scene(
            self.loop.crm,
            self.loop.journal(self.start),
            records,
            self.store,
            frozenset(self.gone),
            frozenset(self.forgotten),
        )


@contextmanager
def storm_in(crm: Crm, template: Path, folder: Path, children: Children, *, keyless: bool = False) -> Iterator[Storm]:
    """Serve a copy of a small world, to be shaken."""
    with ExitStack() as stack:
        loop = stack.enter_context(copy_of(crm, template, folder))
        read_less(loop)
        loop.control("settings", {"rate_per_10s": 0, "daily_quota": 0})
        by_name = loop.people()
        people = [(one["object"], one["id"]) for _, one in sorted(by_name.items())]
        owners = tuple(by_name[who]["fields"][loop.words.owner] for who in ACTIVE)
        yield Storm(loop, children, loop.mark(), people, owners, keyless=keyless)


def progress_of(cursor: str) -> str:
    """Give the time that a vendor's cursor has come to, as text that sorts; empty before the first whole pull."""
    held = json.loads(cursor or "{}")
    return str(held.get("since_at") or held.get("stamp") or "")


def mapped(crm: Crm) -> list[str]:
    """Name the fields of people that we write."""
    return [spec.field for spec in load_mapping(crm).write.person.values()]
