"""Whatever happens in a CRM, scoring what changed gives what scoring everybody gives, and so does a new store.

WALKS and WALK_STEPS make more and longer walks. A happening that finds nothing to happen to does nothing.
"""

import os
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from connector.reading import open_reading
from connector.tables import tables_of
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop, add_model
from tests.loop.signals import BAND, model_of, scored, use_model
from tests.loop.test_changed_only import beside
from tests.loop.test_incremental_pull import add_call
from tests.loop.test_salesforce_conversions import API
from tests.loop.test_successors import merge as merge_two

STEPS: Final = int(os.environ.get("WALK_STEPS", "5"))
WALKS: Final = int(os.environ.get("WALKS", "2"))
TITLES: Final = (CHIEF, DIRECTOR, CLERK)
FACTS: Final = {
    "chief": 'field = "seniority", is = "c_level"',
    "buyer": 'field = "buying_role", in = ["economic_buyer", "budget_holder"]',
    "big": 'field = "account.name", is = "Big"',
    "placed": 'field = "account.domain", present = true',
    "free": 'field = "email_class", is = "free"',
}
KINDS: Final = ("call", "page_view", "webinar_attended", "task_done", "email_sent", "email_reply", "form_submission")
ACCOUNTS: Final = """
[model]
id = "companies"
subject = "account"

[[fit]]
id = "name"
label = "name"
when = { field = "name", is = "Big" }
points = 1000

[[engagement]]
id = "visit"
label = "visit"
event = "call"
points = 1
cap = 100

[rollup]
model = "signals"
of = "total"
kind = "sum"
"""


@dataclass(frozen=True)
class Walk:
    """Bind a loop to the draws by which things happen in it."""

    loop: Loop
    draw: random.Random

    def one_of(self, *names: str) -> dict[str, Any]:
        """Draw a living record of some objects, of which there must be one."""
        return self.draw.choice([one | {"object": name} for name in names for one in self.loop.records(name)])

    def person(self) -> dict[str, Any]:
        return self.one_of(*self.loop.words.people)

    def some(self, objects: Sequence[str]) -> list[dict[str, Any]]:
        """Draw two records of one object, or none where there are not two."""
        name = self.draw.choice(objects)
        found = self.loop.records(name)
        return [one | {"object": name} for one in self.draw.sample(found, 2)] if len(found) > 1 else []


Happening = Callable[[Walk], object]


def retitle(walk: Walk) -> None:
    walk.loop.edit(walk.person(), **{walk.loop.words.title: walk.draw.choice(TITLES)})


def call(walk: Walk) -> None:
    add_call(walk.loop, walk.person()["id"])


def merge(walk: Walk) -> None:
    if found := walk.some(walk.loop.words.people):
        merge_two(walk.loop, *found)


def rename(walk: Walk) -> None:
    salesforce = walk.loop.crm == "salesforce"
    account = walk.one_of("Account" if salesforce else "companies")
    walk.loop.edit(account, **{"Name" if salesforce else "name": walk.draw.choice(("Big", "Small"))})


def readdress(walk: Walk) -> None:
    address = f"x{walk.draw.randrange(10**6)}@{walk.draw.choice(('gmail.com', 'acme.example', 'other.example'))}"
    walk.loop.edit(walk.person(), **{"Email" if walk.loop.crm == "salesforce" else "email": address})


def sf_make(walk: Walk, name: str, **body: object) -> str:
    return str(walk.loop.ask("POST", f"{API}{name}", json=body)["id"])


def sf_delete(walk: Walk) -> None:
    found = walk.one_of("Task", "Lead", "Contact", "Web_Activity__c", "OpportunityContactRole", "CampaignMember")
    walk.loop.ask("DELETE", f"{API}{found['object']}/{found['id']}")


def sf_undelete(walk: Walk) -> None:
    records = {name: walk.loop.control(f"records?object={name}") for name in ("Lead", "Contact", "Task")}
    gone = [(name, one["id"]) for name, found in records.items() for one in found if one["deleted"]]
    if gone:
        name, record = walk.draw.choice(gone)
        walk.loop.control("undelete", {"object": name, "id": record})


def sf_convert(walk: Walk) -> None:
    owner = next(user["id"] for user in walk.loop.records("User") if user["fields"]["LastName"] == "Person")
    lead = walk.draw.choice([one for one in walk.loop.records("Lead") if not one["fields"]["IsConverted"]])
    contact = walk.draw.choice([None, *(one["id"] for one in walk.loop.records("Contact"))])
    into = {"contact_id": contact} if contact else {}
    walk.loop.control("convert", {"id": lead["id"], "owner_id": owner, **into})


