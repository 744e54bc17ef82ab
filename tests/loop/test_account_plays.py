"""An account that enters its band: its owner, and one task for each role that somebody has."""

from typing import Any

import pytest

from connector.errors import ConfigError
from tests.loop.loops import CHIEF, DIRECTOR, Loop, add_model
from tests.loop.test_account_models import ACCOUNTS, company_record

PLAY = """
[[action]]
model = "companies"
band = "engage"
owner = { pool = "sdr" }
task = { subject = "{{ company }}: reach the {{ role or 'right people' }} ({{ name }})", due = "2d" }
"""
ROLES = 'roles = ["c_level", "director", "champion"]\n'


def playing(loop: Loop, extra: str = "") -> Loop:
    """Let the accounts' band mean a play."""
    add_model(loop.config, "accounts.toml", ACCOUNTS)
    text = loop.config.read_text(encoding="utf-8")
    pool = text.split("[[pool]]")[1].split('id = "')[1].split('"')[0]
    loop.config.write_text(text + PLAY.replace('"sdr"', f'"{pool}"') + extra, encoding="utf-8")
    loop.retitle("p03", "Clerk")  # whose points put the account into its band
    loop.sync()
    loop.advance(60)
    loop.sync()
    return loop


def plays(loop: Loop) -> list[dict[str, Any]]:
    """List the tasks of the play."""
    return [task for task in loop.tasks() if task["fields"][loop.words.subject].startswith("Acme: ")]


def account_of(loop: Loop, task: dict[str, Any]) -> str | None:
    if loop.crm == "salesforce":
        return str(task["fields"]["WhatId"])
    inputs = {"inputs": [{"id": task["id"]}]}
    found = loop.ask("POST", "/crm/v4/associations/tasks/companies/batch/read", json=inputs)["results"]
    return next((str(to["toObjectId"]) for row in found for to in row["to"]), None)


def test_an_account_gets_an_owner_and_one_task_for_each_role_that_is_there(fresh: Loop) -> None:
    playing(fresh, ROLES)
    assert plays(fresh) == []
    account = company_record(fresh)
    assert not account["fields"].get(fresh.words.owner) or fresh.crm == "salesforce"
    fresh.retitle("p23", DIRECTOR)
    fresh.retitle("p03", CHIEF)
    outcome = fresh.sync()
    assert outcome.plan is not None
    assert [(e.object, e.trigger) for e in outcome.plan.opened if e.object == account["object"]] == [
        (account["object"], "companies:band:engage")
    ]
    found = {task["fields"][fresh.words.subject]: task for task in plays(fresh)}
    assert [subject.split(" (")[0] for subject in sorted(found)] == [
        "Acme: reach the c level",
        "Acme: reach the director",
    ]
    owner = company_record(fresh)["fields"][fresh.words.owner]
    assert owner
    people = fresh.people()
    for subject, task in found.items():
        who = "p03" if "c level" in subject else "p23"
        assert task["fields"][fresh.words.owner] == owner
        assert task["id"] in [linked["id"] for linked in fresh.tasks_of(people[who]["id"])]
        assert account_of(fresh, task) == account["id"]
    fresh.advance(60)
    fresh.sync()
    fresh.advance(60)
    mark = fresh.mark()
    again = fresh.sync().plan
    assert again is not None
    assert (again.size, fresh.writes(mark)) == (0, [])


@pytest.mark.parametrize("extra", ["", 'roles = ["champion"]\n'])
def test_without_roles_or_anybody_in_them_the_task_is_on_the_account(fresh: Loop, extra: str) -> None:
    playing(fresh, extra)
    fresh.retitle("p03", CHIEF)
    fresh.sync()
    (task,) = plays(fresh)
    assert task["fields"][fresh.words.subject] == "Acme: reach the right people (Acme)"
    assert account_of(fresh, task) == company_record(fresh)["id"]


def test_the_first_run_of_an_account_model_starts_no_play(fresh: Loop) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    text = fresh.config.read_text(encoding="utf-8")
    pool = text.split("[[pool]]")[1].split('id = "')[1].split('"')[0]
    fresh.config.write_text(text + PLAY.replace('"sdr"', f'"{pool}"'), encoding="utf-8")
    fresh.sync()
    assert plays(fresh) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('roles = ["champoin"]', "'champoin' is no role that is known, did you mean 'champion'?"),
        ('roles = ["champion"]\n[[action]]\nband = "hot"\nroles = ["vp"]\ntask = { subject = "x" }', "scores people"),
    ],
)
@pytest.mark.parametrize("crm", ["hubspot"])
def test_roles_that_cannot_be_are_named(fresh: Loop, wrong: str, said: str) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    text = fresh.config.read_text(encoding="utf-8").replace('band = "hot"', 'band = "warm"', 1)
    fresh.config.write_text(f"{text}\n{PLAY.replace('owner = ', '# ')}{wrong}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        fresh.sync()
    assert said in str(caught.value)
