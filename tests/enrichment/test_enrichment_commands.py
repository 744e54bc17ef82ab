"""What vendors know, told: where they disagree, what is due by what it could change, and who went quiet."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli import app, guarded
from connector.sandbox.server import Crm
from tests.enrichment.vendors import VENDORS, company, field_name, vendors_loop
from tests.loop.loops import Loop

DAY_S = 86_400


@pytest.fixture
def loop(vendors_template: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    config = VENDORS.replace("max_age_days = 180", "max_age_days = 180\nrefresh_days = 90")
    config = config.replace('id = "clearbit"', 'id = "clearbit"\nquiet_days = 60')
    with vendors_loop("hubspot", vendors_template("hubspot"), tmp_path, config) as found:
        yield found


def told(loop: Loop, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command and give its JSON."""
    capsys.readouterr()
    assert guarded(lambda: app([*words, "-c", str(loop.config), "--json"])) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def lines(loop: Loop, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert guarded(lambda: app([*words, "-c", str(loop.config)])) == code
    return " ".join(capsys.readouterr().out.split())


def names(loop: Loop) -> dict[str, str]:
    """Give the canonical id of each company by its record id."""
    return {record["id"]: record["fields"][loop.words.canonical] for record in loop.records("companies")}


def test_vendors_that_disagree_are_listed_with_values_and_ages(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    loop.sync()
    found = told(loop, capsys, "enrichment", "conflicts")
    known = names(loop)
    said = {known[one["subject_id"]]: {s["vendor"]: s["value"] for s in one["said"]} for one in found["conflicts"]}
    assert said == {
        "both": {"zoominfo": "480", "clearbit": "900", "crm": "50"},
        "stale": {"clearbit": "1900", "crm": "50"},
    }
    assert found["total"] == 2
    assert "zoominfo 480, 112 days old; clearbit 900, 30 days old; crm 50" in lines(
        loop, capsys, "enrichment", "conflicts"
    )


def test_within_the_tolerance_there_is_no_conflict(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    text = loop.config.read_text(encoding="utf-8").replace("refresh_days = 90", "tolerance = 100")
    loop.config.write_text(text, encoding="utf-8")
    loop.sync()
    assert told(loop, capsys, "enrichment", "conflicts")["conflicts"] == []


def test_what_is_due_is_ordered_by_the_band_it_could_change(
    loop: Loop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    loop.sync()
    known = names(loop)
    found = told(loop, capsys, "enrichment", "due")["due"]
    told_of = [(known[one["subject_id"]], one["reason"], one["value"], one["score"], one["could_be"]) for one in found]
    assert told_of == [
        ("both", "aged", "480.0", 40, "hot"),
        ("nobody", "stale", None, 0, "hot"),
    ]
    assert [one["could_add"] for one in found] == [70, 70]
    file = tmp_path / "due.csv"
    told(loop, capsys, "enrichment", "due", "-o", str(file))
    with file.open(encoding="utf-8", newline="") as rows:
        assert [known[row["subject_id"]] for row in csv.DictReader(rows)] == ["both", "nobody"]


def test_coverage_is_told_and_a_vendor_that_goes_quiet(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    first = loop.sync()
    assert first.warnings == ("vendor zoominfo has been quiet for 112 days (30 are allowed)",)
    status = lines(loop, capsys, "status")
    assert "warning: vendor zoominfo has been quiet for 112 days" in status
    assert "zoominfo: employees of 25% of accounts clearbit: employees of 50% of accounts" in status
    found = told(loop, capsys, "enrichment", "status", code=1)
    shares = {(one["attribute"], one["vendor"]): one["share"] for one in found["coverage"]}
    assert shares == {("employees", "zoominfo"): 0.25, ("employees", "clearbit"): 0.5, ("employees", "crm"): 0.75}
    stamp = {field_name(loop.crm, "zoominfo_updated_at"): loop.control("clock")["now"]}
    for name in ("both", "stale", "older"):
        loop.edit(company(loop, name), "automation", **stamp)
    loop.advance(DAY_S)
    assert loop.sync().warnings == ()
    told(loop, capsys, "enrichment", "status")


def test_coverage_that_falls_is_an_alarm(loop: Loop) -> None:
    text = loop.config.read_text(encoding="utf-8").replace('id = "zoominfo"', 'id = "zoominfo"\nquiet_days = 1000')
    loop.config.write_text(text, encoding="utf-8")
    assert loop.sync().warnings == ()
    loop.edit(company(loop, "stale"), "automation", **{field_name(loop.crm, "clearbit_employees"): ""})
    loop.advance(DAY_S + 60)
    assert loop.sync().warnings == ("vendor clearbit: employees of accounts fell from 50% to 25% of all",)


def test_without_anything_enriched_the_commands_say_so(
    vendors_template: Callable[[Crm], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendors_loop("hubspot", vendors_template("hubspot"), tmp_path, "") as loop:
        assert guarded(lambda: app(["enrichment", "due", "-c", str(loop.config)])) == 2
        assert "add an [[enrich]]" in capsys.readouterr().err
