"""The page: whole, alone, and safe whatever people are called."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from connector.report.charts import histogram
from connector.report.html import Count, Lead, Overview, render, write_page

EVIL = "<script>alert(1)</script>\"'&"
LEAD = Lead(
    "00Q1", EVIL, EVIL, EVIL, "60", "hot", 0, (f"+60 {EVIL}",), EVIL, f"Call {EVIL}", "01 Jul 2026",
    "https://acme.my.salesforce.com/lightning/r/Lead/00Q1/view",
)  # fmt: skip
PAGE = Overview(
    crm="Salesforce",
    model="m@1",
    as_of="01 Jul 2026 12:00 UTC",
    scored=1234,
    bands=[Count("hot", 34, 0.03), Count("cold", 1200, 0.97)],
    tiles=[Count("tasks", 34)],
    leads=[LEAD],
    spread=[("0 to 50", 1200), ("50 to 100", 34)],
)


def test_text_of_the_crm_is_shown_and_never_run() -> None:
    text = render(PAGE)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 5


def test_a_page_loads_nothing() -> None:
    text = render(PAGE)
    assert re.search(r"<link|@import|url\(|\bsrc\s*=", text) is None
    assert "default-src 'none'" in text
    assert "1,234 people" in text


def test_a_link_that_is_no_web_address_is_escaped() -> None:
    text = render(replace(PAGE, leads=[replace(LEAD, url='"><img onerror=x>')]))
    assert "<img" not in text


def test_a_page_without_anybody_is_a_page() -> None:
    text = render(replace(PAGE, scored=0, bands=[], tiles=[], leads=[], spread=[]))
    assert "</html>" in text


def test_a_page_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "leads.html"
    write_page(PAGE, path)
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    write_page(PAGE, path)
    assert path.stat().st_mode & 0o077 == 0


def test_the_chart_is_well_formed_and_says_its_numbers() -> None:
    found = re.search(r"<svg.*?</svg>", render(PAGE), re.DOTALL)
    assert found is not None
    drawn = ET.fromstring(found.group())  # noqa: S314 - a page of our own making
    words = "".join(drawn.itertext())
    assert "1,200" in words or "1200" in words
    assert "0 to 50" in words


@pytest.mark.parametrize("counts", [[], [("a", 0)], [("a", 0), ("b", 0)], [("a", 5), ("b", 10), ("c", 0)]])
def test_bars_stay_within_the_chart_and_are_as_tall_as_their_counts(counts: list[tuple[str, int]]) -> None:
    chart = histogram(counts, width=300, height=100)
    largest = max([n for _, n in counts], default=0)
    assert [(bar.label, bar.n) for bar in chart.bars] == counts
    tallest = max((bar.height for bar in chart.bars), default=0.0)
    for bar in chart.bars:
        assert 0 <= bar.x < bar.x + bar.width <= chart.width
        assert 0 <= bar.y <= bar.y + bar.height <= chart.height
        assert bar.height == pytest.approx(tallest * bar.n / largest if largest else 0)
    for left, right in zip(chart.bars, chart.bars[1:], strict=False):
        assert left.x + left.width <= right.x
