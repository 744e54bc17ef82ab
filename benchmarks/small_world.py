"""A CRM of nineteen records, which every rule of ours applies to, and all that we may have written in it."""

import re
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

from mappings.loader import load_mapping
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop

PEOPLE = 12
OWNED = {"p02": "zoe@sales.example", "p03": "u1", "p04": "u9"}  # one outside the pool, one in it, one who left
HELD = {"salesforce": ("Lead", "Contact", "Account", "Task"), "hubspot": ("contacts", "companies", "calls")}
CONTACTS = ("p03", "p06", "p11")


def write_small_world(folder: Path) -> None:
    """Write five chiefs, of whom nobody owns two, two directors, five clerks, their account, and a few calls."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(PEOPLE):
        who = f"p{number:02d}"
        title = CHIEF if number < 5 else DIRECTOR if number < 7 else CLERK
        kind, account = ("contact", "a1") if who in CONTACTS else ("lead", "")
        rows.append(f"{who},{kind},{account},{OWNED.get(who, '')},{who}@acme.example,{title},Acme")
    header = "person_id,kind,account_id,owner_id,email,title,company"
    (folder / "people.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    (folder / "accounts.csv").write_text("account_id,name,domain\na1,Acme,acme.example\n", encoding="utf-8")
    calls = [f"e{number},call,2026-06-30T12:00:00Z,p{6 + number % 4:02d},,Call" for number in range(6)]
    header = "event_id,type,occurred_at,person_id,account_id,asset"
    (folder / "events.csv").write_text("\n".join([header, *calls, ""]), encoding="utf-8")


def read_less(loop: Loop) -> None:
    """Map only the objects that the small world has: describing and asking for the others is half of a sync's cost."""
    shipped = (resources.files("mappings") / f"{loop.crm}.toml").read_text(encoding="utf-8")
    tables = re.split(r"(?m)^(?=\[)", shipped)
    kept = [table for table in tables if not table.startswith("[read.") or table[6:].startswith(HELD[loop.crm])]
    (loop.folder / "small.toml").write_text("".join(kept), encoding="utf-8")
    config = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(config.replace(f'mapping = "{loop.crm}"', 'mapping = "small.toml"'), encoding="utf-8")


def crm_state(loop: Loop) -> dict[str, Any]:
    """Give all that we may have written, by record id and by task key: fields, owners, and whom a task is linked to."""
    write = load_mapping(loop.crm).write
    fields = [*(spec.field for spec in write.person.values()), loop.words.owner]
    state = {
        f"{name} {one['id']}": {field: one["fields"].get(field) for field in fields}
        for name in loop.words.people
        for one in loop.records(name)
    }
    links = links_of(loop)
    made = (*(spec.field for spec in write.task.fields.values()), *write.task.constants) if write.task else ()
    for task in loop.tasks():
        told = {field: task["fields"].get(field) for field in made if not field.startswith("associations.")}
        state[task["fields"][loop.words.key]] = told | {"links": links.get(task["id"], [])}
    return state


def links_of(loop: Loop) -> dict[str, list[str]]:
    """List the people that tasks are linked to, where the vendor keeps links apart from fields."""
    if loop.crm == "salesforce":
        return {}
    people = {"inputs": [{"id": one["id"]} for one in loop.records("contacts")]}
    answered = loop.ask("POST", "/crm/v4/associations/contacts/tasks/batch/read", json=people)["results"]
    found: dict[str, list[str]] = {}
    for row in answered:
        for to in row["to"]:
            found.setdefault(str(to["toObjectId"]), []).append(str(row["from"]["id"]))
    return {task: sorted(ids) for task, ids in found.items()}


def waiting(loop: Loop) -> list[str]:
    """Name outbox rows that are not done and not superseded."""
    with closing(sqlite3.connect(loop.folder / "leadlight-store" / "state.db")) as state:
        query = "SELECT kind, object, record_id, state, reason FROM outbox WHERE state NOT IN ('done', 'superseded')"
        return [" ".join(map(str, row)) for row in state.execute(query)]
