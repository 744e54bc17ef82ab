"""Rows of feeds about somebody who asked to be forgotten: gone, and neither landed nor held when they come again."""

import pytest

from tests.cli.commands import Shell
from tests.cli.test_erasure import traces
from tests.feeds.drops import drop, score, table
from tests.feeds.test_feed_files import crm, loop, row
from tests.loop.loops import Loop

__all__ = ["crm", "loop"]
GONE, UNKNOWN = "p08@acme.example", "stranger@seen.example"


@pytest.mark.fault("I13")
def test_rows_of_the_forgotten_stay_away(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    shell, store = Shell(capsys), loop.folder / "leadlight-store"
    drop(loop, "usage", [row(1, GONE), row(2, "p09@acme.example"), row(3, UNKNOWN)])
    score(loop)
    assert {found["email"] for found in table(loop, "held")} == {UNKNOWN}
    for address in (GONE, UNKNOWN):  # one whom the CRM knows, and one whom it does not
        assert shell.on(loop, "erase", address, "--yes").code == 0
    assert traces(store, GONE, UNKNOWN) == []
    drop(loop, "usage", [row(4, GONE), row(5, UNKNOWN), row(6, "p09@acme.example")], "later.csv")
    loop.advance(60)
    fed = score(loop).fed
    assert (fed["events"], fed["held"]) == (1, 0)
    assert traces(store, GONE, UNKNOWN) == []
