"""Write docs/fidelity_salesforce.md from the tables of cases: `python -m tests.sandbox.salesforce_page`."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.sandbox.salesforce_bodies import BODY_CASES, TEXT_CASES
from tests.sandbox.salesforce_cases import DESCRIBES, FEATURED, FLOWS, GLOBAL_DESCRIBE, LOGINS, NOT_COMPARED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity_salesforce.md"
WORDS = """# How true the Salesforce sandbox is

The sandbox is written from Salesforce's documentation and held against traffic that other projects recorded or captured
of the real Salesforce. Status, headers of note, keys, JSON types, codes and messages of each compared answer must be
the recording's. Run it again, with the recordings in place:

    python -m pytest tests/sandbox/test_salesforce_fidelity.py tests/sandbox/test_salesforce_soap.py
    python -m pytest tests/crm/test_salesforce_recorded_reads.py tests/crm/test_salesforce_recorded_writes.py

The first holds the sandbox against them, the second lets the adapter read and write them over the real client library.
This page is written by `python -m tests.sandbox.salesforce_page`; a test fails where it is not up to date.
"""
UNPROVEN = """## What no recording proves

EmailMessage, EmailMessageRelation, the history objects, CampaignMember, Campaign, Task and User describes; what a
conversion and a merge leave behind; currencies and record types; results of Bulk 2.0 queries; getUpdated and getDeleted
of the real service; locks, duplicates, limits and inactive owners beyond their messages; JWT and client credentials
answers. Each module of `connector/sandbox/salesforce` that answers these says so in its first lines.
"""
ADAPTER = ("tests/crm/test_salesforce_recorded_reads.py", "tests/crm/test_salesforce_recorded_writes.py")


def compared() -> set[str]:
    """Name the files that a test compares."""
    return {*FLOWS, *BODY_CASES, *TEXT_CASES, *DESCRIBES, *FEATURED, *LOGINS, GLOBAL_DESCRIBE}


def compared_interactions() -> int:
    """Count the requests and answers in them."""
    return sum(len(steps) for steps in FLOWS.values()) + len(compared() - FLOWS.keys())


def page() -> str:
    """Write the page."""
    return "\n".join([WORDS, *_counts(), UNPROVEN, "## Not compared, and why", "", *_rest(), ""])


def _counts() -> Iterator[str]:
    tests = sum(len(re.findall(r"^def test_", (ROOT / name).read_text("utf-8"), re.MULTILINE)) for name in ADAPTER)
    yield "## Compared"
    yield ""
    every = len(compared()) + len(NOT_COMPARED)
    yield f"{len(compared())} of {every} files, {compared_interactions()} answers; {tests} tests of the adapter."
    yield ""


def _rest() -> Iterator[str]:
    reasons = dict.fromkeys(NOT_COMPARED.values())
    for reason in reasons:
        names = sorted(name for name, why in NOT_COMPARED.items() if why == reason)
        yield f"- {reason} ({len(names)}):"
        yield from (f"  - `{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
