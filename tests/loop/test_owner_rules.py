"""Who gets a record, judged by the CRM: rules, pools, caps, days away, and whom a person chose."""

from collections import Counter

import pytest

from connector.errors import ConfigError, RetryableError
from connector.store import assignments
from connector.store.state import open_state
from tests.loop.loops import CHIEF, Loop

ANA, BEN = "ana.keller@leadlight.example", "ben.osei@leadlight.example"
FREE = ("p00", "p01")  # chiefs whom nobody owns
COUNTRY = {"salesforce": "Country", "hubspot": "country"}


def with_routing(loop: Loop, routing: str, *, owner: str = "route = true") -> Loop:
    """Put other rules and pools into a configuration."""
    text = loop.config.read_text(encoding="utf-8")
    head, _, rest = text.partition("[[pool]]")
    head = head.replace('owner = { pool = "sdr", strategy = "round_robin" }', f"owner = {{ {owner} }}")
    loop.config.write_text(f"{head}{routing}\n[schedule]{rest.partition('[schedule]')[2]}", encoding="utf-8")
    return loop


def user(loop: Loop, address: str) -> str:
    """Find whom an address belongs to."""
    if loop.crm == "salesforce":
        return next(str(row["id"]) for row in loop.records("User") if row["fields"]["Email"] == address)
    owners = loop.ask("GET", "/crm/v3/owners?limit=100")["results"]
    return next(str(row["id"]) for row in owners if row["email"] == address)


def owners(loop: Loop, *who: str) -> list[str]:
    """Tell who owns people in the CRM."""
    people = loop.people()
    return [people[name]["fields"][loop.words.owner] for name in who]


def place(loop: Loop, who: str, country: str) -> None:
    """Say where somebody is."""
    loop.edit(loop.people()[who], **{COUNTRY[loop.crm]: country})
    loop.advance(60)


def kept(loop: Loop, who: str) -> list[assignments.Assignment]:
    """Read what the store keeps about a person's owner."""
    state = open_state(loop.folder / "leadlight-store")
    try:
        return assignments.of_record(state, loop.people()[who]["id"])
    finally:
        state.close()


def given(loop: Loop, mark: int) -> Counter[str]:
    """Count whom the connector gave records to since a mark."""
    words = loop.words
    rows = [row for row in loop.writes(mark) if row["op"] == "update" and row["object"] in words.people]
    moves = [(row["before"].get(words.owner), row["after"].get(words.owner)) for row in rows]
    return Counter(after for before, after in moves if after is not None and before != after)


def settled(loop: Loop) -> None:
    """Sync once more: nothing may be written."""
    loop.advance(60)
    mark = loop.mark()
    loop.sync()
    assert loop.writes(mark) == []


TERRITORIES = f"""
[[route]]
id = "germany"
when = {{ field = "country", is = "DE" }}
to = {{ user = "{BEN}" }}

[[route]]
id = "everybody_else"
to = {{ pool = "sdr" }}

[[pool]]
id = "sdr"
owners = ["{ANA}"]
"""


def test_territories_and_a_catch_all(fresh: Loop) -> None:
    loop = with_routing(fresh, TERRITORIES)
    place(loop, "p00", "Germany")
    loop.sync(backfill=True)
    assert owners(loop, *FREE) == [user(loop, BEN), user(loop, ANA)]
    assert [(row.rule, row.pool) for who in FREE for row in kept(loop, who)] == [
        ("germany", None),
        ("everybody_else", "sdr"),
    ]
    assert kept(loop, "p01")[0].reason.startswith("rule everybody_else, pool sdr, ")
    tasks = [task["fields"][loop.words.owner] for who in FREE for task in loop.tasks_of(loop.people()[who]["id"])]
    assert tasks == owners(loop, *FREE)
    settled(loop)
    place(loop, "p01", "Germany")  # what we gave follows the rules
    loop.sync()
    assert owners(loop, "p01") == [user(loop, BEN)]
    settled(loop)


