"""Who becomes hot is put on a campaign, a list or a sequence, once."""

from typing import Any

import pytest

from connector.errors import ConfigError
from connector.store import outbox
from connector.store.state import open_state
from tests.loop.loops import CHIEF, CLERK, Loop

MEMBERSHIP = {"salesforce": r"/composite/sobjects$", "hubspot": r"/lists/\d+/memberships/add$"}


def joining(loop: Loop, words: str) -> None:
    """Let the hot band put people on something."""
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(
        text.replace('band = "hot"\n', f'band = "hot"\nadd_to = {{ {words} }}\n', 1), encoding="utf-8"
    )


def make(loop: Loop, name: str) -> str:
    """Make a campaign or a manual list; returns its id."""
    if loop.crm == "salesforce":
        made = loop.ask("POST", "/services/data/v62.0/sobjects/Campaign", json={"Name": name, "IsActive": True})
        return str(made["id"])
    body = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL"}
    return str(loop.ask("POST", "/crm/v3/lists", json=body)["list"]["listId"])


def members(loop: Loop, made: str) -> list[str]:
    """List the ids of the people on it."""
    if loop.crm == "salesforce":
        fields = [row["fields"] for row in loop.records("CampaignMember")]
        return [row["ContactId"] or row["LeadId"] for row in fields if row["CampaignId"] == made]
    return [row["recordId"] for row in loop.ask("GET", f"/crm/v3/lists/{made}/memberships")["results"]]


def waiting(loop: Loop) -> list[outbox.OutboxRow]:
    """List the joins that are not done."""
    state = open_state(loop.folder / "leadlight-store")
    try:
        states: tuple[outbox.State, ...] = ("planned", "inflight", "retry", "quarantined")
        return [row for row in outbox.rows(state, states) if row.kind == "join"]
    finally:
        state.close()


def target(loop: Loop, name: str) -> str:
    return f'{"campaign" if loop.crm == "salesforce" else "list"} = "{name}"'


@pytest.mark.parametrize("by", ["name", "id"])
def test_who_becomes_hot_is_put_on_it_once(synced: Loop, by: str) -> None:
    made = make(synced, "Hot leads")
    joining(synced, target(synced, "Hot leads" if by == "name" else made))
    synced.retitle("p20", CHIEF)
    outcome = synced.sync()
    assert outcome.as_dict()["plan"]["joins"] == 1
    assert members(synced, made) == [synced.people()["p20"]["id"]]
    synced.advance(60)
    mark = synced.mark()
    synced.sync()
    assert synced.writes(mark) == []


@pytest.mark.fault("F4")
def test_a_lost_answer_puts_nobody_on_it_twice(synced: Loop) -> None:
    made = make(synced, "Hot leads")
    joining(synced, target(synced, "Hot leads"))
    synced.retitle("p20", CHIEF)
    nth = 3 if synced.crm == "salesforce" else 1  # fields and the task go the same way before
    synced.fault("POST|PUT", MEMBERSHIP[synced.crm], "after_commit", nth=nth, reset=True)
    synced.sync()
    synced.sync()
    assert members(synced, made) == [synced.people()["p20"]["id"]]
    assert waiting(synced) == []


def test_who_is_on_it_already_stays_and_a_second_episode_adds_nobody(synced: Loop) -> None:
    made = make(synced, "Hot leads")
    joining(synced, target(synced, "Hot leads"))
    for title in (CHIEF, CLERK, CHIEF):
        synced.retitle("p20", title)
        assert synced.sync().status == "ok"
    assert members(synced, made) == [synced.people()["p20"]["id"]]


def test_a_name_that_is_not_there_is_refused_and_the_rest_goes_on(synced: Loop) -> None:
    joining(synced, target(synced, "No such thing"))
    synced.retitle("p20", CHIEF)
    outcome = synced.sync()
    assert outcome.status == "completed_with_errors"
    (row,) = waiting(synced)
    assert row.state == "quarantined"
    assert len(synced.tasks_of(synced.people()["p20"]["id"])) == 1
    made = make(synced, "No such thing")
    synced.advance(2 * 3600)
    synced.sync()
    assert members(synced, made) == [synced.people()["p20"]["id"]]


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_status_of_the_campaign_is_given(synced: Loop) -> None:
    make(synced, "Hot leads")
    joining(synced, 'campaign = "Hot leads", status = "Responded"')
    synced.retitle("p20", CHIEF)
    synced.sync()
    assert [row["fields"]["Status"] for row in synced.records("CampaignMember")][-1:] == ["Responded"]


@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_contact_is_enrolled_in_a_sequence_once(synced: Loop) -> None:
    made: dict[str, Any] = synced.control("sequence", {"name": "Welcome"})
    words = f'sequence = "{made["id"]}", user_id = "{made["user_id"]}", sender = "ana.keller@leadlight.example"'
    joining(synced, words)
    synced.retitle("p20", CHIEF)
    synced.fault("POST", "/sequences/enrollments$", "after_commit", reset=True)
    synced.sync()
    synced.sync()
    contact = synced.people()["p20"]["id"]
    held = synced.ask("GET", f"/automation/v4/sequences/enrollments/contact/{contact}")
    assert held["sequenceId"] == made["id"]
    assert waiting(synced) == []
    enrolled = [row for row in synced.journal() if row["after"].get("sequence_id") == made["id"]]
    assert len(enrolled) == 1


@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_list_that_fills_itself_is_refused(synced: Loop) -> None:
    condition = {
        "filterType": "PROPERTY",
        "property": "jobtitle",
        "operation": {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": ["Clerk"]},
    }
    branch = {"filterBranchType": "AND", "filterBranches": [], "filters": [condition]}
    filters = {"filterBranchType": "OR", "filterBranches": [branch], "filters": []}
    body = {"name": "Auto", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": filters}
    synced.ask("POST", "/crm/v3/lists", json=body)
    joining(synced, 'list = "Auto"')
    synced.retitle("p20", CHIEF)
    synced.sync()
    (row,) = waiting(synced)
    assert "DYNAMIC_LIST" in (row.reason or "")


def test_what_the_crm_cannot_do_is_told_with_what_it_can(synced: Loop) -> None:
    joining(synced, 'list = "x"' if synced.crm == "salesforce" else 'campaign = "x"')
    with pytest.raises(ConfigError, match=r"name a (campaign|list)"):
        synced.sync()


@pytest.mark.parametrize("crm", ["salesforce"])
def test_salesforce_has_no_sequence_for_programs(synced: Loop) -> None:
    joining(synced, 'sequence = "1", user_id = "2"')
    with pytest.raises(ConfigError, match="cadence"):
        synced.sync()
