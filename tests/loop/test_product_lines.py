"""Several models of people in one sync: each its own fields, audience, hysteresis, episodes and tasks."""

import shutil
from datetime import UTC, datetime
from typing import Any

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import UnsafePlan
from connector.pipeline import Options
from connector.provisioning import provision
from tests.loop.loops import CHIEF, DIRECTOR, HOT, MODEL, Loop, add_model, further

CUSTOMER = "Customer Sponsor"
NEW_BUSINESS = MODEL.replace(
    'id = "titles"', f'id = "titles"\naudience = {{ not = {{ field = "title", is = "{CUSTOMER}" }} }}'
)
EXPANSION = f"""
[model]
id = "expansion"
label = "More for customers"
audience = {{ field = "title", in = ["{CUSTOMER}", "Clerk"] }}

[[fit]]
id = "customer"
label = "buys already"
when = {{ field = "title", is = "{CUSTOMER}" }}
points = 10

[[engagement]]
id = "call"
label = "spoke on the phone"
event = "call"
points = 15

[[band]]
id = "expand"
at_least = 40
release_below = 20

[[band]]
id = "steady"
"""
ACTION = """
[[action]]
band = "expand"
model = "expansion"
owner = { pool = "growth" }
task = { subject = "Offer {{ name }}: {{ model }}, {{ band }} ({{ score }})", due = "1d", body = "{{ reasons }}" }

[[pool]]
id = "growth"
owners = ["zoe@sales.example"]
"""


def told(loop: Loop, who: str, score: str, band: str) -> tuple[float | None, str | None]:
    """Read a score and a band, blank being nothing."""
    fields = loop.people()[who]["fields"]
    held = fields.get(score)
    return None if held in (None, "") else float(held), fields.get(band) or None


def new_business(loop: Loop, who: str) -> tuple[float | None, str | None]:
    """Give score and band that the primary model wrote."""
    return told(loop, who, loop.words.score, loop.words.band)


def expansion(loop: Loop, who: str) -> tuple[float | None, str | None]:
    """Give score and band that the expansion model wrote."""
    return told(loop, who, *(further(name, "expansion") for name in (loop.words.score, loop.words.band)))


def subjects(loop: Loop, who: str) -> list[str]:
    """Give the words of somebody's tasks."""
    tasks: list[dict[str, Any]] = loop.tasks_of(loop.people()[who]["id"])
    return sorted(str(task["fields"][loop.words.subject]).split()[0] for task in tasks)


def settled(loop: Loop) -> None:
    """Check that another sync finds nothing to do."""
    loop.advance(60)
    mark = loop.mark()
    again = loop.sync()
    assert again.plan is not None
    assert (again.plan.size, loop.writes(mark)) == (0, [])


def with_lines(loop: Loop, *, second: str = EXPANSION, provisioned: bool = True) -> Loop:
    """Put the expansion model beside the primary one, and make its fields."""
    (loop.folder / "model.toml").write_text(NEW_BUSINESS, encoding="utf-8")
    add_model(loop.config, "expansion.toml", second)
    loop.config.write_text(loop.config.read_text(encoding="utf-8") + ACTION, encoding="utf-8")
    if provisioned:
        provision(loop.config)
    return loop


@pytest.fixture
def two(fresh: Loop) -> Loop:
    """Give a loop with two models of people, of whom p08 is a customer and p00 to p04 are chiefs; nothing is synced."""
    loop = with_lines(fresh)
    loop.retitle("p08", CUSTOMER)
    return loop


def test_each_model_writes_its_own_fields_for_its_own_audience(two: Loop) -> None:
    first = two.sync(backfill=True)
    assert first.scored["people"] == 24
    assert first.as_dict()["models"] == {"titles": 23, "expansion": 16}
    assert new_business(two, "p00") == (60, "hot")
    assert expansion(two, "p00") == (None, None)  # a chief who buys nothing yet
    assert new_business(two, "p08") == (None, None)  # a customer is no new business
    assert expansion(two, "p08") == (40, "expand")
    assert new_business(two, "p09")[1] == "warm" or new_business(two, "p09")[1] == "cold"
    assert expansion(two, "p09") == (30, "steady")  # a clerk is in both
    held = two.people()["p08"]["fields"]
    assert str(held[further(two.words.model, "expansion")]).startswith("expansion@")
    assert "spoke on the phone" in held[further(two.words.why, "expansion")]
    settled(two)