@pytest.mark.fault("F23", "I7")
def test_a_persons_choice_stays_whatever_the_rules_say(fresh: Loop) -> None:
    loop = with_routing(fresh, TERRITORIES)
    chosen = owners(loop, "p02", "p03", "p04")
    zoe = chosen[0]
    loop.sync()
    assert owners(loop, "p02", "p03", "p04") == chosen
    loop.edit(loop.people()["p01"], **{loop.words.owner: zoe})
    loop.advance(60)
    place(loop, "p01", "Germany")
    loop.sync()
    assert owners(loop, "p01") == [zoe]
    settled(loop)


def test_the_owner_of_the_account_comes_first(fresh: Loop) -> None:
    loop = with_routing(
        fresh, TERRITORIES.replace("[[route]]", '[[route]]\nid = "own"\nto = "account_owner"\n\n[[route]]', 1)
    )
    name = {"salesforce": "Account", "hubspot": "companies"}[loop.crm]
    account = loop.records(name)[0]
    zoe = owners(loop, "p02")[0]
    (nobody,) = owners(loop, "p00")
    loop.edit(account | {"object": name}, **{loop.words.owner: zoe})
    loop.edit(loop.people()["p03"], **{loop.words.owner: nobody})
    loop.advance(60)
    loop.sync()
    assert owners(loop, "p03") == [zoe]
    assert kept(loop, "p03")[0].rule == "own"
    assert kept(loop, "p00")[0].rule == "everybody_else"
    settled(loop)


CAPPED = f"""
[[pool]]
id = "sdr"
owners = [{{ owner = "{ANA}", cap_day = 2 }}, {{ owner = "{BEN}", cap_day = 1 }}]
"""


@pytest.mark.fault("I14")
def test_caps_hold_across_runs_and_what_waits_comes_with_its_task(synced: Loop) -> None:
    """p00 and p01 are owned already; four more chiefs appear, one run after the other, and three fit into the day."""
    loop, mark = with_routing(synced, CAPPED, owner='pool = "sdr"'), synced.mark()
    late = ("p20", "p21", "p22", "p19")
    loop.advance(90_000)  # what the first run gave is a day ago
    for who in late[:3]:
        loop.retitle(who, CHIEF)
        loop.sync()
    assert given(loop, mark) == {user(loop, ANA): 2, user(loop, BEN): 1}
    loop.retitle(late[3], CHIEF)
    outcome = loop.sync()
    assert outcome.plan is not None
    (waiting,) = [made for made in outcome.plan.routing if made.kind == "held"]
    assert "waits, nobody is there" in waiting.reason
    assert "2 of 2 today" in waiting.reason
    person = loop.people()[late[3]]
    assert loop.tasks_of(person["id"]) == []
    assert person["fields"][loop.words.band] == "hot"  # the score is not held back
    settled(loop)
    loop.advance(90_000)
    loop.sync()
    assert owners(loop, late[3])[0] in (user(loop, ANA), user(loop, BEN))
    assert [task["fields"][loop.words.owner] for task in loop.tasks_of(person["id"])] == owners(loop, late[3])
    settled(loop)


def test_whoever_is_away_gets_nothing_and_keeps_theirs(synced: Loop) -> None:
    held = owners(synced, *FREE)
    gone, there = (ANA, BEN) if held[0] == user(synced, ANA) else (BEN, ANA)
    pool = f"""
[[pool]]
id = "sdr"
owners = [{{ owner = "{gone}", away = ["2026-06-01/2026-12-31"] }}, "{there}"]
"""
    loop, mark = with_routing(synced, pool, owner='pool = "sdr"'), synced.mark()
    for who in ("p20", "p21"):
        loop.retitle(who, CHIEF)
    loop.sync()
    assert given(loop, mark) == {user(loop, there): 2}
    assert kept(loop, "p21")[0].passed == {"sdr": {user(loop, gone): "away until 2026-12-31"}}
    assert owners(loop, *FREE) == held
    settled(loop)
    loop.config.write_text(
        loop.config.read_text(encoding="utf-8").replace('id = "sdr"\n', 'id = "sdr"\nreassign_away = true\n'), "utf-8"
    )
    loop.sync()
    assert owners(loop, *FREE) == [user(loop, there)] * 2
    settled(loop)


def test_turns_go_on_where_the_last_run_stopped(synced: Loop) -> None:
    mark = synced.mark()
    for who in ("p20", "p21", "p22", "p19"):
        synced.retitle(who, CHIEF)
        synced.sync()
    assert given(synced, mark) == {user(synced, ANA): 2, user(synced, BEN): 2}


