"""What vendors' fields said over time is kept, the short path sees a change, and nothing of a vendor's is written."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import ConfigError
from connector.loading import load_parts
from connector.pipeline import Options, Outcome
from connector.pull import pull_stage
from connector.reading import open_reading
from connector.sandbox.server import Crm
from tests.enrichment.vendors import VENDORS, company, field_name, scores, vendors_loop, write_mapping
from tests.loop.loops import Loop

Template = Callable[[Crm], Path]
UNSTAMPED = VENDORS.replace('observed_at = "clearbit_updated_at"\n', "")


@pytest.fixture
def loop(vendors_template: Template, tmp_path: Path) -> Iterator[Loop]:
    with vendors_loop("salesforce", vendors_template("salesforce"), tmp_path) as found:
        yield found


def now(loop: Loop) -> datetime:
    return datetime.fromisoformat(loop.control("clock")["now"]).astimezone(UTC).replace(microsecond=0)


def score(loop: Loop, as_of: datetime, *, changed_only: bool = False) -> Outcome:
    with open_job(loop.config, writer=True) as job:
        pipeline.pull(job)
        return pipeline.score(job, Options(as_of, changed_only=changed_only))


def table(loop: Loop, query: str) -> list[tuple[Any, ...]]:
    """Ask the store; {attributes} and the like stand for its relations."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relations = {name: reading.lake.relation(name) for name in ("attributes", "scores", "attribute_words")}
        return engine.execute(query.format(**relations)).fetchall()


def said(loop: Loop, name: str, vendor: str) -> list[tuple[str | None, str]]:
    """Give what a vendor said of a company's employees over time: value and day."""
    wanted = f"subject_id = '{company(loop, name)['id']}' AND vendor = '{vendor}'"
    select = f"SELECT value, strftime(observed_at, '%Y-%m-%d') FROM {{attributes}} WHERE {wanted} ORDER BY observed_at"  # noqa: S608 - our own
    return table(loop, select)


def change(loop: Loop, name: str, **fields: object) -> None:
    named = {field_name(loop.crm, column): value for column, value in fields.items()}
    loop.edit(company(loop, name), "automation", **named)
    loop.advance(60)


def beside(loop: Loop, folder: Path) -> Loop:
    """Copy configuration and store, to go another way from here against the same CRM."""
    shutil.copytree(loop.folder, folder, ignore=shutil.ignore_patterns("sandbox.db*", "world"))
    return replace(loop, folder=folder)


def reconfigure(loop: Loop, old: str, new: str) -> None:
    text = loop.config.read_text(encoding="utf-8")
    assert old in text
    loop.config.write_text(text.replace(old, new), encoding="utf-8")


def test_every_observation_is_kept_once(loop: Loop) -> None:
    score(loop, now(loop))
    assert said(loop, "both", "zoominfo") == [("480", "2026-03-12")]
    assert said(loop, "nobody", "clearbit") == []
    change(loop, "both", zoominfo_employees=700, zoominfo_updated_at="2026-06-20T00:00:00Z")
    change(loop, "stale", zoominfo_updated_at="2026-06-21T00:00:00Z")
    score(loop, now(loop))
    score(loop, now(loop))
    assert said(loop, "both", "zoominfo") == [("480", "2026-03-12"), ("700", "2026-06-20")]
    assert said(loop, "stale", "zoominfo") == [("480", "2025-03-12"), ("480", "2026-06-21")]
    change(loop, "both", zoominfo_employees=None, zoominfo_updated_at="2026-06-25T00:00:00Z")
    score(loop, now(loop))
    assert said(loop, "both", "zoominfo")[-1] == (None, "2026-06-25")


def test_without_a_stamp_a_value_is_of_the_day_it_was_seen(vendors_template: Template, tmp_path: Path) -> None:
    with vendors_loop("salesforce", vendors_template("salesforce"), tmp_path, UNSTAMPED) as loop:
        score(loop, now(loop))
        first = f"{now(loop):%Y-%m-%d}"
        assert said(loop, "both", "clearbit") == [("900", first)]
        loop.advance(3 * 86_400)
        change(loop, "both", clearbit_updated_at="2026-06-21T00:00:00Z")
        score(loop, now(loop))
        assert said(loop, "both", "clearbit") == [("900", first)]
        change(loop, "both", clearbit_employees=950)
        score(loop, now(loop))
        assert said(loop, "both", "clearbit") == [("900", first), ("950", f"{now(loop):%Y-%m-%d}")]


