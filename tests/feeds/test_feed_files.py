"""Files of feeds: each is read once, a changed one again, and nobody's rows wait until the CRM knows whose they are."""

import os
from pathlib import Path

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.job import Silent
from connector.sandbox.server import Crm
from tests.feeds.drops import AT, DROPPED_AT, csv_text, drop, fed, feed, score, table
from tests.loop.loops import MODEL, Loop
from tests.loop.test_account_models import company_record
from tests.loop.test_changed_only import beside, points

USAGE = (
    MODEL
    + """
[[engagement]]
id = "usage"
label = "uses the product"
event = "product_usage"
points = 7
cap = 70
"""
)
BLOCK = """
vendor = "product"
key = { email = "email" }
id = ["id"]
time = "at"
event = [ { type = { from = "type" }, asset = "feature" } ]
"""


@pytest.fixture
def crm() -> Crm:
    """Files know no vendor of CRMs; one is enough."""
    return "salesforce"


@pytest.fixture
def loop(fresh: Loop) -> Loop:
    """Give a loop whose model asks for product usage, with a feed of it that is keyed by e-mail."""
    (fresh.folder / "model.toml").write_text(USAGE, encoding="utf-8")
    (fresh.folder / "usage.toml").write_text(BLOCK, encoding="utf-8")
    feed(fresh, "usage", use="usage.toml")
    return fresh


def row(number: int, email: str, at: str = "2026-06-29T08:00:00Z", **more: object) -> dict[str, object]:
    """Make a row of the feed."""
    return {"id": number, "email": email, "type": "product_usage", "feature": "export", "at": at, **more}


def totals(loop: Loop) -> dict[str, float]:
    """Give the total of everybody by the id of the record."""
    return {found["subject_id"]: found["total"] for found in table(loop, "scores")}


def test_a_file_is_read_once(loop: Loop) -> None:
    drop(loop, "usage", [row(1, "P08@acme.example "), row(2, "p09@acme.example")])
    assert score(loop).fed == {
        "rows": 2,
        "events": 2,
        "attributes": 0,
        "held": 0,
        "dropped": 0,
        "rejects": 0,
        "passed": 0,
    }
    people = loop.people()
    assert {found["person_id"] for found in fed(loop)} == {people["p08"]["id"], people["p09"]["id"]}
    files = [file.name for file in sorted((loop.folder / "leadlight-store" / "lake" / "events").iterdir())]
    assert score(loop).fed == {}
    assert [file.name for file in sorted((loop.folder / "leadlight-store" / "lake" / "events").iterdir())] == files


def test_a_touched_file_with_the_same_content_is_not_read_again(loop: Loop) -> None:
    path = drop(loop, "usage", [row(1, "p08@acme.example")])
    score(loop)
    os.utime(path, (DROPPED_AT.timestamp() + 60,) * 2)
    assert score(loop).fed == {}


def test_a_changed_file_takes_back_what_it_no_longer_has(loop: Loop) -> None:
    drop(
        loop, "usage", [row(1, "p08@acme.example"), row(2, "p09@acme.example"), row(3, "who@else.example"), row(4, "")]
    )
    assert score(loop).fed["rejects"] == 1
    drop(loop, "usage", [row(2, "p09@acme.example", feature="import"), row(5, "p10@acme.example")])
    score(loop)
    assert [(found["event_id"], found["asset"]) for found in fed(loop)] == [
        ("feed:usage:2", "import"), ("feed:usage:5", "export"),
    ]  # fmt: skip
    assert table(loop, "held") == []
    assert table(loop, "feed_rejects") == []
    people = loop.people()
    assert "usage" not in {rule for who, rule, *_ in points(loop)["scores"] if who == people["p08"]["id"]}
    assert "usage" in {rule for who, rule, *_ in points(loop)["scores"] if who == people["p10"]["id"]}


def test_a_row_that_two_files_have_stays_while_one_has_it(loop: Loop) -> None:
    drop(loop, "usage", [row(1, "p08@acme.example"), row(2, "p09@acme.example")], "june.csv")
    drop(loop, "usage", [row(2, "p09@acme.example"), row(3, "p10@acme.example")], "july.csv")
    score(loop)
    drop(loop, "usage", [row(1, "p08@acme.example"), row(7, "p08@acme.example")], "june.csv")
    score(loop)
    assert [found["event_id"] for found in fed(loop)] == [f"feed:usage:{number}" for number in (1, 2, 3, 7)]


def test_files_on_their_way_are_left_alone(loop: Loop) -> None:
    for name in ("rows.csv.part", ".rows.csv", "~rows.csv", "rows.csv.tmp"):
        drop(loop, "usage", [row(1, "p08@acme.example")], name)
    assert score(loop).fed == {}
    assert fed(loop) == []


def test_who_comes_later_gets_what_was_held(loop: Loop, tmp_path: Path) -> None:
    drop(loop, "usage", [row(1, "new@acme.example"), row(2, "p09@acme.example"), row(3, "never@seen.example")])
    assert score(loop).fed["held"] == 2
    assert {found["email"] for found in table(loop, "held")} == {"new@acme.example", "never@seen.example"}
    loop.edit(loop.people()["p12"], Email="new@acme.example")
    loop.advance(60)
    other = beside(loop, tmp_path / "full")
    quick, full = score(loop, changed_only=True), score(other)
    assert quick.fed["released"] == full.fed["released"] == 1
    assert [found["email"] for found in table(loop, "held")] == ["never@seen.example"]
    who = loop.people()["p12"]["id"]
    assert {found["event_id"]: found["person_id"] for found in fed(loop)}["feed:usage:1"] == who
    assert (totals(loop), points(loop)) == (totals(other), points(other))