@pytest.mark.fault("I4")
def test_a_choice_that_the_crm_did_not_take_is_made_once(fresh: Loop) -> None:
    """The write of the first run is lost; the second one gives the same owners, and the pool has moved on by two."""
    path = {"salesforce": "/composite/sobjects$|/jobs/ingest", "hubspot": "/objects/contacts/batch/update"}[fresh.crm]
    page = {"status": 503, "body": "<html>down</html>", "headers": {"Content-Type": "text/html"}}
    fresh.control("faults", [{"match": {"path_re": path}, "act": page}])
    with pytest.raises(RetryableError):
        fresh.sync(backfill=True)
    chosen = [kept(fresh, who)[0].owner_id for who in FREE]
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert owners(fresh, *FREE) == chosen
    assert [len(kept(fresh, who)) for who in FREE] == [1, 1]
    settled(fresh)


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_queue_takes_leads_and_contacts_go_on_to_the_next_rule(fresh: Loop) -> None:
    queue = next(row["fields"]["Name"] for row in fresh.records("Group") if row["fields"]["Type"] == "Queue")
    rules = f"""
[[route]]
id = "queue"
to = {{ queue = "{queue}" }}
"""
    loop = with_routing(fresh, rules)
    loop.edit(loop.people()["p03"], OwnerId=owners(loop, "p00")[0])
    loop.advance(60)
    outcome = loop.sync()
    group = next(row["id"] for row in loop.records("Group") if row["fields"]["Type"] == "Queue")
    assert owners(loop, *FREE) == [group, group]
    assert outcome.plan is not None
    (contact,) = [made for made in outcome.plan.routing if made.kind == "held"]
    assert contact.object == "Contact"
    assert "a queue cannot own a record of Contact" in contact.reason
    settled(loop)


@pytest.mark.parametrize("crm", ["hubspot"])
def test_every_mistake_of_routing_is_told_at_once(fresh: Loop) -> None:
    wrong = """
[[route]]
id = "a"
band = "hott"
segment = "enterprise"
when = { any = [ { field = "contry", is = "DE" }, { field = "employees", is = "many" } ] }
to = { pool = "sdr" }

[[pool]]
id = "sdr"
owners = ["x"]
open_when = { field = "account.industri", in_list = "competitor" }
"""
    with_routing(fresh, wrong)
    with pytest.raises(ConfigError) as caught:
        fresh.sync()
    assert caught.value.problems == (
        "route.a.band: no model of people has the band 'hott', did you mean 'hot'?; there are: cold, hot, warm",
        "route.a.segment: no model of people has the segment 'enterprise'; there are: none",
        "route.a.when: there is no field 'contry', did you mean 'country'?",
        "route.a.when: 'employees' is a number: 'is' compares it with text",
        "pool.sdr.open_when: there is no field 'account.industri', did you mean 'account.industry'?",
        "pool.sdr.open_when: there is no list 'competitor', did you mean 'competitors'?",
    )


def test_open_records_in_the_crm_count_for_a_cap(synced: Loop) -> None:
    ana, people = user(synced, ANA), synced.people()
    held = sum(1 for person in people.values() if person["fields"][synced.words.owner] == ana)
    pool = f"""
[[pool]]
id = "sdr"
owners = [{{ owner = "{ANA}", cap_open = {held + 1} }}]
when_nobody = {{ pool = "rest" }}

[[pool]]
id = "rest"
owners = ["{BEN}"]
"""
    loop, mark = with_routing(synced, pool, owner='pool = "sdr"'), synced.mark()
    ours = sum(1 for who in FREE if people[who]["fields"][loop.words.owner] == user(loop, BEN))
    for who in ("p20", "p21"):
        loop.retitle(who, CHIEF)
        loop.sync()
    assert given(loop, mark) == {ana: 1, user(loop, BEN): 1}
    assert ours == 1  # Ben's stays, for the pool falls back to his
    assert kept(loop, "p21")[0].passed == {"sdr": {ana: f"{held + 1} open, {held + 1} is the most"}}
    settled(loop)
