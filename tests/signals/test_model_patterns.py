"""Ways of scoring that large vendors are known for, and tools that a score is handed to, through a real sync."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.provisioning import provision
from connector.reading import open_reading
from connector.sandbox.server import Crm
from tests.cli.commands import Shell
from tests.loop.channels import Channel, listening
from tests.loop.loops import MODEL, Loop, add_model, copy_of, make_template, write_world
from tests.loop.test_notices import heat, tell

TECHNICAL = """
[model]
id = "build"

[[fit]]
id = "engineers"
label = "works in engineering"
when = { field = "title", contains = "engineer" }
points = 20

[[fit]]
id = "tools"
label = "uses what ours works with"
when = { field = "account.technologies", contains_any = ["Jira", "GitHub"] }
points = 15

[[engagement]]
id = "call"
event = "call"
points = 5

[[band]]
id = "high"
at_least = 30

[[band]]
id = "low"
"""
SUITE = TECHNICAL.replace('id = "build"', 'id = "suite"').replace('contains = "engineer"', 'contains = "market"')
COMMITTEES = """
[model]
id = "committees"
subject = "account"

[rollup]
model = "build"
of = "engagement"
kind = "sum"
breadth = { engaged_at_least = 5, points_each = 2, cap = 4 }

[[segment]]
id = "enterprise"
when = { field = "employees", gte = 1000 }
breadth = { engaged_at_least = 5, points_each = 10, cap = 40 }

[[band]]
id = "all"
"""


def write_firms(folder: Path) -> None:
    """Write a large and a small company with the same three people each, all of whom were called."""
    folder.mkdir(parents=True)
    titles = ("Software Engineer", "Marketing Lead", "Clerk")
    people = [
        f"{a}{n},contact,{a},{a}{n}@{a}.example,{title}" for a in ("big", "small") for n, title in enumerate(titles)
    ]
    calls = [f"c-{row.split(',')[0]},call,2026-06-30T12:00:00Z,{row.split(',')[0]}" for row in people]
    accounts = ["big,Big,big.example,5000,Jira;Slack", "small,Small,small.example,20,Jira;Slack"]
    for name, header, rows in (
        ("people", "person_id,kind,account_id,email,title", people),
        ("accounts", "account_id,name,domain,employees,technologies", accounts),
        ("events", "event_id,type,occurred_at,person_id", calls),
    ):
        (folder / f"{name}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def totals(loop: Loop, table: str) -> dict[str, float]:
    """Give the totals of one table of scores by record id."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        rows = engine.execute(f"SELECT subject_id, total FROM {reading.lake.relation(table)}").fetchall()  # noqa: S608 - a file list
    return dict(rows)


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    """Serve a channel for notices."""
    with listening() as served:
        monkeypatch.setenv("LEADLIGHT_CHANNEL__SALES__URL", served.url)
        yield served


@pytest.fixture(params=["salesforce", "hubspot"])
def firms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """Give a loop over the two companies, with three models."""
    crm: Crm = request.param
    with copy_of(crm, make_template(crm, tmp_path / "template", write_firms), tmp_path / "loop") as loop:
        text = loop.config.read_text(encoding="utf-8").replace('band = "hot"', 'band = "high"')
        loop.config.write_text(text, encoding="utf-8")
        (loop.folder / "model.toml").write_text(TECHNICAL, encoding="utf-8")
        add_model(loop.config, "committees.toml", COMMITTEES)
        add_model(loop.config, "suite.toml", SUITE)
        yield loop


@pytest.mark.signal("Atlassian, Microsoft, Adobe (examples)")
def test_titles_and_tools_products_and_sizes_of_companies_decide(firms: Loop) -> None:
    provision(firms.config)
    firms.sync()
    ids = {who: person["id"] for who, person in firms.people().items()}
    build, suite = totals(firms, "scores"), totals(firms, "scores@suite")
    assert {who: build[ids[who]] for who in ("big0", "big1", "big2")} == {"big0": 40, "big1": 20, "big2": 20}
    assert {who: suite[ids[who]] for who in ("big0", "big1", "big2")} == {"big0": 20, "big1": 40, "big2": 20}
    named = "Name" if firms.crm == "salesforce" else "name"
    companies = firms.records("Account" if firms.crm == "salesforce" else "companies")
    accounts = totals(firms, "account_scores")
    assert {c["fields"][named]: accounts[c["id"]] for c in companies} == {"Big": 15 + 30, "Small": 15 + 4}


@pytest.mark.signal("Upcraft / Archer (AI texting)")
def test_whoever_is_suppressed_is_handed_to_nobody(crm_loop: Loop, channel: Channel) -> None:
    model = MODEL.replace("[decay]", '[suppress]\nwhen = { field = "opted_out", is = true }\n\n[decay]')
    (crm_loop.folder / "model.toml").write_text(model, encoding="utf-8")
    tell(crm_loop)
    crm_loop.sync()
    opted_out = "HasOptedOutOfEmail" if crm_loop.crm == "salesforce" else "hs_email_optout"
    crm_loop.edit(crm_loop.people()["p21"], "human", **{opted_out: True})
    heat(crm_loop, "p20", "p21")
    people: dict[str, Any] = crm_loop.people()
    assert people["p20"]["fields"][crm_loop.words.band] == "hot"
    assert not people["p21"]["fields"][crm_loop.words.band]
    (text,) = channel.texts
    assert people["p20"]["id"] in text


@pytest.fixture(params=["salesforce", "hubspot"])
def crm_loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """Give a loop over the usual people."""
    crm: Crm = request.param
    with copy_of(crm, make_template(crm, tmp_path / "template", write_world), tmp_path / "loop") as loop:
        yield loop


VISITS = ((0, "p09", "/careers"), (1, "p09", "/careers/sales"), (2, "p10", "/pricing"))
CAREERS = """
[model]
id = "seekers"
scale = { min = -50, max = 100 }

[[engagement]]
id = "looks_for_work"
label = "visited the careers page"
event = "page_view"
where = { field = "url", contains = "/careers" }
points = -15
award = "once"

[[band]]
id = "hot"
at_least = 50

[[band]]
id = "cold"
"""


@pytest.mark.signal("Zendesk (tickets; also careers-page example)")
def test_whoever_looks_for_work_loses_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def write(folder: Path) -> None:
        write_world(folder)
        rows = [f"v{n},page_view,2026-06-29T1{n}:00:00Z,{who},https://us.example{page}" for n, who, page in VISITS]
        text = "\n".join(["event_id,type,occurred_at,person_id,url", *rows, ""])
        (folder / "events.csv").write_text(text, encoding="utf-8")

    with copy_of("salesforce", make_template("salesforce", tmp_path / "template", write), tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(CAREERS, encoding="utf-8")
        loop.sync()
        found, ids = totals(loop, "scores"), {who: person["id"] for who, person in loop.people().items()}
        assert [found[ids[who]] for who in ("p09", "p10", "p11")] == [-15, 0, 0]
        told = Shell(capsys).on(loop, "explain", ids["p09"]).json["contributions"]
        assert [(row["rule_id"], row["events"], row["points"]) for row in told] == [("looks_for_work", 2, -15)]
