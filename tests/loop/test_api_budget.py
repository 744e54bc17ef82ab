"""A full pull and a full write stay near the least that page and batch sizes allow."""

from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from connector.provisioning import provision
from connector.sandbox.server import Crm, SandboxOptions, start
from tests.loop.loops import Loop, configure, loop_of

PEOPLE = 300
FIXED = 25
PAGE = {"salesforce": 2000, "hubspot": 100}
BATCH = {"salesforce": 200, "hubspot": 100}
READ = {
    "salesforce": (
        *("Lead", "Contact", "Account", "Task", "Event", "EmailMessage", "CampaignMember", "Opportunity"),
        *("OpportunityContactRole", "LeadHistory", "ContactHistory", "AccountHistory", "OpportunityFieldHistory"),
        *("EmailMessageRelation", "Web_Activity__c"),
    ),
    "hubspot": (
        "contacts",
        "companies",
        "calls",
        "emails",
        "meetings",
        "deals",
        "notes",
        "communications",
        "tasks",
        "leads",
    ),
}


@pytest.fixture
def demo(crm: Crm, tmp_path: Path) -> Iterator[Loop]:
    with start(SandboxOptions(crm, people=PEOPLE)) as sandbox:
        configure(sandbox.ready, tmp_path, model="preset:b2b_saas")
        loop = loop_of(crm, sandbox, tmp_path)
        provision(loop.config)
        yield loop


def pages(loop: Loop, name: str) -> int:
    """Count the pages that hold an object's records, deleted ones included."""
    return max(1, ceil(len(loop.control(f"records?object={name}")) / PAGE[loop.crm]))


def event_pages(loop: Loop) -> int:
    """Count the pages of HubSpot's web events, which are no records."""
    kinds = ("e_visited_page", "pe4242424_web_activity") if loop.crm == "hubspot" else ()
    return sum(pages_of_events(loop, kind) for kind in kinds)


def pages_of_events(loop: Loop, kind: str) -> int:
    """Walk one type of event in the largest pages there are."""
    asked: dict[str, object] = {"eventType": kind, "limit": PAGE["hubspot"]}
    pages_read, more = 0, True
    while more:
        answer = loop.ask("GET", "/events/v3/events", params=asked)
        pages_read, more = pages_read + 1, "paging" in answer
        asked["after"] = answer["paging"]["next"]["after"] if more else None
    return pages_read


@pytest.mark.fault("I3")
def test_a_full_run_spends_little_more_than_the_least_that_is_possible(demo: Loop) -> None:
    web = event_pages(demo)
    before = demo.control("stats")
    outcome = demo.sync(backfill=True)
    after = demo.control("stats")
    assert outcome.plan is not None
    assert outcome.applied is not None
    assert outcome.applied.rejected == 0
    assert outcome.scored["people"] >= 0.9 * PEOPLE
    counts, batch = outcome.plan.counts(), BATCH[demo.crm]
    links = 2 if demo.crm == "hubspot" else 0
    least_reads = sum(pages(demo, name) for name in READ[demo.crm]) + web
    least_writes = ceil(counts["fields"] / batch) + ceil(counts["tasks"] / batch) * (1 + links)
    spent = after["requests"] - before["requests"]
    print(f"{demo.crm}: {spent} calls, at least {least_reads} reads and {least_writes} writes")
    assert spent == sum(outcome.calls)
    assert spent <= 1.05 * (least_reads + least_writes) + FIXED


@pytest.mark.fault("I3", "I6")
def test_writes_cost_what_batches_need_and_a_second_run_costs_none(demo: Loop) -> None:
    before = demo.control("stats")
    outcome = demo.sync()
    after = demo.control("stats")
    assert outcome.plan is not None
    changed = Counter(change.object for change in outcome.plan.changes)
    least = sum(ceil(n / BATCH[demo.crm]) for n in changed.values())
    spent = after["writes"] - before["writes"]
    print(f"{demo.crm}: {sum(changed.values())} records in {spent} writes, at least {least}")
    assert sum(changed.values()) >= PEOPLE / 2
    assert spent <= ceil(1.05 * least)
    again = demo.sync(as_of=outcome.as_of)
    assert again.plan is not None
    assert again.plan.size == 0
    assert demo.control("stats")["writes"] == after["writes"]


@pytest.mark.fault("I3", "I6")
def test_a_decay_that_is_too_small_to_notice_writes_nothing(synced: Loop) -> None:
    synced.sync()
    mark = synced.mark()
    synced.advance(1800)  # 19.55 points of calls become 19.54: both are 20
    synced.sync()
    assert synced.writes(mark) == []