def sf_visit(walk: Walk) -> None:
    now = datetime.fromisoformat(walk.loop.control("clock")["now"])
    at = now + timedelta(seconds=walk.draw.choice((-86_400, -1, 0, 1, 30, 90, 600)))
    lead = walk.one_of("Lead")["id"]
    sf_make(walk, "Web_Activity__c", Lead__c=lead, Type__c="page_view", Occurred_At__c=f"{at:%Y-%m-%dT%H:%M:%SZ}")


def sf_attend(walk: Walk) -> None:
    campaign = sf_make(walk, "Campaign", Name="Demo day", Type="Webinar")
    person = walk.person()
    sf_make(walk, "CampaignMember", CampaignId=campaign, Status="Attended", **{f"{person['object']}Id": person["id"]})


def sf_deal(walk: Walk) -> None:
    if not walk.loop.records("Contact"):
        return
    account = walk.one_of("Account")["id"]
    made = sf_make(walk, "Opportunity", Name="Deal", AccountId=account, StageName="Prospecting", CloseDate="2026-09-30")
    role = walk.draw.choice(("Economic Buyer", "Influencer"))
    sf_make(walk, "OpportunityContactRole", OpportunityId=made, ContactId=walk.one_of("Contact")["id"], Role=role)


def sf_change_role(walk: Walk) -> None:
    if roles := walk.loop.records("OpportunityContactRole"):
        role = walk.draw.choice(("Economic Buyer", "Influencer"))
        walk.loop.ask("PATCH", f"{API}OpportunityContactRole/{walk.draw.choice(roles)['id']}", json={"Role": role})


def sf_move(walk: Walk) -> None:
    if walk.loop.records("Contact"):
        walk.loop.edit(walk.one_of("Contact"), AccountId=walk.one_of("Account")["id"])


def sf_found(walk: Walk) -> None:
    sf_make(walk, "Account", Name=walk.draw.choice(("Big", "Small")), Website="other.example")


def sf_close(walk: Walk) -> None:
    accounts = walk.loop.records("Account")
    if len(accounts) > 1:
        walk.loop.ask("DELETE", f"{API}Account/{walk.draw.choice(accounts)['id']}")


def sf_merge_accounts(walk: Walk) -> None:
    if found := walk.some(("Account",)):
        merge_two(walk.loop, *found)


def sf_retarget(walk: Walk) -> None:
    walk.loop.edit(walk.one_of("Task"), WhoId=walk.person()["id"])


def sf_come(walk: Walk) -> None:
    sf_make(
        walk, "Lead", LastName="New", Company="New", Title=CHIEF, Email=f"n{walk.draw.randrange(10**6)}@acme.example"
    )


def sf_mail(walk: Walk) -> None:
    copied = [walk.person()["id"]] if walk.draw.random() < 0.3 else []
    told = {"person": walk.person()["id"], "at": "2026-06-30T12:00:00Z", "subject": "Hi", "copied": copied}
    walk.loop.control("mail", told | {"incoming": walk.draw.random() < 0.5 and not copied})


def hs_delete(walk: Walk) -> None:
    found = walk.one_of("calls", "contacts")
    walk.loop.ask("DELETE", f"/crm/v3/objects/{found['object']}/{found['id']}")


def hs_come(walk: Walk) -> None:
    body = {"email": f"n{walk.draw.randrange(10**6)}@acme.example", "jobtitle": CHIEF}
    walk.loop.ask("POST", "/crm/v3/objects/contacts", json={"properties": body})


def hs_found(walk: Walk) -> None:
    body = {"name": walk.draw.choice(("Big", "Small")), "domain": f"d{walk.draw.randrange(10**6)}.example"}
    walk.loop.ask("POST", "/crm/v3/objects/companies", json={"properties": body})


def hs_close(walk: Walk) -> None:
    companies = walk.loop.records("companies")
    if len(companies) > 1:
        walk.loop.ask("DELETE", f"/crm/v3/objects/companies/{walk.draw.choice(companies)['id']}")


def hs_link(walk: Walk) -> None:
    ends = walk.draw.choice((("contacts", "companies"), ("calls", "contacts"), ("calls", "companies")))
    here, there = (walk.one_of(name)["id"] for name in ends)
    inputs = {"inputs": [{"from": {"id": here}, "to": {"id": there}}]}
    walk.loop.ask("POST", f"/crm/v4/associations/{ends[0]}/{ends[1]}/batch/associate/default", json=inputs)


