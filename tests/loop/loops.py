"""A loop under test: a sandbox that holds a few people we know by name, a store beside its configuration, and what the
CRM itself says happened.

Judge by `records`, `journal` and `writes`, which are the sandbox's own, and not by what a run says of itself.
"""

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import stamina

from connector import pipeline
from connector.compose import open_job
from connector.pipeline import Options, Outcome
from connector.provisioning import provision
from connector.sandbox.server import Crm, RunningSandbox, SandboxOptions, start
from connector.setup import sandbox_answers, write_config
from connector.store import outbox
from connector.store.state import open_state

POOL = ("ana.keller@leadlight.example", "ben.osei@leadlight.example", "ines.former@leadlight.example")
HOT = ("p00", "p01", "p02", "p03", "p04")
MODEL = """
[model]
id = "titles"

[decay]
default = { half_life = "30d" }

[[fit]]
id = "chief"
label = "C-level"
when = { field = "seniority", is = "c_level" }
points = 60

[[fit]]
id = "director"
label = "director"
when = { field = "seniority", is = "director" }
points = 45

[[engagement]]
id = "call"
label = "spoke on the phone"
event = "call"
points = 10
cap = 30

[[band]]
id = "hot"
at_least = 50
release_below = 40

[[band]]
id = "warm"
at_least = 20
release_below = 15

[[band]]
id = "cold"
"""
CHIEF, DIRECTOR, CLERK = "Chief Executive Officer", "Sales Director", "Clerk"


@dataclass(frozen=True)
class Words:
    """Name things as one vendor does."""

    people: tuple[str, ...]
    title: str
    canonical: str
    owner: str
    score: str
    band: str
    why: str
    model: str
    scored_at: str
    task: str
    key: str
    due: str
    subject: str


