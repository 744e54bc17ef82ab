"""A customer is scored for expansion and for renewal and is no new business, with the shipped models, in both CRMs."""

from pathlib import Path

import pytest

from connector.compose import open_job
from connector.overview import overview
from connector.provisioning import provision
from connector.sandbox.server import Crm, SandboxOptions, start
from tests.loop.loops import CHIEF, Loop, configure, further, loop_of

PEOPLE = f"""person_id,kind,account_id,email,title
p1,contact,a1,p1@acme.example,{CHIEF}
p2,contact,a2,p2@velora.example,{CHIEF}
"""
ACCOUNTS = """account_id,name,domain,type,usage_growth,contract_age_days
a1,Acme,acme.example,customer,0.3,310
a2,Velora,velora.example,prospect,0.5,400
"""
EVENTS = """event_id,type,occurred_at,person_id,account_id
e1,product_registration,2026-06-28T12:00:00Z,,a1
e2,product_registration,2026-06-29T12:00:00Z,,a1
e3,product_registration,2026-06-30T12:00:00Z,,a1
e4,ticket,2026-06-30T13:00:00Z,,a1
e5,demo_request,2026-06-30T13:00:00Z,p1,a1
e6,demo_request,2026-06-30T13:00:00Z,p2,a2
"""
MAPPING = {
    "salesforce": """extends = "salesforce"
[read.Account.fields]
usage_growth = "Usage_Growth__c"
contract_age_days = "Contract_Age_Days__c"
""",
    "hubspot": """extends = "hubspot"
[read.companies.fields]
usage_growth = "usage_growth"
contract_age_days = "contract_age_days"
""",
}
MODELS = "".join(f'[[model]]\nfile = "preset:{name}"\n\n' for name in ("expansion", "renewal"))


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Write a customer and a prospect, equally busy."""
    folder = tmp_path / "world"
    folder.mkdir()
    for name, text in (("people", PEOPLE), ("accounts", ACCOUNTS), ("events", EVENTS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def told(loop: Loop, name: str, who: str, field: str) -> object:
    """Give what stands in a field as text, blank being nothing."""
    (record,) = [one for one in loop.records(name) if one["fields"][loop.words.canonical] == who]
    held = record["fields"].get(field)
    return None if held in (None, "") else str(held).removesuffix(".0")


def test_a_customer_is_expanded_and_renewed_and_no_new_lead(crm: Crm, world: Path, tmp_path: Path) -> None:
    companies, contacts = ("Account", "Contact") if crm == "salesforce" else ("companies", "contacts")
    with start(SandboxOptions(crm, world=str(world))) as sandbox:
        loop = loop_of(crm, sandbox, tmp_path)
        configure(sandbox.ready, tmp_path, model="preset:b2b_saas")
        (tmp_path / "mapping.toml").write_text(MAPPING[crm], encoding="utf-8")
        text = loop.config.read_text(encoding="utf-8").replace(f'mapping = "{crm}"', 'mapping = "mapping.toml"')
        loop.config.write_text(text.replace("[[action]]", f"{MODELS}[[action]]", 1), encoding="utf-8")
        provision(loop.config)
        first = loop.sync(backfill=True)
        assert first.as_dict()["models"] == {"b2b_saas": 1, "expansion": 1, "renewal": 1}
        score, band = loop.words.score, loop.words.band
        renewal = [further(name, "renewal") for name in (score, band)]
        fields = (score, band, *renewal)
        # renewal: 25 for the contract, 20 as nobody uses it, 3 for the ticket, 5 less for the growth
        assert [told(loop, companies, "a1", name) for name in fields] == ["32", "expand", "43", "renew"]
        assert [told(loop, companies, "a2", name) for name in fields] == [None] * 4
        assert told(loop, contacts, "p1", band) is None
        assert told(loop, contacts, "p2", band) is not None
        assert not loop.tasks_of(loop.people()["p1"]["id"])
        loop.advance(60)
        mark = loop.mark()
        loop.sync()
        assert loop.writes(mark) == []
        with open_job(loop.config, writer=False) as job:
            seen = overview(job, {})
    assert [lead.company for lead in seen.leads] == ["Velora"]
