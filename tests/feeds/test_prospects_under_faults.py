"""Whom a feed found is created once, whatever becomes of the answers, of the process and of single rows."""

from collections.abc import Iterator

import pytest

from benchmarks.children import Children, Order
from connector.compose import open_job
from connector.crash import ARMED, KILLED
from connector.crm.base import Write
from connector.errors import RetryableError
from tests.feeds.drops import drop
from tests.feeds.prospecting import CREATE, EMAIL, LAST, MADE, WHO, created, people_of, row, synced, typed_in
from tests.feeds.test_feeds_commands import ask
from tests.loop.loops import Loop

SECOND, OTHER = "second@prospect.example", "other@prospect.example"


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """Give a process that forks."""
    with Children() as forking:
        yield forking


@pytest.mark.fault("F12", "I4")
def test_a_process_that_died_makes_no_second_person(finding: Loop, children: Children) -> None:
    drop(finding, "finder", [row()])
    finding.advance(60)
    killed = children.run(Order(str(finding.config), environment={ARMED: "send: people created:1"}))
    assert (killed.code, len(people_of(finding))) == (KILLED, 1)
    assert finding.waiting() == ["inflight"]
    outcome = synced(finding)
    assert outcome.applied is not None
    assert (outcome.applied.waiting, finding.waiting()) == (0, [])
    assert len(people_of(finding)) == len(created(finding)) == 1
    assert ask(finding, "feeds", "list")["feeds"][0]["created"] == 1


@pytest.mark.fault("F3", "F8", "I2", "I4")
def test_a_lost_answer_makes_no_second_person_and_the_refused_wait_with_the_reason(finding: Loop) -> None:
    odd, twin = 've"ra@prospect.example', "twin@prospect.example"
    if finding.crm == "salesforce":
        rule = {"object": "Lead", "match": ["LastName", "Company"], "action": "Allow", "operations": ["create"]}
        finding.control("settings", {"duplicate_rules": {"Same_Name": rule}})
    drop(finding, "finder", [row(), row(SECOND, last="Ohm"), row(odd, last="Odd"), row(twin)])
    finding.fault("POST", CREATE[finding.crm], "after_commit", drop=True)
    outcome = synced(finding)
    assert finding.control("stats")["faults_fired"] == 1
    assert outcome.applied is not None
    refused = {one["reason"].split(":")[0]: one["reason"] for one in ask(finding, "queue", "list")["rows"]}
    if finding.crm == "salesforce":
        assert refused.keys() == {"INVALID_EMAIL_ADDRESS", "DUPLICATES_DETECTED"}
        [first] = people_of(finding, twin)  # by address the twin comes first
        assert refused["DUPLICATES_DETECTED"].endswith(f"(the duplicate rule Same_Name found {first['id']})")
    else:
        assert refused == {"INVALID_EMAIL": f"INVALID_EMAIL: Email address {odd} is invalid"}
    assert outcome.applied.rejected == len(refused)
    assert outcome.applied.created == len(created(finding)) == 4 - len(refused)  # those that no answer came of, too
    assert [len(people_of(finding, who)) for who in (SECOND, twin)] == [1, 1]
    held = {one["key"]: one["why"] for one in ask(finding, "feeds", "held")["held"]}
    assert held[odd].startswith("refused by the CRM: INVALID_EMAIL")
    drop(finding, "finder", [row(SECOND, last="Ohm")])  # the feed takes the others back, and a rep brings one in
    if finding.crm == "salesforce":
        typed_in(finding, WHO)
    synced(finding)
    assert ask(finding, "queue", "list")["rows"] == []


@pytest.mark.parametrize("crm", ["salesforce"])
def test_whoever_is_not_to_be_created_any_more_is_not_sent_again(finding: Loop) -> None:
    drop(finding, "finder", [row(), row(SECOND)])
    finding.fault("POST", CREATE[finding.crm], "before_commit", nth=list(range(1, 40)), status=503)
    with pytest.raises(RetryableError):
        synced(finding)
    assert finding.waiting() == ["retry", "retry"]
    finding.control("faults", method="DELETE")
    drop(finding, "finder", [row(opt_out="yes"), row(SECOND)])
    synced(finding)
    assert len(people_of(finding, SECOND)) == len(created(finding)) == 1
    assert finding.waiting() == []


@pytest.mark.parametrize("crm", ["hubspot"])
def test_hubspot_itself_keeps_two_from_one_address(finding: Loop) -> None:
    """Two of one batch, and a contact's second address: no look before tells; HubSpot refuses them, they are linked."""
    fields = {LAST["hubspot"]: "First"}

    def wanted(address: str) -> Write:
        return Write(MADE["hubspot"], fields, key=(EMAIL["hubspot"], address))

    with open_job(finding.config, writer=True, writes_crm=True) as job:
        first, second = job.crm.write([wanted(SECOND), wanted(SECOND.upper())])
        [other] = job.crm.write([wanted(OTHER)])
        merged = {"primaryObjectId": first.id, "objectIdToMerge": other.id}
        survivor = finding.ask("POST", "/crm/v3/objects/contacts/merge", json=merged)["id"]
        [linked] = job.crm.write([wanted(OTHER)])
        finding.ask("POST", "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": survivor})
        refused = job.crm.write([wanted(OTHER), wanted(SECOND)])  # what the contact was called, as HubSpot remembers
    assert (first.created, second.created, second.ok, second.id) == (True, False, True, first.id)
    assert (linked.id, linked.created, linked.ok) == (survivor, False, True)
    assert [(one.ok, one.retry, one.code) for one in refused] == [(False, False, "VALIDATION_ERROR")] * 2