def test_tasks_of_both_models_are_made_once_and_the_primary_ones_keep_their_keys(
    two: Loop, expected: dict[str, Any]
) -> None:
    two.sync(backfill=True)
    settled(two)
    assert [subjects(two, who) for who in HOT] == [["Call"]] * len(HOT)
    assert (subjects(two, "p08"), subjects(two, "p09")) == (["Offer"], [])
    keys = {task["fields"][two.words.key] for task in two.tasks()}
    assert len(keys) == len(HOT) + 1
    if two.crm == "salesforce":  # records of the other sandbox have other ids in other worlds
        assert set(expected["tasks"]) < keys
    (offer,) = two.tasks_of(two.people()["p08"]["id"])
    assert str(offer["fields"][two.words.due]).startswith("2026-07-02")
    assert str(offer["fields"][two.words.subject]).endswith(": More for customers, expand (40)")
    zoe = {owner["fields"][two.words.owner] for owner in (two.people()["p08"], two.people()["p02"])}
    assert zoe == {offer["fields"][two.words.owner]}  # p02 is hers since the world began


def test_who_leaves_an_audience_loses_score_and_episode_and_may_come_back(two: Loop) -> None:
    two.sync(backfill=True)
    two.retitle("p00", CUSTOMER)
    left = two.sync()
    assert left.plan is not None
    assert [(closed.trigger, closed.number) for closed in left.plan.closed] == [("band:hot", 1)]
    words, held = two.words, two.people()["p00"]["fields"]
    assert all(not held[name] for name in (words.score, words.band, words.why, words.model, words.scored_at))
    assert held[words.owner]  # whoever has the record keeps it
    assert (new_business(two, "p00"), expansion(two, "p00")) == ((None, None), (10, "steady"))
    settled(two)
    two.retitle("p00", CHIEF)
    two.sync()
    assert (new_business(two, "p00"), expansion(two, "p00")) == ((60, "hot"), (None, None))
    assert subjects(two, "p00") == ["Call", "Call"]
    settled(two)


def test_who_leaves_the_audience_of_the_only_model_is_no_hot_lead_for_ever(synced: Loop) -> None:
    (synced.folder / "model.toml").write_text(NEW_BUSINESS, encoding="utf-8")
    synced.retitle("p00", CUSTOMER)
    left = synced.sync(allowed=("model_changed",))
    assert new_business(synced, "p00") == (None, None)
    assert left.plan is not None
    assert [change.total for change in left.plan.changes] == [None]
    assert len(left.plan.closed) == 1
    settled(synced)


def test_a_lost_store_writes_nothing_twice_and_still_empties_what_was_left(two: Loop) -> None:
    two.sync(backfill=True)
    two.retitle("p00", CUSTOMER)
    shutil.rmtree(two.folder / "leadlight-store")
    mark, keys = two.mark(), {task["fields"][two.words.key] for task in two.tasks()}
    two.sync(backfill=True)
    changed = {row["id"] for row in two.writes(mark) if row["op"] == "update" and row["object"] in two.words.people}
    assert changed == {two.people()["p00"]["id"]}
    assert (new_business(two, "p00"), expansion(two, "p00")) == ((None, None), (10, "steady"))
    assert {task["fields"][two.words.key] for task in two.tasks()} == keys


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_converted_lead_keeps_what_it_shows(two: Loop) -> None:
    two.sync(backfill=True)
    two.edit(two.people()["p01"], IsConverted=True, ConvertedDate="2026-07-01")
    two.advance(60)
    mark = two.mark()
    outcome = two.sync()
    assert (outcome.status, outcome.scored["people"], two.writes(mark)) == ("ok", 23, [])
    assert new_business(two, "p01") == (60, "hot")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_time_before_somebody_came_empties_nothing(two: Loop) -> None:
    body = {"LastName": "New", "Company": "Acme", "Title": CHIEF, "Email": "new@acme.example"}
    made = two.ask("POST", "/services/data/v62.0/sobjects/Lead", json=body)["id"]
    two.sync()
    with open_job(two.config, writer=True, writes_crm=True) as job:
        plan = pipeline.plan(job, Options(as_of=datetime(2026, 6, 30, tzinfo=UTC))).plan
    assert plan is not None
    assert plan.changes  # the calls of that day have not happened yet
    assert made not in {change.record_id for change in plan.changes}


