"""Vendors' fields of a CRM, through a whole sync: the right one is scored, and explain says whose it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.commands.explain import explain
from connector.output import Output
from connector.sandbox.server import Crm
from tests.enrichment.vendors import scores, vendors_loop
from tests.loop.loops import Loop


@pytest.fixture(params=["salesforce", "hubspot"])
def crm(request: pytest.FixtureRequest) -> Crm:
    chosen: Crm = request.param
    return chosen


@pytest.fixture
def loop(crm: Crm, vendors_template: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    with vendors_loop(crm, vendors_template(crm), tmp_path) as found:
        yield found


def explained(loop: Loop, who: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Give what explain prints of somebody."""
    capsys.readouterr()
    explain(Output(), loop.config, loop.people()[who]["id"], None, None)
    return capsys.readouterr().out


@pytest.mark.signal("Clearbit, ZoomInfo, Apollo", "upcell Prospector / Multi-vendor Enrichment")
def test_the_first_fresh_vendor_is_scored_and_told(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    loop.sync()
    assert scores(loop) == {"both": 40, "stale": 70, "older": 5, "nobody": 0}
    assert "employees 480 (zoominfo, 12 Mar 2026; clearbit says 900; crm says 50)" in explained(loop, "p_both", capsys)
    stale = "employees 1900 (clearbit, 1 Jun 2026; zoominfo says 480, not used: of 12 Mar 2025; crm says 50)"
    assert stale in explained(loop, "p_stale", capsys)
    assert "employees 50 (crm; zoominfo says 480, not used" in explained(loop, "p_older", capsys)
    assert "employees unknown (zoominfo says 480, not used: of 12 Mar 2025)" in explained(loop, "p_nobody", capsys)


TITLES = """
[model]
id = "levels"

[[fit]]
id = "vp"
when = { field = "seniority", is = "vp" }
points = 30

[[fit]]
id = "director"
when = { field = "seniority", is = "director" }
points = 20
"""
APOLLO = """
[[vendor]]
id = "apollo"
columns = { seniority = "apollo_title" }

[[enrich]]
attribute = "seniority"
of = "people"
vendors = ["apollo", "crm"]
transform = "seniority"
"""


@pytest.mark.signal("Clearbit, ZoomInfo, Apollo")
def test_a_title_that_a_vendor_knows_is_read_and_what_it_does_not_know_is_not_believed(
    crm: Crm, vendors_template: Callable[[Crm], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendors_loop(crm, vendors_template(crm), tmp_path, APOLLO) as loop:
        (loop.folder / "model.toml").write_text(TITLES, encoding="utf-8")
        loop.config.write_text(
            loop.config.read_text("utf-8").replace('band = "hot"', 'band = "warm"'), encoding="utf-8"
        )
        loop.sync()
        assert scores(loop) == {"both": 30, "stale": 20, "older": 20, "nobody": 20}
        assert "seniority vp (apollo, 1 Jul 2026; crm says director)" in explained(loop, "p_both", capsys)
        assert "seniority director (crm)" in explained(loop, "p_nobody", capsys)