def test_a_field_that_may_be_seen_no_more_takes_nothing_back(loop: Loop) -> None:
    loop.sync()
    loop.control("settings", {"hidden_fields": ["Account.Zoominfo_Employees__c"]})
    loop.advance(60)
    with open_job(loop.config, writer=True) as job:
        pull_stage(job)
        job.lake.compact("accounts", "account_id", ("account_id",), force=True)
        job.lake.sweep(grace_s=0)  # what came can be told from what was there no more, so that all is looked at
    outcome = loop.sync()
    assert any("Zoominfo_Employees__c" in line for line in outcome.switched_off)
    assert said(loop, "both", "zoominfo") == [("480", "2026-03-12")]
    assert scores(loop)["both"] == 40


def test_history_is_scored_by_what_was_known_then(loop: Loop) -> None:
    score(loop, now(loop))
    change(loop, "both", zoominfo_employees=5000, zoominfo_updated_at="2026-06-20T00:00:00Z")
    who = loop.people()["p_both"]["id"]
    totals = {}
    for day in ("2026-06-19", "2026-06-20"):
        score(loop, datetime.fromisoformat(day).replace(tzinfo=UTC))
        totals[day] = table(loop, f"SELECT total FROM {{scores}} WHERE subject_id = '{who}'")[0][0]  # noqa: S608 - our own
    assert totals == {"2026-06-19": 40, "2026-06-20": 70}


def test_the_short_path_scores_a_changed_value_as_a_full_run(loop: Loop, tmp_path: Path) -> None:
    at = now(loop) + timedelta(hours=1)
    score(loop, at)
    change(loop, "both", zoominfo_employees=5000, zoominfo_updated_at="2026-06-20T00:00:00Z")
    other = beside(loop, tmp_path / "other")
    quick, full = score(loop, at, changed_only=True), score(other, at)
    assert (quick.kept["people"], full.kept["people"]) == (3, 0)
    rows = "SELECT subject_id, total, band FROM {scores} ORDER BY ALL"
    assert table(loop, rows) == table(other, rows)
    assert table(loop, rows) != []
    assert sorted(row[1] for row in table(loop, rows)) == [0, 5, 70, 70]


def test_a_change_that_was_scored_before_it_was_observed_is_scored_again(loop: Loop, tmp_path: Path) -> None:
    at = now(loop) + timedelta(hours=1)
    score(loop, at)
    change(loop, "both", zoominfo_employees=5000, zoominfo_updated_at="2026-06-20T00:00:00Z")
    other = beside(loop, tmp_path / "other")
    with open_job(loop.config, writer=True) as job:
        pull_stage(job)  # as a run that was cut off after it
        pipeline.score(job, Options(at, changed_only=True))
    score(loop, at, changed_only=True)
    score(other, at)
    rows = "SELECT subject_id, total, band FROM {scores} ORDER BY ALL"
    assert table(loop, rows) == table(other, rows)


def test_an_observation_of_later_counts_from_its_time_on_the_short_path(loop: Loop, tmp_path: Path) -> None:
    before = datetime(2026, 5, 1, tzinfo=UTC)
    score(loop, before)  # clearbit's of June lies ahead
    other = beside(loop, tmp_path / "other")
    at = datetime(2026, 6, 2, tzinfo=UTC)
    score(loop, at, changed_only=True)
    score(other, at)
    rows = "SELECT subject_id, total FROM {scores} ORDER BY ALL"
    assert table(loop, rows) == table(other, rows)
    assert sorted(row[1] for row in table(loop, rows)) == [0, 5, 40, 70]


def test_another_order_of_vendors_scores_everybody_anew(loop: Loop) -> None:
    at = now(loop) + timedelta(hours=1)
    score(loop, at)
    assert score(loop, at, changed_only=True).kept["people"] == 4
    reconfigure(loop, '["zoominfo", "clearbit", "crm"]', '["crm"]')
    assert score(loop, at, changed_only=True).kept["people"] == 0
    assert sorted(row[0] for row in table(loop, "SELECT total FROM {scores}")) == [0, 5, 5, 5]


