"""What changed in the CRM since the last run is in the next one, and nothing else is read again."""

import pytest

from tests.loop.loops import CHIEF, CLERK, HOT, Loop

QUIET_CALLS = {
    "salesforce": 32,
    "hubspot": 60,
}  # HubSpot: a search, a look at what was archived and one at links, per object


def test_an_edited_record_is_scored_anew_and_only_it_is_written(synced: Loop) -> None:
    synced.retitle("p09", CHIEF)
    mark = synced.mark()
    outcome = synced.sync()
    person = synced.people()["p09"]
    assert person["fields"][synced.words.band] == "hot"
    assert {row["id"] for row in synced.writes(mark) if row["op"] == "update"} == {person["id"]}
    assert outcome.plan is not None
    assert [change.record_id for change in outcome.plan.changes] == [person["id"]]


def test_a_new_activity_raises_the_score(synced: Loop) -> None:
    person = synced.people()["p15"]
    assert float(person["fields"][synced.words.score]) == 0
    add_call(synced, person["id"])
    synced.advance(60)
    synced.sync()
    assert float(synced.people()["p15"]["fields"][synced.words.score]) == 10


def add_call(loop: Loop, person_id: str) -> None:
    """Log a call half a minute ago, as a rep's telephone does."""
    if loop.crm == "salesforce":
        done = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "WhoId": person_id}
        loop.ask("POST", "/services/data/v62.0/sobjects/Task", json=done)
        return
    now = loop.control("clock")["now"]
    link = {"to": {"id": person_id}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}]}
    body = {"properties": {"hs_timestamp": now, "hs_call_title": "Call"}, "associations": [link]}
    loop.ask("POST", "/crm/v3/objects/calls", json=body)


@pytest.mark.fault("F22", "I5")
def test_a_deleted_record_is_forgotten_and_never_written_again(synced: Loop) -> None:
    person = synced.people()["p00"]
    if synced.crm == "salesforce":
        synced.ask("DELETE", f"/services/data/v62.0/sobjects/Lead/{person['id']}")
    else:
        synced.ask("DELETE", f"/crm/v3/objects/contacts/{person['id']}")
    synced.advance(60)
    mark = synced.mark()
    outcome = synced.sync()
    assert outcome.scored["people"] == 23
    assert outcome.applied is not None
    assert (outcome.applied.rejected, outcome.applied.waiting) == (0, 0)
    assert synced.writes(mark) == []


def test_a_new_person_is_scored(synced: Loop) -> None:
    if synced.crm == "salesforce":
        body = {"LastName": "New", "Company": "Acme", "Title": CHIEF, "Email": "new@acme.example"}
        made = synced.ask("POST", "/services/data/v62.0/sobjects/Lead", json=body)["id"]
    else:
        body = {"lastname": "New", "jobtitle": CHIEF, "email": "new@acme.example"}
        made = synced.ask("POST", "/crm/v3/objects/contacts", json={"properties": body})["id"]
    synced.advance(60)
    outcome = synced.sync()
    assert outcome.scored["people"] == 25
    records = {record["id"]: record["fields"] for name in synced.words.people for record in synced.records(name)}
    assert records[made][synced.words.band] == "hot"
    assert len(synced.tasks_of(made)) == 1


def test_a_quiet_run_reads_a_fixed_number_of_calls_and_no_records_again(synced: Loop) -> None:
    synced.advance(600)
    synced.sync()  # sees what the first run wrote
    synced.advance(600)
    before = synced.control("stats")
    outcome = synced.sync()
    after = synced.control("stats")
    assert not any(outcome.pulled.values())
    assert after["requests"] - before["requests"] == sum(outcome.calls) <= QUIET_CALLS[synced.crm]


def test_a_record_that_went_and_came_again_in_one_pull_is_as_it_is_last(synced: Loop) -> None:
    synced.retitle("p01", CHIEF + " & Founder")
    synced.retitle("p01", CLERK)
    synced.sync()
    bands = {who: person["fields"][synced.words.band] for who, person in synced.people().items()}
    assert {who for who, band in bands.items() if band == "hot"} == set(HOT) - {"p01"}


@pytest.mark.fault("F20", "F22", "I5")
def test_a_record_deleted_while_a_field_was_taken_away_is_forgotten(synced: Loop) -> None:
    person = synced.people()["p20"]
    hidden = [f"{name}.{synced.words.why}" for name in synced.words.people]
    synced.control("settings", {"hidden_fields": hidden})
    deleted = {"IsDeleted": True} if synced.crm == "salesforce" else {"archived": True}
    synced.control("edit", {"object": person["object"], "id": person["id"], "fields": deleted})
    synced.advance(60)
    assert synced.sync().scored["people"] == 23
