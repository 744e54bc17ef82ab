"""Everything at once between two syncs: conversion, merge, vendors who disagree, a scanner, an opt-out, a lost right.

Each effect is judged by what `explain` tells of it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.provisioning import provision
from tests.cli.commands import Shell
from tests.enrichment.vendors import COLUMNS, VENDORS, company, write_mapping
from tests.loop.loops import Loop, copy_of, make_template, write_world
from tests.loop.test_bots_in_a_run import scan
from tests.loop.test_salesforce_conversions import convert
from tests.loop.test_successors import merge

API = "/services/data/v62.0/sobjects/"
MODEL = """
[model]
id = "busy"

[suppress]
when = { any = [ { field = "opted_out", is = true }, { field = "email_domain", in_list = "competitors" } ] }

[[fit]]
id = "size"
label = "company size"
field = "account.employees"
brackets = [ { below = 100, points = 5 }, { points = 40 } ]

[[fit]]
id = "near"
label = "in our market"
when = { field = "country", is = "DE" }
points = 8

[[engagement]]
id = "call"
label = "spoke on the phone"
event = "call"
points = 10

[[engagement]]
id = "visit"
label = "visited a page"
event = "page_view"
points = 3

[[engagement]]
id = "click"
label = "clicked in a mail"
event = "email_click"
points = 2

[[band]]
id = "hot"
at_least = 30

[[band]]
id = "cold"
"""


def write_busy(folder: Path) -> None:
    """Write the usual world, all of it in Germany, with what two vendors say of the one company."""
    write_world(folder)
    people = (folder / "people.csv").read_text(encoding="utf-8").splitlines()
    (folder / "people.csv").write_text(
        "\n".join([people[0] + ",country,apollo_title", *(f"{row},DE,Boss" for row in people[1:]), ""]),
        encoding="utf-8",
    )
    header = ",".join(("account_id", "name", "domain", "employees", *COLUMNS))
    said = "50,480,2026-03-12T00:00:00Z,900,2026-06-01T00:00:00Z"
    (folder / "accounts.csv").write_text(f"{header}\na1,Acme,acme.example,{said}\n", encoding="utf-8")


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Loop]:
    """Give a synced loop over this world."""
    template = make_template("salesforce", tmp_path / "template", write_busy)
    with copy_of("salesforce", template, tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL, encoding="utf-8")
        write_mapping("salesforce", loop.folder)
        text = loop.config.read_text(encoding="utf-8").replace('mapping = "salesforce"', 'mapping = "mapping.toml"')
        loop.config.write_text(text + VENDORS, encoding="utf-8")
        provision(loop.config)
        loop.sync()
        loop.advance(60)
        yield loop


def web(loop: Loop, who: str, kind: str, at: datetime, url: str, asset: str | None = None) -> None:
    """Let a marketing tool sync what somebody did."""
    person = loop.people()[who]
    body = {f"{person['object']}__c": person["id"], "Type__c": kind, "URL__c": url, "Asset__c": asset}
    loop.ask("POST", f"{API}Web_Activity__c", json=body | {"Occurred_At__c": f"{at:%Y-%m-%dT%H:%M:%S.000+0000}"})


def test_every_effect_is_told(day: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    people, shell = day.people(), Shell(capsys)
    at = datetime(2026, 6, 30, 9, tzinfo=UTC)

    def explained(record: str) -> dict[str, Any]:
        return shell.on(day, "explain", record).json

    before = explained(people["p08"]["id"])
    assert {row["rule_id"]: row["events"] for row in before["contributions"] if row["events"]} == {"call": 2}

    # a lead who spoke twice becomes a contact of Acme
    account = company(day, "a1")["id"]
    contact = convert(day, people["p08"]["id"], account_id=account)
    # two contacts of Acme turn out to be one person, and each of them visited
    web(day, "p03", "page_view", at, "https://x.example/one")
    web(day, "p23", "page_view", at + timedelta(hours=1), "https://x.example/two")
    survivor = merge(day, people["p03"], people["p23"])
    # a scanner clicks all forty links of a mail
    for row in scan(at, "p09"):
        _, kind, when, who, url, asset = row.split(",")
        web(day, who, kind, datetime.fromisoformat(when), url, asset)
    # somebody opts out, and the integration user may not see the country of leads any more
    day.edit(people["p10"], HasOptedOutOfEmail=True)
    day.control("settings", {"hidden_fields": ["Lead.Country"]})
    day.advance(60)
    outcome = day.sync()
    assert outcome.status == "completed_with_errors"
    assert outcome.applied is not None
    assert outcome.applied.rejected == 0

    became = explained(contact)
    assert f"goes on for {people['p08']['id']}, whose history counts here" in became["notes"]
    points = {row["rule_id"]: row for row in became["contributions"]}
    assert points["call"]["events"] == 2
    assert points["size"]["points"] == 40
    assert became["enriched"][0]["said"][0] == {
        "vendor": "zoominfo", "value": "480", "observed_at": "2026-03-12T00:00:00Z", "used": True, "fresh": True,
    }  # fmt: skip
    assert (
        "employees 480 (zoominfo, 12 Mar 2026; clearbit says 900; crm says 50)"
        in shell.run("explain", contact, "-c", day.config).out
    )
    asked_for_the_lead = explained(people["p08"]["id"])
    assert asked_for_the_lead["subject_id"] == contact
    assert f"{people['p08']['id']} goes on as {contact}" in asked_for_the_lead["notes"]

    merged = explained(survivor)
    assert {row["rule_id"]: row["events"] for row in merged["contributions"] if row["events"]} == {"visit": 2}
    loser = people["p23"]["id"] if survivor == people["p03"]["id"] else people["p03"]["id"]
    assert f"goes on for {loser}, whose history counts here" in merged["notes"]

    scanned = explained(people["p09"]["id"])
    assert scanned["not_counted"] == [{"type": "email_click", "events": 40, "reason": "3 or more links within 2 s"}]
    assert "click" not in {row["rule_id"] for row in scanned["contributions"]}

    left = explained(people["p10"]["id"])
    assert (left["state"], left["band"]) == ("suppressed", None)
    assert "suppressed: opted_out is true" in left["notes"]

    assert "near" not in {row["rule_id"] for row in scanned["contributions"]}
    assert any("switched off" in note and "Country" in note for note in scanned["notes"])
    assert "near" in {row["rule_id"] for row in merged["contributions"]}  # a contact's country is another field
    day.advance(60)
    assert day.sync().as_dict()["plan"]["tasks"] == 0
