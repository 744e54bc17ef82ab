"""A mail scanner in the CRM: its clicks are left out of score and reasons, and people are told which and why."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.pipeline import Options
from connector.reading import open_reading
from connector.sandbox.server import Crm
from connector.status import status_of
from tests.cli.commands import Shell
from tests.loop.loops import MODEL, Loop, copy_of, make_template, write_world
from tests.loop.test_changed_only import beside, now

CLICKS = """
[[engagement]]
id = "clicks"
label = "clicked in a mail"
event = "email_click"
points = 2
cap = 30
"""
HEADER = "event_id,type,occurred_at,person_id,url,asset"


def scan(at: datetime, who: str, links: int = 40) -> list[str]:
    """Write what a scanner does to a mail: every link of it within two seconds."""
    return [
        f"scan-{who}-{n},email_click,{(at + timedelta(seconds=n % 2)):%Y-%m-%dT%H:%M:%SZ},{who},https://x.example/{n},News"
        for n in range(links)
    ]


def write_scanned(folder: Path) -> None:
    """Write the usual world, with a scanner for p08 and one honest click of p09."""
    write_world(folder)
    at = datetime(2026, 6, 30, 9, tzinfo=UTC)
    honest = f"honest,email_click,{at:%Y-%m-%dT%H:%M:%SZ},p09,https://x.example/1,News"
    (folder / "events.csv").write_text("\n".join([HEADER, *scan(at, "p08"), honest, ""]), encoding="utf-8")


def points(loop: Loop) -> dict[str, list[Any]]:
    """Give everybody's total and reasons by record id."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        rows = engine.execute(f"SELECT subject_id, total, reasons FROM {reading.lake.relation('scores')}").fetchall()  # noqa: S608 - a file list
    return {row[0]: list(row[1:]) for row in rows}


def flags(loop: Loop) -> int:
    """Count the flagged events."""
    with open_reading(loop.config) as reading:
        return sum(int(str(row["events"])) for row in status_of(reading)["bots"])


def score(loop: Loop, at: datetime, *, changed_only: bool = False) -> None:
    """Pull, judge and score, without writing to the CRM."""
    with open_job(loop.config, writer=True) as job:
        pipeline.pull(job)
        pipeline.score(job, Options(at, changed_only=changed_only))


def test_forty_links_in_two_seconds_count_for_nothing(
    crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = make_template(crm, tmp_path / "template", write_scanned)
    with copy_of(crm, template, tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL + CLICKS, encoding="utf-8")
        loop.sync()
        ids = {who: person["id"] for who, person in loop.people().items()}
        totals = points(loop)
        assert totals[ids["p08"]][0] == 0
        assert totals[ids["p09"]][0] > 1.9
        assert flags(loop) == 40
        told = Shell(capsys).on(loop, "explain", ids["p08"]).json
        assert told["not_counted"] == [{"type": "email_click", "events": 40, "reason": "3 or more links within 2 s"}]
        config = loop.config.read_text(encoding="utf-8")
        loop.config.write_text(config + "\n[bots]\nenabled = false\n", encoding="utf-8")
        loop.advance(60)
        loop.sync()
        assert points(loop)[ids["p08"]][0] == pytest.approx(30, abs=0.01)
        assert flags(loop) == 0


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_a_scan_that_comes_in_pieces_takes_back_what_counted_before(fresh: Loop, tmp_path: Path) -> None:
    (fresh.folder / "model.toml").write_text(MODEL + CLICKS, encoding="utf-8")
    who, at = fresh.people()["p08"]["id"], now(fresh).replace(microsecond=0)
    later = at + timedelta(hours=1)

    def click(n: int, *, sent: bool = True) -> None:
        body = {
            "Lead__c": who, "Type__c": "email_click", "URL__c": f"https://x.example/{n}", "Asset__c": "News",
            "Occurred_At__c": f"{at:%Y-%m-%dT%H:%M:%S.000+0000}",
        }  # fmt: skip
        if sent:
            fresh.ask("POST", "/services/data/v62.0/sobjects/Web_Activity__c", json=body)

    score(fresh, later)
    before = points(fresh)[who]
    click(1)
    click(2)
    fresh.advance(60)
    score(fresh, later, changed_only=True)
    assert points(fresh)[who][0] > before[0] + 3.9
    other = beside(fresh, tmp_path / "other")
    click(3)
    fresh.advance(60)
    score(fresh, later, changed_only=True)
    score(other, later)
    assert flags(fresh) == flags(other) == 3
    assert points(fresh) == points(other)
    assert points(fresh)[who] == before
    gone = fresh.records("Web_Activity__c")[0]
    fresh.ask("DELETE", f"/services/data/v62.0/sobjects/Web_Activity__c/{gone['id']}")
    fresh.advance(60)
    score(fresh, later, changed_only=True)
    assert flags(fresh) == 0
    assert points(fresh)[who][0] > before[0] + 3.9
