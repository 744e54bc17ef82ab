"""Killed while it reads a feed, and run again: every row is there once, and nothing is held that has landed."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from connector.crash import ARMED, KILLED
from connector.feeds import spool
from connector.sandbox.server import Crm
from tests.feeds.drops import drop, fed, feed, score, table
from tests.feeds.test_feed_inbox import BLOCK, row
from tests.loop.loops import Loop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def crm() -> Crm:
    """Crashes know no vendor of CRMs; one is enough."""
    return "hubspot"


@pytest.fixture
def loop(fresh: Loop) -> Loop:
    """Give a loop with a file that changed, messages that wait, and a row on hold whose person has come."""
    (fresh.folder / "usage.toml").write_text(BLOCK, encoding="utf-8")
    feed(fresh, "files", use="usage.toml")
    feed(fresh, "sent", use="usage.toml", path=None, inbox=True)
    drop(fresh, "files", [row(1), row(2), {**row(3), "email": "new@acme.example"}, {**row(4), "email": ""}])
    score(fresh)
    drop(fresh, "files", [row(2), {**row(3), "email": "new@acme.example"}, row(5)])
    spool.append(fresh.folder / "leadlight-store", "sent", [row(6), row(7), {**row(8), "at": "never"}])
    fresh.edit(fresh.people()["p12"], email="new@acme.example")
    fresh.advance(60)
    return fresh


@pytest.mark.parametrize(
    "point",
    ["held: files written:1", "feed: files written:1", "feed: committed:2", "before commit:8", "after commit:9"],
)
def test_nothing_is_lost_or_doubled_by_a_power_cut(loop: Loop, point: str) -> None:
    command = [sys.executable, "-m", "connector", "pull", "--config", str(loop.config)]
    killed = subprocess.run(command, env={**os.environ, ARMED: point}, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == KILLED, killed.stderr.decode()[-2000:]
    score(loop)
    found = Counter(one["event_id"] for one in fed(loop))
    names = [f"feed:files:{number}" for number in (2, 3, 5)] + [f"feed:sent:{number}" for number in (6, 7)]
    assert found == Counter(names)
    assert table(loop, "held") == []
    assert [reject["feed"] for reject in table(loop, "feed_rejects")] == ["sent"]
    assert spool.waiting(loop.folder / "leadlight-store", "sent") == []
