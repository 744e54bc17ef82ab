"""Leads that the CRM links to no account, through a whole sync: their account by domain, in its score and in words."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.reading import open_reading
from connector.sandbox.server import Crm
from tests.loop.loops import CHIEF, CLERK, Loop, add_model, copy_of, make_template
from tests.loop.test_account_models import ACCOUNTS

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
