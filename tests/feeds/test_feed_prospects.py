"""People whom a feed found and nobody in the CRM knows: created once, where the mapping says so, not against people."""

import shutil

import pytest

from benchmarks.judgement import Scene, stray_writes
from connector import pipeline
from connector.compose import open_job
from connector.errors import ConfigError, UnsafePlan
from connector.job import Silent
from connector.loading import load_parts
from connector.pipeline import Options, Outcome
from connector.plan import save_plan
from connector.undo import CREATED, plan_undo
from tests.feeds.drops import drop, feed, table
from tests.feeds.prospecting import (
    CREATE,
    LAST,
    MADE,
    WHO,
    add_feed,
    created,
    delete,
    limit,
    own_mapping,
    people_of,
    row,
    synced,
    typed_in,
)
from tests.feeds.test_feeds_commands import ask
from tests.loop.loops import Loop

ONE_CRM = pytest.mark.parametrize("crm", ["salesforce"])
NAMELESS, MEANWHILE = "nameless@prospect.example", "meanwhile@prospect.example"
LINKED = "linked, not created: the CRM has somebody with this address"


class Rep(Silent):
    """Type somebody in when the plan is made and nothing is sent yet."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def begin(self, name: str) -> None:
        if name == "apply":
            typed_in(self.loop, MEANWHILE)


def first_sync(loop: Loop) -> Outcome:
    """Sync with a file that has one of each kind, while a rep types somebody in."""
    skipped = [row(NAMELESS, last=""), row("vera@gmail.com"), row("info@prospect.example"), row("p08@acme.example")]
    drop(loop, "finder", [row(), row(MEANWHILE), row("never@prospect.example", opt_out="true"), *skipped])
    with open_job(loop.config, writer=True, writes_crm=True, progress=Rep(loop)) as job:
        return pipeline.sync(job, Options())


def why(loop: Loop) -> dict[str, str]:
    """Say why whom still waits, as the command line does."""
    return {one["key"]: one["why"] for one in ask(loop, "feeds", "held")["held"]}


@pytest.mark.fault("I8")
def test_whom_a_feed_found_is_created_once_for_ever_and_scored_as_anybody(finding: Loop) -> None:
    start = finding.mark()
    first = first_sync(finding)
    assert first.plan is not None
    assert first.applied is not None
    assert first.plan.counts()["creates"] == 2
    assert (first.applied.created, first.applied.linked, first.applied.rejected) == (1, 1, 0)
    [made], [typed] = people_of(finding), people_of(finding, MEANWHILE)
    assert (made["object"], made["fields"][LAST[finding.crm]]) == (MADE[finding.crm], "Lind")
    assert typed["fields"][LAST[finding.crm]] == "Typed"  # nothing of whom the rep typed in is overwritten
    assert why(finding) == {
        WHO: f"created as {MADE[finding.crm]} {made['id']}; the rows land once a pull has seen the record",
        MEANWHILE: f"{LINKED}; the rows land once a pull has seen the record",
        NAMELESS: "incomplete: last_name missing",
        "vera@gmail.com": "the address is of the class free ([create] skip_email_classes)",
        "info@prospect.example": "the address is an office's and no person's ([create] skip_role_addresses)",
        "never@prospect.example": "does not want to be asked: opted_out is true",
    }
    with open_job(finding.config, writer=True, writes_crm=True) as job:
        found = plan_undo(job, first.run_id)
    assert {(left.record_id, left.why) for left in found.left} == {(made["id"], CREATED), (typed["id"], LINKED)}

    second = synced(finding)
    assert second.plan is not None
    assert second.plan.creates == ()
    assert float(people_of(finding)[0]["fields"][finding.words.score]) == 60
    assert len(finding.tasks_of(made["id"])) == 1
    assert {one["email"] for one in table(finding, "held")}.isdisjoint({WHO, MEANWHILE})
    assert f"created from feed finder (run {first.run_id})" in ask(finding, "explain", made["id"])["notes"]
    assert ask(finding, "feeds", "list")["feeds"][0]["created"] == 1
    delete(finding, made)  # and the feed tells of them again
    drop(finding, "finder", [row(title="Clerk", at="2026-06-30T08:00:00Z")], "later.csv")
    mark = finding.mark()
    synced(finding)
    assert finding.writes(mark) == []
    assert "created as" in why(finding)[WHO]
    shutil.rmtree(finding.folder / "leadlight-store")  # what we remember; the recycle bin still tells
    synced(finding)
    assert created(finding, mark) == []
    assert why(finding)[WHO].startswith("not created: people deleted the record")
    theirs = (typed["id"], "delete")  # what the rep did, by our token
    journal = [one for one in finding.journal(start) if one["id"] not in theirs and one["op"] not in theirs]
    assert stray_writes(Scene(finding.crm, journal, {}, finding.folder, creating=True)) == []


@ONE_CRM
@pytest.mark.fault("I10", "I11", "I13")
def test_too_many_stop_a_plan_which_says_no_name_and_the_forgotten_stay_away(finding: Loop) -> None:
    own = '[create]\nconstants = { LeadSource = "Finder" }\n[create.fields]\ncompany = { default = "-" }\n'
    own_mapping(finding, own)
    some = [row(), *(row(f"p{number}@prospect.example", company="") for number in range(7))]
    drop(finding, "finder", [*some, *(row(f"p{number}@prospect.example") for number in range(7, 999))])
    mark = finding.mark()
    told = "guard new_people: 1,000 people would be created, max_creates is 100; .*pass --allow new_people"
    with pytest.raises(UnsafePlan, match=told):
        synced(finding)
    ask(finding, "erase", WHO, "--yes")
    drop(finding, "finder", [row(title="Clerk"), *some])
    limit(finding, max_creates=2, canary_records=1)
    with open_job(finding.config, writer=True, writes_crm=True) as job:
        pipeline.pull(job)
        made = pipeline.plan(job, Options()).plan
    assert made is not None
    assert finding.writes(mark) == []
    save_plan(made, finding.folder / "plan.json")
    text = (finding.folder / "plan.json").read_text(encoding="utf-8")
    assert ("Lind" in text, "@prospect" in text) == (False, False)
    lost = {"status": 200, "body": [{"id": "00Qxx0000000001AAA", "success": True, "errors": []}]}
    finding.control("faults", [{"match": {"method": "POST", "path_re": CREATE["salesforce"]}, "act": lost}])
    with pytest.raises(UnsafePlan, match="guard canary: 1 of the first 1 records of Lead do not hold"):
        synced(finding, "new_people")
    assert finding.writes(mark) == []
    finding.control("faults", method="DELETE")
    synced(finding, "new_people")
    assert len(created(finding)) == 6  # the canary's counts as created, and is not created again
    assert people_of(finding) == []
    [one] = people_of(finding, "p1@prospect.example")
    assert (one["fields"]["Company"], one["fields"]["LeadSource"]) == ("-", "Finder")


@ONE_CRM
def test_what_keeps_a_feed_from_creating_is_told_at_once(fresh: Loop) -> None:
    add_feed(fresh)
    told = "create.key_field: Lead has no field Leadlight_Key__c .*run `leadlight provision`"
    with pytest.raises(ConfigError, match=told):
        fresh.sync()
    feed(fresh, "bombora", unknown="create")
    block = 'vendor = "finder"\nkey = { email = "email" }\n[person]\ntitle = "title"\n'
    (fresh.folder / "nameless.toml").write_text(block, encoding="utf-8")
    feed(fresh, "nameless", use="nameless.toml", unknown="create")
    needs = "gives no last_name and no company, which [create] needs; "
    needs += "name the columns there, or a `default` in the mapping's [create.fields]"
    with pytest.raises(ConfigError) as refused:
        load_parts(fresh.config)
    assert refused.value.problems == (
        'feed.bombora.unknown: "create" takes a feed with key.email and attributes of a [person]; set "hold"',
        f"feed.nameless.unknown: [person] of finder {needs}",
    )