def test_a_text_is_read_by_the_transform(vendors_template: Template, tmp_path: Path) -> None:
    config = VENDORS.replace('attribute = "employees"', 'attribute = "headcount"\ntransform = "number"')
    config = config.replace("columns = { employees", "columns = { headcount").replace(', "crm"]', "]")
    config = config.replace('zoominfo_employees"', 'size_text"')
    with vendors_loop("salesforce", vendors_template("salesforce"), tmp_path, config) as loop:
        write_mapping(loop.crm, loop.folder, size_text="Description")
        model = (loop.folder / "model.toml").read_text(encoding="utf-8")
        (loop.folder / "model.toml").write_text(model.replace("account.employees", "account.headcount"), "utf-8")
        loop.edit(
            company(loop, "both"), Description="1,001-5,000 people", Zoominfo_Updated_At__c="2026-06-20T00:00:00Z"
        )
        loop.advance(60)
        score(loop, now(loop))
        who = loop.people()["p_both"]["id"]
        assert table(loop, f"SELECT total FROM {{scores}} WHERE subject_id = '{who}'") == [(70,)]  # noqa: S608 - our own


def test_other_words_are_read_again_and_score_everybody(vendors_template: Template, tmp_path: Path) -> None:
    config = VENDORS.replace('attribute = "employees"', 'attribute = "level"\ntransform = "seniority"')
    config = config.replace("columns = { employees", "columns = { level").replace(', "crm"]', "]")
    config = config.replace('zoominfo_employees"', 'level_text"')
    with vendors_loop("salesforce", vendors_template("salesforce"), tmp_path, config) as loop:
        write_mapping(loop.crm, loop.folder, level_text="Description")
        model = (
            '[model]\nid = "l"\n[[fit]]\nid = "top"\nwhen = { field = "account.level", is = "c_level" }\npoints = 9\n'
        )
        (loop.folder / "model.toml").write_text(model, "utf-8")
        reconfigure(loop, 'band = "hot"', 'band = "cold"')
        change(loop, "both", zoominfo_updated_at="2026-06-20T00:00:00Z")
        loop.edit(company(loop, "both"), Description="Grand Poobah")
        loop.advance(60)
        at = now(loop) + timedelta(hours=1)
        score(loop, at)
        select = f"SELECT total FROM {{scores}} WHERE subject_id = '{loop.people()['p_both']['id']}'"  # noqa: S608 - our own
        assert table(loop, select) == [(0,)]
        (loop.folder / "lists").mkdir()
        (loop.folder / "lists" / "seniority.toml").write_text('c_level = ["grand poobah"]\n', encoding="utf-8")
        loop.config.write_text(loop.config.read_text("utf-8") + '\n[lists]\nfolder = "lists"\n', encoding="utf-8")
        score(loop, at, changed_only=True)
        assert table(loop, select) == [(9,)]


def test_a_field_that_a_vendor_fills_is_never_written(loop: Loop) -> None:
    mapping = loop.folder / "mapping.toml"
    target = '[write.account]\nscore = { field = "Clearbit_Employees__c", from = "total" }\n'
    mapping.write_text(mapping.read_text(encoding="utf-8") + target, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_parts(loop.config)
    (problem,) = refused.value.problems
    assert "write.account.score: Account.Clearbit_Employees__c is filled by the vendor clearbit" in problem


def test_every_misfit_is_told(loop: Loop) -> None:
    reconfigure(loop, 'employees = "clearbit_employees"', 'employees = "clearbit_employes"')
    reconfigure(loop, 'attribute = "employees"', 'attribute = "headcount"')
    with pytest.raises(ConfigError) as refused:
        load_parts(loop.config)
    unread, nowhere = refused.value.problems
    assert "vendor.clearbit.columns.employees: the mapping has no column 'clearbit_employes'" in unread
    assert "did you mean clearbit_employees" in unread or "clearbit_employees" in unread
    assert "enrich.headcount.vendors: the mapping has no column 'headcount' of accounts" in nowhere


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('vendors = ["zoominfo", "clearbit", "crm"]', 'vendors = ["crm", "crm"]', "names crm more than once"),
        ("max_age_days = 180", "max_age_days = 180\nrefresh_days = 200", "refresh_days 200 is after max_age_days 180"),
        ("max_age_days = 180", 'transform = "numbr"', "'numbr' is no transform"),
        ("max_age_days = 180", 'kind = "text"', "employees of accounts is a number column"),
        ('attribute = "employees"', 'attribute = "owner_id"', "filled by Leadlight or by the CRM alone"),
        ("max_age_days = 180", '[[enrich]]\nattribute = "employees"\nvendors = ["crm"]', "another [[enrich]] is for"),
        ('id = "clearbit"', 'id = "crm"', "crm is the columns themselves"),
    ],
)
def test_wrong_tables_are_told(loop: Loop, old: str, new: str, told: str) -> None:
    reconfigure(loop, old, new)
    with pytest.raises(ConfigError) as refused:
        load_parts(loop.config)
    assert told in "\n".join(refused.value.problems)
