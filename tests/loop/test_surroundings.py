"""A CRM as it is: indexes that lag, people who leave, rules that assign, names that are code, plans applied twice."""

from pathlib import Path

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import StalePlan
from connector.overview import overview
from connector.pipeline import Options
from connector.report.html import render
from tests.loop.loops import CHIEF, Loop, written_state


@pytest.mark.fault("F17", "I6")
def test_reads_that_lag_behind_our_writes_make_no_second_write(fresh: Loop) -> None:
    fresh.control("settings", {"search_lag_s": 30, "read_lag_s": 30})
    fresh.advance(60)
    fresh.sync(backfill=True)
    mark, before = fresh.mark(), written_state(fresh)
    fresh.advance(2)
    fresh.sync()
    assert fresh.writes(mark) == []
    fresh.advance(60)
    fresh.sync()
    assert fresh.writes(mark) == []
    assert written_state(fresh) == before


@pytest.mark.fault("F17", "I5")
def test_an_edit_that_a_pull_could_not_see_yet_is_seen_by_a_later_one(synced: Loop) -> None:
    synced.control("settings", {"search_lag_s": 30, "read_lag_s": 30})
    synced.edit(synced.people()["p20"], **{synced.words.title: CHIEF})
    synced.sync()
    synced.advance(120)
    synced.sync()
    assert synced.people()["p20"]["fields"][synced.words.band] == "hot"


def test_somebody_who_left_gets_nothing_more(synced: Loop) -> None:
    ana = synced.people()["p03"]["fields"][synced.words.owner]
    synced.control("settings", {"inactive_users": [ana]})
    for who in ("p20", "p21", "p22"):
        synced.retitle(who, CHIEF)
    synced.sync()
    people = synced.people()
    owners = {people[who]["fields"][synced.words.owner] for who in ("p20", "p21", "p22")}
    assert len(owners) == 1
    assert ana not in owners
    assert people["p03"]["fields"][synced.words.owner] == ana  # what she has stays until a person moves it


@pytest.mark.fault("F25")
@pytest.mark.parametrize("crm", ["salesforce"])
def test_assignment_rules_of_the_org_do_not_fire_for_us(fresh: Loop, expected: dict[str, object]) -> None:
    other = fresh.people()["p02"]["fields"]["OwnerId"]
    fresh.control("settings", {"automations": {"assignment_rule": {"owner": other}}})
    fresh.sync(backfill=True)
    assert written_state(fresh) == expected


def test_a_name_that_is_code_is_text_on_the_page(synced: Loop) -> None:
    name = "LastName" if synced.crm == "salesforce" else "lastname"
    synced.edit(synced.people()["p00"], **{name: "<script>alert(1)</script>"})
    synced.advance(60)
    with open_job(synced.config, writer=True, writes_crm=True) as job:
        pipeline.sync(job, Options())
        seen = overview(job, {})
    page = render(seen)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert len(seen.leads) == 10
    assert sum(n for _, n in seen.spread) == seen.scored == 24
    assert all(lead.task for lead in seen.leads[:5])


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_plan_is_applied_once(synced: Loop, tmp_path: Path) -> None:
    synced.advance(3600)
    synced.sync()
    synced.retitle("p20", CHIEF)
    synced.advance(3600)
    with open_job(synced.config, writer=True, writes_crm=True) as job:
        pipeline.pull(job)
        reviewed = pipeline.plan(job, Options()).plan
    assert reviewed is not None
    assert reviewed.size == 2
    with open_job(synced.config, writer=True, writes_crm=True) as job:
        pipeline.apply(job, reviewed, Options())
    mark = synced.mark()
    with open_job(synced.config, writer=True, writes_crm=True) as job, pytest.raises(StalePlan):
        pipeline.apply(job, reviewed, Options())
    assert synced.writes(mark) == []