def test_scoring_what_changed_gives_what_scoring_everybody_does(loop: Loop, tmp_path: Path) -> None:
    drop(loop, "usage", [row(number, f"p{8 + number % 3:02d}@acme.example") for number in range(6)])
    score(loop)
    loop.advance(60)
    other = beside(loop, tmp_path / "full")
    for one in (loop, other):
        drop(one, "usage", [row(0, "p08@acme.example"), row(90, "p15@acme.example")])
    with_some, everybody = score(loop, changed_only=True), score(other)
    assert with_some.fed == everybody.fed
    assert (totals(loop), points(loop)) == (totals(other), points(other))
    (newest,) = [found for found in table(loop, "rescored") if found["subject_id"] == loop.people()["p15"]["id"]]
    assert newest["role"] == "person"


def test_a_row_that_is_dropped_leaves_nothing(loop: Loop) -> None:
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text + 'unknown = "drop"\n', encoding="utf-8")
    drop(loop, "usage", [row(1, "new@acme.example")])
    assert score(loop).fed["dropped"] == 1
    assert table(loop, "held") == []


def test_a_changed_meaning_reads_the_files_again(loop: Loop) -> None:
    drop(loop, "usage", [row(1, "p08@acme.example")])
    score(loop)
    (loop.folder / "usage.toml").write_text(BLOCK.replace('asset = "feature"', 'url = "feature"'), encoding="utf-8")
    score(loop)
    assert [(found["url"], found["asset"]) for found in fed(loop)] == [("export", None)]


def test_what_lies_in_the_future_counts_from_then_on(loop: Loop) -> None:
    drop(loop, "usage", [row(1, "p08@acme.example", "2026-07-03T00:00:00Z")])
    score(loop)
    who = loop.people()["p08"]["id"]
    assert "usage" not in {rule for subject, rule, *_ in points(loop)["scores"] if subject == who}
    score(loop, AT.replace(day=4))
    assert "usage" in {rule for subject, rule, *_ in points(loop)["scores"] if subject == who}


def test_a_discovered_prospect_has_everything_from_the_first_sync_on(loop: Loop) -> None:
    people = [{"email": f"new{number}@acme.example", "title": "CEO"} for number in range(3)]
    enrich = '\n[[enrich]]\nattribute = "seniority"\nof = "people"\nvendors = ["upcell", "crm"]\n'
    with loop.config.open("a", encoding="utf-8") as file:
        file.write(enrich)
    feed(loop, "upcell")
    drop(loop, "upcell", people)
    drop(loop, "usage", [row(1, "new1@acme.example")])
    score(loop)
    assert {found["target"] for found in table(loop, "held")} == {"attribute", "event"}
    held = len(table(loop, "held"))
    assert score(loop).fed == {}
    loop.retitle("p20", "Wizard")  # somebody came, for whom nothing waits
    assert (score(loop).fed, len(table(loop, "held"))) == ({}, held)
    loop.edit(loop.people()["p12"], Email="new1@acme.example")
    loop.advance(60)
    score(loop)
    who = loop.people()["p12"]["id"]
    assert {rule for subject, rule, *_ in points(loop)["scores"] if subject == who} == {"chief", "usage", "call"}
    assert {found["email"] for found in table(loop, "held")} == {"new0@acme.example", "new2@acme.example"}


def test_an_event_of_a_known_account_counts_for_it_until_its_person_comes(loop: Loop) -> None:
    (loop.folder / "usage.toml").write_text(BLOCK.replace("{ email", '{ domain = "email", email'), encoding="utf-8")
    drop(loop, "usage", [row(1, "new@acme.example"), row(2, "ann@gmail.com")])
    assert score(loop).fed["held"] == 2
    (found,) = fed(loop)
    assert (found["person_id"], found["account_id"]) == (None, company_record(loop)["id"])
    loop.edit(loop.people()["p12"], Email="new@acme.example")
    loop.advance(60)
    score(loop)
    (found,) = fed(loop)
    assert (found["person_id"], found["account_id"]) == (loop.people()["p12"]["id"], company_record(loop)["id"])
    assert [one["email"] for one in table(loop, "held")] == ["ann@gmail.com"]


class Writing(Silent):
    """Write on to a file while a run reads it, once."""

    def __init__(self, path: Path, more: str) -> None:
        self.path, self.more, self.at_feed = path, more, False

    def begin(self, name: str) -> None:
        self.at_feed = name == "feed usage"

    def advance(self, n: int) -> None:
        if self.at_feed and self.more:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self.more)
            self.more = ""


def test_a_file_that_is_written_while_it_is_read_waits_for_the_next_run(loop: Loop) -> None:
    path = drop(loop, "usage", [row(1, "p08@acme.example")])
    more = csv_text([row(2, "p09@acme.example")]).splitlines(keepends=True)[1]
    with open_job(loop.config, writer=True, progress=Writing(path, more)) as job:
        assert pipeline.pull(job).fed == {"unsettled": 1}
    assert fed(loop) == []
    assert score(loop).fed["events"] == 2
    assert [found["event_id"] for found in fed(loop)] == ["feed:usage:1", "feed:usage:2"]