def hs_unlink(walk: Walk) -> None:
    ends = walk.draw.choice((("contacts", "companies"), ("calls", "contacts")))
    here = walk.one_of(ends[0])["id"]
    linked = walk.loop.ask("GET", f"/crm/v4/objects/{ends[0]}/{here}/associations/{ends[1]}")["results"]
    if linked:
        inputs = {"inputs": [{"from": {"id": here}, "to": [{"id": str(linked[0]["toObjectId"])}]}]}
        walk.loop.ask("POST", f"/crm/v4/associations/{ends[0]}/{ends[1]}/batch/archive", json=inputs)


def hs_merge_companies(walk: Walk) -> None:
    if found := walk.some(("companies",)):
        merge_two(walk.loop, *found)


def hs_role(walk: Walk) -> None:
    walk.loop.edit(walk.person(), hs_buying_role=walk.draw.choice(("BUDGET_HOLDER", "INFLUENCER")))


SHARED: Final[tuple[Happening, ...]] = (retitle, call, merge, rename, readdress)
HAPPENINGS: Final[Mapping[str, tuple[Happening, ...]]] = {
    "salesforce": (
        *SHARED, sf_delete, sf_undelete, sf_convert, sf_visit, sf_visit, sf_attend, sf_deal, sf_change_role, sf_move,
        sf_found, sf_close, sf_merge_accounts, sf_retarget, sf_come, sf_mail,
    ),
    "hubspot": (
        *SHARED, hs_delete, hs_come, hs_found, hs_close, hs_link, hs_link, hs_unlink, hs_merge_companies, hs_role,
    ),
}  # fmt: skip


def told(loop: Loop) -> dict[str, list[tuple[Any, ...]]]:
    """Give all scores and contributions, but for when they were made."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with open_reading(loop.config) as reading, reading.engine() as engine:
        for line in reading.models.lines:
            scores, contributions = tables_of(line)
            rows = f"SELECT * EXCLUDE (as_of) FROM {reading.lake.relation(scores)} ORDER BY subject_id"  # noqa: S608 - a file list
            found[scores] = engine.execute(rows).fetchall()
            points = "subject_id, rule_id, kind, events, epoch(first_at), epoch(last_at), points, label"
            rows = f"SELECT {points} FROM {reading.contributions(line)} ORDER BY ALL"  # noqa: S608 - as above
            found[contributions] = engine.execute(rows).fetchall()
    return found


def differing(one: Mapping[str, list[tuple[Any, ...]]], other: Mapping[str, list[tuple[Any, ...]]]) -> list[str]:
    """Say what only one of them has."""
    return [
        f"{side} {table} {row}"
        for table in one
        for side, rows, others in (("-", one[table], other[table]), ("+", other[table], one[table]))
        for row in rows
        if row not in others
    ]


@pytest.mark.parametrize("seed", range(WALKS))
def test_what_changed_is_all_that_differs(fresh: Loop, tmp_path: Path, seed: int) -> None:
    rules = [f'[[fit]]\nid = "{name}"\nlabel = "{name}"\nwhen = {{ {when} }}\npoints = {1000 + place}\n'
             for place, (name, when) in enumerate(FACTS.items())]  # fmt: skip
    use_model(fresh, model_of({kind: 1 + place for place, kind in enumerate(KINDS)}, *rules))
    add_model(fresh.config, "accounts.toml", ACCOUNTS + BAND)
    if seed % 2:
        text = fresh.config.read_text(encoding="utf-8")
        fresh.config.write_text(text.replace("[matching]\nenabled = false\n", ""), encoding="utf-8")
    walk = Walk(fresh, random.Random(seed))  # noqa: S311 - made-up happenings
    scored(fresh)
    done: list[str] = []
    for step in range(STEPS):
        for _ in range(walk.draw.randint(1, 2)):
            happening = walk.draw.choice(HAPPENINGS[fresh.crm])
            done.append(happening.__name__)
            happening(walk)
        fresh.advance(walk.draw.choice((0, 0.4, 1, 60)))
        short = scored(fresh, changed_only=True)
        done.append(f"| {short.kept['people']} kept |")
        other = beside(fresh, tmp_path / f"other{step}")
        scored(other, as_of=short.as_of)
        assert differing(told(fresh), told(other)) == [], " ".join(done)
        shutil.rmtree(other.folder)
    for _ in range(2 if fresh.crm == "hubspot" else 1):  # which tells of no link that comes or goes: looked for twice
        fresh.advance(600)
        scored(fresh)
    left = shutil.ignore_patterns("leadlight-store", "sandbox.db*", "world")
    anew = replace(fresh, folder=Path(shutil.copytree(fresh.folder, tmp_path / "anew", ignore=left)))
    scored(anew)
    assert differing(told(fresh), told(anew)) == [], " ".join(done)
