"""Leads that the CRM links to no account, through a whole sync: their account by domain, in its score and in words."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.errors import ConfigError
from connector.reading import open_reading
from connector.sandbox.server import Crm
from tests.loop.loops import CHIEF, CLERK, Loop, add_model, copy_of, make_template
from tests.loop.test_account_models import ACCOUNTS
from tests.loop.test_changed_only import beside, now, score

PEOPLE = f"""person_id,kind,account_id,owner_id,email,title,company
clerk,contact,acme,,kim@acme.example,{CLERK},
chief,lead,,,jo@crm.acme.example,{CHIEF},Something else
chance,lead,,,jo@gmail.com,{CHIEF},Jo's own
"""
COMPANIES = """account_id,name,domain
acme,Acme Robotics Inc.,www.acme.example
mail,Gmail fans,gmail.com
borg,Borg & Søn A/S,borg.example
"""


def write_world(folder: Path) -> None:
    """Write a linked contact, a lead of the same domain, one with a mailbox for anybody, and an account of that."""
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "accounts.csv").write_text(COMPANIES, encoding="utf-8")


@pytest.fixture(scope="session")
def matching_template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a provisioned sandbox with this world; made once per vendor."""
    made: dict[Crm, Path] = {}

    def template(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = make_template(crm, tmp_path_factory.mktemp(f"{crm}-matching"), write_world)
        return made[crm]

    return template


@pytest.fixture(params=("salesforce", "hubspot"))
def loop(request: pytest.FixtureRequest, matching_template: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    """Give a provisioned CRM and no store, with a model of accounts and matching as it is by default."""
    crm: Crm = request.param
    with copy_of(crm, matching_template(crm), tmp_path / "loop") as found:
        add_model(found.config, "accounts.toml", ACCOUNTS)
        text = found.config.read_text(encoding="utf-8")
        found.config.write_text(text.replace("[matching]\nenabled = false\n", ""), encoding="utf-8")
        yield found


def account(loop: Loop, who: str) -> dict[str, Any]:
    """Give the record of an account."""
    name = "Account" if loop.crm == "salesforce" else "companies"
    (found,) = [one for one in loop.records(name) if one["fields"][loop.words.canonical] == who]
    return found | {"object": name}


def band(loop: Loop, who: str) -> str:
    """Give what stands on an account."""
    return str(account(loop, who)["fields"][loop.words.band])


def matches(loop: Loop) -> dict[str, dict[str, Any]]:
    """Give the table of matches by the person's canonical id."""
    names = {record["id"]: who for who, record in loop.people().items()}
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("matches")
        if relation is None:
            return {}
        cursor = engine.execute(f"SELECT * FROM {relation}")  # noqa: S608 - a file list
        columns = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return {names.get(row["person_id"], row["person_id"]): row for row in rows}


def test_a_lead_counts_for_the_account_of_its_domain(loop: Loop) -> None:
    loop.sync()
    found = matches(loop)
    assert set(found) == {"chief"}
    assert (found["chief"]["account_id"], found["chief"]["method"]) == (account(loop, "acme")["id"], "domain")
    assert found["chief"]["evidence"] == "e-mail domain acme.example"
    assert band(loop, "acme") == "engage"
    assert account(loop, "mail")["fields"][loop.words.band] != "engage"
    loop.advance(60)
    mark = loop.mark()
    loop.sync()
    assert loop.writes(mark) == []


def run(loop: Loop, *words: str) -> dict[str, Any]:
    """Run a command and give its JSON."""
    found = CliRunner().invoke(app, [*words, "--config", str(loop.config), "--json"])
    assert found.exit_code == 0, found.output
    told: dict[str, Any] = json.loads(found.stdout)
    return told


def test_a_match_is_explained(loop: Loop) -> None:
    loop.sync()
    chief, chance, clerk = (loop.people()[who]["id"] for who in ("chief", "chance", "clerk"))
    acme = account(loop, "acme")["id"]
    told = run(loop, "explain", chief)["matched"]
    assert (told["account_id"], told["account"], told["evidence"]) == (
        acme, "Acme Robotics Inc.", "e-mail domain acme.example",
    )  # fmt: skip
    words = CliRunner().invoke(app, ["explain", chief, "--config", str(loop.config)]).stdout
    assert "account: Acme Robotics Inc. (matched by e-mail domain acme.example)" in words
    listed = run(loop, "match", "list")
    assert listed["counts"] == {"domain": 1}
    assert [(row["person_id"], row["account"]) for row in listed["matches"]] == [(chief, "Acme Robotics Inc.")]
    assert run(loop, "match", "ambiguous")["ambiguous"] == []
    examined = run(loop, "match", "explain", chief)
    assert examined["match"]["account_id"] == acme
    assert [one["account_id"] for one in examined["candidates"]] == [acme]
    free = run(loop, "match", "explain", chance)
    assert (free["mailbox"], free["match"]) == ("gmail.com: free", None)
    own = CliRunner().invoke(app, ["match", "explain", clerk, "--config", str(loop.config)])
    assert isinstance(own.exception, ConfigError)
    assert "the CRM itself links" in own.exception.message


def edited(loop: Loop, who: str, **fields: str) -> None:
    """Edit an account, and let the CRM's clock go on."""
    loop.edit(account(loop, who), **fields)
    loop.advance(60)


def test_a_match_follows_the_account_and_ends_with_it(loop: Loop) -> None:
    is_salesforce = loop.crm == "salesforce"
    name, site = ("Name", "Website") if is_salesforce else ("name", "domain")
    loop.sync()
    edited(loop, "acme", **{site: "robots.example"})
    loop.sync()
    assert matches(loop) == {}
    assert band(loop, "acme") == "watch"
    edited(loop, "borg", **{site: "acme.example"})
    edited(loop, "borg", **{name: "Something else"})
    loop.sync()
    assert matches(loop)["chief"]["evidence"] == "e-mail domain acme.example, same name"
    assert band(loop, "borg") == "engage"
    found = account(loop, "borg")["id"]
    path = f"/services/data/v62.0/sobjects/Account/{found}" if is_salesforce else f"/crm/v3/objects/companies/{found}"
    loop.ask("DELETE", path)
    loop.advance(60)
    loop.sync()
    assert matches(loop) == {}


def test_scoring_what_changed_gives_what_scoring_everybody_gives(loop: Loop, tmp_path: Path) -> None:
    site = "Website" if loop.crm == "salesforce" else "domain"
    at = (now(loop) + timedelta(hours=1)).replace(microsecond=0)
    score(loop, at)
    first = scores_by_account(loop)
    loop.advance(60)
    edited(loop, "acme", **{site: "robots.example"})
    edited(loop, "borg", **{site: "acme.example"})
    other = beside(loop, tmp_path / "beside")
    score(loop, at + timedelta(hours=1), changed_only=True)
    score(other, at + timedelta(hours=1))
    assert scores_by_account(loop) == scores_by_account(other) != first


def scores_by_account(loop: Loop) -> dict[str, float]:
    """Give the newest totals of accounts by record id."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("account_scores")
        return dict(engine.execute(f"SELECT subject_id, total FROM {relation}").fetchall())  # noqa: S608 - a file list
