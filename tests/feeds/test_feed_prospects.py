"""People whom a feed found and nobody in the CRM knows: created once, where the mapping says so, not against people."""

import pytest

from connector.pipeline import Outcome
from connector.provisioning import provision
from tests.feeds.drops import drop, feed, table
from tests.loop.loops import CHIEF, Loop

BLOCK = """
vendor = "finder"
key = { email = "email" }
time = "at"

[person]
first_name = "first"
last_name = "last"
company = "company"
title = "title"
opted_out = "opt_out"
"""
WHO = "vera.lind@prospect.example"
PLACES = {"salesforce": ("Lead", "Email", "LastName"), "hubspot": ("contacts", "email", "lastname")}


def row(email: str = WHO, **more: object) -> dict[str, object]:
    """Make a row of the feed."""
    named = {"first": "Vera", "last": "Lind", "company": "Prospect AG", "title": CHIEF, "opt_out": ""}
    return {"email": email, "at": "2026-06-29T08:00:00Z", **named, **more}


@pytest.fixture
def finding(fresh: Loop) -> Loop:
    """Give a loop that was synced once, with a feed that creates whom nobody knows."""
    return begin(fresh)


def begin(loop: Loop) -> Loop:
    """Add the feed."""
    (loop.folder / "finder.toml").write_text(BLOCK, encoding="utf-8")
    feed(loop, "finder", use="finder.toml", unknown="create")
    provision(loop.config)
    return loop


def found(loop: Loop, email: str = WHO) -> list[dict[str, object]]:
    """List the living people of an address, on every object."""
    name = PLACES[loop.crm][1]
    return [one for kind in loop.words.people for one in loop.records(kind) if one["fields"].get(name) == email]


def synced(loop: Loop, **how: object) -> Outcome:
    """Let a minute pass and sync."""
    loop.advance(60)
    return loop.sync(**how)  # type: ignore[arg-type]


def test_a_prospect_is_created_once_and_scored_as_anybody(finding: Loop) -> None:
    drop(finding, "finder", [row()])
    first = synced(finding)
    assert first.plan is not None
    assert first.applied is not None
    assert first.plan.counts()["creates"] == first.applied.created == 1
    [made] = found(finding)
    second = synced(finding)
    assert second.plan is not None
    assert second.plan.counts()["creates"] == 0
    [made] = found(finding)
    assert float(str(made["fields"][finding.words.score])) == 60  # type: ignore[index]
    assert table(finding, "held") == []
    mark = finding.mark()
    synced(finding)
    assert finding.writes(mark) == []
