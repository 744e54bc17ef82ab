"""A CRM whose people belong to no account: leads, and companies that none of them is linked to."""

from pathlib import Path

from connector.compose import open_job
from connector.overview import overview
from connector.provisioning import provision
from connector.sandbox.server import Crm, SandboxOptions, start
from tests.loop.loops import CHIEF, configure, loop_of

PEOPLE = f"""person_id,kind,email,title,company
p1,lead,p1@acme.example,{CHIEF},Acme
p2,lead,p2@velora.example,Clerk,Velora
"""
ACCOUNTS = "account_id,name,domain\na1,Orlo,orlo.example\n"


def test_leads_without_accounts_get_scores_and_tasks(crm: Crm, tmp_path: Path) -> None:
    world = tmp_path / "world"
    world.mkdir()
    (world / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (world / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    with start(SandboxOptions(crm, world=str(world))) as sandbox:
        loop = loop_of(crm, sandbox, tmp_path)
        configure(sandbox.ready, tmp_path)
        provision(loop.config)
        outcome = loop.sync(backfill=True)
        assert outcome.plan is not None
        assert outcome.plan.counts()["tasks"] == 1
        with open_job(loop.config, writer=False) as job:
            seen = overview(job, {})
    assert [lead.company for lead in seen.leads] == ["Acme", "Velora"]