WORDS = {
    "salesforce": Words(
        ("Lead", "Contact"), "Title", "Canonical_Id__c", "OwnerId", "Leadlight_Score__c", "Leadlight_Band__c",
        "Leadlight_Why__c", "Leadlight_Model__c", "Leadlight_Scored_At__c", "Task", "Leadlight_Key__c", "ActivityDate",
        "Subject",
    ),
    "hubspot": Words(
        ("contacts",), "jobtitle", "canonical_id", "hubspot_owner_id", "leadlight_score", "leadlight_band",
        "leadlight_why", "leadlight_model", "leadlight_scored_at", "tasks", "leadlight_key", "hs_timestamp",
        "hs_task_subject",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Loop:
    """Bind a running sandbox to a configuration; all looks at the CRM go through its control API."""

    crm: Crm
    folder: Path
    ready: dict[str, Any]
    words: Words

    @property
    def config(self) -> Path:
        """Name the configuration file."""
        return self.folder / "config.toml"

    def control(self, path: str, body: object = None, method: str | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Ask the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.ready['control_url']}/control/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def ask(self, method: str, path: str, **kwargs: Any) -> Any:  # noqa: ANN401 - any JSON, and what requests takes
        """Ask the CRM itself, as any client would."""
        headers = {"Authorization": f"Bearer {self.ready['token']}"}
        verify = self.ready["ca_file"] or True
        answer = requests.request(
            method, self.ready["url"] + path, headers=headers, verify=verify, timeout=30, **kwargs
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def records(self, name: str) -> list[dict[str, Any]]:
        """List the living records of an object."""
        return [record for record in self.control(f"records?object={name}") if not record["deleted"]]

    def people(self) -> dict[str, dict[str, Any]]:
        """Give everybody by canonical id, each with the object it is a record of."""
        return {
            record["fields"][self.words.canonical]: record | {"object": name}
            for name in self.words.people
            for record in self.records(name)
        }

    def tasks(self) -> list[dict[str, Any]]:
        """List the tasks that carry our key."""
        return [task for task in self.records(self.words.task) if task["fields"].get(self.words.key)]

    def tasks_of(self, record_id: str) -> list[dict[str, Any]]:
        """List our tasks that are linked to a person."""
        if self.crm == "salesforce":
            return [task for task in self.tasks() if task["fields"]["WhoId"] == record_id]
        inputs = {"inputs": [{"id": record_id}]}
        linked = self.ask("POST", "/crm/v4/associations/contacts/tasks/batch/read", json=inputs)["results"]
        ids = {str(to["toObjectId"]) for row in linked for to in row["to"]}
        return [task for task in self.tasks() if task["id"] in ids]

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """Give the journal from a mark on."""
        entries: list[dict[str, Any]] = self.control(f"journal?after={after}")
        return entries

    def mark(self) -> int:
        """Tell where the journal stands."""
        entries = self.journal()
        return int(entries[-1]["n"]) if entries else 0

    def writes(self, after: int = 0) -> list[dict[str, Any]]:
        """List what the connector changed since a mark."""
        return [row for row in self.journal(after) if row["actor"] == "connector" and row["op"] != "read"]

    def edit(self, person: dict[str, Any], actor: str = "human", **fields: object) -> None:
        """Edit a record as a person or an automation does."""
        self.control("edit", {"actor": actor, "object": person["object"], "id": person["id"], "fields": fields})

    def retitle(self, who: str, title: str) -> None:
        """Give somebody another job, and let the CRM's clock go on."""
        self.edit(self.people()[who], **{self.words.title: title})
        self.advance(60)

    def advance(self, seconds: float) -> None:
        """Let time pass in the CRM."""
        self.control("clock", {"advance_s": seconds})

    def fault(self, method: str, path: str, when: str, *, nth: object = 1, **act: object) -> None:
        """Make one kind of request go wrong."""
        rule = {"match": {"method": method, "path_re": path, "nth": nth}, "when": when, "act": act}
        self.control("faults", [rule])

    def sync(self, *, backfill: bool = False, as_of: datetime | None = None, allowed: tuple[str, ...] = ()) -> Outcome:
        """Run a whole sync in this process."""
        with open_job(self.config, writer=True, writes_crm=True) as job:
            return pipeline.sync(job, Options(as_of=as_of, backfill_tasks=backfill, allowed=allowed))

    def waiting(self) -> list[str]:
        """List the states of outbox rows that are not settled or were refused."""
        state = open_state(self.folder / "leadlight-store")
        try:
            return [row.state for row in outbox.rows(state, ("planned", "inflight", "retry", "quarantined"))]
        finally:
            state.close()


def score_fields(loop: Loop, record: dict[str, Any]) -> dict[str, Any]:
    """Pick what we write to a person."""
    words = loop.words
    return {name: record["fields"].get(name) for name in (words.score, words.band, words.why, words.model, words.owner)}


def written_state(loop: Loop) -> dict[str, Any]:
    """Give all that we may have written, by canonical id: fields, owners, and the keys of tasks; no ids, no stamps."""
    tasks = sorted(task["fields"][loop.words.key] for task in loop.tasks())
    return {"tasks": tasks} | {who: score_fields(loop, record) for who, record in loop.people().items()}


def write_world(folder: Path) -> None:
    """Write 24 people: five chiefs with owners of all kinds, three directors, clerks, and a few calls."""
    folder.mkdir(parents=True)
    owners = {"p02": "zoe@sales.example", "p03": "u1", "p04": "u9"}
    rows = []
    for number in range(24):
        who = f"p{number:02d}"
        title = CHIEF if number < 5 else DIRECTOR if number < 8 else CLERK
        kind, account = ("contact", "a1") if who in ("p03", "p23") else ("lead", "")
        rows.append(f"{who},{kind},{account},{owners.get(who, '')},{who}@acme.example,{title},Acme")
    header = "person_id,kind,account_id,owner_id,email,title,company"
    (folder / "people.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    (folder / "accounts.csv").write_text("account_id,name,domain\na1,Acme,acme.example\n", encoding="utf-8")
    calls = [f"e{number},call,2026-06-30T12:00:00Z,p{8 + number % 5:02d},,Call" for number in range(8)]
    header = "event_id,type,occurred_at,person_id,account_id,asset"
    (folder / "events.csv").write_text("\n".join([header, *calls, ""]), encoding="utf-8")


def configure(ready: dict[str, Any], folder: Path, *, model: str = "model.toml") -> None:
    """Write a configuration for a running sandbox, with nothing that slows it; people have the CRM's accounts alone."""
    answers = sandbox_answers(ready, model=model, mapping=None, band="hot", owners=())
    config = folder / "config.toml"
    write_config(replace(answers, owners=POOL), config, overwrite=True)
    text = config.read_text(encoding="utf-8").replace("[limits]", "[matching]\nenabled = false\n\n[limits]", 1)
    text += "search_per_s = 1000\n"
    config.write_text(text, encoding="utf-8")
    (folder / "model.toml").write_text(MODEL, encoding="utf-8")


def add_model(config: Path, name: str, text: str) -> None:
    """Name one more model in a configuration."""
    (config.parent / name).write_text(text, encoding="utf-8")
    before = config.read_text(encoding="utf-8")
    config.write_text(before.replace("[[action]]", f'[[model]]\nfile = "{name}"\n\n[[action]]', 1), encoding="utf-8")


def further(field: str, model: str) -> str:
    """Name the field of a further model beside the primary model's."""
    word = model.capitalize() if field.startswith("L") else model
    return field.replace("eadlight_", f"eadlight_{word}_", 1)


def make_template(crm: Crm, folder: Path, write: Callable[[Path], None] = write_world) -> Path:
    """Seed and provision a sandbox once; each test goes on from a copy of its files."""
    write(folder / "world")
    with start(SandboxOptions(crm, world=str(folder / "world"), db=folder / "sandbox.db")) as sandbox:
        loop = loop_of(crm, sandbox, folder)
        configure(sandbox.ready, folder)
        provision(loop.config)
    return folder


@contextmanager
def copy_of(crm: Crm, template: Path, folder: Path) -> Iterator[Loop]:
    """Serve a copy of a template's sandbox, with the template's store beside it where it has one."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    options = SandboxOptions(crm, db=folder / "sandbox.db")
    with start(options) as sandbox, stamina.set_testing(True, attempts=4):
        configure(sandbox.ready, folder)
        yield loop_of(crm, sandbox, folder)


def loop_of(crm: Crm, sandbox: RunningSandbox, folder: Path) -> Loop:
    """Bind a sandbox to a folder; the sandbox's own rate limits are switched off."""
    loop = Loop(crm, folder, sandbox.ready, WORDS[crm])
    loop.control("settings", {"rate_per_10s": 0})
    return loop