def test_each_model_remembers_its_own_bands(two: Loop) -> None:
    two.sync()
    two.retitle("p08", "Clerk")  # 30 points: under expand, above its release
    two.retitle("p00", DIRECTOR)  # 45 points: under hot, above its release
    two.sync()
    assert (expansion(two, "p08"), expansion(two, "p09")) == ((30, "expand"), (30, "steady"))
    assert new_business(two, "p00") == (45, "hot")
    assert new_business(two, "p05") == (45, "warm")
    settled(two)


CHIEFS = EXPANSION.replace(f'in = ["{CUSTOMER}", "Clerk"]', "present = true").replace(
    f'is = "{CUSTOMER}" }}\npoints = 10', f'is = "{CHIEF}" }}\npoints = 40'
)


@pytest.mark.parametrize("expansion_first", [True, False])
def test_where_two_models_name_an_owner_the_first_action_of_the_file_decides(
    fresh: Loop, *, expansion_first: bool
) -> None:
    loop = with_lines(fresh, second=CHIEFS)
    if expansion_first:
        text = loop.config.read_text(encoding="utf-8")
        offer = ACTION.partition("[[pool]]")[0]
        loop.config.write_text(text.replace(offer, "\n").replace("[[action]]", f"{offer}[[action]]", 1), "utf-8")
    made = loop.sync(backfill=True)
    assert made.plan is not None
    chosen = [change for change in made.plan.changes if change.owner]
    assert made.plan.counts()["owners"] == len(chosen) == 2
    people, zoe = loop.people(), loop.people()["p02"]["fields"][loop.words.owner]
    assert (people["p00"]["fields"][loop.words.owner] == zoe) is expansion_first
    reasons = {change.record_id: change.owner_reason or "" for change in chosen}
    first, later = ("expansion expand", "hot") if expansion_first else ("hot", "expansion expand")
    assert reasons[people["p00"]["id"]].endswith(
        f"; owner by action 1 ({first}), which stands before action 2 ({later})"
    )
    assert subjects(loop, "p00") == ["Call", "Offer"]
    doers = {task["fields"][loop.words.owner] for task in loop.tasks_of(people["p00"]["id"])}
    assert doers == {people["p00"]["fields"][loop.words.owner]}
    settled(loop)


def test_a_model_that_comes_later_has_a_baseline_of_its_own(synced: Loop) -> None:
    synced.retitle("p08", CUSTOMER)
    first = with_lines(synced).sync(allowed=("model_changed",))
    assert first.plan is not None
    assert (expansion(synced, "p08"), subjects(synced, "p08")) == ((40, "expand"), [])
    assert [opened.trigger for opened in first.plan.opened] == ["expansion:band:expand"]
    synced.retitle("p09", CUSTOMER)
    synced.sync()
    assert (expansion(synced, "p09"), subjects(synced, "p09")) == ((40, "expand"), ["Offer"])
    settled(synced)


@pytest.mark.fault("F27")
def test_a_narrower_audience_is_held_up_by_a_guard(two: Loop) -> None:
    text = two.config.read_text(encoding="utf-8")
    two.config.write_text(text.replace("[limits]", "[limits]\nmin_population = 0"), encoding="utf-8")
    two.sync()
    (two.folder / "expansion.toml").write_text(EXPANSION.replace(', "Clerk"', ""), encoding="utf-8")
    two.advance(60)
    with pytest.raises(UnsafePlan, match="missing_people@expansion"):
        two.sync()
